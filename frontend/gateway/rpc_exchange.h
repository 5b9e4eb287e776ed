/* One RPC of the service, from its request to its answer.
 *
 *     receiving -> opening -> waiting -> queued -> running -> ended
 *
 * It opens (checks, unpacks) its request, waits for its table's lease, then for a thread, runs its
 * handler on that, and answers. Only running takes a thread for long. A client that goes, and the
 * stop of the server, end it from wherever it is; once it runs, through its ticket. */
#ifndef WEIR_FRONTEND_GATEWAY_RPC_EXCHANGE_H
#define WEIR_FRONTEND_GATEWAY_RPC_EXCHANGE_H

#include "frontend/gateway/desk.h"
#include "frontend/gateway/exchange.h"
#include "frontend/rpc/rpc.h"

/* Starts an RPC; it frees itself when it is answered. */
void rpc_exchange_accept(struct desk *desk, const struct rpc *rpc, const struct accepted *accepted);

/* From here on no RPC begins; those that have not begun are refused with ERROR_UNAVAILABLE. */
void rpc_exchange_refuse_all(struct desk *desk);

/* Cancels all RPCs that run, with ERROR_UNAVAILABLE. */
void rpc_exchange_cancel_all(struct desk *desk);

#endif
