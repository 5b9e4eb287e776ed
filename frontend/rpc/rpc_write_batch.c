/* WriteBatch: checks the request by the protocol, then dispatch/batch does the rest. */
#include <stdint.h>

#include "common/text.h"
#include "frontend/dispatch/batch.h"
#include "frontend/rpc/configuration.h"
#include "frontend/rpc/file_list.h"
#include "frontend/rpc/rpc_handlers.h"
#include "frontend/rpc/table_request.h"

static bool check_params(const FivetranSdk__V2__FileParams *params, struct error *err);
static bool list_files(const FivetranSdk__V2__WriteBatchRequest *asked,
                       const FivetranSdk__V2__FileParams *params, struct file_list *list,
                       struct error *err);

bool rpc_write_batch(const struct rpc_call *call, const ProtobufCMessage *request,
                     ProtobufCMessage *response, struct error *err)
{
    /* Absent file_params mean all zero: nothing compressed or encrypted, empty markers. */
    static const FivetranSdk__V2__FileParams params_absent = FIVETRAN_SDK__V2__FILE_PARAMS__INIT;
    const FivetranSdk__V2__WriteBatchRequest *asked = (const void *)request;
    FivetranSdk__V2__WriteBatchResponse *answer = (void *)response;
    const FivetranSdk__V2__FileParams *params =
        asked->file_params != NULL ? asked->file_params : &params_absent;
    OWNED(table_free) struct table *table = NULL;
    OWNED(file_list_clear) struct file_list list = {0};

    if (!configuration_check(request, err) ||
        !table_request_read(asked->schema_name, asked->table, &table, err)) {
        return false;
    }
    if (!check_params(params, err) || !list_files(asked, params, &list, err)) {
        return error_wrap(err, "could not write to table \"%s.%s\"",
                          text_name(table->schema_name).text, text_name(table->name).text);
    }

    struct batch_request batch = {
        .table = table,
        .files = list.files,
        .files_count = list.count,
        .compression = (uint32_t)params->compression,
        .format = FIVETRAN_SDK__V2__BATCH_FILE_FORMAT__CSV,
        .null_string = params->null_string,
        .unmodified_string = params->unmodified_string,
    };

    if (!batch_run(call->pool, call->ticket, call->options, &batch, err)) {
        return false;
    }
    answer->response_case = FIVETRAN_SDK__V2__WRITE_BATCH_RESPONSE__RESPONSE_SUCCESS;
    answer->success = true;
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

static bool list_files(const FivetranSdk__V2__WriteBatchRequest *asked,
                       const FivetranSdk__V2__FileParams *params, struct file_list *list,
                       struct error *err)
{
    return file_list_add(list, WEIR__FILE_KIND__FILE_REPLACE, asked->replace_files,
                         asked->n_replace_files, err) &&
           file_list_add(list, WEIR__FILE_KIND__FILE_UPDATE, asked->update_files,
                         asked->n_update_files, err) &&
           file_list_add(list, WEIR__FILE_KIND__FILE_DELETE, asked->delete_files,
                         asked->n_delete_files, err) &&
           (params->encryption == FIVETRAN_SDK__V2__ENCRYPTION__NONE ||
            file_list_set_keys(list, asked->keys, asked->n_keys, err));
}
