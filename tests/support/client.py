"""A Fivetran client: one method per RPC of fivetran_sdk.v2.DestinationConnector."""
from functools import partial

import grpc

import common_pb2 as common
import destination_sdk_pb2 as sdk
from patience import PATIENCE

SERVICE = "/fivetran_sdk.v2.DestinationConnector/"
MESSAGE_BYTES_MAX = 128 * 1024 * 1024
TIMEOUT = 120 * PATIENCE  # seconds

RPCS = {method.name: method for method in
        sdk.DESCRIPTOR.services_by_name["DestinationConnector"].methods}


class Client:
    """A channel of its own, over TLS if there are credentials; a context manager that closes it."""

    def __init__(self, address, options=(), credentials=None):
        make_channel = grpc.insecure_channel if credentials is None else \
            partial(grpc.secure_channel, credentials=credentials)
        # Of an option that is given twice, gRPC takes the first.
        self.channel = make_channel(address, options=[*({
            "grpc.max_send_message_length": MESSAGE_BYTES_MAX,
            "grpc.max_receive_message_length": MESSAGE_BYTES_MAX,
            # A channel of its own even beside others to the same server.
            "grpc.use_local_subchannel_pool": 1,
        } | dict(options)).items()])

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def stub(self, rpc):
        response = getattr(sdk, RPCS[rpc].output_type.name, None) or \
            getattr(common, RPCS[rpc].output_type.name)
        return self.channel.unary_unary(
            SERVICE + rpc, request_serializer=lambda request: request.SerializeToString(),
            response_deserializer=response.FromString)

    def raw(self, method, content, timeout=60):
        """Sends bytes that need not be a message and returns the bytes of the answer."""
        return self.channel.unary_unary(method)(content, timeout=timeout)

    def call(self, rpc, request, timeout=TIMEOUT):
        return self.stub(rpc)(request, timeout=timeout)

    def start(self, rpc, request, timeout=TIMEOUT):
        """Does not wait: returns a call to cancel or to ask for its result."""
        return self.stub(rpc).future(request, timeout=timeout)

    def form(self):
        return self.call("ConfigurationForm", common.ConfigurationFormRequest())

    def capabilities(self):
        return self.call("Capabilities", sdk.CapabilitiesRequest())

    def test(self, name, configuration=None):
        return self.call("Test", common.TestRequest(name=name, configuration=configuration))

    def describe(self, schema, table):
        return self.call("DescribeTable",
                         sdk.DescribeTableRequest(schema_name=schema, table_name=table))

    def create(self, schema, table):
        return self.call("CreateTable", sdk.CreateTableRequest(schema_name=schema, table=table))

    def write(self, request, timeout=TIMEOUT):
        return self.call("WriteBatch", request, timeout)

    def write_history(self, request, timeout=TIMEOUT):
        return self.call("WriteHistoryBatch", request, timeout)
