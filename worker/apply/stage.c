/* See stage.h. */
#include "worker/apply/stage.h"

#include <stdlib.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "worker/apply/former.h"

enum {
    /* About as many as cost the same copied, one behind the other, as one page that is changed. */
    ROWS_A_PAGE = 16
};

struct stage {
    struct store *store;
    struct store_txn *txn;
    struct store_watch watch;
    struct table *table;   /* as the registry names it */
    struct table *filled;  /* as it will name it; NULL: the table is changed where it is */
    struct former *former; /* the rows that it is filled from */
};

static bool was_switched(struct store *store, const struct table *table,
                         const uint8_t operation_id[16], bool *already_out, struct error *err);
static bool is_on_most_pages(struct store_txn *txn, const struct stage_batch *batch);
static int compare_keys(const void *one, const void *other);
static bool has_room(const struct stage *stage);
static bool begin_filling(struct stage *stage, const uint8_t operation_id[16], struct error *err);
static void drop_filled(struct stage *stage);
static void stage_free(struct stage **stage);

bool stage_begin(struct store *store, const struct table *table, const uint8_t operation_id[16],
                 const struct stage_batch *batch, const struct store_watch *watch,
                 struct stage **stage_out, bool *already_out, struct error *err)
{
    OWNED(stage_free) struct stage *stage = mem_zero(sizeof *stage);
    bool fills = false;

    stage->store = store;
    stage->watch = *watch;
    stage->table = table_copy(table);
    if (!was_switched(store, table, operation_id, already_out, err)) {
        return false;
    }
    if (*already_out) {
        return true;
    }
    if (!store_txn_begin(store, table, operation_id, &stage->txn, already_out, err)) {
        return false;
    }
    if (*already_out) {
        return true;
    }
    store_txn_watch(stage->txn, watch);
    fills = is_on_most_pages(stage->txn, batch) && has_room(stage);
    if (!store_txn_check(stage->txn, err) || (fills && !begin_filling(stage, operation_id, err))) {
        return false;
    }
    *stage_out = MOVE(stage);
    return true;
}

struct store_txn *stage_txn(struct stage *stage)
{
    return stage->txn;
}

bool stage_complete(struct stage *stage, struct error *err)
{
    store_txn_copy_former(stage->txn);
    if (!store_txn_check(stage->txn, err)) {
        return false;
    }
    former_close(&stage->former);
    return true;
}

bool stage_commit(struct stage **stage_in, bool *spilled_out, struct error *err)
{
    OWNED(stage_free) struct stage *stage = MOVE(*stage_in);

    if (!store_txn_commit(&stage->txn, spilled_out, err)) {
        drop_filled(stage);
        return false;
    }
    /* Where the switch fails the disk does, and nobody knows which entry it holds: what was filled
     * stays, and the sweep at the next start asks the registry. */
    return stage->filled == NULL ||
           registry_switch(stage->store, stage->table, stage->filled, err) ||
           error_wrap(err, "could not write to table \"%s.%s\"",
                      text_name(stage->table->schema_name).text,
                      text_name(stage->table->name).text);
}

void stage_abort(struct stage **stage)
{
    if (*stage != NULL) {
        store_txn_abort(&(*stage)->txn);
        drop_filled(*stage);
        stage_free(stage);
    }
}

/* A batch that filled a generation left its id in the registry; one that changed the table where it
 * is left it there. */
static bool was_switched(struct store *store, const struct table *table,
                         const uint8_t operation_id[16], bool *already_out, struct error *err)
{
    OWNED(table_free) struct table *now = NULL;

    if (!registry_find(store, table->schema_name, table->name, &now, err)) {
        return false;
    }
    *already_out =
        now != NULL && memcmp(now->operation_id, operation_id, sizeof now->operation_id) == 0;
    return true;
}

/* Where there is an entry for every page's worth of rows, and the middle half of them lies around a
 * quarter of the rows at least: a batch of new rows behind the last one, or of the latest rows and
 * some old ones, is on few pages. */
static bool is_on_most_pages(struct store_txn *txn, const struct stage_batch *batch)
{
    uint64_t rows = store_txn_rows(txn);
    const struct stage_key *low = NULL;
    const struct stage_key *high = NULL;

    if (rows == 0 || batch->keys_count == 0 || batch->entries < rows / ROWS_A_PAGE) {
        return rows == 0;
    }
    qsort(batch->keys, batch->keys_count, sizeof *batch->keys, compare_keys);
    low = &batch->keys[batch->keys_count / 4];
    high = &batch->keys[batch->keys_count - 1 - batch->keys_count / 4];
    return store_txn_count_between(txn, low->bytes, low->length, high->bytes, high->length,
                                   rows / 4 + 1) > rows / 4;
}

static int compare_keys(const void *one, const void *other)
{
    const struct stage_key *left = one;
    const struct stage_key *right = other;
    size_t common = left->length < right->length ? left->length : right->length;
    int order = memcmp(left->bytes, right->bytes, common);

    return order != 0 ? order : (left->length > right->length) - (left->length < right->length);
}

/* Where the disk does not hold the table twice, changing it in place may still succeed. */
static bool has_room(const struct stage *stage)
{
    uint64_t bytes = 0;
    struct error ignored = {0};

    return generation_bytes(stage->store, stage->table, &bytes, &ignored) &&
           store_has_room(stage->store, bytes);
}

static bool begin_filling(struct stage *stage, const uint8_t operation_id[16], struct error *err)
{
    OWNED(table_free) struct table *filled = table_copy(stage->table);

    store_txn_abort(&stage->txn);
    memcpy(filled->operation_id, operation_id, sizeof filled->operation_id);
    if (!former_open(stage->store, stage->table, &stage->former, err)) {
        return false;
    }
    /* Until that is done, the generation that `filled` names is the table's. */
    if (!generation_make(stage->store, filled, err)) {
        return false;
    }
    stage->filled = MOVE(filled);
    if (!store_txn_begin_filling(stage->store, stage->filled, former_rows(stage->former),
                                 operation_id, &stage->txn, err)) {
        drop_filled(stage);
        return false;
    }
    store_txn_watch(stage->txn, &stage->watch);
    return true;
}

static void drop_filled(struct stage *stage)
{
    if (stage->filled != NULL) {
        generation_drop(stage->store, stage->filled);
    }
}

static void stage_free(struct stage **stage)
{
    if (*stage != NULL) {
        store_txn_abort(&(*stage)->txn);
        former_close(&(*stage)->former);
        table_free(&(*stage)->table);
        table_free(&(*stage)->filled);
        mem_free(*stage);
        *stage = NULL;
    }
}
