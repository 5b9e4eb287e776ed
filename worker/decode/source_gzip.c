/* gzip: any number of members, each with its checksum. */
#include <zlib.h>

#include "common/mem.h"
#include "common/require.h"
#include "worker/decode/source_internal.h"

enum {
    GZIP_WINDOW_BITS = 15 + 16 /* zlib's way to ask for gzip */
};

struct gzip {
    z_stream stream;
    bool in_member;  /* a member has begun and not ended */
    bool any_member; /* at least one has ended */
    struct source_input input;
};

static bool gzip_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                      size_t *length_out, struct error *err);
static bool fail(const struct gzip *gzip, struct error *err);
static void gzip_close(void *state);

struct source *source_open_gzip(struct source *below)
{
    struct gzip *gzip = mem_zero(sizeof *gzip);

    REQUIRE(inflateInit2(&gzip->stream, GZIP_WINDOW_BITS) == Z_OK);
    return source_new(below, gzip, gzip_read, gzip_close);
}

static bool gzip_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                      size_t *length_out, struct error *err)
{
    struct gzip *gzip = state;
    uInt room = size < SOURCE_BUFFER_BYTES ? (uInt)size : SOURCE_BUFFER_BYTES;

    gzip->stream.next_out = bytes;
    gzip->stream.avail_out = room;
    while (gzip->stream.avail_out == room) {
        int result = 0;

        if (!source_input_fill(&gzip->input, below, err)) {
            return false;
        }
        if (gzip->input.at_end) {
            *length_out = 0;
            return gzip->in_member ? error_set(err, ERROR_DATA, "it is cut short inside its gzip")
                   : gzip->any_member ? true
                                      : error_set(err, ERROR_DATA, "it is empty, and so not gzip");
        }
        gzip->stream.next_in = gzip->input.bytes + gzip->input.at;
        gzip->stream.avail_in = (uInt)(gzip->input.length - gzip->input.at);
        result = inflate(&gzip->stream, Z_NO_FLUSH);
        gzip->input.at = gzip->input.length - gzip->stream.avail_in;
        gzip->in_member = true;
        if (result == Z_STREAM_END) {
            gzip->in_member = false;
            gzip->any_member = true;
            REQUIRE(inflateReset(&gzip->stream) == Z_OK);
        } else if (result != Z_OK && result != Z_BUF_ERROR) {
            return fail(gzip, err);
        }
    }
    *length_out = room - gzip->stream.avail_out;
    return true;
}

static bool fail(const struct gzip *gzip, struct error *err)
{
    if (gzip->stream.total_out == 0 && gzip->stream.total_in <= 2) {
        return gzip->any_member
                   ? error_set(err, ERROR_DATA, "bytes behind its last gzip member are no member")
                   : error_set(err, ERROR_DATA, "it is not gzip, or the key is wrong");
    }
    return error_set(err, ERROR_DATA, "its gzip stream is damaged: %s",
                     gzip->stream.msg != NULL ? gzip->stream.msg : "unknown reason");
}

static void gzip_close(void *state)
{
    struct gzip *gzip = state;

    (void)inflateEnd(&gzip->stream);
    mem_free(gzip);
}
