/* Entries that are made in one thread and read in another. */
#include <string.h>

#include "common/buffer.h"
#include "common/clock.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/run/ahead.h"

struct maker {
    uint64_t count;      /* entries to make */
    uint64_t made;       /* so far */
    size_t change_bytes; /* of each */
    bool fails;          /* in the end */
    struct buffer change;
};

static enum run_next make(void *context, struct run_entry *entry_out, struct error *err)
{
    struct maker *maker = context;

    if (maker->made == maker->count) {
        if (maker->fails) {
            (void)error_set(err, ERROR_STORE, "the maker failed");
        }
        return maker->fails ? RUN_FAILED : RUN_END;
    }
    maker->made++;
    buffer_reset(&maker->change);
    memset(buffer_reserve(&maker->change, maker->change_bytes), (int)(maker->made % 256),
           maker->change_bytes);
    *entry_out = (struct run_entry){
        .key = (const uint8_t *)&maker->made,
        .key_length = sizeof maker->made,
        .change = maker->change.bytes,
        .change_length = maker->change_bytes,
        .is_row = maker->made % 2 == 0,
    };
    return RUN_ENTRY;
}

/* Reads all, and returns what came behind the last entry. */
static enum run_next read_all(struct ahead *ahead, uint64_t count, size_t change_bytes,
                              struct error *err)
{
    struct run_entry entry = {0};
    enum run_next next = RUN_END;
    uint64_t seen = 0;

    while ((next = ahead_next(ahead, &entry, err)) == RUN_ENTRY) {
        uint64_t number = 0;

        seen++;
        assert_int_equal(entry.key_length, sizeof number);
        memcpy(&number, entry.key, sizeof number);
        assert_int_equal(number, seen);
        assert_int_equal(entry.change_length, change_bytes);
        assert_true(change_bytes == 0 || (entry.change[0] == seen % 256 &&
                                          entry.change[change_bytes - 1] == seen % 256));
        assert_int_equal(entry.is_row, seen % 2 == 0);
    }
    assert_int_equal(seen, count);
    return next;
}

static void test_all_entries_come_in_order(void **state)
{
    static const struct maker makers[] = {
        {.count = 0,       .change_bytes = 0       },
        {.count = 1,       .change_bytes = 0       },
        {.count = 1000000, .change_bytes = 0       },
        {.count = 50000,   .change_bytes = 1000    },
        {.count = 20,      .change_bytes = 20 * MIB},
    };

    (void)state;
    for (size_t i = 0; i < sizeof makers / sizeof makers[0]; i++) {
        struct maker maker = makers[i];
        struct ahead *ahead = NULL;
        struct error err = {0};

        assert_true(ahead_start(make, &maker, &ahead, &err));
        assert_int_equal(read_all(ahead, maker.count, maker.change_bytes, &err), RUN_END);
        assert_int_equal(ahead_next(ahead, &(struct run_entry){0}, &err), RUN_END);
        ahead_stop(&ahead);
        assert_null(ahead);
        buffer_clear(&maker.change);
    }
}

static void test_a_failure_comes_behind_the_entries_before_it(void **state)
{
    struct maker maker = {.count = 100000, .change_bytes = 100, .fails = true};
    struct ahead *ahead = NULL;
    struct error err = {0};

    (void)state;
    assert_true(ahead_start(make, &maker, &ahead, &err));
    assert_int_equal(read_all(ahead, maker.count, maker.change_bytes, &err), RUN_FAILED);
    assert_string_equal(err.message, "the maker failed");
    ahead_stop(&ahead);
    buffer_clear(&maker.change);
}

static void test_a_reader_may_stop_at_any_entry(void **state)
{
    (void)state;
    for (unsigned entries = 0; entries < 40000; entries = entries * 3 + 1) {
        struct maker maker = {.count = UINT64_MAX, .change_bytes = 1000};
        struct ahead *ahead = NULL;
        struct run_entry entry = {0};
        struct error err = {0};

        assert_true(ahead_start(make, &maker, &ahead, &err));
        for (unsigned i = 0; i < entries; i++) {
            assert_int_equal(ahead_next(ahead, &entry, &err), RUN_ENTRY);
        }
        ahead_stop(&ahead);
        buffer_clear(&maker.change);
    }
}

static void test_it_runs_ahead_by_some_megabytes_and_no_more(void **state)
{
    struct maker maker = {.count = UINT64_MAX, .change_bytes = 100 * KIB};
    struct ahead *ahead = NULL;
    struct error err = {0};

    (void)state;
    assert_true(ahead_start(make, &maker, &ahead, &err));
    clock_sleep_ms(200);
    ahead_stop(&ahead);
    assert_in_range(maker.made, 1, 200);
    buffer_clear(&maker.change);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_all_entries_come_in_order),
        cmocka_unit_test(test_a_failure_comes_behind_the_entries_before_it),
        cmocka_unit_test(test_a_reader_may_stop_at_any_entry),
        cmocka_unit_test(test_it_runs_ahead_by_some_megabytes_and_no_more),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
