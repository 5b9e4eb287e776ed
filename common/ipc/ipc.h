/* Messages between frontend and worker: one Job out, one Result back, over nng.
 *
 * The only user of nng. A message is a header of 16 bytes (magic, version, kind, length) and a
 * packed protobuf-c message; the reader checks all of it even though we wrote it. A worker listens
 * at its own address for one connection of one life; the frontend dials it. */
#ifndef WEIR_COMMON_IPC_IPC_H
#define WEIR_COMMON_IPC_IPC_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "job.pb-c.h"

struct ipc;

/* Worker: listens at an "ipc://..." address. Frontend: dials it. */
MUST_CHECK bool ipc_listen(const char *address, struct ipc **ipc_out, struct error *err);
MUST_CHECK bool ipc_dial(const char *address, struct ipc **ipc_out, struct error *err);

/* Worker: waits for the next job, for the caller to release with weir__job__free_unpacked(). A
 * message that is none of ours is ERROR_INTERNAL. */
MUST_CHECK bool ipc_receive_job(struct ipc *ipc, Weir__Job **job_out, struct error *err);

/* Worker: answers the job. */
MUST_CHECK bool ipc_send_result(struct ipc *ipc, const Weir__Result *result, struct error *err);

/* Frontend: sends a job. */
MUST_CHECK bool ipc_send_job(struct ipc *ipc, const Weir__Job *job, struct error *err);

/* Frontend: waits for the result. Fails with ERROR_UNAVAILABLE when another thread calls
 * ipc_interrupt(), as the pool does when the worker was reaped. */
MUST_CHECK bool ipc_receive_result(struct ipc *ipc, Weir__Result **result_out, struct error *err);

/* Makes calls of other threads on `ipc` return. The ipc must still be closed by its owner. */
void ipc_interrupt(struct ipc *ipc);

void ipc_close(struct ipc **ipc);

#endif
