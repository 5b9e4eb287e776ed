/* See walk.h. */
#include "worker/rewrite/walk.h"

#include "worker/value/row.h"

bool walk_rows(struct store *store, const struct table *table, const struct run_watch *watch,
               walk_visit *visit, void *context, struct error *err)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    struct walk_row row = {0};
    enum store_next next = STORE_END;
    enum walk walk = WALK_ON;
    uint64_t rows = 0;

    if (!store_reader_open(store, table->schema_name, table->name, &reader, err)) {
        return false;
    }
    if (reader == NULL) {
        return error_set(err, ERROR_STORE, "the table is gone");
    }
    row.table_rows = store_reader_rows(reader);
    while (walk == WALK_ON &&
           (next = store_reader_next(reader, &row.key, &row.key_length, &row.cells,
                                     &row.cells_length, err)) == STORE_ROW) {
        if (row.cells_length < ROW_SEQUENCE_BYTES) {
            return store_fail_damaged(table, err);
        }
        row.cells += ROW_SEQUENCE_BYTES;
        row.cells_length -= ROW_SEQUENCE_BYTES;
        walk = visit(context, &row, err);
        if (walk == WALK_FAILED ||
            (++rows % RUN_TICK_ENTRIES == 0 && !watch->tick(watch->context, err))) {
            return false;
        }
    }
    return next != STORE_FAILED;
}
