/* WriteHistoryBatch: checks the request by the protocol, then dispatch/batch does the rest, with
 * the phase of the earliest_start files in front. */
#include "frontend/rpc/batch_call.h"
#include "frontend/rpc/rpc_handlers.h"

bool rpc_write_history_batch(const struct rpc_call *call, const ProtobufCMessage *request,
                             ProtobufCMessage *response, struct error *err)
{
    const FivetranSdk__V2__WriteHistoryBatchRequest *asked = (const void *)request;
    const struct batch_call_lists lists[] = {
        {WEIR__FILE_KIND__FILE_EARLIEST_START, asked->earliest_start_files,
         asked->n_earliest_start_files                                                            },
        {WEIR__FILE_KIND__FILE_REPLACE,        asked->replace_files,        asked->n_replace_files},
        {WEIR__FILE_KIND__FILE_UPDATE,         asked->update_files,         asked->n_update_files },
        {WEIR__FILE_KIND__FILE_DELETE,         asked->delete_files,         asked->n_delete_files },
    };
    const struct batch_call_terms terms = {
        .schema_name = asked->schema_name,
        .table = asked->table,
        .params = asked->file_params,
        .lists = lists,
        .lists_count = sizeof lists / sizeof lists[0],
        .keys = (file_list_key *const *)(const void *)asked->keys,
        .keys_count = asked->n_keys,
        .history = true,
    };

    return batch_call(call, request, &terms, (void *)response, err);
}
