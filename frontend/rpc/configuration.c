/* Reads the field `configuration` of any request and has the form check it. */
#include "frontend/rpc/configuration.h"

#include "common/mem.h"
#include "common/require.h"
#include "destination_sdk.pb-c.h"
#include "frontend/form/form.h"

/* protoc-c makes a struct of its own for each map; all of map<string, string> look like this. */
typedef FivetranSdk__V2__TestRequest__ConfigurationEntry configuration_entry;

bool configuration_check(const ProtobufCMessage *request, struct error *err)
{
    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field_by_name(request->descriptor, "configuration");

    REQUIRE(field != NULL);

    const char *message = (const char *)request;
    size_t count = *(const size_t *)(const void *)(message + field->quantifier_offset);
    configuration_entry *const *entries =
        *(configuration_entry *const *const *)(const void *)(message + field->offset);
    OWNED(mem_release) struct form_value *values = mem_zero_array(count, sizeof *values);

    for (size_t i = 0; i < count; i++) {
        values[i] = (struct form_value){.name = entries[i]->key, .value = entries[i]->value};
    }
    return form_check(values, count, err);
}
