/* The table registry: schema and table name -> TableEntry, in registry.mdb.
 *
 * A name in the registry is a promise: what it names was durable before. Every change is one
 * transaction. */
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/table_entry.h"
#include "common/text.h"
#include "worker/store/facts.h"
#include "worker/store/folder.h"
#include "worker/store/store_internal.h"

static bool is_retry(const struct table *existing, const struct table *wished);
static bool check_version(const struct store *store, MDB_txn *txn, struct error *err);
static bool append_name(const char *schema_name, const char *table_name, struct buffer *key,
                        struct error *err);
static bool find(const struct store *store, MDB_txn *txn, const char *schema_name,
                 const char *table_name, struct table **table_out, struct error *err);
static bool read_entry(const MDB_val *key, const MDB_val *value, struct table **table_out,
                       struct error *err);
static bool is_name_of(const MDB_val *key, const struct table *table);
static bool put_entry(const struct store *store, MDB_txn *txn, const struct table *table,
                      struct error *err);
static bool create_in(struct store *store, MDB_txn *txn, const struct table *wished,
                      struct error *err);
static bool switch_in(struct store *store, MDB_txn *txn, const struct table *before,
                      const struct table *after, bool *already_out, struct error *err);
static bool take_out(const struct store *store, MDB_txn *txn, const struct table *before,
                     struct error *err);
static bool has_name_of(const struct table *one, const struct table *other);

bool registry_open(struct store *store, struct error *err)
{
    OWNED(mem_release) char *path = store_registry_path(store);
    const struct env_terms terms = {
        .path = path,
        .map_size_bytes = store->map_size_bytes,
        .read_only = store->read_only,
    };
    OWNED(env_abort) MDB_txn *txn = NULL;
    int result = 0;

    if (!store->read_only && !registry_make_file(store, path, err)) {
        return false;
    }
    if (!env_open(&terms, &store->registry, err)) {
        return error_wrap(err, "could not open data folder \"%s\"",
                          text_path(store->data_dir).text);
    }
    result = mdb_txn_begin(store->registry, NULL, MDB_RDONLY, &txn);
    if (result == 0) {
        result = mdb_dbi_open(txn, REGISTRY_TABLES_DATABASE, 0, &store->tables);
    }
    if (result == 0) {
        result = mdb_dbi_open(txn, REGISTRY_FACTS_DATABASE, 0, &store->facts);
    }
    if (result != 0) {
        return env_fail(err, result, "could not open the registry");
    }
    /* Committed, not aborted: the databases' handles stay. */
    return check_version(store, txn, err) &&
           (env_commit(&txn, err) || error_wrap(err, "could not open the registry"));
}

bool registry_find(struct store *store, const char *schema_name, const char *table_name,
                   struct table **table_out, struct error *err)
{
    OWNED(env_abort) MDB_txn *txn = NULL;
    int result = mdb_txn_begin(store->registry, NULL, MDB_RDONLY, &txn);

    if (result != 0) {
        return env_fail(err, result, "could not read the registry");
    }
    return find(store, txn, schema_name, table_name, table_out, err);
}

bool registry_create(struct store *store, const struct table *table, struct error *err)
{
    OWNED(env_abort) MDB_txn *txn = NULL;
    OWNED(table_free) struct table *existing = NULL;
    int result = mdb_txn_begin(store->registry, NULL, 0, &txn);

    if (result != 0) {
        return env_fail(err, result, "could not write to the registry");
    }
    if (!find(store, txn, table->schema_name, table->name, &existing, err)) {
        return false;
    }
    if (existing != NULL) {
        if (is_retry(existing, table)) {
            return true; /* the first try committed and was killed before it answered */
        }
        (void)error_set(err, ERROR_REQUEST, "table \"%s.%s\" already exists",
                        text_name(table->schema_name).text, text_name(table->name).text);
        return error_hint(err, "Drop or rename it, or choose another schema.");
    }
    if (!create_in(store, txn, table, err)) {
        return false;
    }
    return env_commit(&txn, err) || error_wrap(err, "could not write to the registry");
}

bool registry_switch(struct store *store, const struct table *before, const struct table *after,
                     struct error *err)
{
    OWNED(env_abort) MDB_txn *txn = NULL;
    bool already = false;
    int result = mdb_txn_begin(store->registry, NULL, 0, &txn);

    REQUIRE(before != NULL || after != NULL);
    if (result != 0) {
        return env_fail(err, result, "could not write to the registry");
    }
    if (!switch_in(store, txn, before, after, &already, err)) {
        return false;
    }
    if (already) {
        return true;
    }
    if (!env_commit(&txn, err)) {
        return error_wrap(err, "could not write to the registry");
    }
    if (before != NULL) {
        generation_remove_former(store, before, after);
    }
    return true;
}

bool registry_each(struct store *store, bool (*visit)(void *context, const struct table *table),
                   void *context, struct error *err)
{
    OWNED(env_abort) MDB_txn *txn = NULL;
    MDB_cursor *cursor = NULL;
    MDB_val key;
    MDB_val value;
    bool wanted = true;
    int result = mdb_txn_begin(store->registry, NULL, MDB_RDONLY, &txn);

    if (result == 0) {
        result = mdb_cursor_open(txn, store->tables, &cursor);
    }
    while (result == 0 && wanted) {
        result = mdb_cursor_get(cursor, &key, &value, MDB_NEXT);
        if (result == 0) {
            OWNED(table_free) struct table *table = NULL;

            if (!read_entry(&key, &value, &table, err)) {
                mdb_cursor_close(cursor);
                return false;
            }
            wanted = visit(context, table);
        }
    }
    if (cursor != NULL) {
        mdb_cursor_close(cursor);
    }
    return result == 0 || result == MDB_NOTFOUND ||
           env_fail(err, result, "could not read the registry");
}

/* A worker that dies between its commit and its answer is tried again: it finds its own id. */
static bool is_retry(const struct table *existing, const struct table *wished)
{
    static const uint8_t no_id[LIMIT_OPERATION_ID_BYTES];

    return memcmp(wished->operation_id, no_id, sizeof no_id) != 0 &&
           memcmp(wished->operation_id, existing->operation_id, sizeof no_id) == 0;
}

static bool check_version(const struct store *store, MDB_txn *txn, struct error *err)
{
    uint64_t version = 0;
    int result = fact_get(store, txn, FACT_FORMAT_VERSION, NULL, &version);

    if (result != 0) {
        return env_fail(err, result, "could not read the registry's format version");
    }
    if (version != STORE_FORMAT_VERSION) {
        (void)error_set(
            err, ERROR_REQUEST, "data folder \"%s\" has format version %llu, this weir knows %d",
            text_path(store->data_dir).text, (unsigned long long)version, STORE_FORMAT_VERSION);
        return error_hint(err, "Use the weir that wrote it, or another --data-dir.");
    }
    return true;
}

/* Names have no NUL, so one between them keeps both apart and the order that of the names. */
static bool append_name(const char *schema_name, const char *table_name, struct buffer *key,
                        struct error *err)
{
    size_t schema_length = strlen(schema_name);
    size_t table_length = strlen(table_name);

    if (schema_length + table_length > LIMIT_TABLE_NAME_BYTES) {
        return error_set(err, ERROR_REQUEST,
                         "the names of table \"%s.%s\" have %zu bytes together, %d is the most",
                         text_name(schema_name).text, text_name(table_name).text,
                         schema_length + table_length, LIMIT_TABLE_NAME_BYTES);
    }
    buffer_append(key, schema_name, schema_length + 1);
    buffer_append(key, table_name, table_length);
    return true;
}

static bool find(const struct store *store, MDB_txn *txn, const char *schema_name,
                 const char *table_name, struct table **table_out, struct error *err)
{
    OWNED(buffer_clear) struct buffer name = {0};
    struct error too_long;
    MDB_val key;
    MDB_val value;
    int result = 0;

    *table_out = NULL;
    if (!append_name(schema_name, table_name, &name, &too_long)) {
        return true; /* no such table can have been created */
    }
    key = (MDB_val){.mv_data = name.bytes, .mv_size = name.length};
    result = mdb_get(txn, store->tables, &key, &value);
    if (result == MDB_NOTFOUND) {
        return true;
    }
    if (result != 0) {
        return env_fail(err, result, "could not read the registry");
    }
    return read_entry(&key, &value, table_out, err);
}

static bool read_entry(const MDB_val *key, const MDB_val *value, struct table **table_out,
                       struct error *err)
{
    OWNED(table_free) struct table *table = NULL;
    Weir__TableEntry *entry = weir__table_entry__unpack(NULL, value->mv_size, value->mv_data);
    bool read = false;

    if (entry == NULL) {
        return error_set(err, ERROR_STORE, "the registry holds a damaged entry");
    }
    read = table_entry_read(entry, &table, err);
    weir__table_entry__free_unpacked(entry, NULL);
    if (!read) {
        return false;
    }
    if (!is_name_of(key, table)) {
        return error_set(err, ERROR_STORE,
                         "the registry holds an entry under another table's name");
    }
    *table_out = MOVE(table);
    return true;
}

static bool is_name_of(const MDB_val *key, const struct table *table)
{
    OWNED(buffer_clear) struct buffer name = {0};
    struct error too_long;

    return append_name(table->schema_name, table->name, &name, &too_long) &&
           name.length == key->mv_size && memcmp(name.bytes, key->mv_data, name.length) == 0;
}

static bool put_entry(const struct store *store, MDB_txn *txn, const struct table *table,
                      struct error *err)
{
    OWNED(buffer_clear) struct buffer name = {0};
    OWNED(buffer_clear) struct buffer packed = {0};
    Weir__TableEntry *entry = NULL;
    MDB_val key;
    MDB_val value;
    int result = 0;

    if (!append_name(table->schema_name, table->name, &name, err)) {
        return false;
    }
    entry = table_entry_new(table);
    packed.length = weir__table_entry__pack(
        entry, buffer_reserve(&packed, weir__table_entry__get_packed_size(entry)));
    weir__table_entry__free_unpacked(entry, NULL);
    key = (MDB_val){.mv_data = name.bytes, .mv_size = name.length};
    value = (MDB_val){.mv_data = packed.bytes, .mv_size = packed.length};
    result = mdb_put(txn, store->tables, &key, &value, 0);
    if (result == 0) {
        result = fact_remove(store, txn, FACT_UNNAMED, table);
    }
    return result == 0 || env_fail(err, result, "could not write to the registry");
}

/* The writing transaction is held meanwhile, so that nobody else takes the same id. */
static bool create_in(struct store *store, MDB_txn *txn, const struct table *wished,
                      struct error *err)
{
    OWNED(table_free) struct table *table = table_copy(wished);
    int result = fact_take_id(store, txn, &table->id);

    if (result != 0) {
        return env_fail(err, result, "could not write to the registry");
    }
    table->generation = table->id;
    table->next_column_id = 1;
    for (size_t i = 0; i < table->columns_count; i++) {
        table->columns[i].id = table->next_column_id++;
    }
    return put_entry(store, txn, table, err) && generation_make_file(store, table, err);
}

/* Compares the registry with what the caller has seen, then changes it. */
static bool switch_in(struct store *store, MDB_txn *txn, const struct table *before,
                      const struct table *after, bool *already_out, struct error *err)
{
    const struct table *named = after != NULL ? after : before;
    bool same_name = before != NULL && after != NULL && has_name_of(before, after);
    OWNED(table_free) struct table *now = NULL;
    OWNED(table_free) struct table *target = NULL;

    if (!find(store, txn, named->schema_name, named->name, &target, err) ||
        (before != NULL && !find(store, txn, before->schema_name, before->name, &now, err))) {
        return false;
    }
    *already_out = after != NULL && target != NULL && is_retry(target, after);
    if (*already_out) {
        return true;
    }
    if ((before != NULL &&
         (now == NULL || now->id != before->id || now->generation != before->generation)) ||
        (after != NULL && !same_name && target != NULL)) {
        return error_set(err, ERROR_STORE, "table \"%s.%s\" was changed meanwhile",
                         text_name(named->schema_name).text, text_name(named->name).text);
    }
    return (before == NULL || same_name || take_out(store, txn, before, err)) &&
           (after == NULL || put_entry(store, txn, after, err));
}

static bool take_out(const struct store *store, MDB_txn *txn, const struct table *before,
                     struct error *err)
{
    OWNED(buffer_clear) struct buffer name = {0};
    MDB_val key;
    int result = 0;

    if (!append_name(before->schema_name, before->name, &name, err)) {
        return false;
    }
    key = (MDB_val){.mv_data = name.bytes, .mv_size = name.length};
    result = mdb_del(txn, store->tables, &key, NULL);
    return result == 0 || env_fail(err, result, "could not write to the registry");
}

static bool has_name_of(const struct table *one, const struct table *other)
{
    return strcmp(one->schema_name, other->schema_name) == 0 && strcmp(one->name, other->name) == 0;
}
