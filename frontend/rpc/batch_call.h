/* What WriteBatch and WriteHistoryBatch have in common: from the request's fields to a batch. */
#ifndef WEIR_FRONTEND_RPC_BATCH_CALL_H
#define WEIR_FRONTEND_RPC_BATCH_CALL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/error.h"
#include "destination_sdk.pb-c.h"
#include "frontend/rpc/file_list.h"
#include "frontend/rpc/rpc.h"

/* The files of one phase, as listed. */
struct batch_call_lists {
    Weir__FileKind kind;
    char *const *paths;
    size_t count;
};

/* The request's fields. Everything is borrowed. */
struct batch_call_terms {
    const char *schema_name;
    const FivetranSdk__V2__Table *table;
    const FivetranSdk__V2__FileParams *params; /* NULL: absent */
    const struct batch_call_lists *lists;      /* in the order of the phases */
    size_t lists_count;
    file_list_key *const *keys;
    size_t keys_count;
    bool history;
};

/* Checks the fields, runs the batch and answers success. ERROR_REQUEST: a field is not as the
 * protocol has it; else as batch_run(). */
MUST_CHECK bool batch_call(const struct rpc_call *call, const ProtobufCMessage *request,
                           const struct batch_call_terms *terms,
                           FivetranSdk__V2__WriteBatchResponse *response, struct error *err);

#endif
