/* The batch files of a request: listed by phase, each with its key. */
#ifndef WEIR_FRONTEND_RPC_FILE_LIST_H
#define WEIR_FRONTEND_RPC_FILE_LIST_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/error.h"
#include "destination_sdk.pb-c.h"
#include "frontend/dispatch/batch.h"

/* A zeroed struct is an empty list. Paths and keys are borrowed from the request. */
struct file_list {
    struct batch_file *files;
    size_t count;
};

/* A map entry of `keys`; protoc-c makes a struct of its own for each request, all alike. */
typedef FivetranSdk__V2__WriteBatchRequest__KeysEntry file_list_key;

/* Adds the files of one phase. Fails with ERROR_REQUEST for an empty path. */
MUST_CHECK bool file_list_add(struct file_list *list, Weir__FileKind kind, char *const *paths,
                              size_t count, struct error *err);

/* Gives each file its key, by its path exactly as listed. Fails with ERROR_REQUEST, naming the
 * file, if there is none or it has not 32 bytes. */
MUST_CHECK bool file_list_set_keys(struct file_list *list, file_list_key *const *keys, size_t count,
                                   struct error *err);

/* Frees the list, not what it borrows. Suits OWNED(file_list_clear). */
void file_list_clear(struct file_list *list);

#endif
