/* See batch_fixture.h. */
#include "tests/unit/worker/job/batch_fixture.h"

#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/mem.h"
#include "common/table_entry.h"
#include "tests/support/test.h"
#include "worker/store/store.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

Weir__Result *fixture_run(struct fixture *fixture, Weir__Job *job)
{
    Weir__Result *result = mem_zero(sizeof *result);

    weir__result__init(result);
    job->number = 1;
    job_run(fixture->worker, job, result);
    return result;
}

void fixture_free_result(Weir__Result **result)
{
    weir__result__free_unpacked(*result, NULL);
    *result = NULL;
}

void fixture_assert_success(const Weir__Result *result)
{
    if (result->failure != NULL) {
        fail_msg("%s", result->failure->message);
    }
}

void fixture_assert_failure(const Weir__Result *result, const char *problem)
{
    if (result->failure == NULL || strstr(result->failure->message, problem) == NULL) {
        fail_msg("\"%s\" instead of \"%s\"",
                 result->failure != NULL ? result->failure->message : "success", problem);
    }
}

/* As the frontend does before it serves: makes the folders. */
static void sweep(struct fixture *fixture)
{
    Weir__SweepJob wish = WEIR__SWEEP_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(fixture_free_result) Weir__Result *result = NULL;

    job.job_case = WEIR__JOB__JOB_SWEEP;
    job.sweep = &wish;
    result = fixture_run(fixture, &job);
    fixture_assert_success(result);
}

static void create_table(struct fixture *fixture)
{
    Weir__CreateTableJob create = WEIR__CREATE_TABLE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(fixture_free_result) Weir__Result *result = NULL;
    struct column *column = NULL;

    fixture->table = mem_zero(sizeof *fixture->table);
    fixture->table->schema_name = mem_text("s");
    fixture->table->name = mem_text("t");
    column = table_add_column(fixture->table, "id");
    column->type = COLUMN_LONG;
    column->key_position = 1;
    table_add_column(fixture->table, "a")->type = COLUMN_STRING;
    table_add_column(fixture->table, "b")->type = COLUMN_INT;
    fixture->entry = table_entry_new(fixture->table);
    create.table = fixture->entry;
    job.job_case = WEIR__JOB__JOB_CREATE_TABLE;
    job.create_table = &create;
    result = fixture_run(fixture, &job);
    fixture_assert_success(result);
}

int fixture_set_up(void **state)
{
    struct fixture *fixture = mem_zero(sizeof *fixture);
    static uint8_t runs_key[32] = {3};

    (void)snprintf(fixture->folder, sizeof fixture->folder, "/tmp/weir-test-job-XXXXXX");
    assert_non_null(mkdtemp(fixture->folder));
    (void)snprintf(fixture->runs, sizeof fixture->runs, "%s/runs/b", fixture->folder);
    fixture->options.data_dir = fixture->folder;
    fixture->options.map_size_bytes = 1 << 28;
    fixture->options.run_budget_bytes = 1 << 16;
    fixture->options.cell_bytes_max = 1 << 27;
    fixture->options.file_bytes_max = 1 << 30;
    fixture->worker = job_worker_new(&fixture->options, &fixture->page);
    weir__batch_terms__init(&fixture->terms);
    fixture->terms.null_string = (char *)(uintptr_t) "null-x";
    fixture->terms.unmodified_string = (char *)(uintptr_t) "unmod-x";
    fixture->terms.runs_folder = fixture->runs;
    fixture->terms.runs_key = (ProtobufCBinaryData){sizeof runs_key, runs_key};
    fixture->terms.operation_id =
        (ProtobufCBinaryData){sizeof fixture->operation_id, fixture->operation_id};
    sweep(fixture);
    create_table(fixture);
    *state = fixture;
    return 0;
}

int fixture_tear_down(void **state)
{
    struct fixture *fixture = *state;
    char command[128];

    job_worker_free(&fixture->worker);
    table_free(&fixture->table);
    weir__table_entry__free_unpacked(fixture->entry, NULL);
    for (size_t i = 0; i < fixture->files_count; i++) {
        mem_free(fixture->files[i].path);
    }
    (void)snprintf(command, sizeof command, "rm -rf '%s'", fixture->folder);
    assert_int_equal(system(command), 0);
    mem_free(fixture);
    return 0;
}

void fixture_forget_files(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->files_count; i++) {
        mem_free(fixture->files[i].path);
    }
    fixture->files_count = 0;
}

void fixture_add_file(struct fixture *fixture, Weir__FileKind kind, const char *text)
{
    Weir__BatchFile *file = &fixture->files[fixture->files_count];
    int fd = -1;

    weir__batch_file__init(file);
    file->path = mem_format("%s/%zu.csv", fixture->folder, fixture->files_count);
    file->kind = kind;
    file->ordinal = (uint32_t)fixture->files_count;
    fd = open(file->path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
    fixture->file_pointers[fixture->files_count] = file;
    fixture->files_count++;
}

char *fixture_read_table(struct fixture *fixture)
{
    const struct store_terms terms = {
        .data_dir = fixture->folder,
        .map_size_bytes = fixture->options.map_size_bytes,
        .read_only = true,
    };
    OWNED(store_close) struct store *store = NULL;
    OWNED(store_reader_close) struct store_reader *reader = NULL;
    struct buffer text = {0};
    struct error err = {0};
    const uint8_t *key = NULL;
    const uint8_t *row = NULL;
    size_t key_length = 0;
    size_t length = 0;

    assert_true(store_open(&terms, &store, &err));
    assert_true(store_reader_open(store, "s", "t", &reader, &err));
    while (store_reader_next(reader, &key, &key_length, &row, &length, &err) == STORE_ROW) {
        const struct table *table = store_reader_table(reader);

        for (size_t i = 0; i < table->columns_count; i++) {
            struct row_cell cell = {0};

            if (row_find(row + ROW_SEQUENCE_BYTES, length - ROW_SEQUENCE_BYTES,
                         table->columns[i].id, &cell)) {
                type_of(table->columns[i].type)->append_text(cell.stored, cell.length, &text);
            } else {
                buffer_append_format(&text, "NULL");
            }
            buffer_append_byte(&text, i + 1 < table->columns_count ? ':' : ';');
        }
    }
    buffer_append_byte(&text, '\0');
    return (char *)text.bytes;
}

void fixture_assert_table(struct fixture *fixture, const char *rows)
{
    OWNED(mem_release) char *text = fixture_read_table(fixture);

    assert_string_equal(text, rows);
}

Weir__Result *fixture_small_batch(struct fixture *fixture)
{
    Weir__SmallBatchJob small = WEIR__SMALL_BATCH_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    fixture->operation_id[0]++;
    small.terms = &fixture->terms;
    small.request_table = fixture->entry;
    small.files = fixture->file_pointers;
    small.n_files = fixture->files_count;
    job.job_case = WEIR__JOB__JOB_SMALL_BATCH;
    job.small_batch = &small;
    return fixture_run(fixture, &job);
}

void fixture_apply_small(struct fixture *fixture)
{
    OWNED(fixture_free_result) Weir__Result *result = fixture_small_batch(fixture);

    fixture_assert_success(result);
    assert_false(result->too_large);
    fixture_forget_files(fixture);
}
