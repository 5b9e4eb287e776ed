/* zstd: any number of frames, skippable ones among them, always streamed: real files carry neither
 * content size nor checksum. */

#include <zstd.h>
#include <zstd_errors.h>

#include "common/mem.h"
#include "common/require.h"
#include "worker/decode/source_internal.h"

enum {
    /* A frame can ask for a window of any size; 64 MiB serve every level up to 21. */
    WINDOW_LOG_MAX = 26
};

struct zstd {
    ZSTD_DCtx *context;
    bool in_frame;  /* a frame has begun and not ended */
    bool any_frame; /* at least one has ended */
    struct source_input input;
};

static bool zstd_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                      size_t *length_out, struct error *err);
static bool fail(const struct zstd *zstd, size_t result, struct error *err);
static void zstd_close(void *state);

struct source *source_open_zstd(struct source *below)
{
    struct zstd *zstd = mem_zero(sizeof *zstd);

    zstd->context = ZSTD_createDCtx();
    REQUIRE(zstd->context != NULL);
    REQUIRE(
        !ZSTD_isError(ZSTD_DCtx_setParameter(zstd->context, ZSTD_d_windowLogMax, WINDOW_LOG_MAX)));
    return source_new(below, zstd, zstd_read, zstd_close);
}

static bool zstd_read(void *state, struct source *below, uint8_t *bytes, size_t size,
                      size_t *length_out, struct error *err)
{
    struct zstd *zstd = state;
    ZSTD_outBuffer out = {.dst = bytes, .size = size};

    while (out.pos == 0) {
        ZSTD_inBuffer in;
        size_t result = 0;

        if (!source_input_fill(&zstd->input, below, err)) {
            return false;
        }
        if (zstd->input.at_end && !zstd->in_frame) {
            *length_out = 0;
            return zstd->any_frame || error_set(err, ERROR_DATA, "it is empty, and so not zstd");
        }
        in = (ZSTD_inBuffer){
            .src = zstd->input.bytes,
            .size = zstd->input.length,
            .pos = zstd->input.at,
        };
        result = ZSTD_decompressStream(zstd->context, &out, &in);
        if (ZSTD_isError(result)) {
            return fail(zstd, result, err);
        }
        if (zstd->input.at_end && out.pos == 0) {
            return error_set(err, ERROR_DATA, "it is cut short inside a zstd frame");
        }
        zstd->input.at = in.pos;
        zstd->in_frame = result != 0;
        zstd->any_frame = zstd->any_frame || result == 0;
    }
    *length_out = out.pos;
    return true;
}

static bool fail(const struct zstd *zstd, size_t result, struct error *err)
{
    switch ((int)ZSTD_getErrorCode(result)) {
    case ZSTD_error_prefix_unknown:
        return zstd->any_frame
                   ? error_set(err, ERROR_DATA, "bytes behind its last zstd frame are no frame")
                   : error_set(err, ERROR_DATA, "it is not zstd, or the key is wrong");
    case ZSTD_error_frameParameter_windowTooLarge:
        (void)error_set(err, ERROR_LIMIT, "its zstd frame needs a window of more than 64 MiB");
        return error_hint(err, "Compress it with level 21 or less, without --long.");
    default:
        return error_set(err, ERROR_DATA, "its zstd stream is damaged: %s",
                         ZSTD_getErrorName(result));
    }
}

static void zstd_close(void *state)
{
    struct zstd *zstd = state;

    (void)ZSTD_freeDCtx(zstd->context);
    mem_free(zstd);
}
