/* TLS of a server: gRPC's credentials, with files that may change while it runs.
 *
 * gRPC asks for the files of a listener whenever a client connects; connections that are there keep
 * what they began with. */
#ifndef WEIR_FRONTEND_GATEWAY_TLS_H
#define WEIR_FRONTEND_GATEWAY_TLS_H

#include <stdbool.h>

#include <grpc/grpc_security.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/options.h"

struct tls;

/* Options are borrowed. Nothing is read before tls_load(). */
struct tls *tls_new(const struct options *options);

/* Whether the options ask for TLS. */
bool tls_is_wanted(const struct tls *tls);

/* Reads the files, for connections to come. What is wrong with them is in *err (ERROR_REQUEST), and
 * the files read before stay in use. Any thread. */
MUST_CHECK bool tls_load(struct tls *tls, struct error *err);

/* Credentials for one more listener, for the caller to release; at most OPTION_LIST_MAX of them.
 * Without TLS they are gRPC's insecure ones. */
grpc_server_credentials *tls_credentials(struct tls *tls);

/* After the server and its last connection are gone. */
void tls_free(struct tls **tls);

#endif
