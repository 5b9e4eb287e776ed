/* ServerReflectionInfo, one request at a time. */
#include "frontend/gateway/reflection.h"

#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "grpc/reflection/v1/reflection.pb-c.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;

static reflection_request *copy_request(const reflection_request *from);
static void set_file(reflection_response *response, const struct schema *schema,
                     const struct schema_file *file, const char *what, const char *name);
static size_t collect(const struct schema_file *file, const struct schema_file **files,
                      size_t count);
static void set_extensions(reflection_response *response, const struct schema *schema,
                           const char *type);
static void set_services(reflection_response *response, const struct schema *schema);
static void set_error(reflection_response *response, grpc_status_code code, char *message);

ProtobufCMessage *reflection_answer(const struct schema *schema, const ProtobufCMessage *request,
                                    struct stream_failure *failure)
{
    const reflection_request *asked = (const void *)request;
    reflection_response *response = mem_alloc(sizeof *response);

    (void)failure;
    grpc__reflection__v1__server_reflection_response__init(response);
    response->valid_host = mem_text(asked->host);
    response->original_request = copy_request(asked);
    switch (asked->message_request_case) {
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME:
        set_file(response, schema, schema_find_file(schema, asked->file_by_filename), "file",
                 asked->file_by_filename);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL:
        set_file(response, schema, schema_find_symbol(schema, asked->file_containing_symbol),
                 "symbol", asked->file_containing_symbol);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_EXTENSION:
        /* proto3 has no extensions of ours. */
        set_file(response, schema, NULL, "extension of",
                 asked->file_containing_extension->containing_type);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE:
        set_extensions(response, schema, asked->all_extension_numbers_of_type);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES:
        set_services(response, schema);
        break;
    case GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST__NOT_SET:
    case _GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST__CASE_IS_INT_SIZE:
        set_error(response, GRPC_STATUS_INVALID_ARGUMENT,
                  mem_text("the request asks for nothing that is known"));
        break;
    }
    return &response->base;
}

/* A deep copy, by way of its bytes. */
static reflection_request *copy_request(const reflection_request *from)
{
    size_t size = grpc__reflection__v1__server_reflection_request__get_packed_size(from);
    OWNED(mem_release) uint8_t *bytes = mem_alloc(size);

    grpc__reflection__v1__server_reflection_request__pack(from, bytes);
    return grpc__reflection__v1__server_reflection_request__unpack(NULL, size, bytes);
}

/* The file and all that it imports, so that one answer is enough to use it. */
static void set_file(reflection_response *response, const struct schema *schema,
                     const struct schema_file *file, const char *what, const char *name)
{
    if (file == NULL) {
        set_error(response, GRPC_STATUS_NOT_FOUND,
                  mem_format("there is no %s \"%s\"", what, text_path(name).text));
        return;
    }

    OWNED(mem_release)
    const struct schema_file **files = mem_zero_array(schema_files_count(schema), sizeof *files);
    size_t count = collect(file, files, 0);
    Grpc__Reflection__V1__FileDescriptorResponse *found = mem_alloc(sizeof *found);

    grpc__reflection__v1__file_descriptor_response__init(found);
    found->n_file_descriptor_proto = count;
    found->file_descriptor_proto = mem_zero_array(count, sizeof(ProtobufCBinaryData));
    for (size_t i = 0; i < count; i++) {
        found->file_descriptor_proto[i].len = files[i]->size;
        found->file_descriptor_proto[i].data = mem_copy(files[i]->bytes, files[i]->size);
    }
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE;
    response->file_descriptor_response = found;
}

/* Adds the file and its imports, each once; returns the new count. */
static size_t collect(const struct schema_file *file, const struct schema_file **files,
                      size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (files[i] == file) {
            return count;
        }
    }
    files[count++] = file;
    for (size_t i = 0; i < file->imports_count; i++) {
        count = collect(file->imports[i], files, count);
    }
    return count;
}

static void set_extensions(reflection_response *response, const struct schema *schema,
                           const char *type)
{
    if (!schema_has_message(schema, type)) {
        set_error(response, GRPC_STATUS_NOT_FOUND,
                  mem_format("there is no message \"%s\"", text_path(type).text));
        return;
    }

    Grpc__Reflection__V1__ExtensionNumberResponse *numbers = mem_alloc(sizeof *numbers);

    grpc__reflection__v1__extension_number_response__init(numbers);
    numbers->base_type_name = mem_text(type);
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ALL_EXTENSION_NUMBERS_RESPONSE;
    response->all_extension_numbers_response = numbers;
}

static void set_services(reflection_response *response, const struct schema *schema)
{
    Grpc__Reflection__V1__ListServiceResponse *list = mem_alloc(sizeof *list);
    size_t count = schema_services_count(schema);

    grpc__reflection__v1__list_service_response__init(list);
    list->n_service = count;
    list->service = mem_zero_array(count, sizeof(Grpc__Reflection__V1__ServiceResponse *));
    for (size_t i = 0; i < count; i++) {
        list->service[i] = mem_alloc(sizeof *list->service[i]);
        grpc__reflection__v1__service_response__init(list->service[i]);
        list->service[i]->name = mem_text(schema_service(schema, i));
    }
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_LIST_SERVICES_RESPONSE;
    response->list_services_response = list;
}

/* Takes the message over. */
static void set_error(reflection_response *response, grpc_status_code code, char *message)
{
    Grpc__Reflection__V1__ErrorResponse *error = mem_alloc(sizeof *error);

    grpc__reflection__v1__error_response__init(error);
    error->error_code = (int32_t)code;
    error->error_message = message;
    response->message_response_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE;
    response->error_response = error;
}
