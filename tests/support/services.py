"""Clients of the two services that every gRPC server has: health and reflection.

Their messages are described here, field by field, since the distribution packages no Python for
them.
"""
import queue

from google.protobuf import descriptor_pb2, descriptor_pool, message_factory

FIELD = descriptor_pb2.FieldDescriptorProto


def make_messages(package, **messages):
    """{name: class} for {name: {field: (number, type)}}; [type] is repeated, a str a message."""
    file = descriptor_pb2.FileDescriptorProto(name=package + ".proto", package=package,
                                              syntax="proto3")
    for name, fields in messages.items():
        message = file.message_type.add(name=name)
        for field, (number, kind) in fields.items():
            label = FIELD.LABEL_REPEATED if isinstance(kind, list) else FIELD.LABEL_OPTIONAL
            kind = kind[0] if isinstance(kind, list) else kind
            if isinstance(kind, str):
                message.field.add(name=field, number=number, label=label, type=FIELD.TYPE_MESSAGE,
                                  type_name=f".{package}.{kind}")
            else:
                message.field.add(name=field, number=number, label=label, type=kind)
    pool = descriptor_pool.DescriptorPool()
    pool.Add(file)
    factory = message_factory.MessageFactory(pool)
    return {name: factory.GetPrototype(pool.FindMessageTypeByName(f"{package}.{name}"))
            for name in messages}


def make_reflection(version):
    return make_messages(
        f"grpc.reflection.{version}",
        ServerReflectionRequest={
            "host": (1, FIELD.TYPE_STRING), "file_by_filename": (3, FIELD.TYPE_STRING),
            "file_containing_symbol": (4, FIELD.TYPE_STRING),
            "list_services": (7, FIELD.TYPE_STRING)},
        ServiceResponse={"name": (1, FIELD.TYPE_STRING)},
        ListServiceResponse={"service": (1, ["ServiceResponse"])},
        FileDescriptorResponse={"file_descriptor_proto": (1, [FIELD.TYPE_BYTES])},
        ErrorResponse={"error_code": (1, FIELD.TYPE_INT32),
                       "error_message": (2, FIELD.TYPE_STRING)},
        ServerReflectionResponse={
            "valid_host": (1, FIELD.TYPE_STRING),
            "original_request": (2, "ServerReflectionRequest"),
            "file_descriptor_response": (4, "FileDescriptorResponse"),
            "list_services_response": (6, "ListServiceResponse"),
            "error_response": (7, "ErrorResponse")})


HEALTH = make_messages("grpc.health.v1",
                       HealthCheckRequest={"service": (1, FIELD.TYPE_STRING)},
                       HealthCheckResponse={"status": (1, FIELD.TYPE_INT32)})
REFLECTION = {version: make_reflection(version) for version in ("v1", "v1alpha")}
UNKNOWN, SERVING, NOT_SERVING, SERVICE_UNKNOWN = range(4)


class Health:
    def __init__(self, channel):
        types = {"request_serializer": HEALTH["HealthCheckRequest"].SerializeToString,
                 "response_deserializer": HEALTH["HealthCheckResponse"].FromString}
        self.check_stub = channel.unary_unary("/grpc.health.v1.Health/Check", **types)
        self.watch_stub = channel.unary_stream("/grpc.health.v1.Health/Watch", **types)

    def check(self, service=""):
        request = HEALTH["HealthCheckRequest"](service=service)
        return self.check_stub(request, timeout=20).status

    def watch(self, service="", timeout=None):
        """An iterator of responses, to be cancelled."""
        return self.watch_stub(HEALTH["HealthCheckRequest"](service=service), timeout=timeout)


class Reflection:
    """One stream; ask() sends a request on it and waits for its answer."""

    def __init__(self, channel, version):
        self.messages = REFLECTION[version]
        self.requests = queue.Queue()
        self.stream = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=self.messages["ServerReflectionRequest"].SerializeToString,
            response_deserializer=self.messages["ServerReflectionResponse"].FromString,
        )(iter(self.requests.get, None))

    def ask(self, **request):
        self.requests.put(self.messages["ServerReflectionRequest"](**request))
        return next(self.stream)

    def close(self):
        """Ends the client's half of the stream."""
        self.requests.put(None)

    def services(self):
        answer = self.ask(list_services="*")
        return [service.name for service in answer.list_services_response.service]

    def files(self, **request):
        """The file descriptors of an answer, {file name: FileDescriptorProto}."""
        answer = self.ask(**request).file_descriptor_response
        files = map(descriptor_pb2.FileDescriptorProto.FromString, answer.file_descriptor_proto)
        return {file.name: file for file in files}
