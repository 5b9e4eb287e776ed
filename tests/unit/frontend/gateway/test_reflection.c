/* frontend/gateway/reflection: files, symbols and services of the public protos. */
#include <stdio.h>
#include <string.h>

#include "frontend/gateway/reflection.h"
#include "frontend/gateway/schema.h"
#include "google/protobuf/descriptor.pb-c.h"
#include "grpc/reflection/v1/reflection.pb-c.h"
#include "tests/support/test.h"

typedef Grpc__Reflection__V1__ServerReflectionRequest reflection_request;
typedef Grpc__Reflection__V1__ServerReflectionResponse reflection_response;

static struct schema *schema;

static int set_up(void **state)
{
    (void)state;
    schema = schema_new(schema_bytes, schema_bytes_size);
    return 0;
}

static int tear_down(void **state)
{
    (void)state;
    schema_free(&schema);
    return 0;
}

static reflection_response *ask(reflection_request *request)
{
    struct stream_failure failure = {0};

    return (reflection_response *)(void *)reflection_answer(schema, &request->base, &failure);
}

/* Requests have no const strings; the copy lives until the next call. */
static char *text(const char *from)
{
    static char copy[128];

    snprintf(copy, sizeof copy, "%s", from);
    return copy;
}

static reflection_response *ask_symbol(const char *symbol)
{
    reflection_request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_CONTAINING_SYMBOL;
    request.file_containing_symbol = text(symbol);
    return ask(&request);
}

static reflection_response *ask_file(const char *name)
{
    reflection_request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    request.file_by_filename = text(name);
    return ask(&request);
}

static void release(reflection_response *response)
{
    grpc__reflection__v1__server_reflection_response__free_unpacked(response, NULL);
}

/* Expects a file answer whose first file has that name, and frees it. */
static void expect_file(reflection_response *response, const char *name)
{
    assert_int_equal(
        response->message_response_case,
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_FILE_DESCRIPTOR_RESPONSE);

    const ProtobufCBinaryData *bytes =
        &response->file_descriptor_response->file_descriptor_proto[0];
    Google__Protobuf__FileDescriptorProto *file =
        google__protobuf__file_descriptor_proto__unpack(NULL, bytes->len, bytes->data);

    assert_non_null(file);
    assert_string_equal(file->name, name);
    google__protobuf__file_descriptor_proto__free_unpacked(file, NULL);
    release(response);
}

static void expect_error(reflection_response *response, int code)
{
    assert_int_equal(
        response->message_response_case,
        GRPC__REFLECTION__V1__SERVER_REFLECTION_RESPONSE__MESSAGE_RESPONSE_ERROR_RESPONSE);
    assert_int_equal(response->error_response->error_code, code);
    assert_true(response->error_response->error_message[0] != '\0');
    release(response);
}

static void test_all_services_are_listed(void **state)
{
    static const char *const names[] = {
        "fivetran_sdk.v2.DestinationConnector",
        "grpc.health.v1.Health",
        "grpc.reflection.v1.ServerReflection",
        "grpc.reflection.v1alpha.ServerReflection",
    };
    reflection_request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    (void)state;
    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_LIST_SERVICES;
    request.list_services = text("*");

    reflection_response *response = ask(&request);

    assert_int_equal(response->list_services_response->n_service, 4);
    for (size_t i = 0; i < 4; i++) {
        assert_string_equal(response->list_services_response->service[i]->name, names[i]);
    }
    release(response);
}

static void test_every_kind_of_symbol_is_found(void **state)
{
    (void)state;
    expect_file(ask_symbol("fivetran_sdk.v2.DestinationConnector"), "destination_sdk.proto");
    expect_file(ask_symbol("fivetran_sdk.v2.DestinationConnector.Test"), "destination_sdk.proto");
    expect_file(ask_symbol("fivetran_sdk.v2.Table"), "common.proto");
    expect_file(ask_symbol("fivetran_sdk.v2.Table.name"), "common.proto");
    expect_file(ask_symbol("fivetran_sdk.v2.DataType"), "common.proto");
    expect_file(ask_symbol("fivetran_sdk.v2.NAIVE_TIME"), "common.proto");
    expect_file(ask_symbol("grpc.health.v1.HealthCheckResponse.ServingStatus"),
                "grpc/health/v1/health.proto");
    expect_file(ask_symbol("google.protobuf.Timestamp"), "google/protobuf/timestamp.proto");
}

static void test_a_file_comes_with_its_imports(void **state)
{
    reflection_response *response = ask_file("destination_sdk.proto");

    (void)state;
    assert_int_equal(response->file_descriptor_response->n_file_descriptor_proto, 3);
    expect_file(response, "destination_sdk.proto");
}

static void test_optional_fields_are_served_as_optional(void **state)
{
    const struct schema_file *file = schema_find_file(schema, "common.proto");
    Google__Protobuf__FileDescriptorProto *proto =
        google__protobuf__file_descriptor_proto__unpack(NULL, file->size, file->bytes);
    bool found = false;

    (void)state;
    for (size_t i = 0; i < proto->n_message_type; i++) {
        if (strcmp(proto->message_type[i]->name, "FormField") == 0) {
            for (size_t k = 0; k < proto->message_type[i]->n_field; k++) {
                found = found || (proto->message_type[i]->field[k]->has_proto3_optional != 0 &&
                                  proto->message_type[i]->field[k]->proto3_optional != 0);
            }
        }
    }
    assert_true(found);
    google__protobuf__file_descriptor_proto__free_unpacked(proto, NULL);
}

static void test_what_is_not_there_is_an_answer(void **state)
{
    (void)state;
    expect_error(ask_file("none.proto"), GRPC_STATUS_NOT_FOUND);
    expect_error(ask_symbol("fivetran_sdk.v2.None"), GRPC_STATUS_NOT_FOUND);
    expect_error(ask_symbol(""), GRPC_STATUS_NOT_FOUND);
}

static void test_a_request_for_nothing_is_an_answer(void **state)
{
    reflection_request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    (void)state;
    expect_error(ask(&request), GRPC_STATUS_INVALID_ARGUMENT);
}

static void test_extensions_of_a_message_are_none(void **state)
{
    reflection_request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    (void)state;
    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_ALL_EXTENSION_NUMBERS_OF_TYPE;
    request.all_extension_numbers_of_type = text("fivetran_sdk.v2.Table");

    reflection_response *response = ask(&request);

    assert_string_equal(response->all_extension_numbers_response->base_type_name,
                        "fivetran_sdk.v2.Table");
    assert_int_equal(response->all_extension_numbers_response->n_extension_number, 0);
    release(response);
    request.all_extension_numbers_of_type = text("fivetran_sdk.v2.DataType");
    expect_error(ask(&request), GRPC_STATUS_NOT_FOUND);
}

static void test_the_answer_repeats_host_and_request(void **state)
{
    reflection_request request = GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__INIT;

    char host[] = "example";

    (void)state;
    request.host = host;
    request.message_request_case =
        GRPC__REFLECTION__V1__SERVER_REFLECTION_REQUEST__MESSAGE_REQUEST_FILE_BY_FILENAME;
    request.file_by_filename = text("none");

    reflection_response *response = ask(&request);

    assert_string_equal(response->valid_host, "example");
    assert_string_equal(response->original_request->file_by_filename, "none");
    release(response);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_services_are_listed),
        cmocka_unit_test(test_every_kind_of_symbol_is_found),
        cmocka_unit_test(test_a_file_comes_with_its_imports),
        cmocka_unit_test(test_optional_fields_are_served_as_optional),
        cmocka_unit_test(test_what_is_not_there_is_an_answer),
        cmocka_unit_test(test_a_request_for_nothing_is_an_answer),
        cmocka_unit_test(test_extensions_of_a_message_are_none),
        cmocka_unit_test(test_the_answer_repeats_host_and_request),
    };

    return cmocka_run_group_tests(tests, set_up, tear_down);
}
