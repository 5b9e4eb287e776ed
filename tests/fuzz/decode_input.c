/* See decode_input.h. */
#include "tests/fuzz/decode_input.h"

#include <stdio.h>
#include <sys/mman.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/require.h"
#include "worker/decode/decode.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

static struct table *make_table(void)
{
    struct table *table = mem_zero(sizeof *table);
    char name[2] = "a";

    table->schema_name = mem_text("s");
    table->name = mem_text("t");
    for (uint32_t type = 1; type < COLUMN_TYPE_END; type++, name[0]++) {
        struct column *column = table_add_column(table, name);

        column->id = type;
        column->type = (enum column_type)type;
    }
    table->columns[3].key_position = 1;
    table->columns[12].key_position = 2;
    return table;
}

/* Every value that was accepted must print. */
static bool check_row(void *context, const struct run_entry *entry, struct error *err)
{
    OWNED(buffer_clear) struct buffer text = {0};
    struct row_cursor cursor;
    struct row_cell cell = {0};
    enum row_next next = ROW_END;

    (void)context;
    (void)err;
    row_cursor_init(&cursor, entry->change, entry->change_length);
    while ((next = row_cursor_next(&cursor, &cell)) == ROW_CELL) {
        if (!cell.is_null) {
            const struct type *type = type_of((enum column_type)cell.column_id);

            ENSURE(type->is_valid(cell.stored, cell.length));
            type->append_json(cell.stored, cell.length, &text);
        }
    }
    ENSURE(next == ROW_END);
    return true;
}

static void ignore_not_base64(void *context, const char *path, const char *column_name)
{
    (void)context;
    (void)path;
    (void)column_name;
}

static bool keep_going(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return true;
}

void decode_input(const uint8_t *bytes, size_t length, enum file_kind kind, uint32_t compression,
                  const uint8_t *key)
{
    static const uint32_t request_column_ids[] = {1, 4, 13};
    OWNED(table_free) struct table *table = make_table();
    const struct binding_terms binding = {
        .table = table,
        .request_column_ids = request_column_ids,
        .request_columns_count = 3,
        .null_string = "N",
        .unmodified_string = "U",
    };
    const struct decode_sink sink = {check_row, ignore_not_base64, keep_going, NULL};
    struct decode_totals totals = {0};
    struct error err = {0};
    char path[64];
    int fd = memfd_create("batch file", MFD_CLOEXEC);
    struct decode_terms terms = {
        .source = {.path = path,
                   .key = key,
                   .compression = compression,
                   .decoded_bytes_max = 1 << 22},
        .cell_bytes_max = 1 << 20,
        .kind = kind,
        .binding = &binding,
    };

    REQUIRE(fd >= 0);
    REQUIRE(write(fd, bytes, length) == (ssize_t)length);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    if (!decode_file(&terms, &sink, &totals, &err)) {
        ENSURE(err.message[0] != '\0');
    }
    (void)close(fd);
}
