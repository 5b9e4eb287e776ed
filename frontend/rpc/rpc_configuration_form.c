/* ConfigurationForm: the form, as its rows describe it. */
#include "frontend/form/form.h"
#include "frontend/rpc/rpc_handlers.h"

bool rpc_configuration_form(const struct rpc_call *call, const ProtobufCMessage *request,
                            ProtobufCMessage *response, struct error *err)
{
    (void)call;
    (void)request;
    (void)err;
    form_describe((FivetranSdk__V2__ConfigurationFormResponse *)(void *)response);
    return true;
}
