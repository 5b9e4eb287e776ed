/* frontend/gateway/wire_check: what must not be unpacked is refused. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <malloc.h>

#include "common/limits.h"
#include "destination_sdk.pb-c.h"
#include "frontend/gateway/wire_check.h"
#include "tests/support/test.h"

#define WRITE_BATCH (&fivetran_sdk__v2__write_batch_request__descriptor)

static uint64_t live;
static uint64_t live_peak;

static bool check(const void *bytes, size_t length, struct error *err)
{
    uint64_t memory = 0;

    error_clear(err);
    return wire_check(WRITE_BATCH, bytes, length, &memory, err);
}

/* Expects a refusal that has `said` in it. */
static void expect_refusal(const void *bytes, size_t length, const char *said)
{
    struct error err = {0};

    assert_false(check(bytes, length, &err));
    assert_int_equal(err.kind, ERROR_MALFORMED);
    assert_non_null(strstr(err.message, said));
}

static uint8_t *repeat(const char *bytes, size_t size, size_t count)
{
    uint8_t *all = malloc(size * count);

    for (size_t i = 0; i < count; i++) {
        memcpy(all + i * size, bytes, size);
    }
    return all;
}

static void *count_allocation(void *context, size_t size)
{
    void *block = malloc(size);

    (void)context;
    live += malloc_usable_size(block) + sizeof(size_t);
    live_peak = live > live_peak ? live : live_peak;
    return block;
}

static void count_release(void *context, void *block)
{
    (void)context;
    if (block != NULL) {
        live -= malloc_usable_size(block) + sizeof(size_t);
    }
    free(block);
}

static void test_nothing_is_a_message(void **state)
{
    struct error err = {0};

    (void)state;
    assert_true(check("", 0, &err));
}

static void test_the_count_covers_what_unpacking_takes(void **state)
{
    ProtobufCAllocator counting = {count_allocation, count_release, NULL};
    uint8_t packed[64];
    uint8_t *bytes = NULL;
    uint64_t memory = 0;
    struct error err = {0};
    size_t length = 0;

    (void)state;
    /* 2,000 files, each with a key. */
    bytes = malloc(2000 * sizeof packed * 2);
    for (int i = 0; i < 2000; i++) {
        length +=
            (size_t)snprintf((char *)bytes + length, sizeof packed, "\x2A\x10/data/batch/%04d", i);
        memcpy(bytes + length, "\x22\x34\x0A\x10/data/batch/0000\x12\x20", 20 + 2);
        length += 22;
        memset(bytes + length, 'k', 32);
        length += 32;
    }
    assert_true(wire_check(WRITE_BATCH, bytes, length, &memory, &err));

    live = live_peak = 0;
    FivetranSdk__V2__WriteBatchRequest *request =
        fivetran_sdk__v2__write_batch_request__unpack(&counting, length, bytes);

    assert_non_null(request);
    assert_int_equal(request->n_replace_files, 2000);
    assert_int_equal(request->n_keys, 2000);
    assert_true(memory >= live_peak);
    assert_true(memory < 2 * live_peak);
    fivetran_sdk__v2__write_batch_request__free_unpacked(request, &counting);
    free(bytes);
}

static void test_text_with_nul_names_its_field(void **state)
{
    (void)state;
    expect_refusal(
        "\x12\x03"
        "a\0b",
        5, "\"schema_name\" has the character U+0000");
}

static void test_text_that_is_not_utf8_names_its_field(void **state)
{
    (void)state;
    expect_refusal("\x2A\x02\xC3\x28", 4, "\"replace_files\" is not valid UTF-8");
}

static void test_nested_text_is_checked_too(void **state)
{
    (void)state;
    expect_refusal("\x1A\x03\x0A\x01\xFF", 5, "could not read Table");
    expect_refusal("\x0A\x03\x12\x01\xFF", 5, "ConfigurationEntry");
}

static void test_keys_may_have_any_bytes(void **state)
{
    struct error err = {0};

    (void)state;
    assert_true(check("\x22\x04\x12\x02\0\xFF", 6, &err));
}

static void test_cut_off_fields_are_refused(void **state)
{
    (void)state;
    expect_refusal(
        "\x12\x05"
        "ab",
        4, "cut off");
    expect_refusal("\x12", 1, "cut off");
    expect_refusal("\x12\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\xFF\x01", 11, "cut off");
    expect_refusal("\x09\0\0\0", 4, "cut off");
    expect_refusal("\x80", 1, "tag");
}

static void test_a_varint_without_end_is_refused(void **state)
{
    (void)state;
    expect_refusal("\x08\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80\x80", 13, "cut off");
}

static void test_groups_and_field_number_zero_are_refused(void **state)
{
    (void)state;
    expect_refusal("\x0B\x0C", 2, "no known kind");
    expect_refusal("\x02\x00", 2, "tag");
}

static void test_a_field_of_another_type_is_refused(void **state)
{
    (void)state;
    expect_refusal("\x10\x01", 2, "another type");
}

static void test_a_few_unknown_fields_are_fine(void **state)
{
    struct error err = {0};

    (void)state;
    /* A client of a later protocol. */
    assert_true(
        check("\xFA\x06\x03"
              "new\xF8\x06\x01",
              9, &err));
}

static void test_millions_of_empty_strings_are_refused(void **state)
{
    uint8_t *bytes = repeat("\x2A\x00", 2, 2000000);

    (void)state;
    expect_refusal(bytes, 4000000, "so many empty or unknown fields");
    free(bytes);
}

static void test_millions_of_unknown_fields_are_refused(void **state)
{
    uint8_t *bytes = repeat("\xF8\x06\x01", 3, 2000000);

    (void)state;
    expect_refusal(bytes, 6000000, "so many empty or unknown fields");
    free(bytes);
}

static void test_millions_of_empty_messages_are_refused(void **state)
{
    uint8_t *bytes = repeat("\x22\x00", 2, 2000000);

    (void)state;
    expect_refusal(bytes, 4000000, "so many empty or unknown fields");
    free(bytes);
}

static void test_the_largest_plausible_batch_is_fine(void **state)
{
    /* 400,000 files whose paths have 40 bytes. */
    uint8_t *bytes = repeat("\x2A\x28/srv/fivetran/batch/customers_00000.zst-", 42, 400000);
    struct error err = {0};

    (void)state;
    assert_true(check(bytes, 42 * 400000, &err));
    free(bytes);
}

static void test_too_deep_nesting_is_refused(void **state)
{
    /* A form field in conditional fields in a form field ... */
    uint8_t bytes[400];
    size_t at = sizeof bytes;
    uint64_t memory = 0;
    struct error err = {0};

    (void)state;
    for (int i = 0; i < 40; i++) {
        size_t inner = sizeof bytes - at;

        if (inner >= 0x80) {
            bytes[--at] = (uint8_t)(inner >> 7);
            bytes[--at] = (uint8_t)(inner | 0x80);
        } else {
            bytes[--at] = (uint8_t)inner;
        }
        bytes[--at] = i % 2 == 1 ? 0x12 : 0x52;
    }
    assert_false(wire_check(&fivetran_sdk__v2__conditional_fields__descriptor, bytes + at,
                            sizeof bytes - at, &memory, &err));
    assert_non_null(strstr(err.message, "nested too deep"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_nothing_is_a_message),
        cmocka_unit_test(test_the_count_covers_what_unpacking_takes),
        cmocka_unit_test(test_text_with_nul_names_its_field),
        cmocka_unit_test(test_text_that_is_not_utf8_names_its_field),
        cmocka_unit_test(test_nested_text_is_checked_too),
        cmocka_unit_test(test_keys_may_have_any_bytes),
        cmocka_unit_test(test_cut_off_fields_are_refused),
        cmocka_unit_test(test_a_varint_without_end_is_refused),
        cmocka_unit_test(test_groups_and_field_number_zero_are_refused),
        cmocka_unit_test(test_a_field_of_another_type_is_refused),
        cmocka_unit_test(test_a_few_unknown_fields_are_fine),
        cmocka_unit_test(test_millions_of_empty_strings_are_refused),
        cmocka_unit_test(test_millions_of_unknown_fields_are_refused),
        cmocka_unit_test(test_millions_of_empty_messages_are_refused),
        cmocka_unit_test(test_the_largest_plausible_batch_is_fine),
        cmocka_unit_test(test_too_deep_nesting_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
