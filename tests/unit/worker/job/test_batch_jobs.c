/* Batches through the jobs of a worker: files in, rows in the store. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/ipc/failure.h"
#include "common/mem.h"
#include "common/table_entry.h"
#include "tests/support/test.h"
#include "worker/job/job.h"
#include "worker/store/store.h"
#include "worker/value/row.h"
#include "worker/value/type.h"

enum {
    FILES_MAX = 8
};

struct fixture {
    char folder[64];
    char runs[96];
    struct options options;
    struct role_page page;
    struct job_worker *worker;
    struct table *table; /* as a request has it */
    Weir__TableEntry *entry;
    Weir__BatchFile files[FILES_MAX];
    Weir__BatchFile *file_pointers[FILES_MAX];
    size_t files_count;
    uint8_t operation_id[16];
    Weir__BatchTerms terms;
};

static Weir__Result *run(struct fixture *fixture, Weir__Job *job)
{
    Weir__Result *result = mem_zero(sizeof *result);

    weir__result__init(result);
    job->number = 1;
    job_run(fixture->worker, job, result);
    return result;
}

static void free_result(Weir__Result **result)
{
    weir__result__free_unpacked(*result, NULL);
    *result = NULL;
}

static void assert_success(const Weir__Result *result)
{
    if (result->failure != NULL) {
        fail_msg("%s", result->failure->message);
    }
}

static void assert_failure(const Weir__Result *result, const char *problem)
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
    OWNED(free_result) Weir__Result *result = NULL;

    job.job_case = WEIR__JOB__JOB_SWEEP;
    job.sweep = &wish;
    result = run(fixture, &job);
    assert_success(result);
}

static void create_table(struct fixture *fixture)
{
    Weir__CreateTableJob create = WEIR__CREATE_TABLE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(free_result) Weir__Result *result = NULL;
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
    result = run(fixture, &job);
    assert_success(result);
}

static int set_up(void **state)
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

static int tear_down(void **state)
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

static void forget_files(struct fixture *fixture)
{
    for (size_t i = 0; i < fixture->files_count; i++) {
        mem_free(fixture->files[i].path);
    }
    fixture->files_count = 0;
}

static void add_file(struct fixture *fixture, Weir__FileKind kind, const char *text)
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

/* The table as text: "1:x:2;". */
static char *read_table(struct fixture *fixture)
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

static void assert_table(struct fixture *fixture, const char *rows)
{
    OWNED(mem_release) char *text = read_table(fixture);

    assert_string_equal(text, rows);
}

static Weir__Result *small_batch(struct fixture *fixture)
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
    return run(fixture, &job);
}

static void apply_small(struct fixture *fixture)
{
    OWNED(free_result) Weir__Result *result = small_batch(fixture);

    assert_success(result);
    assert_false(result->too_large);
    forget_files(fixture);
}

static void test_phases_of_a_small_batch_apply_in_order(void **state)
{
    struct fixture *fixture = *state;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n2,y,2\n3,z,3\n");
    apply_small(fixture);
    assert_table(fixture, "1:x:1;2:y:2;3:z:3;");

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "b,id\n7,1\n8,4\n");
    add_file(fixture, WEIR__FILE_KIND__FILE_UPDATE,
             "id,a,b\n4,new,unmod-x\n9,skipped,1\n2,unmod-x,null-x\n4,newer,unmod-x\n");
    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, "id\n3\n17\n");
    apply_small(fixture);
    assert_table(fixture, "1:NULL:7;2:y:NULL;4:newer:8;");
}

static void test_later_rows_of_a_key_win(void **state)
{
    struct fixture *fixture = *state;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n1,y,2\n");
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,z,3\n");
    apply_small(fixture);
    assert_table(fixture, "1:z:3;");
}

static void test_columns_outside_the_request_keep_their_values(void **state)
{
    struct fixture *fixture = *state;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n");
    apply_small(fixture);
    fixture->entry->n_columns = 2; /* id, a */
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a\n1,y\n2,z\n");
    apply_small(fixture);
    fixture->entry->n_columns = 3;
    assert_table(fixture, "1:y:1;2:z:NULL;");
}

static void test_a_bad_file_changes_nothing(void **state)
{
    struct fixture *fixture = *state;
    Weir__Result *result = NULL;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n");
    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, "id\nnot a number\n");
    result = small_batch(fixture);
    assert_failure(result, "1.csv\": line 2: column \"id\"");
    free_result(&result);
    assert_table(fixture, "");
}

static void test_a_large_batch_says_so_and_does_nothing(void **state)
{
    struct fixture *fixture = *state;
    OWNED(mem_release) char *text = mem_zero(9 << 20);
    Weir__Result *result = NULL;

    memcpy(text, "id,a\n1,", 7);
    memset(text + 7, 'x', (9 << 20) - 8);
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, text);
    result = small_batch(fixture);
    assert_success(result);
    assert_true(result->too_large);
    free_result(&result);
    assert_table(fixture, "");
}

/* Runs check, decode and the apply stage as the frontend does. */
static Weir__Result *decode(struct fixture *fixture)
{
    Weir__CheckBatchJob check = WEIR__CHECK_BATCH_JOB__INIT;
    Weir__DecodeJob decoding = WEIR__DECODE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(free_result) Weir__Result *checked = NULL;
    Weir__Result *decoded = NULL;

    fixture->operation_id[0]++;
    check.table = fixture->entry;
    job.job_case = WEIR__JOB__JOB_CHECK_BATCH;
    job.check_batch = &check;
    checked = run(fixture, &job);
    assert_success(checked);
    fixture->terms.table = MOVE(checked->table);
    fixture->terms.request_column_ids = checked->request_column_ids;
    fixture->terms.n_request_column_ids = checked->n_request_column_ids;

    decoding.terms = &fixture->terms;
    decoding.files = fixture->file_pointers;
    decoding.n_files = fixture->files_count;
    job.job_case = WEIR__JOB__JOB_DECODE;
    job.decode = &decoding;
    decoded = run(fixture, &job);
    fixture->terms.n_request_column_ids = 0;
    fixture->terms.request_column_ids = NULL;
    assert_success(decoded);
    return decoded;
}

static Weir__Result *begin_stage(struct fixture *fixture)
{
    Weir__ApplyBeginJob begin = WEIR__APPLY_BEGIN_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    begin.terms = &fixture->terms;
    job.job_case = WEIR__JOB__JOB_APPLY_BEGIN;
    job.apply_begin = &begin;
    return run(fixture, &job);
}

static void apply_kind(struct fixture *fixture, const Weir__Result *decoded, Weir__FileKind kind,
                       bool last)
{
    Weir__ApplyPhaseJob phase = WEIR__APPLY_PHASE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(mem_release) Weir__Run **runs = mem_zero_array(decoded->n_runs + 1, sizeof *runs);
    OWNED(free_result) Weir__Result *result = NULL;

    phase.kind = kind;
    phase.last = last;
    phase.runs = runs;
    for (size_t i = 0; i < decoded->n_runs; i++) {
        if (decoded->runs[i]->kind == kind) {
            runs[phase.n_runs++] = decoded->runs[i];
        }
    }
    job.job_case = WEIR__JOB__JOB_APPLY_PHASE;
    job.apply_phase = &phase;
    result = run(fixture, &job);
    assert_success(result);
}

static Weir__Result *commit(struct fixture *fixture)
{
    Weir__ApplyCommitJob wish = WEIR__APPLY_COMMIT_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    job.job_case = WEIR__JOB__JOB_APPLY_COMMIT;
    job.apply_commit = &wish;
    return run(fixture, &job);
}

static void forget_terms(struct fixture *fixture)
{
    weir__table_entry__free_unpacked(fixture->terms.table, NULL);
    fixture->terms.table = NULL;
}

static void test_a_large_batch_goes_through_runs(void **state)
{
    struct fixture *fixture = *state;
    OWNED(buffer_clear) struct buffer text = {0};
    OWNED(free_result) Weir__Result *decoded = NULL;
    OWNED(free_result) Weir__Result *committed = NULL;
    OWNED(free_result) Weir__Result *begun = NULL;
    OWNED(free_result) Weir__Result *again = NULL;

    buffer_append_format(&text, "id,a,b\n");
    for (unsigned i = 0; i < 5000; i++) {
        buffer_append_format(&text, "%u,text %u,%u\n", i * 7919 % 5000, i, i);
    }
    buffer_append_byte(&text, '\0');
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, (const char *)text.bytes);
    add_file(fixture, WEIR__FILE_KIND__FILE_UPDATE, "id,a,b\n3,changed,unmod-x\n");
    text.length = 0;
    buffer_append_format(&text, "id\n");
    for (unsigned i = 5; i < 5000; i++) {
        buffer_append_format(&text, "%u\n", i);
    }
    buffer_append_byte(&text, '\0');
    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, (const char *)text.bytes);

    decoded = decode(fixture);
    assert_true(decoded->n_runs > 5); /* the budget of a run is small here */
    assert_int_equal(decoded->statistics->rows, 5000 + 1 + 4995);
    begun = begin_stage(fixture);
    assert_success(begun);
    assert_false(begun->already_applied);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, false);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_UPDATE, false);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_DELETE, true);
    committed = commit(fixture);
    assert_success(committed);
    assert_table(fixture,
                 "0:text 0:0;1:text 2679:2679;2:text 358:358;3:changed:3037;"
                 "4:text 716:716;");
    again = begin_stage(fixture);
    assert_success(again);
    assert_true(again->already_applied);
    forget_terms(fixture);
}

/* Several runs' worth of rows, each key twice. */
static void add_large_file(struct fixture *fixture)
{
    OWNED(buffer_clear) struct buffer text = {0};

    buffer_append_format(&text, "id,a,b\n");
    for (unsigned i = 0; i < 4000; i++) {
        buffer_append_format(&text, "%u,some text,%u\n", i * 7 % 2000, i);
    }
    buffer_append_byte(&text, '\0');
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, (const char *)text.bytes);
}

/* Rows of ids below `end`; `text` but in row 3. */
static void add_many_rows(struct fixture *fixture, Weir__FileKind kind, unsigned end,
                          const char *text, const char *text_of_3, const char *number)
{
    OWNED(buffer_clear) struct buffer rows = {0};

    buffer_append_format(&rows, "id,a,b\n");
    for (unsigned i = 0; i < end; i++) {
        buffer_append_format(&rows, "%u,%s,%s\n", i, i == 3 ? text_of_3 : text, number);
    }
    buffer_append_byte(&rows, '\0');
    add_file(fixture, kind, (const char *)rows.bytes);
}

/* All but the row 3. */
static void add_many_deletes(struct fixture *fixture, unsigned end)
{
    OWNED(buffer_clear) struct buffer ids = {0};

    buffer_append_format(&ids, "id\n");
    for (unsigned i = 0; i < end; i++) {
        if (i != 3) {
            buffer_append_format(&ids, "%u\n", i);
        }
    }
    buffer_append_byte(&ids, '\0');
    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, (const char *)ids.bytes);
}

static Weir__Result *merge_runs(struct fixture *fixture, const Weir__Result *decoded)
{
    Weir__MergeRunsJob merge = WEIR__MERGE_RUNS_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    merge.terms = &fixture->terms;
    merge.runs = decoded->runs;
    merge.n_runs = decoded->n_runs;
    merge.sequence = 7;
    job.job_case = WEIR__JOB__JOB_MERGE_RUNS;
    job.merge_runs = &merge;
    return run(fixture, &job);
}

static void test_merged_runs_apply_as_the_runs_would(void **state)
{
    struct fixture *fixture = *state;
    OWNED(free_result) Weir__Result *decoded = NULL;
    OWNED(free_result) Weir__Result *merged = NULL;
    OWNED(free_result) Weir__Result *begun = NULL;
    OWNED(free_result) Weir__Result *committed = NULL;
    OWNED(mem_release) char *table = NULL;

    add_large_file(fixture);
    decoded = decode(fixture);
    assert_true(decoded->n_runs > 1);
    merged = merge_runs(fixture, decoded);
    assert_success(merged);
    assert_int_equal(merged->n_runs, 1);
    assert_int_equal(merged->runs[0]->entries, 4000);
    assert_int_equal(merged->runs[0]->kind, WEIR__FILE_KIND__FILE_REPLACE);
    assert_int_equal(merged->runs[0]->sequence, 7);

    begun = begin_stage(fixture);
    assert_success(begun);
    apply_kind(fixture, merged, WEIR__FILE_KIND__FILE_REPLACE, true);
    committed = commit(fixture);
    assert_success(committed);
    table = read_table(fixture);
    assert_int_equal(strncmp(table, "0:some text:2000;1:some text:", 29), 0);
    forget_terms(fixture);
}

static void test_a_cancelled_merge_of_runs_stops(void **state)
{
    struct fixture *fixture = *state;
    OWNED(free_result) Weir__Result *decoded = NULL;
    OWNED(free_result) Weir__Result *merged = NULL;

    add_large_file(fixture);
    decoded = decode(fixture);
    fixture->page.cancelled = 1;
    merged = merge_runs(fixture, decoded);
    assert_non_null(merged->failure);
    assert_int_equal(merged->failure->kind, ERROR_CANCELLED);
    forget_terms(fixture);
}

static void test_another_job_drops_a_stage_that_never_ended(void **state)
{
    struct fixture *fixture = *state;
    OWNED(free_result) Weir__Result *decoded = NULL;
    OWNED(free_result) Weir__Result *begun = NULL;
    OWNED(free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode(fixture);
    begun = begin_stage(fixture);
    assert_success(begun);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, true);
    forget_files(fixture);

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n");
    apply_small(fixture);
    committed = commit(fixture);
    assert_failure(committed, "no batch to apply");
    assert_table(fixture, "1:x:1;");
    forget_terms(fixture);
}

static void test_a_stage_begun_again_starts_from_the_committed_table(void **state)
{
    struct fixture *fixture = *state;
    OWNED(free_result) Weir__Result *decoded = NULL;
    OWNED(free_result) Weir__Result *first = NULL;
    OWNED(free_result) Weir__Result *second = NULL;
    OWNED(free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode(fixture);
    first = begin_stage(fixture);
    assert_success(first);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, true);
    second = begin_stage(fixture);
    assert_success(second);
    assert_false(second->already_applied);
    committed = commit(fixture);
    assert_success(committed);
    assert_table(fixture, "");
    forget_terms(fixture);
}

/* The third waits for the first two. */
static void test_phases_of_many_runs_apply_in_order(void **state)
{
    struct fixture *fixture = *state;
    char text[601] = {0};
    OWNED(free_result) Weir__Result *decoded = NULL;
    OWNED(free_result) Weir__Result *begun = NULL;
    OWNED(free_result) Weir__Result *committed = NULL;

    memset(text, 'x', sizeof text - 1);
    add_many_rows(fixture, WEIR__FILE_KIND__FILE_REPLACE, 10000, text, text, "7");
    add_many_rows(fixture, WEIR__FILE_KIND__FILE_UPDATE, 10000, text, "changed", "unmod-x");
    add_many_deletes(fixture, 120000);
    decoded = decode(fixture);
    assert_true(decoded->n_runs > 256); /* more than are read at once */
    begun = begin_stage(fixture);
    assert_success(begun);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, false);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_UPDATE, false);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_DELETE, true);
    committed = commit(fixture);
    assert_success(committed);
    assert_table(fixture, "3:changed:7;");
    forget_terms(fixture);
}

static void test_a_phase_out_of_order_drops_the_stage(void **state)
{
    struct fixture *fixture = *state;
    Weir__ApplyPhaseJob phase = WEIR__APPLY_PHASE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(free_result) Weir__Result *decoded = NULL;
    OWNED(free_result) Weir__Result *begun = NULL;
    OWNED(free_result) Weir__Result *again = NULL;
    OWNED(free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode(fixture);
    begun = begin_stage(fixture);
    assert_success(begun);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, true);
    phase.kind = WEIR__FILE_KIND__FILE_REPLACE;
    phase.runs = decoded->runs;
    phase.n_runs = decoded->n_runs;
    job.job_case = WEIR__JOB__JOB_APPLY_PHASE;
    job.apply_phase = &phase;
    again = run(fixture, &job);
    assert_failure(again, "a phase of the batch is out of order");
    committed = commit(fixture);
    assert_failure(committed, "no batch to apply");
    assert_table(fixture, "");
    forget_terms(fixture);
}

static void test_a_batch_without_its_last_phase_is_not_committed(void **state)
{
    struct fixture *fixture = *state;
    OWNED(free_result) Weir__Result *decoded = NULL;
    OWNED(free_result) Weir__Result *begun = NULL;
    OWNED(free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode(fixture);
    begun = begin_stage(fixture);
    assert_success(begun);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, false);
    committed = commit(fixture);
    assert_failure(committed, "the last phase of the batch is missing");
    assert_table(fixture, "");
    forget_terms(fixture);
}

static void test_a_phase_with_a_run_that_is_gone_drops_the_stage(void **state)
{
    struct fixture *fixture = *state;
    Weir__ApplyPhaseJob phase = WEIR__APPLY_PHASE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(free_result) Weir__Result *decoded = NULL;
    OWNED(free_result) Weir__Result *begun = NULL;
    OWNED(free_result) Weir__Result *applied = NULL;
    OWNED(free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode(fixture);
    begun = begin_stage(fixture);
    assert_success(begun);
    assert_int_equal(unlink(decoded->runs[1]->path), 0);
    phase.kind = WEIR__FILE_KIND__FILE_REPLACE;
    phase.runs = decoded->runs;
    phase.n_runs = decoded->n_runs;
    job.job_case = WEIR__JOB__JOB_APPLY_PHASE;
    job.apply_phase = &phase;
    applied = run(fixture, &job);
    assert_failure(applied, "could not open a run file");
    committed = commit(fixture);
    assert_failure(committed, "no batch to apply");
    assert_table(fixture, "");
    forget_terms(fixture);
}

static void test_a_cancelled_job_stops(void **state)
{
    struct fixture *fixture = *state;
    OWNED(free_result) Weir__Result *result = NULL;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n");
    fixture->page.cancelled = 1;
    result = small_batch(fixture);
    assert_non_null(result->failure);
    assert_int_equal(result->failure->kind, ERROR_CANCELLED);
    fixture->page.cancelled = 0;
    assert_table(fixture, "");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_phases_of_a_small_batch_apply_in_order, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_later_rows_of_a_key_win, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_columns_outside_the_request_keep_their_values, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_bad_file_changes_nothing, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_batch_says_so_and_does_nothing, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_large_batch_goes_through_runs, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_merged_runs_apply_as_the_runs_would, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_cancelled_merge_of_runs_stops, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_another_job_drops_a_stage_that_never_ended, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_stage_begun_again_starts_from_the_committed_table,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_phases_of_many_runs_apply_in_order, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_phase_out_of_order_drops_the_stage, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_batch_without_its_last_phase_is_not_committed,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_phase_with_a_run_that_is_gone_drops_the_stage,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_cancelled_job_stops, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
