/* See grpc_log.h.
 *
 * gRPC's listener tries accept() once: where that fails for want of descriptors or memory, it never
 * asks again, and its socket lets clients wait in vain. Only the log tells. */
#include "frontend/gateway/grpc_log.h"

#include <stdatomic.h>
#include <string.h>

#include <grpc/support/log.h>

#include "common/log.h"

static _Atomic bool deaf; /* one for the process, as gRPC's log function is */

static void write_line(gpr_log_func_args *said);

void grpc_log_begin(void)
{
    gpr_set_log_function(write_line);
}

bool grpc_log_told_of_deafness(void)
{
    return atomic_load(&deaf);
}

static void write_line(gpr_log_func_args *said)
{
    if (said->severity != GPR_LOG_SEVERITY_ERROR) {
        return;
    }
    log_message(LOG_WARNING, "gRPC: %s", said->message);
    if (strncmp(said->message, "Failed accept", strlen("Failed accept")) == 0) {
        atomic_store(&deaf, true);
    }
}
