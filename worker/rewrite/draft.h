/* A draft: a row in hand while a table is being rewritten.
 *
 * It has a cell for each column of the table as it will be, in that table's order, filled from a
 * row as it was by column id. Cells are changed, then packed as a row's bytes and as its key. */
#ifndef WEIR_WORKER_REWRITE_DRAFT_H
#define WEIR_WORKER_REWRITE_DRAFT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/buffer.h"
#include "common/table.h"

struct draft;

/* The value of a column: NULL, or stored bytes, borrowed. */
struct draft_cell {
    const uint8_t *stored;
    size_t length;
    bool is_null;
};

/* `table` is borrowed; its columns stand in order of their ids. */
struct draft *draft_new(const struct table *table);
void draft_free(struct draft **draft);

/* Fills the cells from a row's cells (without sequence), which must outlive the draft's use; cells
 * of columns that the table lacks are left out. False: the bytes are no cells. */
MUST_CHECK bool draft_read(struct draft *draft, const uint8_t *cells, size_t length);

/* The cell of the column at that place in the table. */
const struct draft_cell *draft_cell(const struct draft *draft, size_t index);

/* An empty buffer to make the value of a column in; lives as long as the draft. */
struct buffer *draft_room(struct draft *draft, size_t index);

/* Sets a cell to a value whose bytes are borrowed: those of draft_room(), of another cell, or a
 * constant's. */
void draft_set(struct draft *draft, size_t index, struct draft_cell cell);

/* Whether a key cell was set since the last draft_read(). */
bool draft_has_new_key(const struct draft *draft);

/* Appends the cells as a row has them. */
void draft_pack(const struct draft *draft, struct buffer *out);

/* Appends the row's key. False: the cell at *index_out cannot be in a key: it is NULL, or NaN. */
MUST_CHECK bool draft_pack_key(struct draft *draft, struct buffer *out, size_t *index_out);

#endif
