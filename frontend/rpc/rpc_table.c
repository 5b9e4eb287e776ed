/* The RPCs, one row each, and the table that each request is about. */
#include <string.h>

#include "admin.pb-c.h"
#include "destination_sdk.pb-c.h"
#include "frontend/rpc/migration_request.h"
#include "frontend/rpc/rpc.h"
#include "frontend/rpc/rpc_handlers.h"

#define SERVICE "/fivetran_sdk.v2.DestinationConnector/"
#define ADMIN   "/weir.Admin/"

/* `tables_of_<message>`: requests name their table in a field, or in a Table message. */
#define TABLES_BY_NAME(message, Message)                                                           \
    static void tables_of_##message(const ProtobufCMessage *request, struct rpc_tables *tables)    \
    {                                                                                              \
        const FivetranSdk__V2__##Message *message = (const void *)request;                         \
                                                                                                   \
        set_table(tables, message->schema_name, message->table_name);                              \
    }
#define TABLES_BY_MESSAGE(message, Message)                                                        \
    static void tables_of_##message(const ProtobufCMessage *request, struct rpc_tables *tables)    \
    {                                                                                              \
        const FivetranSdk__V2__##Message *message = (const void *)request;                         \
                                                                                                   \
        set_table(tables, message->schema_name,                                                    \
                  message->table != NULL ? message->table->name : "");                             \
    }

static void set_table(struct rpc_tables *tables, const char *schema_name, const char *table_name)
{
    tables->schema_name = schema_name;
    tables->names[0] = table_name;
    tables->count = 1;
}

TABLES_BY_NAME(describe_table, DescribeTableRequest)
TABLES_BY_MESSAGE(create_table, CreateTableRequest)
TABLES_BY_MESSAGE(alter_table, AlterTableRequest)
TABLES_BY_NAME(truncate, TruncateRequest)
TABLES_BY_MESSAGE(write_batch, WriteBatchRequest)
TABLES_BY_MESSAGE(write_history_batch, WriteHistoryBatchRequest)

/* The table that is copied or renamed, and the one that it becomes. */
static void tables_of_migrate(const ProtobufCMessage *request, struct rpc_tables *tables)
{
    const FivetranSdk__V2__MigrateRequest *migrate = (const void *)request;
    Weir__MigrateJob wish = WEIR__MIGRATE_JOB__INIT;

    if (migrate->details != NULL) {
        migration_request_read(migrate->details, &wish);
    }
    set_table(tables, wish.schema_name, wish.table_name);
    if (wish.to_table[0] != '\0') {
        tables->names[tables->count++] = wish.to_table;
    }
}

static void tables_of_compact(const ProtobufCMessage *request, struct rpc_tables *tables)
{
    const Weir__CompactRequest *compact = (const void *)request;

    set_table(tables, compact->schema_name, compact->table_name);
}

#define MESSAGE(name) (&fivetran_sdk__v2__##name##__descriptor)

/* clang-format off */
const struct rpc rpcs[] = {
    {
        .path = SERVICE "ConfigurationForm",
        .request = MESSAGE(configuration_form_request),
        .response = MESSAGE(configuration_form_response),
        .handle = rpc_configuration_form,
        .at_once = true,
    },
    {
        .path = SERVICE "Capabilities",
        .request = MESSAGE(capabilities_request),
        .response = MESSAGE(capabilities_response),
        .handle = rpc_capabilities,
        .at_once = true,
    },
    {
        .path = SERVICE "Test",
        .request = MESSAGE(test_request),
        .response = MESSAGE(test_response),
        .handle = rpc_test,
    },
    {
        .path = SERVICE "DescribeTable",
        .request = MESSAGE(describe_table_request),
        .response = MESSAGE(describe_table_response),
        .handle = rpc_describe_table,
        .tables = tables_of_describe_table,
    },
    {
        .path = SERVICE "CreateTable",
        .request = MESSAGE(create_table_request),
        .response = MESSAGE(create_table_response),
        .handle = rpc_create_table,
        .tables = tables_of_create_table,
        .writes = true,
    },
    {
        .path = SERVICE "AlterTable",
        .request = MESSAGE(alter_table_request),
        .response = MESSAGE(alter_table_response),
        .handle = rpc_alter_table,
        .tables = tables_of_alter_table,
        .writes = true,
    },
    {
        .path = SERVICE "Truncate",
        .request = MESSAGE(truncate_request),
        .response = MESSAGE(truncate_response),
        .handle = rpc_truncate,
        .tables = tables_of_truncate,
        .writes = true,
    },
    {
        .path = SERVICE "WriteBatch",
        .request = MESSAGE(write_batch_request),
        .response = MESSAGE(write_batch_response),
        .handle = rpc_write_batch,
        .tables = tables_of_write_batch,
        .writes = true,
    },
    {
        .path = SERVICE "WriteHistoryBatch",
        .request = MESSAGE(write_history_batch_request),
        .response = MESSAGE(write_batch_response),
        .handle = rpc_write_history_batch,
        .tables = tables_of_write_history_batch,
        .writes = true,
    },
    {
        .path = SERVICE "Migrate",
        .request = MESSAGE(migrate_request),
        .response = MESSAGE(migrate_response),
        .handle = rpc_migrate,
        .tables = tables_of_migrate,
        .writes = true,
    },
    {
        .path = ADMIN "Compact",
        .request = &weir__compact_request__descriptor,
        .response = &weir__compact_response__descriptor,
        .handle = rpc_compact,
        .tables = tables_of_compact,
        .writes = true,
        .local = true,
    },
};
/* clang-format on */
const size_t rpcs_count = sizeof rpcs / sizeof rpcs[0];

const struct rpc *rpc_find(const char *path, size_t path_length)
{
    for (size_t i = 0; i < rpcs_count; i++) {
        if (strlen(rpcs[i].path) == path_length && memcmp(rpcs[i].path, path, path_length) == 0) {
            return &rpcs[i];
        }
    }
    return NULL;
}

const char *rpc_method(const struct rpc *rpc)
{
    return strrchr(rpc->path, '/') + 1;
}
