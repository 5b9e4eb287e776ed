/* Takes the batch files of the sync benchmark through the worker's steps in one process and one
 * thread, and prints what each step costs a row.
 *
 *     bench_pipeline FOLDER COLUMNS FILE...
 *
 * FOLDER is where table and runs go; COLUMNS is NAME:TYPE,... of which the first is the key; the
 * files are compressed and encrypted as the suite does. A step that cannot be timed alone is timed
 * with those before it, and their time is taken off. Times are of the CPU: what else the machine
 * does, and the disk, stay out. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "common/limits.h"
#include "common/mem.h"
#include "worker/apply/apply.h"
#include "worker/apply/stage.h"
#include "worker/decode/decode.h"
#include "worker/decode/format.h"
#include "worker/run/run.h"
#include "worker/store/store.h"

enum {
    FORMAT_CSV = 0,
    COMPRESSION_ZSTD = 1,
    KEY_BYTES = 32,
    READ_BYTES = 256 * 1024,
    CELL_BYTES_MAX = 1024 * 1024,
    RUNS_MAX = LIMIT_RUNS_MERGED,
    COLUMNS_MAX = 256,
};

#define RUN_BUDGET_BYTES (32 * MIB)
#define MAP_BYTES        (16 * GIB)

struct bench {
    const char *folder;
    char **files;
    int files_count;
    uint8_t key[KEY_BYTES];
    struct store *store;
    struct table *table;
    uint32_t column_ids[COLUMNS_MAX];
    struct binding_terms binding;
    struct run_builder *builder;
    struct run_place runs[RUNS_MAX];
    size_t runs_count;
    uint64_t rows;
    uint64_t shown_us; /* of the steps printed so far */
    uint64_t sort_us;
    uint64_t write_us;
};

static uint64_t cpu_us(void);
static void must(bool done, const struct error *err);
static void open_table(struct bench *bench, char *columns);
static void add_column(struct table *table, char *text);
static struct source_terms source_terms(const struct bench *bench, const char *path);
static struct source *open_source(const struct bench *bench, const char *path);
static void read_all(struct bench *bench);
static void scan_all(struct bench *bench);
static void decode_all(struct bench *bench,
                       bool (*row)(void *context, const struct run_entry *, struct error *));
static void ignore_column(void *context, const char *path, const char *column_name);
static bool drop_row(void *context, const struct run_entry *entry, struct error *err);
static bool collect_row(void *context, const struct run_entry *entry, struct error *err);
static void write_run(struct bench *bench);
static struct run_merger *open_merger(const struct bench *bench);
static void merge_all(struct bench *bench);
static uint64_t apply_all(struct bench *bench);
static void show(struct bench *bench, const char *step, uint64_t us);
static bool tick(void *context, struct error *err);

int main(int arguments_count, char *arguments[])
{
    struct bench bench = {.folder = arguments[1]};
    uint64_t started = 0;
    uint64_t before_us = 0;
    uint64_t us = 0;
    uint64_t commit_us = 0;

    if (arguments_count < 4) {
        fprintf(stderr, "usage: bench_pipeline FOLDER COLUMNS FILE...\n");
        return 2;
    }
    bench.files = arguments + 3;
    bench.files_count = arguments_count - 3;
    open_table(&bench, arguments[2]);

    started = cpu_us();
    read_all(&bench);
    before_us = cpu_us() - started;

    started = cpu_us();
    scan_all(&bench);
    us = cpu_us() - started;
    printf("  one worker, one thread, CPU time, %llu rows:\n", (unsigned long long)bench.rows);
    show(&bench, "read, decrypt, decompress", before_us);
    show(&bench, "scan CSV", us - before_us);
    before_us = us;

    started = cpu_us();
    decode_all(&bench, drop_row);
    us = cpu_us() - started;
    show(&bench, "convert and encode", us - before_us);
    before_us = us;

    started = cpu_us();
    decode_all(&bench, collect_row);
    write_run(&bench);
    us = cpu_us() - started;
    show(&bench, "collect", us - before_us - bench.sort_us - bench.write_us);
    show(&bench, "sort", bench.sort_us);
    show(&bench, "gather and write runs", bench.write_us);

    started = cpu_us();
    merge_all(&bench);
    before_us = cpu_us() - started;
    show(&bench, "read and merge runs", before_us);

    started = cpu_us();
    commit_us = apply_all(&bench);
    us = cpu_us() - started;
    show(&bench, "put", us - before_us - commit_us);
    show(&bench, "commit", commit_us);
    printf("    %-28s %6.0f ns a row, %zu runs\n", "all",
           (double)bench.shown_us * 1000 / (double)bench.rows, bench.runs_count);

    for (size_t i = 0; i < bench.runs_count; i++) {
        mem_free((char *)(uintptr_t)bench.runs[i].path);
    }
    run_builder_free(&bench.builder);
    table_free(&bench.table);
    store_close(&bench.store);
    return 0;
}

static uint64_t cpu_us(void)
{
    struct timespec now = {0};

    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &now);
    return (uint64_t)now.tv_sec * 1000000 + (uint64_t)now.tv_nsec / 1000;
}

static void must(bool done, const struct error *err)
{
    if (!done) {
        fprintf(stderr, "bench_pipeline: %s\n", err->message);
        exit(1);
    }
}

static void open_table(struct bench *bench, char *columns)
{
    const struct store_terms terms = {.data_dir = bench->folder, .map_size_bytes = MAP_BYTES};
    OWNED(table_free) struct table *wished = mem_zero(sizeof *wished);
    struct error err = {0};

    wished->schema_name = mem_text("bench");
    wished->name = mem_text("orders");
    for (char *text = strtok(columns, ","); text != NULL; text = strtok(NULL, ",")) {
        add_column(wished, text);
    }
    must(store_open(&terms, &bench->store, &err), &err);
    must(registry_create(bench->store, wished, &err), &err);
    must(registry_find(bench->store, "bench", "orders", &bench->table, &err), &err);
    for (unsigned i = 0; i < bench->table->columns_count; i++) {
        bench->column_ids[i] = bench->table->columns[i].id;
    }
    bench->binding = (struct binding_terms){
        .table = bench->table,
        .request_column_ids = bench->column_ids,
        .request_columns_count = bench->table->columns_count,
        .null_string = "null-",
        .unmodified_string = "unmod-",
    };
    for (uint8_t i = 0; i < KEY_BYTES; i++) {
        bench->key[i] = i;
    }
    bench->builder = run_builder_new(RUN_BUDGET_BYTES);
}

/* NAME:TYPE */
static void add_column(struct table *table, char *text)
{
    const char *name = strtok_r(text, ":", &text);
    struct column *column = table_add_column(table, name);
    struct error err = {0};

    must(table->columns_count <= COLUMNS_MAX || error_set(&err, ERROR_LIMIT, "too many columns"),
         &err);
    column->key_position = table->columns_count == 1;
    for (uint32_t type = 1; column_type_is_known(type); type++) {
        if (strcmp(column_type_name(type), text) == 0) {
            column->type = type;
            return;
        }
    }
    must(error_set(&err, ERROR_REQUEST, "there is no type %s", text), &err);
}

static struct source_terms source_terms(const struct bench *bench, const char *path)
{
    return (struct source_terms){
        .path = path,
        .key = bench->key,
        .compression = COMPRESSION_ZSTD,
        .decoded_bytes_max = UINT64_MAX,
    };
}

static struct source *open_source(const struct bench *bench, const char *path)
{
    const struct source_terms terms = source_terms(bench, path);
    struct source *source = NULL;
    struct error err = {0};

    must(source_open(&terms, &source, &err), &err);
    return source;
}

static void read_all(struct bench *bench)
{
    OWNED(mem_release) uint8_t *bytes = mem_alloc(READ_BYTES);

    for (int i = 0; i < bench->files_count; i++) {
        OWNED(source_close) struct source *source = open_source(bench, bench->files[i]);
        struct error err = {0};
        size_t length = 1;

        while (length > 0) {
            must(source_read(source, bytes, READ_BYTES, &length, &err), &err);
        }
    }
}

static void scan_all(struct bench *bench)
{
    const struct format *format = format_find(FORMAT_CSV);
    const struct format_terms terms = {.cell_bytes_max = CELL_BYTES_MAX};

    for (int i = 0; i < bench->files_count; i++) {
        OWNED(source_close) struct source *source = open_source(bench, bench->files[i]);
        struct reader *reader = NULL;
        const struct cell *cells = NULL;
        size_t cells_count = 0;
        enum next next = NEXT_END;
        struct error err = {0};

        must(format->open(&source, &terms, &reader, &cells, &cells_count, &err), &err);
        while ((next = format->next_row(reader, &cells, &err)) == NEXT_ROW) {
            bench->rows++;
        }
        must(next == NEXT_END, &err);
        format->close(&reader);
    }
}

static void ignore_column(void *context, const char *path, const char *column_name)
{
    (void)context;
    (void)path;
    (void)column_name;
}

static void decode_all(struct bench *bench,
                       bool (*row)(void *context, const struct run_entry *, struct error *))
{
    const struct decode_sink sink = {row, ignore_column, tick, bench};
    struct decode_totals totals = {0};

    for (int i = 0; i < bench->files_count; i++) {
        const struct decode_terms terms = {
            .source = source_terms(bench, bench->files[i]),
            .format = FORMAT_CSV,
            .cell_bytes_max = CELL_BYTES_MAX,
            .kind = FILE_KIND_REPLACE,
            .binding = &bench->binding,
        };
        struct error err = {0};

        must(decode_file(&terms, &sink, &totals, &err), &err);
    }
}

static bool drop_row(void *context, const struct run_entry *entry, struct error *err)
{
    (void)context;
    (void)entry;
    (void)err;
    return true;
}

static bool collect_row(void *context, const struct run_entry *entry, struct error *err)
{
    struct bench *bench = context;

    if (run_builder_add(bench->builder, entry)) {
        return true;
    }
    write_run(bench);
    return run_builder_add(bench->builder, entry) ||
           error_set(err, ERROR_INTERNAL, "an empty builder is full");
}

static void write_run(struct bench *bench)
{
    struct run_place *place = &bench->runs[bench->runs_count];
    uint64_t started = cpu_us();
    uint64_t sorted = 0;
    struct run_size size;
    struct error err = {0};

    must(bench->runs_count < RUNS_MAX || error_set(&err, ERROR_LIMIT, "too many rows"), &err);
    place->path = mem_format("%s/%zu.run", bench->folder, bench->runs_count);
    place->key = bench->key;
    place->nonce = bench->runs_count++;
    run_builder_sort(bench->builder);
    sorted = cpu_us();
    must(run_write(bench->builder, place, 0, &size, &err), &err);
    run_builder_reset(bench->builder);
    bench->sort_us += sorted - started;
    bench->write_us += cpu_us() - sorted;
}

static struct run_merger *open_merger(const struct bench *bench)
{
    struct run_merger *merger = run_merger_new();
    struct error err = {0};

    for (size_t i = 0; i < bench->runs_count; i++) {
        must(run_merger_add_file(merger, &bench->runs[i], &err), &err);
    }
    return merger;
}

static void merge_all(struct bench *bench)
{
    OWNED(run_merger_free) struct run_merger *merger = open_merger(bench);
    struct run_entry entry = {0};
    enum run_next next = RUN_END;
    struct error err = {0};

    while ((next = run_merger_next(merger, &entry, &err)) == RUN_ENTRY) {
    }
    must(next == RUN_END, &err);
}

/* Returns how long the commit took. */
static uint64_t apply_all(struct bench *bench)
{
    static const uint8_t operation_id[LIMIT_OPERATION_ID_BYTES] = {1};
    const struct run_watch watch = {tick, NULL};
    OWNED(run_merger_free) struct run_merger *merger = open_merger(bench);
    const struct apply_phase phase = {FILE_KIND_REPLACE, merger};
    const struct stage_batch batch = {.entries = bench->rows};
    const struct store_watch no_watch = {0};
    struct stage *stage = NULL;
    uint64_t started = 0;
    uint64_t rows = 0;
    bool already = false;
    bool spilled = false;
    struct error err = {0};

    must(stage_begin(bench->store, bench->table, operation_id, &batch, &no_watch, &stage, &already,
                     &err),
         &err);
    must(apply_phases(stage_txn(stage), false, &phase, 1, &watch, &rows, &err), &err);
    started = cpu_us();
    must(stage_commit(&stage, &spilled, &err), &err);
    return cpu_us() - started;
}

static void show(struct bench *bench, const char *step, uint64_t us)
{
    bench->shown_us += us;
    printf("    %-28s %6.0f ns a row\n", step, (double)us * 1000 / (double)bench->rows);
    (void)fflush(stdout);
}

static bool tick(void *context, struct error *err)
{
    (void)context;
    (void)err;
    return true;
}
