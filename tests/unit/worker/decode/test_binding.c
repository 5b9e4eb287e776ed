/* What each kind of file makes of a header and a row, in history mode and outside. */
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/decode/binding.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

enum {
    CELLS_MAX = 16
};

/* Cells stand between commas; `header` and `row` have the same number of them. */
struct sample {
    enum file_kind kind;
    bool history;
    const char *header;
    const char *row;
    const char *change;  /* "a=1,b=NULL," */
    const char *problem; /* NULL: the row is good */
};

/* id (key), [_fivetran_start (key)], a, b, [_fivetran_end, _fivetran_active, _fivetran_synced]; the
 * request knows all but b. */
static struct table *make_table(bool history)
{
    static const struct {
        const char *name;
        enum column_type type;
        uint32_t key_position;
        bool history_only;
    } columns[] = {
        {"id",               COLUMN_LONG,         1, false},
        {"_fivetran_start",  COLUMN_UTC_DATETIME, 2, true },
        {"a",                COLUMN_STRING,       0, false},
        {"b",                COLUMN_INT,          0, false},
        {"_fivetran_end",    COLUMN_UTC_DATETIME, 0, true },
        {"_fivetran_active", COLUMN_BOOLEAN,      0, true },
        {"_fivetran_synced", COLUMN_STRING,       0, true },
    };
    struct table *table = mem_zero(sizeof *table);

    table->schema_name = mem_text("s");
    table->name = mem_text("t");
    for (uint32_t i = 0; i < sizeof columns / sizeof columns[0]; i++) {
        if (history || !columns[i].history_only) {
            struct column *column = table_add_column(table, columns[i].name);

            column->id = i + 1;
            column->type = columns[i].type;
            column->key_position = columns[i].key_position;
        }
    }
    return table;
}

static size_t split(const char *text, struct cell *cells)
{
    size_t count = 0;

    for (;;) {
        size_t length = strcspn(text, ",");

        assert_in_range(count, 0, CELLS_MAX - 1);
        cells[count++] = (struct cell){.text = text, .length = length};
        if (text[length] == '\0') {
            return count;
        }
        text += length + 1;
    }
}

static void append_change(const struct table *table, const struct buffer *change,
                          struct buffer *out)
{
    struct row_cursor cursor;
    struct row_cell cell = {0};

    row_cursor_init(&cursor, change->bytes, change->length);
    while (row_cursor_next(&cursor, &cell) == ROW_CELL) {
        const struct column *column = table_column_by_id(table, cell.column_id);

        buffer_append_format(out, "%s=", column->name);
        if (cell.is_null) {
            buffer_append_format(out, "NULL");
        } else {
            type_of(column->type)->append_text(cell.stored, cell.length, out);
        }
        buffer_append_byte(out, ',');
    }
    buffer_append_byte(out, '\0');
}

/* Binds and converts; `out` has the change as text, behind "row " if it is the whole row. */
static bool convert(const struct sample *sample, struct buffer *key, struct buffer *out,
                    struct error *err)
{
    static const uint32_t request_column_ids[] = {1, 2, 3, 5, 6, 7};
    OWNED(table_free) struct table *table = make_table(sample->history);
    OWNED(binding_close) struct binding *binding = NULL;
    OWNED(buffer_clear) struct buffer change = {0};
    struct cell header[CELLS_MAX];
    struct cell cells[CELLS_MAX];
    const struct binding_terms terms = {
        .table = table,
        .request_column_ids = request_column_ids,
        .request_columns_count = sizeof request_column_ids / sizeof request_column_ids[0],
        .null_string = "N",
        .unmodified_string = "U",
        .history = sample->history,
    };

    if (!binding_open(&terms, sample->kind, header, split(sample->header, header), &binding, err)) {
        return false;
    }
    (void)split(sample->row, cells);
    if (!binding_convert(binding, cells, key, &change, err)) {
        return false;
    }
    if (binding_makes_rows(binding)) {
        buffer_append_format(out, "row ");
    }
    append_change(table, &change, out);
    return true;
}

#define EARLIEST FILE_KIND_EARLIEST_START
#define REPLACE  FILE_KIND_REPLACE
#define UPDATE   FILE_KIND_UPDATE
#define DELETE   FILE_KIND_DELETE
#define T1       "2020-01-01T00:00:00Z"
#define T2       "2021-01-01T00:00:00Z"

/* clang-format off */
static const struct sample samples[] = {
    {REPLACE, false, "id,a,b", "1,x,2", "row id=1,a=x,b=2,", NULL},
    {REPLACE, false, "b,a,id", "N,N,1", "row id=1,", NULL},
    /* The request knows a, so it is cleared; it does not know b, which keeps its value. */
    {REPLACE, false, "id", "1", "id=1,a=NULL,", NULL},
    {REPLACE, false, "id,a", "1,U", NULL, "column \"a\" is unmodified, which a replace file"},
    {REPLACE, false, "id,a", "N,x", NULL, "column \"id\" is in the primary key and cannot be NULL"},
    {REPLACE, false, "a,b", "x,2", NULL, "the header lacks column \"id\""},
    {REPLACE, false, "id,c", "1,2", NULL, "column \"c\", which the table lacks"},
    {REPLACE, false, "id,A", "1,2", NULL, "column \"A\", which the table lacks"},
    {REPLACE, false, "id,a,id", "1,x,1", NULL, "column \"id\" twice"},
    {REPLACE, false, "id,", "1,x", NULL, "column \"\", which the table lacks"},
    {REPLACE, false, "id,b", "1,99999999999", NULL, "column \"b\": the value is not between"},

    {UPDATE, false, "id,a,b", "1,U,N", "id=1,b=NULL,", NULL},
    {UPDATE, false, "id", "1", "id=1,", NULL},
    {UPDATE, false, "id,a", "U,x", NULL, "cannot be unmodified"},

    {DELETE, false, "a,id,b", "x,1,no number", "", NULL},
    {DELETE, false, "a,id,b", "U,1,U", "", NULL},
    {DELETE, false, "id", "N", NULL, "cannot be NULL"},

    {EARLIEST, true, "id,_fivetran_start", "1," T1, "_fivetran_start=" T1 ",", NULL},
    {EARLIEST, true, "id,_fivetran_start,a", "1," T1 ",x", "_fivetran_start=" T1 ",", NULL},
    {EARLIEST, true, "id,_fivetran_start,a", "1," T1 ",U", NULL,
     "column \"a\" is unmodified, which an earliest_start file cannot say"},
    {EARLIEST, true, "id,_fivetran_start", "1,N", NULL, "column \"_fivetran_start\" cannot be NULL"},
    {EARLIEST, true, "id", "1", NULL, "lacks column \"_fivetran_start\""},

    {REPLACE, true, "id,_fivetran_start,a,_fivetran_end", "1," T1 ",x," T2,
     "id=1,_fivetran_start=" T1 ",a=x,_fivetran_end=" T2
     ",_fivetran_active=NULL,_fivetran_synced=NULL,", NULL},
    {REPLACE, true, "id,a", "1,x", NULL, "lacks column \"_fivetran_start\""},

    /* A version that does not say when it ends is the current one. */
    {UPDATE, true, "id,_fivetran_start,a", "1," T1 ",U",
     "id=1,_fivetran_start=" T1
     ",_fivetran_end=9999-12-31T23:59:59.999Z,_fivetran_active=true,", NULL},
    {UPDATE, true, "id,_fivetran_start,_fivetran_end,_fivetran_active", "1," T1 "," T2 ",false",
     "id=1,_fivetran_start=" T1 ",_fivetran_end=" T2 ",_fivetran_active=false,", NULL},
    {UPDATE, true, "id,_fivetran_start", "1,U", NULL, "cannot be unmodified"},

    {DELETE, true, "id,_fivetran_end", "1," T2, "_fivetran_end=" T2 ",", NULL},
    {DELETE, true, "id,_fivetran_start,_fivetran_end,_fivetran_synced,_fivetran_active,a",
     "1,N," T2 ",now,N,U", "_fivetran_end=" T2 ",_fivetran_synced=now,", NULL},
    {DELETE, true, "id,_fivetran_start,_fivetran_end,_fivetran_synced", "1,U," T2 ",U",
     "_fivetran_end=" T2 ",", NULL},
    {DELETE, true, "id,_fivetran_end", "1,N", NULL, "column \"_fivetran_end\" cannot be NULL"},
    {DELETE, true, "id", "1", NULL, "lacks column \"_fivetran_end\""},
};

/* clang-format on */

static void test_each_kind_of_file_keeps_its_rules(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof samples / sizeof samples[0]; i++) {
        const struct sample *sample = &samples[i];
        OWNED(buffer_clear) struct buffer key = {0};
        OWNED(buffer_clear) struct buffer seen = {0};
        struct error err = {0};

        if (convert(sample, &key, &seen, &err)) {
            if (sample->problem != NULL || strcmp((const char *)seen.bytes, sample->change) != 0) {
                fail_msg("%s / %s: \"%s\"", sample->header, sample->row, (const char *)seen.bytes);
            }
            assert_true(key.length > 0);
        } else {
            if (sample->problem == NULL || strstr(err.message, sample->problem) == NULL) {
                fail_msg("%s / %s: %s", sample->header, sample->row, err.message);
            }
            assert_int_equal(err.kind, ERROR_DATA);
        }
    }
}

static void test_a_record_has_one_key_whatever_the_start_where_a_file_speaks_of_it(void **state)
{
    static const struct sample replace = {REPLACE,        true, "id,_fivetran_start,_fivetran_end",
                                          "1," T1 "," T2, NULL, NULL};
    static const struct sample delete = {DELETE,         true, "id,_fivetran_start,_fivetran_end",
                                         "1," T1 "," T2, NULL, NULL};
    OWNED(buffer_clear) struct buffer version_key = {0};
    OWNED(buffer_clear) struct buffer record_key = {0};
    OWNED(buffer_clear) struct buffer seen = {0};
    struct error err = {0};

    (void)state;
    assert_true(convert(&replace, &version_key, &seen, &err));
    assert_true(convert(&delete, &record_key, &seen, &err));
    assert_true(record_key.length < version_key.length);
    assert_memory_equal(record_key.bytes, version_key.bytes, record_key.length);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_each_kind_of_file_keeps_its_rules),
        cmocka_unit_test(test_a_record_has_one_key_whatever_the_start_where_a_file_speaks_of_it),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
