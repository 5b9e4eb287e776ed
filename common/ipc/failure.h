/* struct error in and out of a Result. */
#ifndef WEIR_COMMON_IPC_FAILURE_H
#define WEIR_COMMON_IPC_FAILURE_H

#include "common/error.h"
#include "job.pb-c.h"

/* Puts a copy of the error into the result, which must have none yet. */
void failure_set(Weir__Result *result, const struct error *err);

/* The result's failure as an error; "no error" if it has none. A kind that we do not know becomes
 * ERROR_INTERNAL. */
void failure_get(const Weir__Result *result, struct error *err);

#endif
