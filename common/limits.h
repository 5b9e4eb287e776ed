/* Every fixed limit, each with its reason and what happens at it.
 *
 * Limits that a user can set are options (common/option_table.c); these are their defaults' bounds
 * and what the formats themselves impose. */
#ifndef WEIR_COMMON_LIMITS_H
#define WEIR_COMMON_LIMITS_H

#include <stdint.h>

#define KIB ((uint64_t)1024)
#define MIB (1024 * KIB)
#define GIB (1024 * MIB)
#define TIB (1024 * GIB)

enum {
    /* A key's AES-256 bytes, and an initialisation vector's: the protocol's. */
    LIMIT_AES_KEY_BYTES = 32,

    /* Random bytes that name an RPC: enough that two never agree. */
    LIMIT_OPERATION_ID_BYTES = 16,

    /* A table's columns; wider ones are refused. Real tables have up to some thousands. */
    LIMIT_COLUMNS = 10000,

    /* A file of certificates or a key: hundreds of authorities fit. */
    LIMIT_TLS_FILE_BYTES = 1024 * 1024,

    /* Digits of a DECIMAL and its largest scale: what 128 bits hold, and what Fivetran sends. */
    LIMIT_DECIMAL_DIGITS = 38,
    LIMIT_DECIMAL_SCALE = 37,

    /* Runs of a phase merged at once: each holds a file descriptor, those of all phases together
     * no more than LIMIT_MERGING_BYTES lets be open. More are merged to fewer first. */
    LIMIT_RUNS_MERGED = 512,

    /* Times a job is tried on a worker: a file that kills three workers fails its batch. */
    LIMIT_JOB_TRIES = 3,

    /* Workers; more than any machine that weir was meant for. */
    LIMIT_WORKERS = 256,

    /* Health and reflection streams that are open at once; further ones are refused. */
    LIMIT_STREAMS = 1000,

    /* A request on such a stream: it names a service, file or symbol. */
    LIMIT_STREAM_REQUEST_BYTES = 65536,

    /* Schema name and table name together, in bytes: with their lengths they are an LMDB key. */
    LIMIT_TABLE_NAME_BYTES = 480,
};

/* Memory of the runs that are merged at once, each of which holds two chunks and an entry: all that
 * LIMIT_RUNS_MERGED allows where rows are small, fewer where they are large. At 160 KiB at least
 * 614 are open. */
#define LIMIT_MERGING_BYTES (96 * MIB)

/* One gRPC message, in both directions: the protocol's. */
#define LIMIT_MESSAGE_BYTES (128 * MIB)

/* What all requests together may take of the frontend's memory, packed and unpacked: eight of the
 * largest, unpacked three. A further one is answered RESOURCE_EXHAUSTED. */
#define LIMIT_REQUESTS_BYTES (1024 * MIB)

/* What gRPC may hold of requests that are on their way. The last resort against clients that send
 * much and never end: beyond it gRPC cuts calls off, at random, with RESOURCE_EXHAUSTED. */
#define LIMIT_RECEIVING_BYTES (2 * GIB)

/* One message between processes: a WriteBatch's files in one job stay under it. */
#define LIMIT_IPC_MESSAGE_BYTES (160 * MIB)

/* One row, as text in a file and as cells in a run: what 32-bit positions and lengths hold well. */
#define LIMIT_ROW_BYTES GIB

/* What a small batch may decode to, in bytes; a larger one takes the large way. */
#define LIMIT_SMALL_BATCH_BYTES (8 * MIB)

#endif
