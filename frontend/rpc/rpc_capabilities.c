/* Capabilities: the format in which batch files shall come. */
#include "destination_sdk.pb-c.h"
#include "frontend/rpc/rpc_handlers.h"

bool rpc_capabilities(const struct rpc_call *call, const ProtobufCMessage *request,
                      ProtobufCMessage *response, struct error *err)
{
    FivetranSdk__V2__CapabilitiesResponse *answer = (void *)response;

    (void)call;
    (void)request;
    (void)err;
    answer->batch_file_format = FIVETRAN_SDK__V2__BATCH_FILE_FORMAT__CSV;
    return true;
}
