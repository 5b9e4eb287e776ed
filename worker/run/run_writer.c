/* See run_file.h: writing. */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/mem.h"
#include "common/removal.h"
#include "common/require.h"
#include "worker/run/chunk.h"
#include "worker/run/entry.h"
#include "worker/run/run_file.h"
#include "worker/run/run_magic.h"

/* How much is written between looks at the disk's free space. */
#define SPACE_CHECK_BYTES (4 * MIB)

struct run_writer {
    char *path;
    int fd;
    struct chunk_cipher *cipher;
    uint64_t disk_free_min;
    uint64_t unchecked_bytes; /* written since the last look at the disk */
    struct run_size size;     /* so far */
    size_t largest_entry_bytes;
    bool finished;
    size_t length; /* of plain */
    uint8_t plain[CHUNK_PLAIN_MAX];
    uint8_t sealed[CHUNK_SEALED_MAX];
};

static bool append(struct run_writer *writer, const uint8_t *bytes, size_t length,
                   struct error *err);
static bool write_chunk(struct run_writer *writer, bool is_last, struct error *err);
static bool write_all(struct run_writer *writer, const uint8_t *bytes, size_t length,
                      struct error *err);
static bool check_space(struct run_writer *writer, struct error *err);

bool run_writer_open(const struct run_place *place, uint64_t disk_free_min,
                     struct run_writer **writer_out, struct error *err)
{
    OWNED(run_writer_close) struct run_writer *writer = mem_zero(sizeof *writer);

    writer->path = mem_text(place->path);
    writer->disk_free_min = disk_free_min;
    writer->unchecked_bytes = SPACE_CHECK_BYTES;
    writer->fd = open(place->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    if (writer->fd < 0) {
        writer->finished = true; /* not ours to remove */
        return error_set_errno(err, error_kind_of_write(errno), "could not make a run file");
    }
    writer->cipher = chunk_cipher_new(place->key, place->nonce, true);
    if (!write_all(writer, (const uint8_t *)RUN_MAGIC, RUN_MAGIC_BYTES, err)) {
        return false;
    }
    *writer_out = MOVE(writer);
    return true;
}

bool run_writer_add(struct run_writer *writer, const struct run_entry *entry, struct error *err)
{
    size_t size = entry_size(entry);
    uint8_t header[ENTRY_HEADER_BYTES];

    writer->size.entries++;
    if (size > writer->largest_entry_bytes) {
        writer->largest_entry_bytes = size;
    }
    if (size < CHUNK_PLAIN_MAX - writer->length) {
        entry_write(entry, writer->plain + writer->length);
        writer->length += size;
        return true;
    }
    entry_write_header(entry, header);
    return append(writer, header, sizeof header, err) &&
           append(writer, entry->key, entry->key_length, err) &&
           append(writer, entry->change, entry->change_length, err);
}

bool run_writer_finish(struct run_writer *writer, struct run_size *size_out, struct error *err)
{
    if (!write_chunk(writer, true, err)) {
        return false;
    }
    *size_out = writer->size;
    /* A buffer grows by half, beyond what it must hold. */
    size_out->reading_bytes =
        CHUNK_SEALED_MAX + 3 * (CHUNK_PLAIN_MAX + writer->largest_entry_bytes) / 2;
    writer->finished = true;
    return true;
}

void run_writer_close(struct run_writer **writer)
{
    if (*writer != NULL) {
        if ((*writer)->fd >= 0) {
            (void)close((*writer)->fd);
        }
        if (!(*writer)->finished) {
            (void)unlink((*writer)->path);
        }
        chunk_cipher_free(&(*writer)->cipher);
        mem_free((*writer)->path);
        mem_free(*writer);
        *writer = NULL;
    }
}

static bool append(struct run_writer *writer, const uint8_t *bytes, size_t length,
                   struct error *err)
{
    while (length > 0) {
        size_t room = CHUNK_PLAIN_MAX - writer->length;
        size_t taken = length < room ? length : room;

        memcpy(writer->plain + writer->length, bytes, taken);
        writer->length += taken;
        bytes += taken;
        length -= taken;
        if (writer->length == CHUNK_PLAIN_MAX && !write_chunk(writer, false, err)) {
            return false;
        }
    }
    return true;
}

static bool write_chunk(struct run_writer *writer, bool is_last, struct error *err)
{
    size_t size =
        chunk_seal(writer->cipher, writer->plain, writer->length, is_last, writer->sealed);

    writer->length = 0;
    return write_all(writer, writer->sealed, size, err);
}

static bool write_all(struct run_writer *writer, const uint8_t *bytes, size_t length,
                      struct error *err)
{
    writer->unchecked_bytes += length;
    if (writer->unchecked_bytes >= SPACE_CHECK_BYTES && !check_space(writer, err)) {
        return false;
    }
    writer->size.file_bytes += length;
    while (length > 0) {
        ssize_t written = write(writer->fd, bytes, length);

        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written < 0) {
            (void)error_set_errno(err, error_kind_of_write(errno), "could not write a run file");
            return error_hint(err, "Free space on the disk of the data folder.");
        }
        bytes += written;
        length -= (size_t)written;
    }
    return true;
}

/* Runs leave room on the disk for the rows that they will become. */
static bool check_space(struct run_writer *writer, struct error *err)
{
    uint64_t free_bytes = 0;

    writer->unchecked_bytes = 0;
    if (!removal_room(writer->path, writer->disk_free_min, &free_bytes)) {
        return error_set_errno(err, ERROR_STORE, "could not ask for free disk space");
    }
    if (free_bytes < writer->disk_free_min) {
        (void)error_set(err, ERROR_FULL,
                        "could not write a run file: less than %llu MiB are free on the disk",
                        (unsigned long long)(writer->disk_free_min / MIB));
        return error_hint(err, "Free space on the disk of the data folder.");
    }
    return true;
}
