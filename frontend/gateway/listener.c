/* The gRPC server object: its settings, its addresses, its accepting. */
#include "frontend/gateway/listener.h"

#include <limits.h>
#include <stdio.h>
#include <string.h>

#include <grpc/grpc_security.h>
#include <grpc/support/alloc.h>
#include <grpc/support/time.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/role.h"
#include "common/text.h"
#include "frontend/gateway/address.h"
#include "frontend/gateway/caller.h"
#include "frontend/gateway/rpc_exchange.h"
#include "frontend/rpc/rpc.h"

enum {
    SETTINGS_MAX = 16,
    STREAMS_PER_CONNECTION = 4096, /* more calls of one client wait in the client */
    PING_INTERVAL_MIN_MS = 1000,
    PING_AFTER_MS = 60000, /* a client that does not even answer pings is gone */
    PING_TIMEOUT_MS = 20000,
};

/* How gRPC names an address, and a peer, on this machine. */
#define LOCAL_SCHEME "unix:"

_Static_assert(LIMIT_MESSAGE_BYTES <= INT_MAX, "gRPC takes the limit as an int");

static grpc_server *create_server(void);
static void set(grpc_channel_args *settings, const char *name, int value);
static grpc_resource_quota *set_quota(grpc_channel_args *settings);
static grpc_arg *add(grpc_channel_args *settings, const char *name, grpc_arg_type type);
static bool bind_all(struct listener *listener, const struct options *options, struct tls *tls,
                     uint16_t *port_out, struct error *err);
static bool bind_address(struct listener *listener, const struct address *address, struct tls *tls,
                         uint16_t *port_out, struct error *err);
static bool look_at_sockets(struct listener *listener, const struct tls *tls, uint16_t *port_out,
                            struct error *err);
static bool bind_own_socket(struct listener *listener, struct error *err);
static bool is_local(grpc_call *call);
static void accept_next(struct listener *listener);
static void handle_accepted(void *owner, bool ok);
static void route(struct listener *listener, const struct accepted *accepted);

bool listener_open(struct listener *listener, const struct options *options, struct tls *tls,
                   uint16_t *port_out, struct error *err)
{
    listener->server = create_server();
    grpc_server_register_completion_queue(listener->server, listener->queue, NULL);
    bool bound = listener->sockets_count > 0 ? look_at_sockets(listener, tls, port_out, err)
                                             : bind_all(listener, options, tls, port_out, err);

    if (!bound || !bind_own_socket(listener, err)) {
        /* A server wants to be shut down before it is destroyed, even one that never started. */
        grpc_server_shutdown_and_notify(listener->server, listener->queue, NULL);
        grpc_completion_queue_next(listener->queue, gpr_inf_future(GPR_CLOCK_REALTIME), NULL);
        grpc_server_destroy(listener->server);
        listener->server = NULL;
        return false;
    }
    grpc_server_start(listener->server);
    if (listener->sockets_count > 0) {
        listener->acceptor =
            acceptor_start(listener->server, ROLE_SOCKET_FD, listener->sockets_count);
    }
    grpc_call_details_init(&listener->details);
    grpc_metadata_array_init(&listener->metadata);
    listener->accepted_event = (struct event){handle_accepted, listener};
    accept_next(listener);
    return true;
}

void listener_shut(struct listener *listener, struct event *closed)
{
    acceptor_stop(&listener->acceptor);
    grpc_server_shutdown_and_notify(listener->server, listener->queue, closed);
}

void listener_break(struct listener *listener)
{
    grpc_server_cancel_all_calls(listener->server);
}

void listener_clear(struct listener *listener)
{
    if (listener->server != NULL) {
        grpc_server_destroy(listener->server);
        grpc_call_details_destroy(&listener->details);
        grpc_metadata_array_destroy(&listener->metadata);
        listener->server = NULL;
    }
}

static grpc_server *create_server(void)
{
    grpc_arg arguments[SETTINGS_MAX];
    grpc_channel_args settings = {.args = arguments};

    set(&settings, GRPC_ARG_MAX_RECEIVE_MESSAGE_LENGTH, (int)LIMIT_MESSAGE_BYTES);
    set(&settings, GRPC_ARG_MAX_SEND_MESSAGE_LENGTH, (int)LIMIT_MESSAGE_BYTES);
    set(&settings, GRPC_ARG_MAX_CONCURRENT_STREAMS, STREAMS_PER_CONNECTION);

    /* gRPC inflates without a bound; gateway/message_bytes does not. */
    set(&settings, GRPC_ARG_ENABLE_PER_MESSAGE_DECOMPRESSION, 0);

    /* Two servers on one port would share its calls at random. */
    set(&settings, GRPC_ARG_ALLOW_REUSEPORT, 0);

    /* Clients ping to keep long calls alive; by default they are cut off as abusive. */
    set(&settings, GRPC_ARG_HTTP2_MIN_RECV_PING_INTERVAL_WITHOUT_DATA_MS, PING_INTERVAL_MIN_MS);
    set(&settings, GRPC_ARG_HTTP2_MAX_PING_STRIKES, 0);
    set(&settings, GRPC_ARG_KEEPALIVE_PERMIT_WITHOUT_CALLS, 1);

    /* A client whose machine is gone must not keep its batch running. */
    set(&settings, GRPC_ARG_KEEPALIVE_TIME_MS, PING_AFTER_MS);
    set(&settings, GRPC_ARG_KEEPALIVE_TIMEOUT_MS, PING_TIMEOUT_MS);
    set(&settings, GRPC_ARG_HTTP2_MAX_PINGS_WITHOUT_DATA, 0);

    grpc_resource_quota *quota = set_quota(&settings);
    grpc_server *server = grpc_server_create(&settings, NULL);

    grpc_resource_quota_unref(quota);
    return server;
}

static void set(grpc_channel_args *settings, const char *name, int value)
{
    add(settings, name, GRPC_ARG_INTEGER)->value.integer = value;
}

/* Bounds what gRPC itself holds: requests that are on their way, which the desk cannot count. */
static grpc_resource_quota *set_quota(grpc_channel_args *settings)
{
    grpc_resource_quota *quota = grpc_resource_quota_create("requests");
    grpc_arg *argument = add(settings, GRPC_ARG_RESOURCE_QUOTA, GRPC_ARG_POINTER);

    grpc_resource_quota_resize(quota, LIMIT_RECEIVING_BYTES);
    argument->value.pointer.p = quota;
    argument->value.pointer.vtable = grpc_resource_quota_arg_vtable();
    return quota;
}

static grpc_arg *add(grpc_channel_args *settings, const char *name, grpc_arg_type type)
{
    REQUIRE(settings->num_args < SETTINGS_MAX);

    grpc_arg *argument = &settings->args[settings->num_args++];

    *argument = (grpc_arg){.type = type};
    /* gRPC's field is not const, but is not written to. */
    memcpy(&argument->key, &name, sizeof name);
    return argument;
}

/* Port 0: the first address finds a free one, which the others take, too. */
static bool bind_all(struct listener *listener, const struct options *options, struct tls *tls,
                     uint16_t *port_out, struct error *err)
{
    uint16_t port = (uint16_t)options->port;
    struct address address = address_everywhere(port);

    if (options->listen_count == 0) {
        return bind_address(listener, &address, tls, port_out, err);
    }
    for (size_t i = 0; i < options->listen_count; i++) {
        if (!address_read(options->listen[i], port, &address, err) ||
            !bind_address(listener, &address, tls, &port, err)) {
            return false;
        }
    }
    *port_out = port;
    return true;
}

static bool bind_address(struct listener *listener, const struct address *address, struct tls *tls,
                         uint16_t *port_out, struct error *err)
{
    if (!address_try(address, err)) {
        return false;
    }

    grpc_server_credentials *credentials = tls_credentials(tls);
    int bound = grpc_server_add_http2_port(listener->server, address->text, credentials);

    grpc_server_credentials_release(credentials);
    if (bound == 0) {
        return error_set(err, ERROR_REQUEST, "cannot listen on %s", address->text);
    }
    *port_out = (uint16_t)bound;
    listener->is_exposed |= !address_is_local(address);
    return true;
}

/* The port is the first one's. */
static bool look_at_sockets(struct listener *listener, const struct tls *tls, uint16_t *port_out,
                            struct error *err)
{
    if (tls_is_wanted(tls)) {
        (void)error_set(err, ERROR_REQUEST, "cannot serve TLS on sockets that systemd listens on");
        return error_hint(err, "Disable the socket unit: weir then listens itself, with TLS.");
    }
    for (size_t i = listener->sockets_count; i-- > 0;) {
        struct address address;

        if (!address_of_socket(ROLE_SOCKET_FD + (int)i, &address, err)) {
            return false;
        }
        listener->is_exposed |= !address_is_local(&address);
        *port_out = address_port(&address);
    }
    return true;
}

/* In a folder that only the server's user can enter. */
static bool bind_own_socket(struct listener *listener, struct error *err)
{
    if (listener->runtime_dir == NULL) {
        return true;
    }
    OWNED(mem_release)
    char *address = mem_format(LOCAL_SCHEME "%s/" CALLER_SOCKET, listener->runtime_dir);
    grpc_server_credentials *credentials = grpc_insecure_server_credentials_create();
    int bound = grpc_server_add_http2_port(listener->server, address, credentials);

    grpc_server_credentials_release(credentials);
    return bound != 0 || error_set(err, ERROR_REQUEST, "cannot listen on %s", address);
}

static bool is_local(grpc_call *call)
{
    char *peer = grpc_call_get_peer(call);
    bool local = strncmp(peer, LOCAL_SCHEME, strlen(LOCAL_SCHEME)) == 0;

    gpr_free(peer);
    return local;
}

static void accept_next(struct listener *listener)
{
    /* Fails only when the server is shut down already, and reports that as an event, too. */
    (void)grpc_server_request_call(listener->server, &listener->call, &listener->details,
                                   &listener->metadata, listener->queue, listener->queue,
                                   &listener->accepted_event);
}

/* Not ok: the server was shut down. */
static void handle_accepted(void *owner, bool ok)
{
    struct listener *listener = owner;

    if (!ok) {
        stream_end_all(listener->streams);
        return;
    }

    struct accepted accepted = {.call = listener->call, .deadline = listener->details.deadline};

    route(listener, &accepted);
    grpc_slice_unref(listener->details.method);
    grpc_slice_unref(listener->details.host);
    grpc_metadata_array_destroy(&listener->metadata);
    grpc_call_details_init(&listener->details);
    grpc_metadata_array_init(&listener->metadata);
    accept_next(listener);
}

static void route(struct listener *listener, const struct accepted *accepted)
{
    const char *path = (const char *)GRPC_SLICE_START_PTR(listener->details.method);
    size_t length = GRPC_SLICE_LENGTH(listener->details.method);
    const struct rpc *rpc = rpc_find(path, length);
    const struct stream_method *method = stream_find(path, length);

    if (rpc != NULL && (!rpc->local || is_local(accepted->call))) {
        rpc_exchange_accept(listener->desk, rpc, accepted);
    } else if (method != NULL) {
        stream_accept(listener->streams, method, accepted);
    } else {
        struct stream_failure failure = {.status = GRPC_STATUS_UNIMPLEMENTED};

        snprintf(failure.text, sizeof failure.text, "there is no method \"%s\"",
                 text_name_bytes(path, length).text);
        stream_refuse(listener->streams, accepted, &failure);
    }
}
