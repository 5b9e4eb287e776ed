/* Rows and changes as bytes. */
#include <string.h>

#include "tests/support/test.h"
#include "worker/value/row.h"

enum {
    RANDOM_COLUMNS = 12
};

/* Neighbours, and some whose distance takes more than one byte. */
static uint32_t column_of(unsigned i)
{
    return i + 1 + i / 4 * 200;
}

static void append(struct buffer *out, uint32_t *last_id, uint32_t id, const char *text)
{
    struct row_cell cell = {
        .column_id = id,
        .is_null = text == NULL,
        .stored = (const uint8_t *)text,
        .length = text != NULL ? strlen(text) : 0,
    };

    row_append_cell(out, last_id, &cell);
}

static void assert_cell(const struct buffer *cells, uint32_t id, const char *text)
{
    struct row_cell cell = {0};

    assert_true(row_find(cells->bytes, cells->length, id, &cell));
    assert_false(cell.is_null);
    assert_int_equal(cell.length, strlen(text));
    assert_memory_equal(cell.stored, text, cell.length);
}

static void test_a_change_wins_clears_and_leaves_alone(void **state)
{
    OWNED(buffer_clear) struct buffer base = {0};
    OWNED(buffer_clear) struct buffer change = {0};
    OWNED(buffer_clear) struct buffer merged = {0};
    struct row_cell cell = {0};
    uint32_t last = 0;

    (void)state;
    append(&base, &last, 1, "one");
    append(&base, &last, 2, "two");
    append(&base, &last, 300, "kept");
    last = 0;
    append(&change, &last, 1, "uno");
    append(&change, &last, 2, NULL);
    append(&change, &last, 5, "new");
    assert_true(row_merge(base.bytes, base.length, change.bytes, change.length, &merged));
    assert_cell(&merged, 1, "uno");
    assert_false(row_find(merged.bytes, merged.length, 2, &cell));
    assert_cell(&merged, 5, "new");
    assert_cell(&merged, 300, "kept");
}

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * 6364136223846793005U + 1442695040888963407U;
    return *seed >> 33;
}

/* Some of these columns; in a change some of them NULL. */
static void append_random(struct buffer *out, const char *texts[RANDOM_COLUMNS], bool change,
                          uint64_t *seed)
{
    static const char *const choices[] = {"", "a", "another text"};
    uint32_t last_id = 0;

    for (unsigned i = 0; i < RANDOM_COLUMNS; i++) {
        unsigned chance = (unsigned)(next_random(seed) % 8);

        if (chance < 3) {
            texts[i] = choices[chance];
            append(out, &last_id, column_of(i), texts[i]);
        } else if (chance == 3 && change) {
            texts[i] = NULL;
            append(out, &last_id, column_of(i), NULL);
        }
    }
}

static void test_random_changes_leave_the_cells_of_both(void **state)
{
    uint64_t seed = 1;

    (void)state;
    for (unsigned round = 0; round < 2000; round++) {
        OWNED(buffer_clear) struct buffer base = {0};
        OWNED(buffer_clear) struct buffer change = {0};
        OWNED(buffer_clear) struct buffer merged = {0};
        OWNED(buffer_clear) struct buffer expected = {0};
        const char *texts[RANDOM_COLUMNS] = {NULL};
        uint32_t last_id = 0;

        append_random(&base, texts, false, &seed);
        append_random(&change, texts, true, &seed);
        for (unsigned i = 0; i < RANDOM_COLUMNS; i++) {
            if (texts[i] != NULL) {
                append(&expected, &last_id, column_of(i), texts[i]);
            }
        }
        assert_true(row_merge(base.bytes, base.length, change.bytes, change.length, &merged));
        assert_int_equal(merged.length, expected.length);
        if (merged.length > 0) {
            assert_memory_equal(merged.bytes, expected.bytes, merged.length);
        }
    }
}

static void test_a_value_made_in_place_is_the_same_cell(void **state)
{
    static const size_t lengths[] = {0, 1, 126, 127, 128, 16382, 16383, 2100000};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        OWNED(buffer_clear) struct buffer value = {0};
        OWNED(buffer_clear) struct buffer appended = {0};
        OWNED(buffer_clear) struct buffer made = {0};
        uint32_t last_appended = 7;
        uint32_t last_made = 7;
        size_t start = 0;

        memset(buffer_reserve(&value, lengths[i] + 1), 'x', lengths[i]);
        row_append_cell(
            &appended, &last_appended,
            &(struct row_cell){.column_id = 500, .stored = value.bytes, .length = lengths[i]});
        start = row_open_cell(&made, &last_made, 500);
        buffer_append(&made, value.bytes, lengths[i]);
        start = row_close_cell(&made, start);
        assert_int_equal(last_made, last_appended);
        assert_int_equal(made.length, appended.length);
        assert_memory_equal(made.bytes, appended.bytes, made.length);
        assert_int_equal(start, made.length - lengths[i]);
    }
}

/* Every beginning and every flipped byte of a row is either cells or refused, without reading
 * outside (the address sanitizer looks on). */
static void test_broken_bytes_are_noticed_or_harmless(void **state)
{
    OWNED(buffer_clear) struct buffer cells = {0};
    uint32_t last = 0;

    (void)state;
    append(&cells, &last, 1, "some text");
    append(&cells, &last, 200, "more");
    append(&cells, &last, 70000, NULL);
    for (size_t i = 0; i < cells.length; i++) {
        for (unsigned bit = 0; bit < 8; bit++) {
            OWNED(buffer_clear) struct buffer damaged = {0};
            struct row_cursor cursor;
            struct row_cell cell = {0};
            unsigned count = 0;

            buffer_append(&damaged, cells.bytes, cells.length);
            damaged.bytes[i] ^= (uint8_t)(1U << bit);
            row_cursor_init(&cursor, damaged.bytes, damaged.length);
            while (row_cursor_next(&cursor, &cell) == ROW_CELL) {
                count++;
            }
            assert_true(count <= cells.length);
        }
    }
}

static void test_a_row_cut_short_is_broken(void **state)
{
    OWNED(buffer_clear) struct buffer cells = {0};
    struct row_cursor cursor;
    struct row_cell cell = {0};
    uint32_t last = 0;

    (void)state;
    append(&cells, &last, 9, "some text");
    row_cursor_init(&cursor, cells.bytes, cells.length - 1);
    assert_int_equal(row_cursor_next(&cursor, &cell), ROW_BROKEN);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_change_wins_clears_and_leaves_alone),
        cmocka_unit_test(test_random_changes_leave_the_cells_of_both),
        cmocka_unit_test(test_a_value_made_in_place_is_the_same_cell),
        cmocka_unit_test(test_broken_bytes_are_noticed_or_harmless),
        cmocka_unit_test(test_a_row_cut_short_is_broken),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
