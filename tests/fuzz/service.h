/* The service without its sockets and processes: RPCs as calls, on a data folder of its own.
 *
 * For the fuzz targets of the RPCs. There is one service in a process; it starts with the first
 * call and always holds the same two tables: service_reset() puts them back. */
#ifndef WEIR_TESTS_FUZZ_SERVICE_H
#define WEIR_TESTS_FUZZ_SERVICE_H

#include <stdbool.h>
#include <stdint.h>

#include "common/error.h"
#include "frontend/rpc/rpc.h"

/* Makes the data folder with "s"."t" (a table with soft deletes) and "s"."h" (one in history mode),
 * a few rows in each, and a folder of batch files that requests know as "./t.csv" and "./h.csv". */
void service_reset(void);

/* Runs the RPC's handler as the gateway does: false leaves *err for an answer. */
bool service_call(const struct rpc *rpc, const ProtobufCMessage *request,
                  ProtobufCMessage *response, struct error *err);

/* What the data folder holds, as one number: every table's entry and rows. */
uint64_t service_digest(void);

#endif
