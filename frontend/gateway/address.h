/* Where a server listens: an IP address and a port. */
#ifndef WEIR_FRONTEND_GATEWAY_ADDRESS_H
#define WEIR_FRONTEND_GATEWAY_ADDRESS_H

#include <stdbool.h>
#include <stdint.h>
#include <sys/socket.h>

#include <netinet/in.h>

#include "common/attributes.h"
#include "common/error.h"

enum {
    ADDRESS_TEXT_MAX = INET6_ADDRSTRLEN + 16 /* with brackets, colon, port and end mark */
};

/* A plain value. */
struct address {
    struct sockaddr_storage socket;
    socklen_t socket_length;
    char text[ADDRESS_TEXT_MAX]; /* "127.0.0.1:50052", "[::1]:50052": as gRPC takes it */
};

/* Reads an IPv4 or IPv6 address in numbers, the latter with or without brackets. Fails with
 * ERROR_REQUEST. */
MUST_CHECK bool address_read(const char *text, uint16_t port, struct address *address_out,
                             struct error *err);

/* All interfaces: IPv6 and IPv4 together, or IPv4 alone on a machine without IPv6. */
struct address address_everywhere(uint16_t port);

/* Where a socket listens, which may be a path of this machine. Fails with ERROR_INTERNAL. */
MUST_CHECK bool address_of_socket(int fd, struct address *address_out, struct error *err);

/* 0: it has none. */
uint16_t address_port(const struct address *address);

/* Whether other machines cannot reach it. */
bool address_is_local(const struct address *address);

/* Binds it for a moment: gRPC says that it failed, but not why. Fails with ERROR_REQUEST. */
MUST_CHECK bool address_try(const struct address *address, struct error *err);

#endif
