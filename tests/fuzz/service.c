/* See service.h. */
#include "tests/fuzz/service.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/table_entry.h"
#include "destination_sdk.pb-c.h"
#include "frontend/rpc/rpc_handlers.h"
#include "frontend/rpc/table_request.h"
#include "worker/store/folder.h"
#include "worker/store/store.h"

struct column_row {
    const char *name;
    enum column_type type;
    uint32_t key_position;
};

struct listing {
    struct table **tables;
    size_t count;
};

/* clang-format off: version 14 crashes on these. */
static const struct column_row soft_columns[] = {
    {.name = "id",               .type = COLUMN_LONG, .key_position = 1},
    {.name = "name",         .type = COLUMN_STRING},
    {.name = "price",             .type = COLUMN_DECIMAL},
    {.name = "_fivetran_synced",                          .type = COLUMN_UTC_DATETIME},
    {.name = "_fivetran_deleted",.type = COLUMN_BOOLEAN},
    {.name = NULL},
};
/* clang-format on */
static const char soft_rows[] =
    "id,name,price,_fivetran_synced,_fivetran_deleted\n"
    "1,one,1.5,2024-01-01T00:00:00Z,false\n"
    "2,2,,2024-01-02T00:00:00Z,true\n"
    "3,,-3,,\n";
/* clang-format off */
static const struct column_row history_columns[] = {
    {.name = "id",                 .type = COLUMN_LONG, .key_position = 1},
    {.name = "name",           .type = COLUMN_STRING},
    {.name = "_fivetran_start",               .type = COLUMN_UTC_DATETIME, .key_position = 2},
    {.name = "_fivetran_end",                            .type = COLUMN_UTC_DATETIME},
    {.name = "_fivetran_active",.type = COLUMN_BOOLEAN},
    {.name = "_fivetran_synced",                            .type = COLUMN_UTC_DATETIME},
    {NULL, COLUMN_TYPE_END, 0},
};
/* clang-format on */
static const char history_rows[] =
    "id,name,_fivetran_start,_fivetran_end,_fivetran_active,_fivetran_synced\n"
    "1,one,2024-01-01T00:00:00Z,2024-01-31T23:59:59.999Z,false,2024-01-01T00:00:00Z\n"
    "1,uno,2024-02-01T00:00:00Z,9999-12-31T23:59:59.999Z,true,2024-02-01T00:00:00Z\n"
    "2,two,2024-01-01T00:00:00Z,2024-01-31T23:59:59.999Z,false,2024-01-01T00:00:00Z\n";

static char top_folder[64];
static char data_folder[96];
static struct options options;
static struct role_pages pages;
static struct pool *pool;

static void start(void);
static void read_options(void);
static void end(void);
static void write_file(const char *path, const char *text);
static void make_table(const char *name, const struct column_row *columns, const char *batch_file);
static struct table *table_of(const char *name, const struct column_row *columns);
static struct store *open_store(void);
static void send_rows(const struct table *table, const char *batch_file);
static bool list_table(void *context, const struct table *table);
static uint64_t digest_entry(uint64_t digest, const struct table *table);
static uint64_t digest_rows(uint64_t digest, struct store *store, const struct table *table);
static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t length);

void service_reset(void)
{
    struct error err = {0};

    if (pool == NULL) {
        start();
    }
    ENSURE(folder_remove(data_folder, &err));
    make_table("t", soft_columns, "./t.csv");
    make_table("h", history_columns, "./h.csv");
}

bool service_call(const struct rpc *rpc, const ProtobufCMessage *request,
                  ProtobufCMessage *response, struct error *err)
{
    struct ticket *ticket = ticket_new();
    struct rpc_call call = {.rpc = rpc, .options = &options, .pool = pool, .ticket = ticket};
    bool handled = rpc->handle(&call, request, response, err);

    ticket_free(&ticket);
    return handled;
}

uint64_t service_digest(void)
{
    OWNED(store_close) struct store *store = open_store();
    struct listing listing = {0};
    uint64_t digest = 0xcbf29ce484222325;
    struct error err = {0};

    ENSURE(registry_each(store, list_table, &listing, &err));
    for (size_t i = 0; i < listing.count; i++) {
        digest = digest_entry(digest, listing.tables[i]);
        digest = digest_rows(digest, store, listing.tables[i]);
        table_free(&listing.tables[i]);
    }
    mem_free(listing.tables);
    return digest;
}

/* In memory where there is such a folder: every commit is synced. */
static void start(void)
{
    (void)snprintf(top_folder, sizeof top_folder, "%s/weir-fuzz-XXXXXX",
                   access("/dev/shm", W_OK) == 0 ? "/dev/shm" : "/tmp");
    ENSURE(mkdtemp(top_folder) != NULL && chdir(top_folder) == 0 && atexit(end) == 0);
    (void)snprintf(data_folder, sizeof data_folder, "%s/data", top_folder);
    write_file("t.csv", soft_rows);
    write_file("h.csv", history_rows);
    read_options();
    pool = pool_new(&options, top_folder, &pages);
}

/* Requests reach no other files of the machine than those of the folder. */
static void read_options(void)
{
    const char *const arguments[] = {"--data-dir", data_folder, "--batch-dir",  ".",
                                     "--map-size", "1GiB",      "--run-budget", "4MiB",
                                     "--cell-max", "1MiB",      "--file-max",   "1MiB"};
    bool help = false;
    struct error err = {0};

    ENSURE(options_read(&options, sizeof arguments / sizeof arguments[0], arguments, &help, &err));
}

static void end(void)
{
    struct error err = {0};

    pool_free(&pool);
    (void)!folder_remove(top_folder, &err);
}

static void write_file(const char *path, const char *text)
{
    FILE *file = fopen(path, "w");

    ENSURE(file != NULL && fputs(text, file) >= 0 && fclose(file) == 0);
}

static void make_table(const char *name, const struct column_row *columns, const char *batch_file)
{
    OWNED(table_free) struct table *table = table_of(name, columns);
    struct store *store = open_store();
    struct error err = {0};

    ENSURE(registry_create(store, table, &err));
    store_close(&store);
    send_rows(table, batch_file);
}

static struct table *table_of(const char *name, const struct column_row *columns)
{
    struct table *table = mem_zero(sizeof *table);

    table->schema_name = mem_text("s");
    table->name = mem_text(name);
    for (; columns->name != NULL; columns++) {
        struct column *column = table_add_column(table, columns->name);

        column->type = columns->type;
        column->key_position = columns->key_position;
    }
    return table;
}

static struct store *open_store(void)
{
    const struct store_terms terms = {.data_dir = data_folder,
                                      .map_size_bytes = options.map_size_bytes};
    struct store *store = NULL;
    struct error err = {0};

    ENSURE(store_open(&terms, &store, &err));
    return store;
}

/* A batch in soft delete mode writes history rows as they are, too. */
static void send_rows(const struct table *table, const char *batch_file)
{
    FivetranSdk__V2__WriteBatchRequest request = FIVETRAN_SDK__V2__WRITE_BATCH_REQUEST__INIT;
    FivetranSdk__V2__WriteBatchResponse response = FIVETRAN_SDK__V2__WRITE_BATCH_RESPONSE__INIT;
    struct rpc_call call = {.options = &options, .pool = pool, .ticket = ticket_new()};
    OWNED(mem_release) char *path = mem_text(batch_file);
    struct error err = {0};

    request.schema_name = table->schema_name;
    request.table = table_request_answer(table);
    request.replace_files = &path;
    request.n_replace_files = 1;
    ENSURE(rpc_write_batch(&call, &request.base, &response.base, &err));
    fivetran_sdk__v2__table__free_unpacked(request.table, NULL);
    ticket_free(&call.ticket);
}

static bool list_table(void *context, const struct table *table)
{
    struct listing *listing = context;

    listing->tables =
        mem_resize_array(listing->tables, listing->count + 1, sizeof *listing->tables);
    listing->tables[listing->count++] = table_copy(table);
    return true;
}

static uint64_t digest_entry(uint64_t digest, const struct table *table)
{
    Weir__TableEntry *entry = table_entry_new(table);
    size_t length = weir__table_entry__get_packed_size(entry);
    OWNED(mem_release) uint8_t *bytes = mem_alloc(length);

    weir__table_entry__pack(entry, bytes);
    weir__table_entry__free_unpacked(entry, NULL);
    return digest_bytes(digest, bytes, length);
}

static uint64_t digest_rows(uint64_t digest, struct store *store, const struct table *table)
{
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    enum store_next next = STORE_END;
    const uint8_t *key = NULL;
    const uint8_t *row = NULL;
    size_t key_length = 0;
    size_t row_length = 0;
    struct error err = {0};

    ENSURE(store_reader_open(store, table->schema_name, table->name, &reader, &err));
    while ((next = store_reader_next(reader, &key, &key_length, &row, &row_length, &err)) ==
           STORE_ROW) {
        digest = digest_bytes(digest, key, key_length);
        digest = digest_bytes(digest, row, row_length);
    }
    ENSURE(next == STORE_END);
    return digest;
}

/* FNV-1a. */
static uint64_t digest_bytes(uint64_t digest, const void *bytes, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        digest = (digest ^ ((const uint8_t *)bytes)[i]) * 0x100000001b3;
    }
    return digest;
}
