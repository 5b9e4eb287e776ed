/* See batch_call.h. */
#include "frontend/rpc/batch_call.h"

#include "common/text.h"
#include "frontend/dispatch/batch.h"
#include "frontend/rpc/configuration.h"
#include "frontend/rpc/table_request.h"

static bool check_params(const FivetranSdk__V2__FileParams *params, struct error *err);
static bool list_files(const struct batch_call_terms *terms,
                       const FivetranSdk__V2__FileParams *params, struct file_list *list,
                       struct error *err);

bool batch_call(const struct rpc_call *call, const ProtobufCMessage *request,
                const struct batch_call_terms *terms, FivetranSdk__V2__WriteBatchResponse *response,
                struct error *err)
{
    /* Absent file_params mean all zero: nothing compressed or encrypted, empty markers. */
    static const FivetranSdk__V2__FileParams params_absent = FIVETRAN_SDK__V2__FILE_PARAMS__INIT;
    const FivetranSdk__V2__FileParams *params =
        terms->params != NULL ? terms->params : &params_absent;
    OWNED(table_free) struct table *table = NULL;
    OWNED(file_list_clear) struct file_list list = {0};
    struct batch_request batch;

    if (!configuration_check(request, err) ||
        !table_request_read(terms->schema_name, terms->table, &table, err)) {
        return false;
    }
    if (!check_params(params, err) || !list_files(terms, params, &list, err)) {
        return error_wrap(err, "could not write to table \"%s.%s\"",
                          text_name(table->schema_name).text, text_name(table->name).text);
    }
    batch = (struct batch_request){
        .table = table,
        .files = list.files,
        .files_count = list.count,
        .compression = (uint32_t)params->compression,
        .format = FIVETRAN_SDK__V2__BATCH_FILE_FORMAT__CSV,
        .null_string = params->null_string,
        .unmodified_string = params->unmodified_string,
        .history = terms->history,
    };
    if (!batch_run(call->pool, call->ticket, call->options, &batch, err)) {
        return false;
    }
    response->response_case = FIVETRAN_SDK__V2__WRITE_BATCH_RESPONSE__RESPONSE_SUCCESS;
    response->success = true;
    return true;
}

static bool check_params(const FivetranSdk__V2__FileParams *params, struct error *err)
{
    if ((unsigned)params->compression > FIVETRAN_SDK__V2__COMPRESSION__GZIP) {
        return error_set(err, ERROR_REQUEST,
                         "the files' compression is %d, which is not known; 0 (OFF), 1 (ZSTD) and "
                         "2 (GZIP) are",
                         (int)params->compression);
    }
    if ((unsigned)params->encryption > FIVETRAN_SDK__V2__ENCRYPTION__AES) {
        return error_set(err, ERROR_REQUEST,
                         "the files' encryption is %d, which is not known; 0 (NONE) and 1 (AES) "
                         "are",
                         (int)params->encryption);
    }
    return true;
}

static bool list_files(const struct batch_call_terms *terms,
                       const FivetranSdk__V2__FileParams *params, struct file_list *list,
                       struct error *err)
{
    for (size_t i = 0; i < terms->lists_count; i++) {
        const struct batch_call_lists *phase = &terms->lists[i];

        if (!file_list_add(list, phase->kind, phase->paths, phase->count, err)) {
            return false;
        }
    }
    return params->encryption == FIVETRAN_SDK__V2__ENCRYPTION__NONE ||
           file_list_set_keys(list, terms->keys, terms->keys_count, err);
}
