/* Certificate, key and client CA: from files to checked PEM. */
#include "frontend/gateway/tls_files.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <openssl/err.h>
#include <openssl/pem.h>
#include <openssl/x509.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/text.h"

static bool check_options(const struct options *options, struct error *err);
static bool read_file(const char *what, const char *path, char **text_out, bool *is_open_out,
                      struct error *err);
static bool read_all(int fd, char *text, size_t length);
static bool check_files(const struct options *options, struct tls_files *files, struct error *err);
static bool check_times(X509 *certificate, struct tls_files *files, struct error *err);
static bool check_key(X509 *certificate, const char *certificate_path, const char *pem,
                      struct error *err);
static X509 *read_certificates(const char *pem);
static EVP_PKEY *private_key(const char *pem);
static int no_password(char *password, int size, int writing, void *context);
static void print_time(const ASN1_TIME *time, char *text, size_t size);
static void wipe_text(char **text);

bool tls_files_read(const struct options *options, struct tls_files *files_out, struct error *err)
{
    OWNED(tls_files_clear) struct tls_files files = {0};
    bool ignored = false;

    if (!check_options(options, err) ||
        !read_file("certificate file", options->tls_cert, &files.certificates, &ignored, err) ||
        !read_file("key file", options->tls_key, &files.key, &files.key_is_open_to_all, err)) {
        return false;
    }
    if (options->tls_client_ca != NULL &&
        !read_file("client CA file", options->tls_client_ca, &files.client_ca, &ignored, err)) {
        return false;
    }
    if (!check_files(options, &files, err)) {
        return false;
    }
    *files_out = files;
    files = (struct tls_files){0};
    return true;
}

void tls_files_clear(struct tls_files *files)
{
    wipe_text(&files->certificates);
    wipe_text(&files->key);
    wipe_text(&files->client_ca);
}

static bool check_options(const struct options *options, struct error *err)
{
    if (options->tls_cert != NULL && options->tls_key != NULL) {
        return true;
    }
    error_set(err, ERROR_REQUEST, "no %s is given",
              options->tls_cert == NULL ? "certificate" : "key of the certificate");
    return error_hint(err, "Give both --tls-cert and --tls-key.");
}

static bool read_file(const char *what, const char *path, char **text_out, bool *is_open_out,
                      struct error *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    struct stat status = {0};

    if (fd < 0 || fstat(fd, &status) != 0) {
        error_set_errno(err, ERROR_REQUEST, "could not open %s \"%s\"", what, text_path(path).text);
    } else if (!S_ISREG(status.st_mode) || status.st_size > LIMIT_TLS_FILE_BYTES) {
        error_set(err, ERROR_REQUEST,
                  "could not read %s \"%s\": it is not a regular file of at "
                  "most %d bytes",
                  what, text_path(path).text, LIMIT_TLS_FILE_BYTES);
    } else {
        *text_out = mem_zero((size_t)status.st_size + 1);
        *is_open_out = (status.st_mode & S_IROTH) != 0;
        if (!read_all(fd, *text_out, (size_t)status.st_size)) {
            error_set_errno(err, ERROR_REQUEST, "could not read %s \"%s\"", what,
                            text_path(path).text);
        }
    }
    if (fd >= 0) {
        close(fd);
    }
    return err->kind == ERROR_NONE;
}

static bool read_all(int fd, char *text, size_t length)
{
    size_t done = 0;

    while (done < length) {
        ssize_t got = read(fd, text + done, length - done);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got <= 0) {
            errno = got < 0 ? errno : EIO; /* it was cut while we read it */
            return false;
        }
        done += (size_t)got;
    }
    return true;
}

static bool check_files(const struct options *options, struct tls_files *files, struct error *err)
{
    X509 *certificate = read_certificates(files->certificates);
    X509 *authority = files->client_ca != NULL ? read_certificates(files->client_ca) : NULL;
    bool fine = false;

    if (certificate == NULL) {
        error_set(err, ERROR_REQUEST,
                  "certificate file \"%s\" holds no PEM certificate, or a damaged one",
                  text_path(options->tls_cert).text);
    } else if (files->client_ca != NULL && authority == NULL) {
        error_set(err, ERROR_REQUEST,
                  "client CA file \"%s\" holds no PEM certificate, or a damaged one",
                  text_path(options->tls_client_ca).text);
    } else if (!check_times(certificate, files, err)) {
        error_wrap(err, "certificate file \"%s\"", text_path(options->tls_cert).text);
    } else if (!check_key(certificate, options->tls_cert, files->key, err)) {
        error_wrap(err, "key file \"%s\"", text_path(options->tls_key).text);
    } else {
        fine = true;
    }
    X509_free(certificate);
    X509_free(authority);
    return fine;
}

/* A client would refuse it: better told here, once, than by every sync. */
static bool check_times(X509 *certificate, struct tls_files *files, struct error *err)
{
    const ASN1_TIME *from = X509_get0_notBefore(certificate);
    const ASN1_TIME *until = X509_get0_notAfter(certificate);

    print_time(until, files->valid_until, sizeof files->valid_until);
    if (X509_cmp_current_time(until) < 0) {
        error_set(err, ERROR_REQUEST, "the certificate has expired, on %s", files->valid_until);
        return error_hint(err, "Renew the certificate.");
    }
    if (X509_cmp_current_time(from) > 0) {
        char valid_from[sizeof files->valid_until];

        print_time(from, valid_from, sizeof valid_from);
        error_set(err, ERROR_REQUEST, "the certificate is not valid before %s", valid_from);
        return error_hint(err, "Look at the clock of this machine.");
    }
    return true;
}

static bool check_key(X509 *certificate, const char *certificate_path, const char *pem,
                      struct error *err)
{
    EVP_PKEY *key = private_key(pem);
    bool fits = key != NULL && X509_check_private_key(certificate, key) == 1;

    EVP_PKEY_free(key);
    if (key == NULL) {
        error_set(err, ERROR_REQUEST, "it holds no PEM private key, or an encrypted one");
        return error_hint(err, "`openssl pkey` decrypts a key.");
    }
    return fits || error_set(err, ERROR_REQUEST, "it is not the key of certificate file \"%s\"",
                             text_path(certificate_path).text);
}

/* The first one. NULL: there is none, or one of them cannot be read, where gRPC would silently
 * leave out the rest of the chain, or of the authorities. */
static X509 *read_certificates(const char *pem)
{
    BIO *source = BIO_new_mem_buf(pem, -1);
    X509 *first = PEM_read_bio_X509(source, NULL, no_password, NULL);
    X509 *next = first;

    while (next != NULL) {
        next = PEM_read_bio_X509(source, NULL, no_password, NULL);
        if (next != NULL) {
            X509_free(next);
        } else if (ERR_GET_REASON(ERR_peek_last_error()) != PEM_R_NO_START_LINE) {
            X509_free(first);
            first = NULL;
        }
    }
    ERR_clear_error();
    BIO_free(source);
    return first;
}

static EVP_PKEY *private_key(const char *pem)
{
    BIO *source = BIO_new_mem_buf(pem, -1);
    EVP_PKEY *key = PEM_read_bio_PrivateKey(source, NULL, no_password, NULL);

    BIO_free(source);
    return key;
}

/* Without it OpenSSL would ask for the password at the terminal. */
static int no_password(char *password, int size, int writing, void *context)
{
    (void)password;
    (void)size;
    (void)writing;
    (void)context;
    return -1;
}

static void print_time(const ASN1_TIME *time, char *text, size_t size)
{
    struct tm parts = {0};

    if (ASN1_TIME_to_tm(time, &parts) != 1 ||
        strftime(text, size, "%Y-%m-%dT%H:%M:%SZ", &parts) == 0) {
        snprintf(text, size, "an unknown day");
    }
}

static void wipe_text(char **text)
{
    if (*text != NULL) {
        mem_wipe(*text, strlen(*text));
    }
    mem_release(text);
}
