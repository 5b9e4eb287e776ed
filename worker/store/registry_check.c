/* See store.h: whether each number that the registry gives belongs to one table only. */
#include <string.h>

#include "common/buffer.h"
#include "common/text.h"
#include "worker/store/facts.h"
#include "worker/store/store_internal.h"

/* Those that the tables of the registry have. */
struct numbers {
    uint64_t next;       /* that will be given */
    struct buffer ids;   /* of all tables, 8 bytes each */
    uint64_t greatest;   /* of their ids and generations */
    struct table *table; /* that has it; NULL: there is none */
};

static bool take_numbers(void *context, const struct table *table);
static bool check_next_id(const struct store *store, MDB_txn *txn, struct numbers *numbers,
                          struct error *err);
static bool check_unnamed(const struct store *store, MDB_txn *txn, struct numbers *numbers,
                          struct error *err);
static bool has_id(const struct numbers *numbers, uint64_t id);
static void numbers_clear(struct numbers *numbers);

/* Tables that are made meanwhile do no harm: the facts are read last. */
bool registry_check(struct store *store, struct error *err)
{
    OWNED(numbers_clear) struct numbers numbers = {.next = 1};
    OWNED(env_abort) MDB_txn *txn = NULL;
    int result = 0;

    if (!registry_each(store, take_numbers, &numbers, err)) {
        return false;
    }
    result = mdb_txn_begin(store->registry, NULL, MDB_RDONLY, &txn);
    if (result != 0) {
        return env_fail(err, result, "could not read the registry");
    }
    return check_next_id(store, txn, &numbers, err) && check_unnamed(store, txn, &numbers, err);
}

static bool take_numbers(void *context, const struct table *table)
{
    struct numbers *numbers = context;
    uint64_t number = table->generation > table->id ? table->generation : table->id;

    buffer_append(&numbers->ids, &table->id, sizeof table->id);
    if (numbers->table == NULL || number > numbers->greatest) {
        table_free(&numbers->table);
        numbers->table = table_copy(table);
        numbers->greatest = number;
    }
    return true;
}

static bool check_next_id(const struct store *store, MDB_txn *txn, struct numbers *numbers,
                          struct error *err)
{
    int result = fact_get(store, txn, FACT_NEXT_ID, NULL, &numbers->next);

    if (result != 0 && result != MDB_NOTFOUND) {
        return env_fail(err, result, "could not read the registry");
    }
    if (numbers->table == NULL || numbers->greatest < numbers->next) {
        return true;
    }
    (void)error_set(err, ERROR_STORE,
                    "the registry is damaged: it would give the number of table \"%s.%s\" again",
                    text_name(numbers->table->schema_name).text,
                    text_name(numbers->table->name).text);
    return error_hint(err, "Restore the data folder from a backup.");
}

/* A table that is being made has a number that was taken, and that no other table has: else one of
 * them would take the other's place. */
static bool check_unnamed(const struct store *store, MDB_txn *txn, struct numbers *numbers,
                          struct error *err)
{
    MDB_cursor *cursor = NULL;
    uint64_t id = 0;
    int result = 0;

    while ((result = fact_each(store, txn, FACT_UNNAMED, &cursor, &id)) == 0 && id > 0 &&
           id < numbers->next && !has_id(numbers, id)) {
        buffer_append(&numbers->ids, &id, sizeof id);
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    if (result == MDB_NOTFOUND) {
        return true;
    }
    if (result != 0) {
        return env_fail(err, result, "could not read the registry");
    }
    (void)error_set(err, ERROR_STORE,
                    "the registry is damaged: it would give the number %llu of a table again",
                    (unsigned long long)id);
    return error_hint(err, "Restore the data folder from a backup.");
}

static bool has_id(const struct numbers *numbers, uint64_t id)
{
    for (size_t at = 0; at < numbers->ids.length; at += sizeof id) {
        if (memcmp(numbers->ids.bytes + at, &id, sizeof id) == 0) {
            return true;
        }
    }
    return false;
}

static void numbers_clear(struct numbers *numbers)
{
    buffer_clear(&numbers->ids);
    table_free(&numbers->table);
}
