/* A run on disk: entries as a stream of bytes, in chunks that are encrypted and authenticated.
 *
 *   file  = magic chunk ... chunk           the last one is marked: a cut file is noticed
 *   chunk = length and mark (4 bytes, little endian) ciphertext tag (16 bytes)
 *   entry = as in worker/run/entry.h
 *
 * AES-256-GCM under the batch's random key; the nonce is the run's number and the chunk's, so that
 * no chunk can stand in another's place. For the files of this folder. */
#ifndef WEIR_WORKER_RUN_RUN_FILE_H
#define WEIR_WORKER_RUN_RUN_FILE_H

#include "worker/run/run.h"

struct run_writer;

MUST_CHECK bool run_writer_open(const struct run_place *place, uint64_t disk_free_min,
                                struct run_writer **writer_out, struct error *err);

MUST_CHECK bool run_writer_add(struct run_writer *writer, const struct run_entry *entry,
                               struct error *err);

/* Writes what is left and the mark of the end. Without it, run_writer_close() removes the file. */
MUST_CHECK bool run_writer_finish(struct run_writer *writer, struct run_size *size_out,
                                  struct error *err);

void run_writer_close(struct run_writer **writer);

struct run_reader;

MUST_CHECK bool run_reader_open(const struct run_place *place, struct run_reader **reader_out,
                                struct error *err);

/* The next entry, borrowed until the next call. */
enum run_next run_reader_next(struct run_reader *reader, struct run_entry *entry_out,
                              struct error *err);

/* See run_merger_drop_cache(). */
void run_reader_drop_cache(struct run_reader *reader);

void run_reader_close(struct run_reader **reader);

#endif
