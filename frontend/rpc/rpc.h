/* What an RPC is: a row with its path, its messages, the table it is about, and its handler.
 *
 * The gateway receives, checks and unpacks a request, takes the lease of the table if the RPC
 * writes to it, and calls the handler; what the handler returns becomes the answer. To add an RPC,
 * write rpc_<name>.c and add a row to rpc_table.c. */
#ifndef WEIR_FRONTEND_RPC_RPC_H
#define WEIR_FRONTEND_RPC_RPC_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <protobuf-c/protobuf-c.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/options.h"
#include "frontend/dispatch/pool.h"

enum {
    RPC_TABLES_MAX = 2 /* a rename and a copy have two */
};

/* The tables that a request is about, borrowed from it. */
struct rpc_tables {
    const char *schema_name; /* NULL: none */
    const char *names[RPC_TABLES_MAX];
    size_t count;
};

struct rpc;

/* What a handler works with beside its request. */
struct rpc_call {
    const struct rpc *rpc;
    const struct options *options;
    struct pool *pool;
    struct ticket *ticket; /* cancelled with the RPC */
};

/* Handles one request and fills the response, which was initialised and is freed with
 * protobuf_c_message_free_unpacked(). On failure the response is answered with *err as a task, or
 * not at all but with a gRPC status, as the error's kind wants. */
typedef bool rpc_handle(const struct rpc_call *call, const ProtobufCMessage *request,
                        ProtobufCMessage *response, struct error *err);

struct rpc {
    const char *path; /* "/package.Service/Method" */
    const ProtobufCMessageDescriptor *request;
    const ProtobufCMessageDescriptor *response;
    rpc_handle *handle;
    void (*tables)(const ProtobufCMessage *request, struct rpc_tables *tables_out); /* or NULL */
    bool writes;  /* holds the lease of its tables while it runs */
    bool at_once; /* never waits for anything: runs without a thread of its own */
    bool local;   /* only over the server's own socket */
};

/* All RPCs. */
extern const struct rpc rpcs[];
extern const size_t rpcs_count;

/* The RPC of that path, or NULL. */
const struct rpc *rpc_find(const char *path, size_t path_length);

/* "Method" of "/package.Service/Method". */
const char *rpc_method(const struct rpc *rpc);

#endif
