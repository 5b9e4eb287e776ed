/* AlterTable: makes a table as the request wishes it. */
#include <sys/random.h>

#include "common/require.h"
#include "common/table_entry.h"
#include "common/text.h"
#include "destination_sdk.pb-c.h"
#include "frontend/rpc/configuration.h"
#include "frontend/rpc/rpc_handlers.h"
#include "frontend/rpc/table_request.h"

static bool run_job(const struct rpc_call *call, const struct table *table, bool drop_columns,
                    struct error *err);

bool rpc_alter_table(const struct rpc_call *call, const ProtobufCMessage *request,
                     ProtobufCMessage *response, struct error *err)
{
    const FivetranSdk__V2__AlterTableRequest *asked = (const void *)request;
    FivetranSdk__V2__AlterTableResponse *answer = (void *)response;
    OWNED(table_free) struct table *table = NULL;

    if (!configuration_check(request, err) ||
        !table_request_read(asked->schema_name, asked->table, &table, err)) {
        return false;
    }
    if (table_key_count(table) == 0) {
        return error_set(err, ERROR_REQUEST,
                         "could not alter table \"%s.%s\": no column has primary_key, and there is "
                         "no column \"_fivetran_id\"",
                         text_name(table->schema_name).text, text_name(table->name).text);
    }
    ENSURE(getrandom(table->operation_id, sizeof table->operation_id, 0) ==
           sizeof table->operation_id);
    if (!run_job(call, table, asked->drop_columns, err)) {
        return false;
    }
    answer->response_case = FIVETRAN_SDK__V2__ALTER_TABLE_RESPONSE__RESPONSE_SUCCESS;
    answer->success = true;
    return true;
}

/* It may run long: not on the express worker. */
static bool run_job(const struct rpc_call *call, const struct table *table, bool drop_columns,
                    struct error *err)
{
    Weir__AlterTableJob wish = WEIR__ALTER_TABLE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;
    bool altered = false;

    wish.table = table_entry_new(table);
    wish.drop_columns = drop_columns;
    job.job_case = WEIR__JOB__JOB_ALTER_TABLE;
    job.alter_table = &wish;
    altered = pool_run(call->pool, call->ticket, POOL_LARGE, &job, &result, err);
    weir__table_entry__free_unpacked(wish.table, NULL);
    if (altered) {
        weir__result__free_unpacked(result, NULL);
    }
    return altered;
}
