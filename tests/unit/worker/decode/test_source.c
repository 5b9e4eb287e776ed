/* The stack of sources: what was wrapped comes out whole, whatever the sizes; bounds hold. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <zlib.h>
#include <zstd.h>

#include "common/buffer.h"
#include "common/limits.h"
#include "tests/support/test.h"
#include "worker/decode/source.h"

enum {
    OFF = 0,
    ZSTD = 1,
    GZIP = 2,
};

static const uint8_t secret[32] = {4, 5, 6};

/* Half of it repeats, half of it is random. */
static void make_contents(struct buffer *out, size_t length)
{
    unsigned seed = 11;

    for (size_t i = 0; i < length; i++) {
        buffer_append_byte(out, (uint8_t)(i % 64 < 32 ? i % 64 : (unsigned)rand_r(&seed)));
    }
}

/* Streamed, as real files are: without a content size. */
static void append_zstd(const struct buffer *contents, int window_log, struct buffer *out)
{
    ZSTD_CCtx *context = ZSTD_createCCtx();
    ZSTD_inBuffer in = {contents->bytes, contents->length, 0};
    size_t room = ZSTD_compressBound(contents->length) + 64;
    ZSTD_outBuffer all = {buffer_reserve(out, room), room, 0};

    if (window_log > 0) {
        (void)ZSTD_CCtx_setParameter(context, ZSTD_c_windowLog, window_log);
    }
    assert_false(ZSTD_isError(ZSTD_compressStream2(context, &all, &in, ZSTD_e_continue)));
    assert_int_equal(ZSTD_compressStream2(context, &all, &in, ZSTD_e_end), 0);
    out->length += all.pos;
    (void)ZSTD_freeCCtx(context);
}

static void append_gzip(const struct buffer *contents, struct buffer *out)
{
    z_stream stream = {0};
    uLong room = 0;

    assert_int_equal(deflateInit2(&stream, 6, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY), Z_OK);
    room = deflateBound(&stream, contents->length);
    stream.next_in = contents->bytes;
    stream.avail_in = (uInt)contents->length;
    stream.next_out = buffer_reserve(out, room);
    stream.avail_out = (uInt)room;
    assert_int_equal(deflate(&stream, Z_FINISH), Z_STREAM_END);
    out->length += stream.total_out;
    (void)deflateEnd(&stream);
}

static void append_encrypted(const struct buffer *contents, struct buffer *out)
{
    static const uint8_t vector[16] = {1, 2};
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    uint8_t *at = NULL;
    int written = 0;
    int finished = 0;

    buffer_append(out, vector, sizeof vector);
    at = buffer_reserve(out, contents->length + 16);
    assert_int_equal(EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, secret, vector), 1);
    assert_int_equal(
        EVP_EncryptUpdate(context, at, &written, contents->bytes, (int)contents->length), 1);
    assert_int_equal(EVP_EncryptFinal_ex(context, at + written, &finished), 1);
    out->length += (size_t)written + (size_t)finished;
    EVP_CIPHER_CTX_free(context);
}

static void wrap(const struct buffer *contents, uint32_t compression, bool encrypted,
                 struct buffer *out)
{
    OWNED(buffer_clear) struct buffer packed = {0};

    if (compression == ZSTD) {
        append_zstd(contents, 0, &packed);
    } else if (compression == GZIP) {
        append_gzip(contents, &packed);
    } else {
        buffer_append(&packed, contents->bytes, contents->length);
    }
    if (encrypted) {
        append_encrypted(&packed, out);
    } else {
        buffer_append(out, packed.bytes, packed.length);
    }
}

/* Writes `file` to a temporary file and reads it through the stack, `step` bytes at a time. */
static bool read_back(const struct buffer *file, uint32_t compression, bool encrypted, size_t step,
                      struct buffer *out, struct error *err)
{
    char path[] = "/tmp/weir-test-source-XXXXXX";
    int fd = mkstemp(path);
    const struct source_terms terms = {
        .path = path,
        .key = encrypted ? secret : NULL,
        .compression = compression,
        .decoded_bytes_max = GIB,
    };
    OWNED(source_close) struct source *source = NULL;
    size_t length = 0;
    bool good = false;

    assert_true(fd >= 0);
    assert_int_equal(write(fd, file->bytes, file->length), file->length);
    (void)close(fd);
    good = source_open(&terms, &source, err);
    while (good) {
        good = source_read(source, buffer_reserve(out, step), step, &length, err);
        if (good && length == 0) {
            break;
        }
        out->length += good ? length : 0;
    }
    (void)unlink(path);
    return good;
}

static void test_what_was_wrapped_comes_out_whole(void **state)
{
    /* Around the block of the cipher and the buffers between the steps. */
    static const size_t lengths[] = {1, 15, 16, 17, 65519, 65520, 65535, 65536, 65537, 1000003};
    static const size_t steps[] = {1009, 65536, 131072};

    (void)state;
    for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
        OWNED(buffer_clear) struct buffer contents = {0};

        make_contents(&contents, lengths[i]);
        for (uint32_t how = 0; how < 6; how++) {
            OWNED(buffer_clear) struct buffer file = {0};
            OWNED(buffer_clear) struct buffer seen = {0};
            struct error err = {0};

            wrap(&contents, how % 3, how >= 3, &file);
            if (!read_back(&file, how % 3, how >= 3, steps[i % 3], &seen, &err)) {
                fail_msg("%zu bytes, way %u: %s", lengths[i], how, err.message);
            }
            assert_int_equal(seen.length, contents.length);
            assert_memory_equal(seen.bytes, contents.bytes, seen.length);
        }
    }
}

/* A file that was cut anywhere is refused: its end is never taken for a good one. */
static void test_a_cut_anywhere_is_noticed(void **state)
{
    OWNED(buffer_clear) struct buffer contents = {0};

    (void)state;
    make_contents(&contents, 1500);
    for (uint32_t how = 1; how < 6; how++) {
        OWNED(buffer_clear) struct buffer file = {0};

        wrap(&contents, how % 3, how >= 3, &file);
        if (how % 3 == OFF) {
            continue; /* only the padding tells, and that may look well by chance */
        }
        for (file.length--; file.length > 0; file.length--) {
            OWNED(buffer_clear) struct buffer seen = {0};
            struct error err = {0};

            if (read_back(&file, how % 3, how >= 3, 65536, &seen, &err)) {
                fail_msg("way %u, cut to %zu bytes: taken for whole", how, file.length);
            }
            assert_int_equal(err.kind, ERROR_DATA);
        }
    }
}

static void test_a_zstd_window_has_a_bound(void **state)
{
    OWNED(buffer_clear) struct buffer contents = {0};
    OWNED(buffer_clear) struct buffer wide = {0};
    OWNED(buffer_clear) struct buffer widest = {0};
    OWNED(buffer_clear) struct buffer seen = {0};
    struct error err = {0};

    (void)state;
    make_contents(&contents, 1000);
    append_zstd(&contents, 26, &wide);
    append_zstd(&contents, 27, &widest);
    assert_true(read_back(&wide, ZSTD, false, 65536, &seen, &err));
    assert_false(read_back(&widest, ZSTD, false, 65536, &seen, &err));
    assert_int_equal(err.kind, ERROR_LIMIT);
    assert_non_null(strstr(err.message, "window of more than 64 MiB"));
}

static void test_an_unknown_compression_is_refused(void **state)
{
    OWNED(buffer_clear) struct buffer contents = {0};
    OWNED(buffer_clear) struct buffer seen = {0};
    struct error err = {0};

    (void)state;
    make_contents(&contents, 10);
    assert_false(read_back(&contents, 3, false, 65536, &seen, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_what_was_wrapped_comes_out_whole),
        cmocka_unit_test(test_a_cut_anywhere_is_noticed),
        cmocka_unit_test(test_a_zstd_window_has_a_bound),
        cmocka_unit_test(test_an_unknown_compression_is_refused),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
