/* A request to migrate as our own: which operation, on what. */
#ifndef WEIR_FRONTEND_RPC_MIGRATION_REQUEST_H
#define WEIR_FRONTEND_RPC_MIGRATION_REQUEST_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"
#include "destination_sdk.pb-c.h"
#include "job.pb-c.h"

/* Fills *wish, which was initialised, with the request's operation; its texts are borrowed. The
 * kind stays MIGRATION_UNSPECIFIED where the operation is unset, unknown or not supported. */
void migration_request_read(const FivetranSdk__V2__MigrationDetails *details,
                            Weir__MigrateJob *wish);

/* Checks the names that the operation needs: ERROR_REQUEST, ERROR_LIMIT. */
MUST_CHECK bool migration_request_check(const Weir__MigrateJob *wish, struct error *err);

#endif
