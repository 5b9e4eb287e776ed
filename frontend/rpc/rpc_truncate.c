/* Truncate: deletes the rows before a moment, or marks them as deleted. */
#include <sys/random.h>

#include "common/limits.h"
#include "common/require.h"
#include "common/text.h"
#include "destination_sdk.pb-c.h"
#include "frontend/rpc/configuration.h"
#include "frontend/rpc/rpc_handlers.h"
#include "frontend/rpc/table_request.h"

enum {
    NANOS_END = 1000000000
};

/* A Timestamp's seconds: years 1 to 9999. */
#define SECONDS_FIRST INT64_C(-62135596800)
#define SECONDS_LAST  INT64_C(253402300799)

static bool read_before(const Google__Protobuf__Timestamp *before, Weir__TruncateJob *wish,
                        struct error *err);

bool rpc_truncate(const struct rpc_call *call, const ProtobufCMessage *request,
                  ProtobufCMessage *response, struct error *err)
{
    const FivetranSdk__V2__TruncateRequest *asked = (const void *)request;
    FivetranSdk__V2__TruncateResponse *answer = (void *)response;
    uint8_t operation_id[LIMIT_OPERATION_ID_BYTES];
    Weir__TruncateJob wish = WEIR__TRUNCATE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;

    if (!configuration_check(request, err) ||
        !table_request_check_names(asked->schema_name, asked->table_name, err)) {
        return false;
    }
    if (!read_before(asked->utc_delete_before, &wish, err)) {
        return error_wrap(err, "could not truncate table \"%s.%s\"",
                          text_name(asked->schema_name).text, text_name(asked->table_name).text);
    }
    ENSURE(getrandom(operation_id, sizeof operation_id, 0) == sizeof operation_id);
    wish.schema_name = asked->schema_name;
    wish.table_name = asked->table_name;
    wish.synced_column = asked->synced_column;
    wish.soft = asked->soft != NULL;
    if (wish.soft) {
        wish.deleted_column = asked->soft->deleted_column;
    }
    wish.operation_id = (ProtobufCBinaryData){sizeof operation_id, operation_id};
    job.job_case = WEIR__JOB__JOB_TRUNCATE;
    job.truncate = &wish;
    /* It may run long: not on the express worker. */
    if (!pool_run(call->pool, call->ticket, POOL_LARGE, &job, &result, err)) {
        return false;
    }
    weir__result__free_unpacked(result, NULL);
    answer->response_case = FIVETRAN_SDK__V2__TRUNCATE_RESPONSE__RESPONSE_SUCCESS;
    answer->success = true;
    return true;
}

/* A moment before 1970 has negative seconds, and its nanoseconds still count forward. A moment that
 * no clock shows is a mistake, and might mean every row. */
static bool read_before(const Google__Protobuf__Timestamp *before, Weir__TruncateJob *wish,
                        struct error *err)
{
    if (before == NULL) {
        return true;
    }
    if (before->nanos < 0 || before->nanos >= NANOS_END) {
        return error_set(err, ERROR_REQUEST,
                         "utc_delete_before has %d nanoseconds, 0 to 999999999 are possible",
                         (int)before->nanos);
    }
    if (before->seconds < SECONDS_FIRST || before->seconds > SECONDS_LAST) {
        return error_set(
            err, ERROR_REQUEST, "utc_delete_before has %lld seconds, %lld to %lld are possible",
            (long long)before->seconds, (long long)SECONDS_FIRST, (long long)SECONDS_LAST);
    }
    wish->has_before = true;
    wish->before_seconds = before->seconds;
    wish->before_nanos = (uint32_t)before->nanos;
    return true;
}
