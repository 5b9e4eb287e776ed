/* See stage.h. */
#include "worker/apply/stage.h"

#include <string.h>

#include "common/mem.h"
#include "common/text.h"

struct stage {
    struct store *store;
    struct store_txn *txn;
    struct table *table;  /* as the registry names it */
    struct table *filled; /* as it will name it; NULL: the table is changed where it is */
};

static bool was_switched(struct store *store, const struct table *table,
                         const uint8_t operation_id[16], bool *already_out, struct error *err);
static bool begin_filling(struct stage *stage, const uint8_t operation_id[16], struct error *err);
static void drop_filled(struct stage *stage);
static void stage_free(struct stage **stage);

bool stage_begin(struct store *store, const struct table *table, const uint8_t operation_id[16],
                 struct stage **stage_out, bool *already_out, struct error *err)
{
    OWNED(stage_free) struct stage *stage = mem_zero(sizeof *stage);

    stage->store = store;
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
    if (store_txn_is_empty(stage->txn) && !begin_filling(stage, operation_id, err)) {
        return false;
    }
    *stage_out = MOVE(stage);
    return true;
}

struct store_txn *stage_txn(struct stage *stage)
{
    return stage->txn;
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

static bool begin_filling(struct stage *stage, const uint8_t operation_id[16], struct error *err)
{
    store_txn_abort(&stage->txn);
    stage->filled = table_copy(stage->table);
    memcpy(stage->filled->operation_id, operation_id, sizeof stage->filled->operation_id);
    if (!generation_make(stage->store, stage->filled, err) ||
        !store_txn_begin_filling(stage->store, stage->filled, operation_id, &stage->txn, err)) {
        drop_filled(stage);
        return false;
    }
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
        table_free(&(*stage)->table);
        table_free(&(*stage)->filled);
        mem_free(*stage);
        *stage = NULL;
    }
}
