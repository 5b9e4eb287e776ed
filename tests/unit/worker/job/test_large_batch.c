/* The jobs of a large batch: check, decode, merge runs, and the apply stage. */
#include <string.h>
#include <unistd.h>

#include "common/buffer.h"
#include "common/ipc/failure.h"
#include "common/mem.h"
#include "tests/support/test.h"
#include "tests/unit/worker/job/batch_fixture.h"

/* Runs check, decode and the apply stage as the frontend does. */
static Weir__Result *decode(struct fixture *fixture)
{
    Weir__CheckBatchJob check = WEIR__CHECK_BATCH_JOB__INIT;
    Weir__DecodeJob decoding = WEIR__DECODE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(fixture_free_result) Weir__Result *checked = NULL;
    Weir__Result *decoded = NULL;

    fixture->operation_id[0]++;
    check.table = fixture->entry;
    job.job_case = WEIR__JOB__JOB_CHECK_BATCH;
    job.check_batch = &check;
    checked = fixture_run(fixture, &job);
    fixture_assert_success(checked);
    fixture->terms.table = MOVE(checked->table);
    fixture->terms.request_column_ids = checked->request_column_ids;
    fixture->terms.n_request_column_ids = checked->n_request_column_ids;

    decoding.terms = &fixture->terms;
    decoding.files = fixture->file_pointers;
    decoding.n_files = fixture->files_count;
    job.job_case = WEIR__JOB__JOB_DECODE;
    job.decode = &decoding;
    decoded = fixture_run(fixture, &job);
    fixture->terms.n_request_column_ids = 0;
    fixture->terms.request_column_ids = NULL;
    fixture_assert_success(decoded);
    return decoded;
}

/* Whether the batch was in the table already: then there is nothing to apply. */
static bool begin_stage(struct fixture *fixture)
{
    Weir__ApplyBeginJob begin = WEIR__APPLY_BEGIN_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(fixture_free_result) Weir__Result *result = NULL;

    begin.terms = &fixture->terms;
    job.job_case = WEIR__JOB__JOB_APPLY_BEGIN;
    job.apply_begin = &begin;
    result = fixture_run(fixture, &job);
    fixture_assert_success(result);
    return result->already_applied;
}

static Weir__Result *decode_and_begin(struct fixture *fixture)
{
    Weir__Result *decoded = decode(fixture);

    assert_false(begin_stage(fixture));
    return decoded;
}

/* Sends all runs as a phase of replace files. */
static Weir__Result *apply_replaces(struct fixture *fixture, const Weir__Result *decoded)
{
    Weir__ApplyPhaseJob phase = WEIR__APPLY_PHASE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    phase.kind = WEIR__FILE_KIND__FILE_REPLACE;
    phase.runs = decoded->runs;
    phase.n_runs = decoded->n_runs;
    job.job_case = WEIR__JOB__JOB_APPLY_PHASE;
    job.apply_phase = &phase;
    return fixture_run(fixture, &job);
}

static void apply_kind(struct fixture *fixture, const Weir__Result *decoded, Weir__FileKind kind,
                       bool last)
{
    Weir__ApplyPhaseJob phase = WEIR__APPLY_PHASE_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    OWNED(mem_release) Weir__Run **runs = mem_zero_array(decoded->n_runs + 1, sizeof *runs);
    OWNED(fixture_free_result) Weir__Result *result = NULL;

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
    result = fixture_run(fixture, &job);
    fixture_assert_success(result);
}

static Weir__Result *commit(struct fixture *fixture)
{
    Weir__ApplyCommitJob wish = WEIR__APPLY_COMMIT_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;

    job.job_case = WEIR__JOB__JOB_APPLY_COMMIT;
    job.apply_commit = &wish;
    return fixture_run(fixture, &job);
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
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *committed = NULL;

    buffer_append_format(&text, "id,a,b\n");
    for (unsigned i = 0; i < 5000; i++) {
        buffer_append_format(&text, "%u,text %u,%u\n", i * 7919 % 5000, i, i);
    }
    buffer_append_byte(&text, '\0');
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, (const char *)text.bytes);
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_UPDATE, "id,a,b\n3,changed,unmod-x\n");
    text.length = 0;
    buffer_append_format(&text, "id\n");
    for (unsigned i = 5; i < 5000; i++) {
        buffer_append_format(&text, "%u\n", i);
    }
    buffer_append_byte(&text, '\0');
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, (const char *)text.bytes);

    decoded = decode(fixture);
    assert_true(decoded->n_runs > 5); /* the budget of a run is small here */
    assert_int_equal(decoded->statistics->rows, 5000 + 1 + 4995);
    assert_false(begin_stage(fixture));
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, false);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_UPDATE, false);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_DELETE, true);
    committed = commit(fixture);
    fixture_assert_success(committed);
    fixture_assert_table(fixture,
                         "0:text 0:0;1:text 2679:2679;2:text 358:358;3:changed:3037;"
                         "4:text 716:716;");
    assert_true(begin_stage(fixture));
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
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, (const char *)text.bytes);
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
    fixture_add_file(fixture, kind, (const char *)rows.bytes);
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
    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, (const char *)ids.bytes);
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
    return fixture_run(fixture, &job);
}

static void test_merged_runs_apply_as_the_runs_would(void **state)
{
    struct fixture *fixture = *state;
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *merged = NULL;
    OWNED(fixture_free_result) Weir__Result *committed = NULL;
    OWNED(mem_release) char *table = NULL;

    add_large_file(fixture);
    decoded = decode(fixture);
    assert_true(decoded->n_runs > 1);
    merged = merge_runs(fixture, decoded);
    fixture_assert_success(merged);
    assert_int_equal(merged->n_runs, 1);
    assert_int_equal(merged->runs[0]->entries, 4000);
    assert_int_equal(merged->runs[0]->kind, WEIR__FILE_KIND__FILE_REPLACE);
    assert_int_equal(merged->runs[0]->sequence, 7);

    assert_false(begin_stage(fixture));
    apply_kind(fixture, merged, WEIR__FILE_KIND__FILE_REPLACE, true);
    committed = commit(fixture);
    fixture_assert_success(committed);
    table = fixture_read_table(fixture);
    assert_int_equal(strncmp(table, "0:some text:2000;1:some text:", 29), 0);
    forget_terms(fixture);
}

static void test_a_cancelled_merge_of_runs_stops(void **state)
{
    struct fixture *fixture = *state;
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *merged = NULL;

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
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode_and_begin(fixture);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, true);
    fixture_forget_files(fixture);

    fixture_add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, "id,a,b\n1,x,1\n");
    fixture_apply_small(fixture);
    committed = commit(fixture);
    fixture_assert_failure(committed, "no batch to apply");
    fixture_assert_table(fixture, "1:x:1;");
    forget_terms(fixture);
}

static void test_a_stage_begun_again_starts_from_the_committed_table(void **state)
{
    struct fixture *fixture = *state;
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode(fixture);
    assert_false(begin_stage(fixture));
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, true);
    assert_false(begin_stage(fixture));
    committed = commit(fixture);
    fixture_assert_success(committed);
    fixture_assert_table(fixture, "");
    forget_terms(fixture);
}

/* As if the rows of a phase were so large that reading its runs takes that much. */
static void weigh_runs(Weir__Result *decoded, uint64_t bytes_of_kind)
{
    for (size_t i = 0; i < decoded->n_runs; i++) {
        size_t count = 0;

        for (size_t j = 0; j < decoded->n_runs; j++) {
            count += decoded->runs[j]->kind == decoded->runs[i]->kind;
        }
        decoded->runs[i]->reading_bytes = bytes_of_kind / count + 1;
    }
}

static void test_more_runs_than_fit_are_refused(void **state)
{
    struct fixture *fixture = *state;
    char text[601] = {0};
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *refused = NULL;

    memset(text, 'x', sizeof text - 1);
    add_many_rows(fixture, WEIR__FILE_KIND__FILE_REPLACE, 10000, text, text, "7");
    decoded = decode_and_begin(fixture);
    weigh_runs(decoded, LIMIT_MERGING_BYTES);
    refused = apply_replaces(fixture, decoded);
    fixture_assert_failure(refused, "too many to merge at once");
    forget_terms(fixture);
}

/* The second waits for the first, and the third for both. */
static void test_phases_of_many_runs_apply_in_order(void **state)
{
    struct fixture *fixture = *state;
    char text[601] = {0};
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *committed = NULL;

    memset(text, 'x', sizeof text - 1);
    add_many_rows(fixture, WEIR__FILE_KIND__FILE_REPLACE, 10000, text, text, "7");
    add_many_rows(fixture, WEIR__FILE_KIND__FILE_UPDATE, 10000, text, "changed", "unmod-x");
    add_many_deletes(fixture, 120000);
    decoded = decode(fixture);
    weigh_runs(decoded, LIMIT_MERGING_BYTES / 2);
    assert_false(begin_stage(fixture));
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, false);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_UPDATE, false);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_DELETE, true);
    committed = commit(fixture);
    fixture_assert_success(committed);
    fixture_assert_table(fixture, "3:changed:7;");
    forget_terms(fixture);
}

static void test_a_phase_out_of_order_drops_the_stage(void **state)
{
    struct fixture *fixture = *state;
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *again = NULL;
    OWNED(fixture_free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode_and_begin(fixture);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, true);
    again = apply_replaces(fixture, decoded);
    fixture_assert_failure(again, "a phase of the batch is out of order");
    committed = commit(fixture);
    fixture_assert_failure(committed, "no batch to apply");
    fixture_assert_table(fixture, "");
    forget_terms(fixture);
}

static void test_a_batch_without_its_last_phase_is_not_committed(void **state)
{
    struct fixture *fixture = *state;
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode_and_begin(fixture);
    apply_kind(fixture, decoded, WEIR__FILE_KIND__FILE_REPLACE, false);
    committed = commit(fixture);
    fixture_assert_failure(committed, "the last phase of the batch is missing");
    fixture_assert_table(fixture, "");
    forget_terms(fixture);
}

static void test_a_phase_with_a_run_that_is_gone_drops_the_stage(void **state)
{
    struct fixture *fixture = *state;
    OWNED(fixture_free_result) Weir__Result *decoded = NULL;
    OWNED(fixture_free_result) Weir__Result *applied = NULL;
    OWNED(fixture_free_result) Weir__Result *committed = NULL;

    add_large_file(fixture);
    decoded = decode_and_begin(fixture);
    assert_int_equal(unlink(decoded->runs[1]->path), 0);
    applied = apply_replaces(fixture, decoded);
    fixture_assert_failure(applied, "could not open a run file");
    committed = commit(fixture);
    fixture_assert_failure(committed, "no batch to apply");
    fixture_assert_table(fixture, "");
    forget_terms(fixture);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_a_large_batch_goes_through_runs, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_merged_runs_apply_as_the_runs_would, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_cancelled_merge_of_runs_stops, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_another_job_drops_a_stage_that_never_ended,
                                        fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_stage_begun_again_starts_from_the_committed_table,
                                        fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_more_runs_than_fit_are_refused, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_phases_of_many_runs_apply_in_order, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_phase_out_of_order_drops_the_stage, fixture_set_up,
                                        fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_batch_without_its_last_phase_is_not_committed,
                                        fixture_set_up, fixture_tear_down),
        cmocka_unit_test_setup_teardown(test_a_phase_with_a_run_that_is_gone_drops_the_stage,
                                        fixture_set_up, fixture_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
