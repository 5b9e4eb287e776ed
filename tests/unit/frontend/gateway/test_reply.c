/* frontend/gateway/reply: what an error is to a client. */
#include <stdlib.h>
#include <string.h>

#include "common/text.h"
#include "destination_sdk.pb-c.h"
#include "frontend/gateway/reply.h"
#include "tests/support/test.h"

static FivetranSdk__V2__WriteBatchResponse *response_new(void)
{
    FivetranSdk__V2__WriteBatchResponse *response = calloc(1, sizeof *response);

    fivetran_sdk__v2__write_batch_response__init(response);
    return response;
}

static void test_what_a_person_must_fix_is_a_task_with_its_hint(void **state)
{
    static const enum error_kind kinds[] = {ERROR_REQUEST, ERROR_DATA, ERROR_LIMIT};

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        FivetranSdk__V2__WriteBatchResponse *response = response_new();
        struct error err = {0};

        error_set(&err, kinds[i], "could not");
        error_hint(&err, "Do it.");
        assert_string_equal(reply_set_error(&response->base, &err), "task");
        assert_int_equal(response->response_case,
                         FIVETRAN_SDK__V2__WRITE_BATCH_RESPONSE__RESPONSE_TASK);
        assert_string_equal(response->task->message, "could not\nhint: Do it.");
        fivetran_sdk__v2__write_batch_response__free_unpacked(response, NULL);
    }
}

static void test_what_may_pass_is_a_status(void **state)
{
    static const struct {
        enum error_kind kind;
        grpc_status_code status;
    } rows[] = {
        {ERROR_MALFORMED,   GRPC_STATUS_INVALID_ARGUMENT  },
        {ERROR_FULL,        GRPC_STATUS_RESOURCE_EXHAUSTED},
        {ERROR_BUSY,        GRPC_STATUS_RESOURCE_EXHAUSTED},
        {ERROR_STORE,       GRPC_STATUS_UNAVAILABLE       },
        {ERROR_UNAVAILABLE, GRPC_STATUS_UNAVAILABLE       },
        {ERROR_CANCELLED,   GRPC_STATUS_CANCELLED         },
        {ERROR_DEADLINE,    GRPC_STATUS_DEADLINE_EXCEEDED },
        {ERROR_UNSUPPORTED, GRPC_STATUS_UNIMPLEMENTED     },
        {ERROR_INTERNAL,    GRPC_STATUS_INTERNAL          },
        {ERROR_NONE,        GRPC_STATUS_INTERNAL          },
    };

    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        FivetranSdk__V2__WriteBatchResponse *response = response_new();
        struct error err = {.kind = rows[i].kind};

        assert_null(reply_set_error(&response->base, &err));
        assert_int_equal(response->response_case,
                         FIVETRAN_SDK__V2__WRITE_BATCH_RESPONSE__RESPONSE__NOT_SET);
        assert_int_equal(reply_status(rows[i].kind), rows[i].status);
        fivetran_sdk__v2__write_batch_response__free_unpacked(response, NULL);
    }
}

static void test_what_a_test_finds_is_its_failure(void **state)
{
    FivetranSdk__V2__TestResponse *response = calloc(1, sizeof *response);
    struct error err = {0};

    (void)state;
    fivetran_sdk__v2__test_response__init(response);
    error_set(&err, ERROR_STORE, "no such disk");
    assert_string_equal(reply_set_error(&response->base, &err), "failure");
    assert_string_equal(response->failure, "no such disk");
    fivetran_sdk__v2__test_response__free_unpacked(response, NULL);
}

static void test_a_status_text_fits_its_header_when_it_is_encoded(void **state)
{
    struct error err = {0};
    size_t encoded = 0;

    (void)state;
    for (size_t i = 0; i + 2 < sizeof err.message; i += 2) {
        memcpy(err.message + i, "\xC3\xA9", 3);
    }

    char *text = reply_status_text(&err);

    for (const char *at = text; *at != '\0'; at++) {
        encoded += (unsigned char)*at >= 0x80 ? 3 : 1;
    }
    assert_true(encoded <= 7000);
    assert_true(encoded > 6900);
    assert_true(text_is_utf8(text, strlen(text)));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_a_person_must_fix_is_a_task_with_its_hint),
        cmocka_unit_test(test_what_may_pass_is_a_status),
        cmocka_unit_test(test_what_a_test_finds_is_its_failure),
        cmocka_unit_test(test_a_status_text_fits_its_header_when_it_is_encoded),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
