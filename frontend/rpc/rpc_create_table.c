/* CreateTable: a new, empty table in the registry. */
#include <sys/random.h>

#include "common/require.h"
#include "common/table_entry.h"
#include "common/text.h"
#include "destination_sdk.pb-c.h"
#include "frontend/rpc/configuration.h"
#include "frontend/rpc/rpc_handlers.h"
#include "frontend/rpc/small_job.h"
#include "frontend/rpc/table_request.h"

static bool check_key(const struct table *table, struct error *err);
static bool run_job(const struct rpc_call *call, const struct table *table, struct error *err);

bool rpc_create_table(const struct rpc_call *call, const ProtobufCMessage *request,
                      ProtobufCMessage *response, struct error *err)
{
    const FivetranSdk__V2__CreateTableRequest *asked = (const void *)request;
    FivetranSdk__V2__CreateTableResponse *answer = (void *)response;
    OWNED(table_free) struct table *table = NULL;

    if (!configuration_check(request, err) ||
        !table_request_read(asked->schema_name, asked->table, &table, err) ||
        !check_key(table, err)) {
        return false;
    }
    /* A job that is tried again after its worker committed and died must find its own table, not
     * fail on it. */
    ENSURE(getrandom(table->operation_id, sizeof table->operation_id, 0) ==
           sizeof table->operation_id);
    if (!run_job(call, table, err)) {
        return false;
    }
    answer->response_case = FIVETRAN_SDK__V2__CREATE_TABLE_RESPONSE__RESPONSE_SUCCESS;
    answer->success = true;
    return true;
}

static bool check_key(const struct table *table, struct error *err)
{
    if (table_key_count(table) > 0) {
        return true;
    }
    return error_set(err, ERROR_REQUEST,
                     "could not create table \"%s.%s\": no column has primary_key, and there is no "
                     "column \"_fivetran_id\"",
                     text_name(table->schema_name).text, text_name(table->name).text);
}

static bool run_job(const struct rpc_call *call, const struct table *table, struct error *err)
{
    Weir__CreateTableJob create = WEIR__CREATE_TABLE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(small_job_release) Weir__Result *result = NULL;

    create.table = table_entry_new(table);
    job.job_case = WEIR__JOB__JOB_CREATE_TABLE;
    job.create_table = &create;

    bool created = small_job_run(call, &job, "could not create the table", &result, err);

    weir__table_entry__free_unpacked(create.table, NULL);
    return created;
}
