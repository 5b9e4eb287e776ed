/* AES-256-CBC with PKCS#7 padding; the file begins with the 16 bytes of the initialisation vector.
 *
 * The format has no checksum: damage shows in the padding here, or in what the bytes decode to. */
#include <string.h>

#include <openssl/evp.h>

#include "common/mem.h"
#include "common/require.h"
#include "worker/decode/source_internal.h"

enum {
    BLOCK_BYTES = 16
};

struct aes {
    EVP_CIPHER_CTX *context;
    uint64_t bytes; /* of ciphertext so far */
    bool finished;
    size_t plain_at;
    size_t plain_length;
    struct source_input input;
    uint8_t plain[SOURCE_BUFFER_BYTES + BLOCK_BYTES];
};

static bool read_vector(struct source *below, uint8_t *vector, struct error *err);
static bool decrypt_some(struct aes *aes, struct source *below, struct error *err);
static bool aes_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                     size_t *length_out, struct error *err);
static void aes_close(void *state);

bool source_open_aes(struct source **below, const uint8_t *key, struct source **source_out,
                     struct error *err)
{
    uint8_t vector[BLOCK_BYTES];
    struct aes *aes = NULL;

    if (!read_vector(*below, vector, err)) {
        return false;
    }
    aes = mem_zero(sizeof *aes);
    aes->context = EVP_CIPHER_CTX_new();
    REQUIRE(aes->context != NULL);
    REQUIRE(EVP_DecryptInit_ex(aes->context, EVP_aes_256_cbc(), NULL, key, vector) == 1);
    *source_out = source_new(*below, aes, aes_read, aes_close);
    return true;
}

static bool read_vector(struct source *below, uint8_t *vector, struct error *err)
{
    size_t length = 0;

    for (size_t got = 0; got < BLOCK_BYTES; got += length) {
        if (!source_read(below, vector + got, BLOCK_BYTES - got, &length, err)) {
            return false;
        }
        if (length == 0) {
            return error_set(err, ERROR_DATA,
                             "it is cut short: an encrypted file has at least 32 bytes");
        }
    }
    return true;
}

static bool aes_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                     size_t *length_out, struct error *err)
{
    struct aes *aes = state;
    size_t left = 0;

    while (aes->plain_at == aes->plain_length && !aes->finished) {
        if (!decrypt_some(aes, below, err)) {
            return false;
        }
    }
    left = aes->plain_length - aes->plain_at;
    *length_out = left < size ? left : size;
    memcpy(bytes, aes->plain + aes->plain_at, *length_out);
    aes->plain_at += *length_out;
    return true;
}

static bool decrypt_some(struct aes *aes, struct source *below, struct error *err)
{
    int written = 0;

    if (!source_input_fill(&aes->input, below, err)) {
        return false;
    }
    aes->plain_at = 0;
    if (!aes->input.at_end) {
        size_t length = aes->input.length;

        REQUIRE(EVP_DecryptUpdate(aes->context, aes->plain, &written, aes->input.bytes,
                                  (int)length) == 1);
        aes->bytes += length;
        aes->input.at = length;
        aes->plain_length = (size_t)written;
        return true;
    }
    if (aes->bytes == 0 || aes->bytes % BLOCK_BYTES != 0) {
        return error_set(err, ERROR_DATA,
                         "it is cut short: its encrypted part is no multiple of 16 bytes");
    }
    if (EVP_DecryptFinal_ex(aes->context, aes->plain, &written) != 1) {
        (void)error_set(err, ERROR_DATA,
                        "it could not be decrypted: the key is wrong or the file is damaged");
        return error_hint(err, "Check that `keys` has this file's own key.");
    }
    aes->plain_length = (size_t)written;
    aes->finished = true;
    return true;
}

static void aes_close(void *state)
{
    struct aes *aes = state;

    EVP_CIPHER_CTX_free(aes->context); /* wipes the key */
    mem_wipe(aes->plain, sizeof aes->plain);
    mem_free(aes);
}
