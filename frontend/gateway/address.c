/* IP addresses to listen on. */
#include "frontend/gateway/address.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

#include <arpa/inet.h>

#include "common/require.h"
#include "common/text.h"

static bool read_six(const char *text, uint16_t port, struct address *address_out);
static bool read_four(const char *text, uint16_t port, struct address *address_out);
static bool bind_for_a_moment(const struct address *address);
static bool has_six(void);

bool address_read(const char *text, uint16_t port, struct address *address_out, struct error *err)
{
    if (read_four(text, port, address_out) || read_six(text, port, address_out)) {
        return true;
    }
    error_set(err, ERROR_REQUEST, "cannot listen on \"%s\": it is no IPv4 or IPv6 address",
              text_name(text).text);
    return error_hint(err,
                      "--listen takes an address in numbers, as 127.0.0.1, 0.0.0.0 or ::1; "
                      "the port is given with --port.");
}

struct address address_everywhere(uint16_t port)
{
    struct address address;

    REQUIRE(has_six() ? read_six("::", port, &address) : read_four("0.0.0.0", port, &address));
    return address;
}

bool address_of_socket(int fd, struct address *address_out, struct error *err)
{
    *address_out = (struct address){.socket_length = sizeof address_out->socket};
    return getsockname(fd, (void *)&address_out->socket, &address_out->socket_length) == 0 ||
           error_set_errno(err, ERROR_INTERNAL, "could not look at a socket of systemd");
}

uint16_t address_port(const struct address *address)
{
    const struct sockaddr_in6 *six = (const void *)&address->socket;
    const struct sockaddr_in *four = (const void *)&address->socket;

    switch (address->socket.ss_family) {
    case AF_INET:
        return ntohs(four->sin_port);
    case AF_INET6:
        return ntohs(six->sin6_port);
    default:
        return 0;
    }
}

bool address_is_local(const struct address *address)
{
    const struct sockaddr_in6 *six = (const void *)&address->socket;
    const struct sockaddr_in *four = (const void *)&address->socket;

    if (address->socket.ss_family == AF_INET6) {
        return IN6_IS_ADDR_LOOPBACK(&six->sin6_addr);
    }
    return address->socket.ss_family != AF_INET ||
           ntohl(four->sin_addr.s_addr) >> 24 == IN_LOOPBACKNET;
}

bool address_try(const struct address *address, struct error *err)
{
    if (bind_for_a_moment(address)) {
        return true;
    }
    if (errno == EADDRINUSE) {
        error_set(err, ERROR_REQUEST, "cannot listen on %s: it is in use", address->text);
        return error_hint(err, "Stop the other server, or choose another port with --port.");
    }
    if (errno == EADDRNOTAVAIL) {
        error_set(err, ERROR_REQUEST, "cannot listen on %s: this machine has no such address",
                  address->text);
        return error_hint(err, "`ip address` lists those that --listen can take.");
    }
    if (errno == EACCES) {
        error_set(err, ERROR_REQUEST, "cannot listen on %s: permission denied", address->text);
        return error_hint(err,
                          "Ports below 1024 need the right to bind them; choose another with "
                          "--port.");
    }
    return error_set_errno(err, ERROR_REQUEST, "cannot listen on %s", address->text);
}

static bool read_six(const char *text, uint16_t port, struct address *address_out)
{
    struct sockaddr_in6 six = {.sin6_family = AF_INET6, .sin6_port = htons(port)};
    char plain[INET6_ADDRSTRLEN];
    size_t length = strlen(text);
    bool in_brackets = length > 2 && text[0] == '[' && text[length - 1] == ']';

    snprintf(plain, sizeof plain, "%.*s", (int)(in_brackets ? length - 2 : length),
             in_brackets ? text + 1 : text);
    if (length >= sizeof plain || inet_pton(AF_INET6, plain, &six.sin6_addr) != 1) {
        return false;
    }
    *address_out = (struct address){.socket_length = sizeof six};
    memcpy(&address_out->socket, &six, sizeof six);
    snprintf(address_out->text, sizeof address_out->text, "[%s]:%u", plain, port);
    return true;
}

static bool read_four(const char *text, uint16_t port, struct address *address_out)
{
    struct sockaddr_in four = {.sin_family = AF_INET, .sin_port = htons(port)};

    if (inet_pton(AF_INET, text, &four.sin_addr) != 1) {
        return false;
    }
    *address_out = (struct address){.socket_length = sizeof four};
    memcpy(&address_out->socket, &four, sizeof four);
    snprintf(address_out->text, sizeof address_out->text, "%s:%u", text, port);
    return true;
}

/* errno says why it could not. */
static bool bind_for_a_moment(const struct address *address)
{
    int fd = socket(address->socket.ss_family, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int on = 1;
    int off = 0;

    if (fd < 0) {
        return false;
    }
    /* As gRPC does: connections of an earlier server that linger are no hindrance, and one socket
     * is for both families. */
    setsockopt(fd, SOL_SOCKET, SO_REUSEADDR, &on, sizeof on);
    if (address->socket.ss_family == AF_INET6) {
        setsockopt(fd, IPPROTO_IPV6, IPV6_V6ONLY, &off, sizeof off);
    }

    bool bound =
        bind(fd, (const void *)&address->socket, address->socket_length) == 0 && listen(fd, 1) == 0;
    int reason = errno;

    close(fd);
    errno = reason;
    return bound;
}

/* A machine without IPv6 has no such family or address. */
static bool has_six(void)
{
    struct address any;

    REQUIRE(read_six("::", 0, &any));
    return bind_for_a_moment(&any);
}
