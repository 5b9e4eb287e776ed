/* DescribeTable: the table as it was declared, or not_found. Any other trouble is an error:
 * on not_found Fivetran creates the table anew. */
#include "common/table_entry.h"
#include "destination_sdk.pb-c.h"
#include "frontend/rpc/configuration.h"
#include "frontend/rpc/rpc_handlers.h"
#include "frontend/rpc/small_job.h"
#include "frontend/rpc/table_request.h"

static bool run_job(const struct rpc_call *call, const FivetranSdk__V2__DescribeTableRequest *asked,
                    Weir__Result **result_out, struct error *err);

bool rpc_describe_table(const struct rpc_call *call, const ProtobufCMessage *request,
                        ProtobufCMessage *response, struct error *err)
{
    const FivetranSdk__V2__DescribeTableRequest *asked = (const void *)request;
    FivetranSdk__V2__DescribeTableResponse *answer = (void *)response;
    OWNED(table_free) struct table *table = NULL;
    OWNED(small_job_release) Weir__Result *result = NULL;

    if (!configuration_check(request, err) ||
        !table_request_check_names(asked->schema_name, asked->table_name, err) ||
        !run_job(call, asked, &result, err)) {
        return false;
    }
    if (result->table == NULL) {
        answer->response_case = FIVETRAN_SDK__V2__DESCRIBE_TABLE_RESPONSE__RESPONSE_NOT_FOUND;
        answer->not_found = true;
        return true;
    }
    if (!table_entry_read(result->table, &table, err)) {
        return false;
    }
    answer->response_case = FIVETRAN_SDK__V2__DESCRIBE_TABLE_RESPONSE__RESPONSE_TABLE;
    answer->table = table_request_answer(table);
    return true;
}

static bool run_job(const struct rpc_call *call, const FivetranSdk__V2__DescribeTableRequest *asked,
                    Weir__Result **result_out, struct error *err)
{
    Weir__DescribeTableJob describe = WEIR__DESCRIBE_TABLE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    describe.schema_name = asked->schema_name;
    describe.table_name = asked->table_name;
    job.job_case = WEIR__JOB__JOB_DESCRIBE_TABLE;
    job.describe_table = &describe;
    return small_job_run(call, &job, "could not describe the table", result_out, err);
}
