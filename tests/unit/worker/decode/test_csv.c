/* The CSV reader beside a plain one, its input coming in pieces of any size; and its limits. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/decode/format.h"
#include "worker/decode/source_internal.h"

/* A text that is read in pieces of random size. */
struct pieces {
    const uint8_t *bytes;
    size_t length;
    size_t at;
    size_t piece_max;
    unsigned seed;
};

static bool pieces_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                        size_t *length_out, struct error *err)
{
    struct pieces *pieces = state;
    size_t left = pieces->length - pieces->at;
    size_t piece = 1 + (size_t)rand_r(&pieces->seed) % pieces->piece_max;

    (void)below;
    (void)err;
    piece = piece < size ? piece : size;
    *length_out = piece < left ? piece : left;
    if (*length_out > 0) {
        memcpy(bytes, pieces->bytes + pieces->at, *length_out);
    }
    pieces->at += *length_out;
    return true;
}

static void append_cell(struct buffer *out, const void *text, size_t length, bool quoted)
{
    buffer_append_format(out, "<%s%zu:", quoted ? "q" : "", length);
    buffer_append(out, text, length);
    buffer_append_byte(out, '>');
}

static void append_cells(struct buffer *out, const struct cell *cells, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        append_cell(out, cells[i].text, cells[i].length, cells[i].quoted);
    }
    buffer_append_byte(out, ';');
}

/* Reads the text with the format and appends all that it means. */
static bool read_csv(const void *text, size_t length, size_t piece_max, uint64_t cell_bytes_max,
                     struct buffer *out, struct error *err)
{
    const struct format *csv = format_find(0);
    const struct format_terms terms = {.cell_bytes_max = cell_bytes_max};
    struct pieces *pieces = mem_zero(sizeof *pieces);
    struct source *source = source_new(NULL, pieces, pieces_read, mem_free);
    struct reader *reader = NULL;
    const struct cell *cells = NULL;
    size_t columns_count = 0;
    enum next next = NEXT_FAILED;

    *pieces = (struct pieces){.bytes = text, .length = length, .piece_max = piece_max, .seed = 1};
    if (!csv->open(&source, &terms, &reader, &cells, &columns_count, err)) {
        return false;
    }
    append_cells(out, cells, columns_count);
    while ((next = csv->next_row(reader, &cells, err)) == NEXT_ROW) {
        append_cells(out, cells, columns_count);
    }
    csv->close(&reader);
    return next == NEXT_END;
}

/* The rules, byte by byte: takes one cell and tells where it ends, or SIZE_MAX if it is none. */
static size_t model_cell(const char *text, size_t length, size_t at, struct buffer *cell)
{
    buffer_reset(cell);
    if (at == length || text[at] != '"') {
        for (; at < length && text[at] != ',' && text[at] != '\n'; at++) {
            if (text[at] == '"') {
                return SIZE_MAX;
            }
            buffer_append_byte(cell, (uint8_t)text[at]);
        }
        if (at < length && text[at] == '\n' && cell->length > 0 && text[at - 1] == '\r') {
            cell->length--;
        }
        return at;
    }
    for (at++; at < length; at++) {
        if (text[at] != '"') {
            buffer_append_byte(cell, (uint8_t)text[at]);
        } else if (at + 1 < length && text[at + 1] == '"') {
            buffer_append_byte(cell, '"');
            at++;
        } else {
            at++;
            at += at + 1 < length && text[at] == '\r' && text[at + 1] == '\n' ? 1 : 0;
            return at == length || text[at] == ',' || text[at] == '\n' ? at : SIZE_MAX;
        }
    }
    return SIZE_MAX;
}

static bool model_csv(const char *text, size_t length, struct buffer *out)
{
    OWNED(buffer_clear) struct buffer cell = {0};
    size_t at = length >= 3 && memcmp(text, "\xef\xbb\xbf", 3) == 0 ? 3 : 0;
    size_t columns_count = 0;

    if (at == length) {
        return false;
    }
    while (at < length) {
        size_t count = 0;
        bool more = true;

        while (more) {
            bool quoted = at < length && text[at] == '"';

            at = model_cell(text, length, at, &cell);
            if (at == SIZE_MAX) {
                return false;
            }
            append_cell(out, cell.bytes, cell.length, quoted);
            count++;
            more = at < length && text[at] == ',';
            at++;
        }
        if (columns_count != 0 && count != columns_count) {
            return false;
        }
        columns_count = count;
        buffer_append_byte(out, ';');
    }
    return true;
}

/* Appends a text that is CSV mostly: now and then a byte of it is any other. */
static void make_text(struct buffer *text, unsigned *seed)
{
    static const char letters[] = "ab ,\n\r\"\"\\";
    unsigned columns_count = 1 + (unsigned)rand_r(seed) % 4;
    unsigned rows_count = (unsigned)rand_r(seed) % 6;
    const char *line_end = rand_r(seed) % 2 == 0 ? "\n" : "\r\n";

    if (rand_r(seed) % 4 == 0) {
        buffer_append(text, "\xef\xbb\xbf", 3);
    }
    for (unsigned row = 0; row < rows_count; row++) {
        for (unsigned column = 0; column < columns_count; column++) {
            bool quoted = rand_r(seed) % 3 == 0;

            buffer_append_format(text, "%s%s", column > 0 ? "," : "", quoted ? "\"" : "");
            for (int i = rand_r(seed) % (rand_r(seed) % 20 == 0 ? 200 : 6); i > 0; i--) {
                char letter = letters[(size_t)rand_r(seed) % (quoted ? sizeof letters - 1 : 3)];

                buffer_append_format(text, quoted && letter == '"' ? "%c\"" : "%c", letter);
            }
            buffer_append_format(text, "%s", quoted ? "\"" : "");
        }
        buffer_append_format(text, "%s", row + 1 < rows_count || rand_r(seed) % 2 ? line_end : "");
    }
    if (rand_r(seed) % 4 == 0 && text->length > 0) {
        text->bytes[(size_t)rand_r(seed) % text->length] =
            (uint8_t)letters[(size_t)rand_r(seed) % (sizeof letters - 1)];
    }
}

static void test_rows_are_those_that_a_plain_reader_finds(void **state)
{
    unsigned seed = (unsigned)getpid();
    unsigned good = 0;

    (void)state;
    print_message("seed %u\n", seed);
    for (unsigned round = 0; round < 20000; round++) {
        OWNED(buffer_clear) struct buffer text = {0};
        OWNED(buffer_clear) struct buffer wanted = {0};
        OWNED(buffer_clear) struct buffer seen = {0};
        struct error err = {0};
        bool wanted_good = false;

        buffer_append_byte(&text, 'x');
        text.length = 0;
        make_text(&text, &seed);
        wanted_good = model_csv((const char *)text.bytes, text.length, &wanted);
        if (read_csv(text.bytes, text.length, 1 + round % 300, 1000, &seen, &err) != wanted_good) {
            fail_msg("round %u is %s: \"%.*s\": %s", round, wanted_good ? "good" : "bad",
                     (int)text.length, (const char *)text.bytes, err.message);
        }
        if (wanted_good) {
            good++;
            assert_int_equal(seen.length, wanted.length);
            assert_memory_equal(seen.bytes, wanted.bytes, seen.length);
        } else {
            assert_int_equal(err.kind, ERROR_DATA);
        }
    }
    assert_in_range(good, 1000, 19000);
}

static void assert_refused(const void *text, size_t length, enum error_kind kind,
                           const char *problem)
{
    OWNED(buffer_clear) struct buffer seen = {0};
    struct error err = {0};

    assert_false(read_csv(text, length, length, 1000, &seen, &err));
    if (err.kind != kind || strstr(err.message, problem) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"", err.message, problem);
    }
}

static void test_a_byte_order_mark_alone_is_an_empty_file(void **state)
{
    (void)state;
    assert_refused("\xef\xbb\xbf", 3, ERROR_DATA, "it is empty");
}

static void test_a_header_of_too_many_columns_is_refused_as_such(void **state)
{
    static const size_t counts[] = {LIMIT_COLUMNS + 1, (size_t)20 * LIMIT_COLUMNS};

    (void)state;
    for (size_t i = 0; i < sizeof counts / sizeof counts[0]; i++) {
        OWNED(buffer_clear) struct buffer text = {0};

        for (size_t column = 0; column < counts[i]; column++) {
            buffer_append_format(&text, "%sc%zu", column > 0 ? "," : "", column);
        }
        buffer_append_byte(&text, '\n');
        assert_refused(text.bytes, text.length, ERROR_LIMIT, "header has more than 10000 columns");
    }
}

static void test_a_row_that_never_ends_is_refused_before_all_of_it_is_held(void **state)
{
    OWNED(buffer_clear) struct buffer text = {0};

    (void)state;
    buffer_append(&text, "a,b\n", 4);
    memset(buffer_reserve(&text, 1 << 20), ',', 1 << 20);
    text.length += 1 << 20;
    assert_refused(text.bytes, text.length, ERROR_DATA,
                   "line 2 has more cells than the header has columns");
}

static void test_a_cell_as_long_as_the_limit_is_read_whatever_it_holds(void **state)
{
    static const size_t length = 20 * MIB;
    OWNED(buffer_clear) struct buffer text = {0};
    OWNED(buffer_clear) struct buffer seen = {0};
    struct error err = {0};

    (void)state;
    buffer_append(&text, "a\n\"", 3);
    for (size_t i = 0; i < length; i++) {
        buffer_append(&text, i % 2 == 0 ? "\"\"" : "\n", i % 2 == 0 ? 2 : 1);
    }
    buffer_append(&text, "\"\n\"", 3);
    assert_false(read_csv(text.bytes, text.length - 1, 1 << 20, length - 1, &seen, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    buffer_reset(&seen);
    assert_true(read_csv(text.bytes, text.length - 1, 1 << 20, length, &seen, &err));
    assert_in_range(seen.length, length, length + 64);

    /* Every line break inside the cell counts. */
    assert_false(read_csv(text.bytes, text.length, 1 << 20, length, &seen, &err));
    assert_non_null(strstr(err.message, "line 10485763 has a quote that is never closed"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rows_are_those_that_a_plain_reader_finds),
        cmocka_unit_test(test_a_byte_order_mark_alone_is_an_empty_file),
        cmocka_unit_test(test_a_header_of_too_many_columns_is_refused_as_such),
        cmocka_unit_test(test_a_row_that_never_ends_is_refused_before_all_of_it_is_held),
        cmocka_unit_test(test_a_cell_as_long_as_the_limit_is_read_whatever_it_holds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
