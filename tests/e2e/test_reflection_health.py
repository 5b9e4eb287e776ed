"""Reflection (v1 and v1alpha) and health, as grpcurl and a load balancer use them."""
import unittest

import grpc
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

import common_pb2 as common
import destination_sdk_pb2 as sdk
from case import ServerCase
from patience import PATIENCE
from services import SERVICE_UNKNOWN, SERVING, Health, Reflection

SERVICE = "fivetran_sdk.v2.DestinationConnector"
VERSIONS = ("v1", "v1alpha")


def clear_json_names(messages):
    """protoc writes them or not, as it is asked; they follow from the names."""
    for message in messages:
        for field in message.field:
            field.ClearField("json_name")
        clear_json_names(message.nested_type)


class HealthService(ServerCase):
    def setUp(self):
        self.health = Health(self.client.channel)

    def test_the_server_and_its_service_are_serving(self):
        self.assertEqual(self.health.check(""), SERVING)
        self.assertEqual(self.health.check(SERVICE), SERVING)

    def test_an_unknown_service_is_not_found(self):
        with self.assertRaises(grpc.RpcError) as caught:
            self.health.check("nothing")
        self.assertEqual(caught.exception.code(), grpc.StatusCode.NOT_FOUND)

    def test_watch_tells_the_state_and_stays_open(self):
        watch = self.health.watch("", timeout=1 * PATIENCE)

        self.assertEqual(next(watch).status, SERVING)
        with self.assertRaises(grpc.RpcError) as caught:
            next(watch)
        self.assertEqual(caught.exception.code(), grpc.StatusCode.DEADLINE_EXCEEDED)

    def test_watch_of_an_unknown_service_says_so_and_stays_open(self):
        watch = self.health.watch("nothing")
        self.assertEqual(next(watch).status, SERVICE_UNKNOWN)
        watch.cancel()


class ReflectionService(ServerCase):
    def each_version(self):
        for version in VERSIONS:
            with self.subTest(version=version):
                reflection = Reflection(self.client.channel, version)
                yield reflection
                reflection.close()

    def test_services_are_listed(self):
        for reflection in self.each_version():
            self.assertTrue(set(reflection.services()) >= {
                SERVICE, "grpc.health.v1.Health", "grpc.reflection.v1.ServerReflection",
                "grpc.reflection.v1alpha.ServerReflection"})

    def test_symbols_and_files_are_found_with_all_they_import(self):
        for reflection in self.each_version():
            for request in ({"file_containing_symbol": SERVICE},
                            {"file_containing_symbol": SERVICE + ".WriteBatch"},
                            {"file_containing_symbol": "fivetran_sdk.v2.WriteBatchRequest"},
                            {"file_by_filename": "destination_sdk.proto"}):
                files = reflection.files(**request)
                self.assertIn("destination_sdk.proto", files)
                for dependency in files["destination_sdk.proto"].dependency:
                    if dependency not in files:
                        files.update(reflection.files(file_by_filename=dependency))
                self.assertIn("common.proto", files)

    def test_what_is_served_is_the_public_contract(self):
        reflection = Reflection(self.client.channel, "v1")
        for name, module in (("common.proto", common), ("destination_sdk.proto", sdk)):
            expected = descriptor_pb2.FileDescriptorProto()
            module.DESCRIPTOR.CopyToProto(expected)
            served = reflection.files(file_by_filename=name)[name]
            for file in (served, expected):
                file.ClearField("source_code_info")
                clear_json_names(file.message_type)
            self.assertEqual(served, expected)
        reflection.close()

    def test_a_client_that_learns_the_schema_can_call(self):
        reflection = Reflection(self.client.channel, "v1")
        files = reflection.files(file_containing_symbol=SERVICE)
        pending = list(files)
        while pending:
            for dependency in files[pending.pop()].dependency:
                if dependency not in files:
                    files.update(reflection.files(file_by_filename=dependency))
                    pending.append(dependency)
        reflection.close()
        pool = descriptor_pool.DescriptorPool()
        added = set()

        def add(name):
            if name not in added:
                added.add(name)
                for dependency in files[name].dependency:
                    add(dependency)
                pool.Add(files[name])

        for name in files:
            add(name)
        method = pool.FindServiceByName(SERVICE).methods_by_name["Test"]
        factory = message_factory.MessageFactory(pool)
        request = factory.GetPrototype(method.input_type)(name="connect")

        content = self.client.raw(f"/{SERVICE}/Test", request.SerializeToString())

        self.assertTrue(factory.GetPrototype(method.output_type).FromString(content).success)

    def test_the_other_services_describe_themselves(self):
        for reflection in self.each_version():
            for service in reflection.services():
                files = reflection.files(file_containing_symbol=service)
                self.assertTrue(any(service == f"{file.package}.{s.name}"
                                    for file in files.values() for s in file.service), service)

    def test_an_unknown_symbol_is_an_error_and_the_stream_goes_on(self):
        for reflection in self.each_version():
            for request in ({"file_containing_symbol": "nothing.at.all"},
                            {"file_by_filename": "nothing.proto"}):
                answer = reflection.ask(**request)
                self.assertEqual(answer.error_response.error_code, 5)
            self.assertIn(SERVICE, reflection.services())


if __name__ == "__main__":
    unittest.main()
