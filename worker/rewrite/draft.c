/* See draft.h. */
#include "worker/rewrite/draft.h"

#include "common/mem.h"
#include "common/require.h"
#include "worker/value/key.h"
#include "worker/value/row.h"

struct draft {
    const struct table *table;
    struct draft_cell *cells; /* one per column */
    struct buffer *rooms;     /* one per column */
    size_t count;
    size_t *key_indexes; /* of the key columns, in key order */
    size_t key_count;
    struct key_part *parts;
    bool start_is_last;
    bool has_new_key;
    struct buffer scratch;
};

struct draft *draft_new(const struct table *table)
{
    struct draft *draft = mem_zero(sizeof *draft);

    draft->table = table;
    draft->count = table->columns_count;
    draft->cells = mem_zero_array(draft->count, sizeof *draft->cells);
    draft->rooms = mem_zero_array(draft->count, sizeof *draft->rooms);
    draft->key_count = table_key_count(table);
    draft->key_indexes = mem_zero_array(draft->key_count, sizeof *draft->key_indexes);
    draft->parts = mem_zero_array(draft->key_count, sizeof *draft->parts);
    draft->start_is_last = key_is_history(table);
    for (size_t i = 0; i < draft->count; i++) {
        REQUIRE(i == 0 || table->columns[i].id > table->columns[i - 1].id);
        if (table->columns[i].key_position > 0) {
            draft->key_indexes[table->columns[i].key_position - 1] = i;
        }
    }
    return draft;
}

void draft_free(struct draft **draft)
{
    if (*draft != NULL) {
        for (size_t i = 0; i < (*draft)->count; i++) {
            buffer_clear(&(*draft)->rooms[i]);
        }
        buffer_clear(&(*draft)->scratch);
        mem_free((*draft)->cells);
        mem_free((*draft)->rooms);
        mem_free((*draft)->key_indexes);
        mem_free((*draft)->parts);
        mem_free(*draft);
        *draft = NULL;
    }
}

bool draft_read(struct draft *draft, const uint8_t *cells, size_t length)
{
    struct row_cursor cursor;
    struct row_cell cell = {0};
    enum row_next next = ROW_END;

    row_cursor_init(&cursor, cells, length);
    next = row_cursor_next(&cursor, &cell);
    for (size_t i = 0; i < draft->count; i++) {
        uint32_t id = draft->table->columns[i].id;

        while (next == ROW_CELL && cell.column_id < id) {
            next = row_cursor_next(&cursor, &cell); /* of a column that was dropped */
        }
        draft->cells[i] = (struct draft_cell){.is_null = true};
        if (next == ROW_CELL && cell.column_id == id) {
            draft->cells[i] = (struct draft_cell){cell.stored, cell.length, cell.is_null};
        }
    }
    while (next == ROW_CELL) {
        next = row_cursor_next(&cursor, &cell);
    }
    draft->has_new_key = false;
    return next == ROW_END;
}

const struct draft_cell *draft_cell(const struct draft *draft, size_t index)
{
    return &draft->cells[index];
}

struct buffer *draft_room(struct draft *draft, size_t index)
{
    struct buffer *room = &draft->rooms[index];

    buffer_reset(room);
    (void)buffer_reserve(room, 1); /* an empty value has an address, too */
    return room;
}

void draft_set(struct draft *draft, size_t index, struct draft_cell cell)
{
    draft->cells[index] = cell;
    if (draft->table->columns[index].key_position > 0) {
        draft->has_new_key = true;
    }
}

bool draft_has_new_key(const struct draft *draft)
{
    return draft->has_new_key;
}

void draft_pack(const struct draft *draft, struct buffer *out)
{
    uint32_t last_id = 0;

    for (size_t i = 0; i < draft->count; i++) {
        const struct draft_cell *cell = &draft->cells[i];

        if (!cell->is_null) {
            row_append_cell(out, &last_id,
                            &(struct row_cell){.column_id = draft->table->columns[i].id,
                                               .stored = cell->stored,
                                               .length = cell->length});
        }
    }
}

bool draft_pack_key(struct draft *draft, struct buffer *out, size_t *index_out)
{
    size_t bad_part = 0;

    for (size_t i = 0; i < draft->key_count; i++) {
        size_t index = draft->key_indexes[i];

        if (draft->cells[index].is_null) {
            *index_out = index;
            return false;
        }
        draft->parts[i] = (struct key_part){
            .type = draft->table->columns[index].type,
            .stored = draft->cells[index].stored,
            .length = draft->cells[index].length,
        };
    }
    if (!key_append(draft->parts, draft->key_count, draft->start_is_last, &draft->scratch, out,
                    &bad_part)) {
        *index_out = draft->key_indexes[bad_part];
        return false;
    }
    return true;
}
