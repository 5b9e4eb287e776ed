/* common/ipc/frame: a reader takes whole messages of its kind, and nothing else. */
#include <string.h>

#include "common/ipc/frame.h"
#include "tests/support/test.h"

enum {
    BODY_BYTES = 5
};

struct message {
    uint8_t bytes[FRAME_HEADER_BYTES + BODY_BYTES];
};

static struct message whole_job(void)
{
    struct message message = {{0}};

    frame_write(message.bytes, FRAME_JOB, BODY_BYTES);
    return message;
}

static void test_what_was_written_is_accepted(void **state)
{
    struct message message = whole_job();

    (void)state;
    assert_true(frame_check(message.bytes, sizeof message.bytes, FRAME_JOB));
}

static void test_every_changed_bit_of_a_header_is_refused(void **state)
{
    (void)state;
    for (size_t bit = 0; bit < (size_t)FRAME_HEADER_BYTES * 8; bit++) {
        struct message message = whole_job();

        message.bytes[bit / 8] ^= (uint8_t)(1U << (bit % 8));
        assert_false(frame_check(message.bytes, sizeof message.bytes, FRAME_JOB));
    }
}

static void test_every_other_length_is_refused(void **state)
{
    struct message message = whole_job();

    (void)state;
    for (size_t length = 0; length < sizeof message.bytes; length++) {
        assert_false(frame_check(message.bytes, length, FRAME_JOB));
    }
}

static void test_a_result_is_no_job(void **state)
{
    struct message message = whole_job();

    (void)state;
    assert_false(frame_check(message.bytes, sizeof message.bytes, FRAME_RESULT));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_written_is_accepted),
        cmocka_unit_test(test_every_changed_bit_of_a_header_is_refused),
        cmocka_unit_test(test_every_other_length_is_refused),
        cmocka_unit_test(test_a_result_is_no_job),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
