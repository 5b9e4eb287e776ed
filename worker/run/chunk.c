/* See chunk.h. */
#include "worker/run/chunk.h"

#include <openssl/evp.h>

#include "common/mem.h"
#include "common/require.h"
#include "worker/value/number.h"

enum {
    NONCE_BYTES = 12,
    LAST_MARK = 1U << 30,
};

struct chunk_cipher {
    EVP_CIPHER_CTX *context;
    uint64_t nonce;
    uint32_t number; /* of the next chunk: 2^32 of them are 256 TiB */
};

static void start_chunk(struct chunk_cipher *cipher, const uint8_t *header);

struct chunk_cipher *chunk_cipher_new(const uint8_t *key, uint64_t nonce, bool sealing)
{
    struct chunk_cipher *cipher = mem_zero(sizeof *cipher);

    cipher->context = EVP_CIPHER_CTX_new();
    cipher->nonce = nonce;
    REQUIRE(cipher->context != NULL);
    REQUIRE(EVP_CipherInit_ex(cipher->context, EVP_aes_256_gcm(), NULL, key, NULL,
                              sealing ? 1 : 0) == 1);
    return cipher;
}

size_t chunk_seal(struct chunk_cipher *cipher, const uint8_t *plain, size_t length, bool is_last,
                  uint8_t *sealed)
{
    uint8_t *ciphertext = sealed + CHUNK_HEADER_BYTES;
    int written = 0;
    int finished = 0;

    REQUIRE(length <= CHUNK_PLAIN_MAX);
    number_write_le(sealed, length | (is_last ? LAST_MARK : 0), CHUNK_HEADER_BYTES);
    start_chunk(cipher, sealed);
    REQUIRE(EVP_CipherUpdate(cipher->context, ciphertext, &written, plain, (int)length) == 1);
    REQUIRE(EVP_CipherFinal_ex(cipher->context, ciphertext + written, &finished) == 1);
    ENSURE((size_t)written == length);
    REQUIRE(EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_GET_TAG, CHUNK_TAG_BYTES,
                                ciphertext + length) == 1);
    return CHUNK_HEADER_BYTES + length + CHUNK_TAG_BYTES;
}

bool chunk_read_header(const uint8_t *header, size_t *following_out, bool *is_last_out)
{
    uint64_t field = number_read_le(header, CHUNK_HEADER_BYTES);
    uint64_t length = field & ~(uint64_t)LAST_MARK;

    *following_out = (size_t)length + CHUNK_TAG_BYTES;
    *is_last_out = (field & LAST_MARK) != 0;
    return length <= CHUNK_PLAIN_MAX;
}

bool chunk_open(struct chunk_cipher *cipher, const uint8_t *sealed, uint8_t *plain,
                size_t *length_out)
{
    const uint8_t *ciphertext = sealed + CHUNK_HEADER_BYTES;
    uint8_t tag[CHUNK_TAG_BYTES];
    size_t following = 0;
    bool is_last = false;
    int written = 0;
    int finished = 0;

    if (!chunk_read_header(sealed, &following, &is_last)) {
        return false;
    }
    *length_out = following - CHUNK_TAG_BYTES;
    for (unsigned i = 0; i < CHUNK_TAG_BYTES; i++) {
        tag[i] = ciphertext[*length_out + i];
    }
    start_chunk(cipher, sealed);
    REQUIRE(EVP_CIPHER_CTX_ctrl(cipher->context, EVP_CTRL_AEAD_SET_TAG, CHUNK_TAG_BYTES, tag) == 1);
    return EVP_CipherUpdate(cipher->context, plain, &written, ciphertext, (int)*length_out) == 1 &&
           EVP_CipherFinal_ex(cipher->context, plain + written, &finished) == 1;
}

void chunk_cipher_free(struct chunk_cipher **cipher)
{
    if (*cipher != NULL) {
        EVP_CIPHER_CTX_free((*cipher)->context); /* wipes the key */
        mem_free(*cipher);
        *cipher = NULL;
    }
}

/* The header is authenticated with the chunk: length and end mark cannot be changed. */
static void start_chunk(struct chunk_cipher *cipher, const uint8_t *header)
{
    uint8_t nonce[NONCE_BYTES];
    int length = 0;

    number_write_le(nonce, cipher->nonce, 8);
    number_write_le(nonce + 8, cipher->number, 4);
    cipher->number++;
    REQUIRE(cipher->number != 0);
    REQUIRE(EVP_CipherInit_ex(cipher->context, NULL, NULL, NULL, nonce, -1) == 1);
    REQUIRE(EVP_CipherUpdate(cipher->context, NULL, &length, header, CHUNK_HEADER_BYTES) == 1);
}
