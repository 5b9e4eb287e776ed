/* What a row costs on its way through the decode chain, one stage more with each line.
 *
 * Rows have 12 columns and about 200 bytes. Each figure is the best of a few
 * rounds, in time of the CPU; the file stands in memory. bench_pipeline goes on to the table. */
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <time.h>
#include <unistd.h>

#include <openssl/evp.h>
#include <zstd.h>

#include "common/buffer.h"
#include "common/mem.h"
#include "common/require.h"
#include "worker/decode/decode.h"
#include "worker/decode/scan.h"

enum {
    ROWS = 500000,
    ROUNDS = 3,
    CHUNK_BYTES = 128 * 1024,
    ZSTD = 1,
};

static const uint8_t key[32] = {1, 2, 3};

static const struct {
    const char *name;
    enum column_type type;
} columns[] = {
    {"id",               COLUMN_LONG        },
    {"name",             COLUMN_STRING      },
    {"email",            COLUMN_STRING      },
    {"note",             COLUMN_STRING      },
    {"amount",           COLUMN_DECIMAL     },
    {"ratio",            COLUMN_DOUBLE      },
    {"count",            COLUMN_INT         },
    {"day",              COLUMN_NAIVE_DATE  },
    {"seen",             COLUMN_UTC_DATETIME},
    {"open",             COLUMN_BOOLEAN     },
    {"empty",            COLUMN_STRING      },
    {"_fivetran_synced", COLUMN_UTC_DATETIME},
};

enum {
    COLUMNS = sizeof columns / sizeof columns[0]
};

/* The same rows as plain text and as a batch file. */
struct inputs {
    struct buffer text;
    struct buffer sealed;
    char text_path[64];
    char sealed_path[64];
    struct table *table;
    uint32_t ids[COLUMNS];
};

static uint64_t next_random(uint64_t *seed)
{
    *seed = *seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return *seed >> 33;
}

static void make_text(struct buffer *text)
{
    uint64_t seed = 42;

    for (unsigned i = 0; i < COLUMNS; i++) {
        buffer_append_format(text, "%s%s", i > 0 ? "," : "", columns[i].name);
    }
    for (unsigned row = 0; row < ROWS; row++) {
        uint64_t random = next_random(&seed);

        buffer_append_format(text,
                             "\n%" PRIu64 ",Name %" PRIu64 ",user%" PRIu64
                             "@example.com,"
                             "\"a note of some length, with a comma, about %" PRIu64 "\",%" PRIu64
                             ".%02u,0.%" PRIu64 ",%" PRIu64
                             ",20%02u-%02u-%02u,2024-03-%02uT%02u:10:15.%03uZ,%s,null-x,"
                             "2024-05-01T00:00:00.123Z",
                             next_random(&seed) << 20 | row, random, random, next_random(&seed),
                             random % 100000, row % 100, random, random % 5000, row % 25,
                             1 + row % 12, 1 + row % 28, 1 + row % 28, row % 24, row % 1000,
                             row % 2 == 0 ? "true" : "false");
    }
    buffer_append_byte(text, '\n');
}

static void seal(const struct buffer *text, struct buffer *out)
{
    static const uint8_t vector[16] = {9};
    OWNED(buffer_clear) struct buffer packed = {0};
    size_t room = ZSTD_compressBound(text->length);
    EVP_CIPHER_CTX *context = EVP_CIPHER_CTX_new();
    int written = 0;
    int finished = 0;
    uint8_t *at = NULL;

    packed.length =
        ZSTD_compress(buffer_reserve(&packed, room), room, text->bytes, text->length, 3);
    buffer_append(out, vector, sizeof vector);
    at = buffer_reserve(out, packed.length + 16);
    REQUIRE(EVP_EncryptInit_ex(context, EVP_aes_256_cbc(), NULL, key, vector) == 1);
    REQUIRE(EVP_EncryptUpdate(context, at, &written, packed.bytes, (int)packed.length) == 1);
    REQUIRE(EVP_EncryptFinal_ex(context, at + written, &finished) == 1);
    out->length += (size_t)written + (size_t)finished;
    EVP_CIPHER_CTX_free(context);
}

static void put_in_memory_file(const struct buffer *bytes, char *path, size_t path_size)
{
    int fd = memfd_create("batch file", MFD_CLOEXEC);
    size_t at = 0;

    REQUIRE(fd >= 0);
    while (at < bytes->length) {
        ssize_t put = write(fd, bytes->bytes + at, bytes->length - at);

        REQUIRE(put > 0);
        at += (size_t)put;
    }
    (void)snprintf(path, path_size, "/proc/self/fd/%d", fd);
}

static void make_inputs(struct inputs *inputs)
{
    make_text(&inputs->text);
    seal(&inputs->text, &inputs->sealed);
    put_in_memory_file(&inputs->text, inputs->text_path, sizeof inputs->text_path);
    put_in_memory_file(&inputs->sealed, inputs->sealed_path, sizeof inputs->sealed_path);
    inputs->table = mem_zero(sizeof *inputs->table);
    inputs->table->schema_name = mem_text("s");
    inputs->table->name = mem_text("t");
    for (uint32_t i = 0; i < COLUMNS; i++) {
        struct column *column = table_add_column(inputs->table, columns[i].name);

        column->id = i + 1;
        column->type = columns[i].type;
        column->key_position = i == 0 ? 1 : 0;
        inputs->ids[i] = i + 1;
    }
}

static struct source *open_source(const struct inputs *inputs, bool sealed)
{
    const struct source_terms terms = {
        .path = sealed ? inputs->sealed_path : inputs->text_path,
        .key = sealed ? key : NULL,
        .compression = sealed ? ZSTD : 0,
        .decoded_bytes_max = UINT64_MAX,
    };
    struct source *source = NULL;
    struct error err = {0};

    REQUIRE(source_open(&terms, &source, &err));
    return source;
}

static void stage_scan(const struct inputs *inputs)
{
    static uint32_t ends[CHUNK_BYTES];
    const scan_function scan = scan_best();
    bool in_quotes = false;

    for (size_t at = 0; at < inputs->text.length; at += CHUNK_BYTES) {
        size_t left = inputs->text.length - at;

        (void)scan(inputs->text.bytes + at, left < CHUNK_BYTES ? left : CHUNK_BYTES, 0, &in_quotes,
                   ends);
    }
}

static void stage_source(const struct inputs *inputs)
{
    static uint8_t bytes[CHUNK_BYTES];
    OWNED(source_close) struct source *source = open_source(inputs, true);
    size_t length = 0;
    struct error err = {0};

    do {
        REQUIRE(source_read(source, bytes, sizeof bytes, &length, &err));
    } while (length > 0);
}

static void stage_csv(const struct inputs *inputs)
{
    const struct format *csv = format_find(0);
    const struct format_terms terms = {.cell_bytes_max = 1 << 27};
    struct source *source = open_source(inputs, false);
    struct reader *reader = NULL;
    const struct cell *cells = NULL;
    size_t columns_count = 0;
    struct error err = {0};
    enum next next = NEXT_END;

    REQUIRE(csv->open(&source, &terms, &reader, &cells, &columns_count, &err));
    while ((next = csv->next_row(reader, &cells, &err)) == NEXT_ROW) {
    }
    REQUIRE(next == NEXT_END);
    csv->close(&reader);
}

static bool drop_row(void *context, const struct run_entry *entry, struct error *err)
{
    (void)context;
    (void)entry;
    (void)err;
    return true;
}

static bool keep_going(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return true;
}

static void decode(const struct inputs *inputs, bool sealed)
{
    const struct binding_terms binding = {
        .table = inputs->table,
        .request_column_ids = inputs->ids,
        .request_columns_count = COLUMNS,
        .null_string = "null-x",
        .unmodified_string = "unmod-x",
    };
    const struct decode_terms terms = {
        .source = {.path = sealed ? inputs->sealed_path : inputs->text_path,
                   .key = sealed ? key : NULL,
                   .compression = sealed ? ZSTD : 0,
                   .decoded_bytes_max = UINT64_MAX},
        .cell_bytes_max = 1 << 27,
        .kind = FILE_KIND_REPLACE,
        .binding = &binding,
    };
    const struct decode_sink sink = {.row = drop_row, .tick = keep_going};
    struct decode_totals totals = {0};
    struct error err = {0};

    if (!decode_file(&terms, &sink, &totals, &err)) {
        (void)fprintf(stderr, "%s\n", err.message);
        REQUIRE(false);
    }
    REQUIRE(totals.rows == ROWS);
}

static void stage_convert(const struct inputs *inputs)
{
    decode(inputs, false);
}

static void stage_all(const struct inputs *inputs)
{
    decode(inputs, true);
}

static uint64_t cpu_ns(void)
{
    struct timespec now;

    REQUIRE(clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now) == 0);
    return (uint64_t)now.tv_sec * 1000000000 + (uint64_t)now.tv_nsec;
}

static void measure(const char *name, void (*stage)(const struct inputs *), struct inputs *inputs)
{
    uint64_t best = UINT64_MAX;

    for (unsigned round = 0; round < ROUNDS; round++) {
        uint64_t started = cpu_ns();
        uint64_t took = 0;

        stage(inputs);
        took = cpu_ns() - started;
        best = took < best ? took : best;
    }
    (void)printf("%-34s %6.0f ns a row %7.0f MB/s\n", name, (double)best / ROWS,
                 (double)inputs->text.length * 1000 / (double)best);
}

int main(void)
{
    struct inputs inputs = {0};

    make_inputs(&inputs);
    (void)printf("%d rows of %zu bytes, %d columns; sealed to %zu%%\n", ROWS,
                 inputs.text.length / ROWS, COLUMNS,
                 inputs.sealed.length * 100 / inputs.text.length);
    measure("scan", stage_scan, &inputs);
    measure("read, cells (plain file)", stage_csv, &inputs);
    measure("read, cells, convert (plain file)", stage_convert, &inputs);
    measure("read, decrypt, decompress", stage_source, &inputs);
    measure("all", stage_all, &inputs);
    table_free(&inputs.table);
    buffer_clear(&inputs.text);
    buffer_clear(&inputs.sealed);
    return 0;
}
