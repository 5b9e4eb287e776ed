/* Migrate: one operation on a table, its columns or its sync mode. */
#include <sys/random.h>

#include "common/limits.h"
#include "common/require.h"
#include "destination_sdk.pb-c.h"
#include "frontend/rpc/configuration.h"
#include "frontend/rpc/migration_request.h"
#include "frontend/rpc/rpc_handlers.h"

bool rpc_migrate(const struct rpc_call *call, const ProtobufCMessage *request,
                 ProtobufCMessage *response, struct error *err)
{
    const FivetranSdk__V2__MigrateRequest *asked = (const void *)request;
    FivetranSdk__V2__MigrateResponse *answer = (void *)response;
    uint8_t operation_id[LIMIT_OPERATION_ID_BYTES];
    Weir__MigrateJob wish = WEIR__MIGRATE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;

    if (!configuration_check(request, err)) {
        return false;
    }
    if (asked->details == NULL) {
        return error_set(err, ERROR_REQUEST, "the request has no details");
    }
    migration_request_read(asked->details, &wish);
    if (wish.kind == WEIR__MIGRATION_KIND__MIGRATION_UNSPECIFIED) {
        answer->response_case = FIVETRAN_SDK__V2__MIGRATE_RESPONSE__RESPONSE_UNSUPPORTED;
        answer->unsupported = true;
        return true;
    }
    if (!migration_request_check(&wish, err)) {
        return false;
    }
    ENSURE(getrandom(operation_id, sizeof operation_id, 0) == sizeof operation_id);
    wish.operation_id = (ProtobufCBinaryData){sizeof operation_id, operation_id};
    job.job_case = WEIR__JOB__JOB_MIGRATE;
    job.migrate = &wish;
    /* It may run long: not on the express worker. */
    if (!pool_run(call->pool, call->ticket, POOL_LARGE, &job, &result, err)) {
        return false;
    }
    weir__result__free_unpacked(result, NULL);
    answer->response_case = FIVETRAN_SDK__V2__MIGRATE_RESPONSE__RESPONSE_SUCCESS;
    answer->success = true;
    return true;
}
