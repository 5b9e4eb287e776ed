/* TLS: files to gRPC's credentials, now and after a reload. */
#include "frontend/gateway/tls.h"

#include <string.h>

#include <pthread.h>

#include "common/log.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/text.h"
#include "frontend/gateway/tls_files.h"

/* A listener asks for itself, so each knows on its own whether it has seen the newest files. */
struct tls_listener {
    struct tls *tls;
    unsigned loads_seen;
};

struct tls {
    const struct options *options;
    struct tls_listener listeners[OPTION_LIST_MAX];
    size_t listeners_count;
    pthread_mutex_t mutex; /* of what follows, and of loads_seen */
    struct tls_files files;
    unsigned loads;
};

static void tell_load(const struct tls *tls, const struct tls_files *files);
static grpc_ssl_certificate_config_reload_status fetch(
    void *context, grpc_ssl_server_certificate_config **config_out);
static grpc_ssl_server_certificate_config *make_config(const struct tls_files *files);

struct tls *tls_new(const struct options *options)
{
    struct tls *tls = mem_zero(sizeof *tls);

    tls->options = options;
    pthread_mutex_init(&tls->mutex, NULL);
    return tls;
}

bool tls_is_wanted(const struct tls *tls)
{
    return tls->options->tls_cert != NULL || tls->options->tls_key != NULL ||
           tls->options->tls_client_ca != NULL;
}

bool tls_load(struct tls *tls, struct error *err)
{
    OWNED(tls_files_clear) struct tls_files old = {0};
    struct tls_files files = {0};

    REQUIRE(tls_is_wanted(tls));
    if (!tls_files_read(tls->options, &files, err)) {
        return false;
    }
    tell_load(tls, &files);
    pthread_mutex_lock(&tls->mutex);
    old = tls->files;
    tls->files = files;
    tls->loads++;
    pthread_mutex_unlock(&tls->mutex);
    return true;
}

grpc_server_credentials *tls_credentials(struct tls *tls)
{
    grpc_ssl_client_certificate_request_type request =
        tls->options->tls_client_ca != NULL
            ? GRPC_SSL_REQUEST_AND_REQUIRE_CLIENT_CERTIFICATE_AND_VERIFY
            : GRPC_SSL_DONT_REQUEST_CLIENT_CERTIFICATE;

    if (!tls_is_wanted(tls)) {
        return grpc_insecure_server_credentials_create();
    }
    REQUIRE(tls->listeners_count < OPTION_LIST_MAX);

    struct tls_listener *listener = &tls->listeners[tls->listeners_count++];

    *listener = (struct tls_listener){.tls = tls};
    return grpc_ssl_server_credentials_create_with_options(
        grpc_ssl_server_credentials_create_options_using_config_fetcher(request, fetch, listener));
}

void tls_free(struct tls **tls)
{
    if (*tls != NULL) {
        tls_files_clear(&(*tls)->files);
        pthread_mutex_destroy(&(*tls)->mutex);
        mem_free(*tls);
        *tls = NULL;
    }
}

static void tell_load(const struct tls *tls, const struct tls_files *files)
{
    struct log_line line;

    log_begin(&line, LOG_INFO, "read the TLS certificate");
    log_text(&line, "file", text_path(tls->options->tls_cert).text);
    log_text(&line, "valid_until", files->valid_until);
    log_end(&line);
    if (files->key_is_open_to_all) {
        log_message(LOG_WARNING,
                    "all users of this machine can read the TLS key file \"%s\": "
                    "`chmod o-r` takes that away",
                    text_path(tls->options->tls_key).text);
    }
}

/* On gRPC's threads, for each connection. */
static grpc_ssl_certificate_config_reload_status fetch(
    void *context, grpc_ssl_server_certificate_config **config_out)
{
    struct tls_listener *listener = context;
    struct tls *tls = listener->tls;
    grpc_ssl_certificate_config_reload_status status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_UNCHANGED;

    pthread_mutex_lock(&tls->mutex);
    if (listener->loads_seen != tls->loads) {
        listener->loads_seen = tls->loads;
        *config_out = make_config(&tls->files);
        status = GRPC_SSL_CERTIFICATE_CONFIG_RELOAD_NEW;
    }
    pthread_mutex_unlock(&tls->mutex);
    return status;
}

/* gRPC wants authorities even where clients are not asked for a certificate; then any will do. */
static grpc_ssl_server_certificate_config *make_config(const struct tls_files *files)
{
    const char *authorities = files->client_ca != NULL ? files->client_ca : files->certificates;
    grpc_ssl_pem_key_cert_pair pair = {.private_key = files->key,
                                       .cert_chain = files->certificates};

    return grpc_ssl_server_certificate_config_create(authorities, &pair, 1);
}
