/* Compact: gives back the space that a table's file keeps. */
#include <sys/random.h>

#include "admin.pb-c.h"
#include "common/limits.h"
#include "common/require.h"
#include "frontend/rpc/rpc_handlers.h"
#include "frontend/rpc/table_request.h"

bool rpc_compact(const struct rpc_call *call, const ProtobufCMessage *request,
                 ProtobufCMessage *response, struct error *err)
{
    const Weir__CompactRequest *asked = (const void *)request;
    Weir__CompactResponse *answer = (void *)response;
    uint8_t operation_id[LIMIT_OPERATION_ID_BYTES];
    Weir__CompactJob wish = WEIR__COMPACT_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    Weir__Result *result = NULL;

    if (!table_request_check_names(asked->schema_name, asked->table_name, err)) {
        return false;
    }
    ENSURE(getrandom(operation_id, sizeof operation_id, 0) == sizeof operation_id);
    wish.schema_name = asked->schema_name;
    wish.table_name = asked->table_name;
    wish.operation_id = (ProtobufCBinaryData){sizeof operation_id, operation_id};
    job.job_case = WEIR__JOB__JOB_COMPACT;
    job.compact = &wish;
    if (!pool_run(call->pool, call->ticket, POOL_LARGE, &job, &result, err)) {
        return false;
    }
    answer->bytes_before = result->file_bytes_before;
    answer->bytes_after = result->file_bytes_after;
    weir__result__free_unpacked(result, NULL);
    return true;
}
