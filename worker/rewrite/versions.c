/* See versions.h. */
#include "worker/rewrite/versions.h"

#include <string.h>

#include "worker/value/key.h"

static bool find(const struct table *table, const char *name, size_t *index_out);

size_t versions_count_columns(const struct table *table)
{
    size_t index = 0;

    return (find(table, VERSION_START, &index) ? 1U : 0U) +
           (find(table, VERSION_END, &index) ? 1U : 0U) +
           (find(table, VERSION_ACTIVE, &index) ? 1U : 0U);
}

bool versions_find(const struct table *table, struct versions *versions_out, struct error *err)
{
    if (!find(table, VERSION_START, &versions_out->start) ||
        !find(table, VERSION_END, &versions_out->end) ||
        !find(table, VERSION_ACTIVE, &versions_out->active) || !key_is_history(table)) {
        return versions_refuse(err);
    }
    return true;
}

bool versions_refuse(struct error *err)
{
    (void)error_set(err, ERROR_REQUEST, "it is no history table");
    return error_hint(err, "A history table has the columns " VERSION_START
                           " (UTC_DATETIME, the last of the primary key), " VERSION_END
                           " (UTC_DATETIME) and " VERSION_ACTIVE " (BOOLEAN).");
}

bool versions_read(const struct draft *row, size_t index, struct moment *moment_out)
{
    const struct draft_cell *cell = draft_cell(row, index);

    if (cell->is_null || cell->length != MOMENT_STORED_BYTES) {
        return false;
    }
    *moment_out = moment_read_stored(cell->stored);
    return true;
}

void versions_write(struct draft *row, size_t index, struct moment moment)
{
    struct buffer *room = draft_room(row, index);

    moment_write_stored(moment, buffer_reserve(room, MOMENT_STORED_BYTES));
    draft_set(row, index, (struct draft_cell){room->bytes, MOMENT_STORED_BYTES, false});
}

void versions_set_flag(struct draft *row, size_t index, bool flag)
{
    static const uint8_t stored[] = {0, 1};

    draft_set(row, index, (struct draft_cell){&stored[flag ? 1 : 0], 1, false});
}

bool versions_flag(const struct draft *row, size_t index)
{
    const struct draft_cell *cell = draft_cell(row, index);

    return !cell->is_null && cell->length == 1 && cell->stored[0] != 0;
}

static bool find(const struct table *table, const char *name, size_t *index_out)
{
    const struct column *column = table_find_column(table, name, strlen(name));

    if (column == NULL) {
        return false;
    }
    *index_out = (size_t)(column - table->columns);
    return true;
}
