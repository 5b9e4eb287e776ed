/* See check.h. */
#include "worker/check/check.h"

#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "worker/rewrite/draft.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

enum {
    FINDINGS_MAX = 50,
    KEY_BYTES_SHOWN = 32,
};

/* A check under way. */
struct check {
    const struct table *table;
    struct draft *draft;
    struct buffer last_key;
    struct buffer made_key;
    struct buffer text;
    check_finding *finding;
    void *context;
    uint64_t rows;
    uint64_t findings;
};

/* The row in hand. */
struct stored {
    const uint8_t *key;
    size_t key_length;
    const uint8_t *row;
    size_t row_length;
};

static void check_row(struct check *check, const struct stored *stored);
static bool check_order(struct check *check, const struct stored *stored);
static bool check_cells(struct check *check, const struct stored *stored);
static void check_key(struct check *check, const struct stored *stored);
static void check_count(struct check *check, uint64_t expected);
static void find_in_row(struct check *check, const struct stored *stored, const char *format, ...)
    PRINTF_LIKE(3, 4);
static void tell(struct check *check);

bool check_rows(struct store_reader *reader, check_finding *finding, void *context,
                uint64_t *rows_out)
{
    struct check check = {
        .table = store_reader_table(reader),
        .draft = draft_new(store_reader_table(reader)),
        .finding = finding,
        .context = context,
    };
    struct stored stored = {0};
    struct error err = {0};
    enum store_next next = STORE_END;

    /* Damaged pages may lead in a circle, whose rows are out of order: it ends there, too. */
    while (check.findings < FINDINGS_MAX &&
           (next = store_reader_next(reader, &stored.key, &stored.key_length, &stored.row,
                                     &stored.row_length, &err)) == STORE_ROW) {
        check.rows++;
        check_row(&check, &stored);
    }
    if (check.findings == FINDINGS_MAX) {
        finding(context, "there may be more: the check of this table ends here");
    } else if (next == STORE_FAILED) {
        buffer_append_format(&check.text, "behind row %llu: %s", (unsigned long long)check.rows,
                             err.message);
        tell(&check);
    } else {
        check_count(&check, store_reader_rows(reader));
    }
    draft_free(&check.draft);
    buffer_clear(&check.last_key);
    buffer_clear(&check.made_key);
    buffer_clear(&check.text);
    *rows_out = check.rows;
    return check.findings == 0;
}

static void check_row(struct check *check, const struct stored *stored)
{
    if (check_order(check, stored) && check_cells(check, stored)) {
        check_key(check, stored);
    }
    buffer_reset(&check->last_key);
    buffer_append(&check->last_key, stored->key, stored->key_length);
}

/* Strictly ascending, byte by byte: so are the values. */
static bool check_order(struct check *check, const struct stored *stored)
{
    const struct buffer *last = &check->last_key;
    size_t shorter = last->length < stored->key_length ? last->length : stored->key_length;
    int order = shorter > 0 ? memcmp(last->bytes, stored->key, shorter) : 0;

    if (order < 0 || (order == 0 && last->length < stored->key_length)) {
        return true;
    }
    find_in_row(check, stored, "it stands behind a row with the same or a greater key");
    return false;
}

static bool check_cells(struct check *check, const struct stored *stored)
{
    if (stored->row_length < ROW_SEQUENCE_BYTES ||
        !draft_read(check->draft, stored->row + ROW_SEQUENCE_BYTES,
                    stored->row_length - ROW_SEQUENCE_BYTES)) {
        find_in_row(check, stored, "it is damaged: its bytes are no cells");
        return false;
    }
    for (size_t i = 0; i < check->table->columns_count; i++) {
        const struct column *column = &check->table->columns[i];
        const struct draft_cell *cell = draft_cell(check->draft, i);

        if (!cell->is_null && !type_of(column->type)->is_valid(cell->stored, cell->length)) {
            find_in_row(check, stored, "column \"%s\" is damaged: its bytes are no %s",
                        text_name(column->name).text, column_type_name(column->type));
            return false;
        }
    }
    return true;
}

static void check_key(struct check *check, const struct stored *stored)
{
    size_t bad = 0;

    buffer_reset(&check->made_key);
    if (!draft_pack_key(check->draft, &check->made_key, &bad)) {
        find_in_row(check, stored, "column \"%s\" of its primary key is NULL or NaN",
                    text_name(check->table->columns[bad].name).text);
    } else if (check->made_key.length != stored->key_length ||
               memcmp(check->made_key.bytes, stored->key, stored->key_length) != 0) {
        find_in_row(check, stored, "the key that it stands under is not that of its cells");
    }
}

static void check_count(struct check *check, uint64_t expected)
{
    if (check->rows != expected) {
        buffer_append_format(&check->text, "it has %llu rows, the last batch has left %llu",
                             (unsigned long long)check->rows, (unsigned long long)expected);
        tell(check);
    }
}

static void find_in_row(struct check *check, const struct stored *stored, const char *format, ...)
{
    size_t shown = stored->key_length < KEY_BYTES_SHOWN ? stored->key_length : KEY_BYTES_SHOWN;
    char problem[512];
    va_list arguments;

    va_start(arguments, format);
    (void)vsnprintf(problem, sizeof problem, format, arguments);
    va_end(arguments);
    buffer_append_format(&check->text, "row %llu, key 0x", (unsigned long long)check->rows);
    text_append_hex(&check->text, stored->key, shown);
    buffer_append_format(&check->text, "%s: %s", shown < stored->key_length ? "..." : "", problem);
    tell(check);
}

/* The finding in `text`, which is empty afterwards. */
static void tell(struct check *check)
{
    check->findings++;
    buffer_append_byte(&check->text, '\0');
    check->finding(check->context, (const char *)check->text.bytes);
    buffer_reset(&check->text);
}
