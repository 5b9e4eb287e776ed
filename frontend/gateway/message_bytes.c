/* Slices to bytes, with zlib where they are compressed. */
#include "frontend/gateway/message_bytes.h"

#include <limits.h>
#include <string.h>

#include <grpc/byte_buffer_reader.h>
#include <zlib.h>

#include "common/buffer.h"
#include "common/mem.h"
#include "common/require.h"

enum {
    WINDOW_ANY = MAX_WBITS + 32, /* gzip or zlib, by its header: gRPC's two ways */
    CHUNK_BYTES = 65536,
};

static bool inflate_all(grpc_byte_buffer_reader *reader, size_t size_max, struct buffer *out,
                        struct error *err);
static bool inflate_slice(z_stream *stream, grpc_slice slice, size_t size_max, struct buffer *out,
                          int *state, struct error *err);
static void copy_all(grpc_byte_buffer_reader *reader, struct buffer *out);

bool message_bytes(grpc_byte_buffer *message, size_t size_max, uint8_t **bytes_out,
                   size_t *length_out, struct error *err)
{
    OWNED(buffer_clear) struct buffer out = {0};
    grpc_byte_buffer_reader reader;
    bool whole = true;

    ENSURE(grpc_byte_buffer_reader_init(&reader, message) != 0);
    if (message->data.raw.compression == GRPC_COMPRESS_NONE) {
        buffer_reserve(&out, grpc_byte_buffer_length(message));
        copy_all(&reader, &out);
    } else {
        whole = inflate_all(&reader, size_max, &out, err);
    }
    grpc_byte_buffer_reader_destroy(&reader);
    if (!whole) {
        return false;
    }
    *length_out = out.length;
    *bytes_out = MOVE(out.bytes);
    return true;
}

static void copy_all(grpc_byte_buffer_reader *reader, struct buffer *out)
{
    grpc_slice slice;

    while (grpc_byte_buffer_reader_next(reader, &slice) != 0) {
        buffer_append(out, GRPC_SLICE_START_PTR(slice), GRPC_SLICE_LENGTH(slice));
        grpc_slice_unref(slice);
    }
}

static bool inflate_all(grpc_byte_buffer_reader *reader, size_t size_max, struct buffer *out,
                        struct error *err)
{
    z_stream stream = {0};
    grpc_slice slice;
    int state = Z_OK;
    bool going = true;

    buffer_reserve(out, CHUNK_BYTES);
    ENSURE(inflateInit2(&stream, WINDOW_ANY) == Z_OK);
    while (going && grpc_byte_buffer_reader_next(reader, &slice) != 0) {
        going = inflate_slice(&stream, slice, size_max, out, &state, err);
        grpc_slice_unref(slice);
    }
    inflateEnd(&stream);
    if (going && state != Z_STREAM_END) {
        return error_set(err, ERROR_MALFORMED, "could not inflate the request: it is cut off");
    }
    return going;
}

static bool inflate_slice(z_stream *stream, grpc_slice slice, size_t size_max, struct buffer *out,
                          int *state, struct error *err)
{
    REQUIRE(GRPC_SLICE_LENGTH(slice) <= UINT_MAX);
    stream->next_in = GRPC_SLICE_START_PTR(slice);
    stream->avail_in = (uInt)GRPC_SLICE_LENGTH(slice);
    do {
        stream->next_out = buffer_reserve(out, CHUNK_BYTES);
        stream->avail_out = CHUNK_BYTES;
        *state = inflate(stream, Z_NO_FLUSH);
        out->length += CHUNK_BYTES - stream->avail_out;
        if (out->length > size_max) {
            return error_set(err, ERROR_BUSY,
                             "could not inflate the request: it has more than %zu MiB",
                             size_max / 1024 / 1024);
        }
        /* Z_BUF_ERROR: the slice is used up, the next one goes on. */
    } while (*state == Z_OK && (stream->avail_in > 0 || stream->avail_out == 0));
    if (*state == Z_OK || *state == Z_BUF_ERROR) {
        return true;
    }
    if (*state == Z_STREAM_END && stream->avail_in == 0) {
        return true;
    }
    return error_set(err, ERROR_MALFORMED, "could not inflate the request: it is damaged");
}
