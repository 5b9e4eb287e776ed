/* What TLS is served with, as the files say it: read and checked before gRPC sees any of it, which
 * would only say that it failed. */
#ifndef WEIR_FRONTEND_GATEWAY_TLS_FILES_H
#define WEIR_FRONTEND_GATEWAY_TLS_FILES_H

#include <stdbool.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/options.h"

/* The files' contents, PEM. A zeroed struct holds nothing. */
struct tls_files {
    char *certificates;      /* the server's own first */
    char *key;               /* its private key, wiped by tls_files_clear() */
    char *client_ca;         /* NULL: clients show no certificate */
    char valid_until[32];    /* of the server's own certificate */
    bool key_is_open_to_all; /* other users of the machine may read its file */
};

/* Reads the files of options->tls_*. Fails with ERROR_REQUEST if one cannot be read or is no PEM,
 * the certificate has expired or is not valid yet, or the key is not the certificate's. */
MUST_CHECK bool tls_files_read(const struct options *options, struct tls_files *files_out,
                               struct error *err);

/* Wipes and frees. Suits OWNED(tls_files_clear). */
void tls_files_clear(struct tls_files *files);

#endif
