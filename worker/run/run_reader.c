/* See run_file.h: reading. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/limits.h"
#include "common/mem.h"
#include "worker/run/chunk.h"
#include "worker/run/entry.h"
#include "worker/run/run_file.h"
#include "worker/run/run_magic.h"

/* How much is dropped from the page cache at once. */
#define DROPPED_BYTES MIB

struct run_reader {
    int fd;
    off_t at_byte;   /* of the file */
    off_t kept_from; /* what is before it was dropped from the page cache */
    bool drops_cache;
    struct chunk_cipher *cipher;
    bool at_end;         /* the last chunk was read */
    struct buffer plain; /* bytes decrypted; those before `at` are used up */
    size_t at;
    uint8_t sealed[CHUNK_SEALED_MAX];
};

static bool read_chunk(struct run_reader *reader, struct error *err);
static bool read_all(struct run_reader *reader, uint8_t *bytes, size_t length, struct error *err);
static void drop_cache(struct run_reader *reader);
static bool damaged(struct error *err);

bool run_reader_open(const struct run_place *place, struct run_reader **reader_out,
                     struct error *err)
{
    OWNED(run_reader_close) struct run_reader *reader = mem_zero(sizeof *reader);
    uint8_t magic[RUN_MAGIC_BYTES];

    reader->fd = open(place->path, O_RDONLY | O_CLOEXEC | O_NOFOLLOW);
    if (reader->fd < 0) {
        return error_set_errno(err, ERROR_STORE, "could not open a run file");
    }
    if (!read_all(reader, magic, sizeof magic, err)) {
        return false;
    }
    if (memcmp(magic, RUN_MAGIC, sizeof magic) != 0) {
        return damaged(err);
    }
    reader->cipher = chunk_cipher_new(place->key, place->nonce, false);
    *reader_out = MOVE(reader);
    return true;
}

enum run_next run_reader_next(struct run_reader *reader, struct run_entry *entry_out,
                              struct error *err)
{
    for (;;) {
        const uint8_t *bytes = reader->plain.bytes + reader->at;
        size_t left = reader->plain.length - reader->at;

        if (left >= ENTRY_HEADER_BYTES) {
            *entry_out = entry_read(bytes);
            if (left >= entry_size(entry_out)) {
                reader->at += entry_size(entry_out);
                entry_prefetch(reader->plain.bytes + reader->at,
                               reader->plain.bytes + reader->plain.length);
                return RUN_ENTRY;
            }
        }
        if (reader->at_end && left > 0) {
            (void)damaged(err);
            return RUN_FAILED;
        }
        if (reader->at_end) {
            buffer_clear(&reader->plain); /* others are read on, maybe for long */
            reader->at = 0;
            return RUN_END;
        }
        if (!read_chunk(reader, err)) {
            return RUN_FAILED;
        }
    }
}

void run_reader_drop_cache(struct run_reader *reader)
{
    reader->drops_cache = true;
}

void run_reader_close(struct run_reader **reader)
{
    if (*reader != NULL) {
        if ((*reader)->fd >= 0) {
            (void)close((*reader)->fd);
        }
        chunk_cipher_free(&(*reader)->cipher);
        buffer_clear(&(*reader)->plain);
        mem_free(*reader);
        *reader = NULL;
    }
}

/* Puts the next chunk behind what is left of the ones before. */
static bool read_chunk(struct run_reader *reader, struct error *err)
{
    size_t left = reader->plain.length - reader->at;
    size_t following = 0;
    size_t length = 0;

    if (left > 0 && reader->at > 0) {
        memmove(reader->plain.bytes, reader->plain.bytes + reader->at, left);
    }
    reader->plain.length = left;
    reader->at = 0;

    if (!read_all(reader, reader->sealed, CHUNK_HEADER_BYTES, err)) {
        return false;
    }
    if (!chunk_read_header(reader->sealed, &following, &reader->at_end)) {
        return damaged(err);
    }
    if (!read_all(reader, reader->sealed + CHUNK_HEADER_BYTES, following, err)) {
        return false;
    }
    if (!chunk_open(reader->cipher, reader->sealed, buffer_reserve(&reader->plain, CHUNK_PLAIN_MAX),
                    &length)) {
        return damaged(err);
    }
    reader->plain.length += length;
    drop_cache(reader);
    return true;
}

static bool read_all(struct run_reader *reader, uint8_t *bytes, size_t length, struct error *err)
{
    while (length > 0) {
        ssize_t got = read(reader->fd, bytes, length);

        if (got < 0 && errno == EINTR) {
            continue;
        }
        if (got < 0) {
            return error_set_errno(err, ERROR_STORE, "could not read a run file");
        }
        if (got == 0) {
            return damaged(err);
        }
        bytes += got;
        length -= (size_t)got;
        reader->at_byte += got;
    }
    return true;
}

static void drop_cache(struct run_reader *reader)
{
    off_t read_bytes = reader->at_byte - reader->kept_from;

    if (reader->drops_cache && (reader->at_end || read_bytes >= (off_t)DROPPED_BYTES)) {
        (void)posix_fadvise(reader->fd, reader->kept_from, read_bytes, POSIX_FADV_DONTNEED);
        reader->kept_from = reader->at_byte;
    }
}

static bool damaged(struct error *err)
{
    return error_set(err, ERROR_STORE, "a run file in the data folder is damaged");
}
