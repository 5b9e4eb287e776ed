/* A batch from top to bottom, with workers that only pretend: which jobs it sends, in which order,
 * and what it leaves behind when something goes wrong. */
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "common/limits.h"
#include "common/mem.h"
#include "frontend/dispatch/batch.h"
#include "tests/support/test.h"
#include "tests/unit/frontend/dispatch/thread_crew.h"

enum {
    JOBS_MAX = 4096,
    FILES_MAX = 8,
};

/* What the workers do, and what they saw. */
struct fixture {
    struct thread_crew *crew;
    struct ticket *ticket;
    struct table *table;
    struct batch_file files[FILES_MAX];
    struct batch_request request;

    /* The test's wishes. */
    bool too_large;
    unsigned runs_per_file;
    Weir__Job__JobCase fails;   /* jobs of this kind fail */
    Weir__Job__JobCase kills;   /* the first jobs of this kind kill their workers: */
    unsigned kills_count;       /* so many */
    Weir__Job__JobCase cancels; /* while a job of this kind runs, the client cancels */
    bool commit_counts;         /* a worker that dies in the commit has committed */

    pthread_mutex_t mutex; /* of what follows */
    char log[JOBS_MAX];    /* a letter for each job */
    unsigned last_at;      /* where in it the phase is that was called the last one; 0: none */
    bool committed;
    bool runs_in_order;
    char folder[256];
};

/* ---- the workers ---- */

static char letter_of(const Weir__Job *job)
{
    switch (job->job_case) {
    case WEIR__JOB__JOB_SMALL_BATCH:
        return 's';
    case WEIR__JOB__JOB_CHECK_BATCH:
        return 'c';
    case WEIR__JOB__JOB_DECODE:
        return 'd';
    case WEIR__JOB__JOB_MERGE_RUNS:
        return 'm';
    case WEIR__JOB__JOB_APPLY_BEGIN:
        return 'B';
    case WEIR__JOB__JOB_APPLY_PHASE:
        return "eRUD"[job->apply_phase->kind];
    case WEIR__JOB__JOB_APPLY_COMMIT:
        return 'C';
    case WEIR__JOB__JOB_APPLY_ABORT:
        return 'A';
    default:
        return '?';
    }
}

/* Makes a file as a worker does, so that there is something to remove. */
static Weir__Run *new_run(struct fixture *fixture, const char *folder, Weir__FileKind kind,
                          uint32_t ordinal, uint32_t sequence)
{
    static unsigned number;
    Weir__Run *run = mem_alloc(sizeof *run);
    FILE *file = NULL;

    weir__run__init(run);
    run->kind = kind;
    run->first_ordinal = ordinal;
    run->sequence = sequence;
    run->size_bytes = 1;
    run->path = mem_format("%s/run-%u", folder, ++number);
    (void)snprintf(fixture->folder, sizeof fixture->folder, "%s", folder);
    (void)mkdir(folder, 0700);
    file = fopen(run->path, "w");
    assert_non_null(file);
    assert_int_equal(fclose(file), 0);
    return run;
}

static void decode(struct fixture *fixture, const Weir__DecodeJob *job, Weir__Result *result)
{
    result->runs = mem_zero_array(job->n_files * fixture->runs_per_file, sizeof(Weir__Run *));
    for (size_t i = 0; i < job->n_files; i++) {
        for (unsigned j = 0; j < fixture->runs_per_file; j++) {
            result->runs[result->n_runs++] = new_run(
                fixture, job->terms->runs_folder, job->files[i]->kind, job->files[i]->ordinal, j);
        }
    }
}

static void merge(struct fixture *fixture, const Weir__MergeRunsJob *job, Weir__Result *result)
{
    result->runs = mem_zero_array(1, sizeof(Weir__Run *));
    result->runs[result->n_runs++] = new_run(fixture, job->terms->runs_folder, job->runs[0]->kind,
                                             job->runs[0]->first_ordinal, job->sequence);
}

static void look_at_runs(struct fixture *fixture, const Weir__ApplyPhaseJob *job)
{
    for (size_t i = 0; i < job->n_runs; i++) {
        const Weir__Run *run = job->runs[i];

        fixture->runs_in_order &= run->kind == job->kind && access(run->path, F_OK) == 0;
        if (i > 0) {
            const Weir__Run *before = job->runs[i - 1];

            fixture->runs_in_order &=
                before->first_ordinal < run->first_ordinal ||
                (before->first_ordinal == run->first_ordinal && before->sequence < run->sequence);
        }
    }
    fixture->runs_in_order &= job->n_runs <= LIMIT_RUNS_MERGED;
}

static void answer(struct fixture *fixture, const Weir__Job *job, Weir__Result *result)
{
    switch (job->job_case) {
    case WEIR__JOB__JOB_SMALL_BATCH:
        result->too_large = fixture->too_large;
        break;
    case WEIR__JOB__JOB_DECODE:
        decode(fixture, job->decode, result);
        break;
    case WEIR__JOB__JOB_MERGE_RUNS:
        merge(fixture, job->merge_runs, result);
        break;
    case WEIR__JOB__JOB_APPLY_BEGIN:
        result->already_applied = fixture->committed;
        break;
    case WEIR__JOB__JOB_APPLY_PHASE:
        look_at_runs(fixture, job->apply_phase);
        break;
    case WEIR__JOB__JOB_APPLY_COMMIT:
        fixture->committed = true;
        break;
    default:
        break;
    }
}

static enum crew_act act_alone(struct fixture *fixture, const Weir__Job *job, Weir__Result *result)
{
    size_t length = strlen(fixture->log);

    if (length + 1 < sizeof fixture->log) {
        fixture->log[length] = letter_of(job);
        if (job->job_case == WEIR__JOB__JOB_APPLY_PHASE && job->apply_phase->last) {
            fixture->runs_in_order &= fixture->last_at == 0;
            fixture->last_at = (unsigned)length;
        }
    }
    if (job->job_case == fixture->cancels) {
        ticket_cancel(fixture->ticket, ERROR_CANCELLED);
    }
    if (job->job_case == fixture->fails) {
        return crew_fail(result, ERROR_DATA, "as the test wished");
    }
    if (job->job_case == fixture->kills && fixture->kills_count > 0) {
        fixture->kills_count--;
        fixture->committed |= fixture->commit_counts;
        return CREW_DIES;
    }
    answer(fixture, job, result);
    return CREW_ANSWERS;
}

static enum crew_act act(struct crew_member *member, const Weir__Job *job, Weir__Result *result)
{
    struct fixture *fixture = member->crew->context;
    enum crew_act what;

    if (job->job_case == WEIR__JOB__JOB_DECODE && fixture->kills == WEIR__JOB__JOB_DECODE) {
        member->page->file = 1;
    }
    pthread_mutex_lock(&fixture->mutex);
    what = act_alone(fixture, job, result);
    pthread_mutex_unlock(&fixture->mutex);
    return what;
}

/* ---- the batch ---- */

static int set_up(void **state)
{
    struct fixture *fixture = mem_zero(sizeof *fixture);
    char *runs = NULL;

    assert_int_equal(pthread_mutex_init(&fixture->mutex, NULL), 0);
    fixture->runs_per_file = 1;
    fixture->runs_in_order = true;
    fixture->ticket = ticket_new();
    fixture->table = mem_zero(sizeof *fixture->table);
    fixture->table->schema_name = mem_text("shop");
    fixture->table->name = mem_text("orders");
    fixture->crew = thread_crew_new(act, fixture, NULL);
    runs = mem_format("%s/runs", fixture->crew->folder);
    assert_int_equal(mkdir(runs, 0700), 0);
    mem_free(runs);
    fixture->request = (struct batch_request){.table = fixture->table,
                                              .files = fixture->files,
                                              .null_string = "",
                                              .unmodified_string = ""};
    *state = fixture;
    return 0;
}

static int tear_down(void **state)
{
    struct fixture *fixture = *state;

    thread_crew_free(&fixture->crew);
    ticket_free(&fixture->ticket);
    table_free(&fixture->table);
    (void)pthread_mutex_destroy(&fixture->mutex);
    mem_free(fixture);
    return 0;
}

/* A file too large for a small batch, or one that is not there: small. Nobody reads it. */
static void add_file(struct fixture *fixture, Weir__FileKind kind, bool large)
{
    static char large_path[96];

    if (large) {
        (void)snprintf(large_path, sizeof large_path, "%s/large", fixture->crew->folder);
        FILE *file = fopen(large_path, "w");
        assert_non_null(file);
        assert_int_equal(ftruncate(fileno(file), (off_t)LIMIT_SMALL_BATCH_BYTES + 1), 0);
        assert_int_equal(fclose(file), 0);
    }
    fixture->files[fixture->request.files_count++] =
        (struct batch_file){.path = large ? large_path : "/nonexistent/small", .kind = kind};
}

static bool run(struct fixture *fixture, struct error *err)
{
    return batch_run(fixture->crew->pool, fixture->ticket, &fixture->crew->options,
                     &fixture->request, err);
}

static void assert_no_runs_left(struct fixture *fixture)
{
    if (fixture->folder[0] != '\0') {
        assert_int_not_equal(access(fixture->folder, F_OK), 0);
    }
}

static void test_a_small_batch_is_one_job(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, false);
    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, false);

    assert_true(run(fixture, &err));
    assert_string_equal(fixture->log, "s");
}

static void test_a_batch_without_files_is_checked_all_the_same(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    assert_true(run(fixture, &err));
    assert_string_equal(fixture->log, "s");
}

static void test_a_small_batch_that_turns_out_large_goes_the_large_way(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    fixture->too_large = true;
    add_file(fixture, WEIR__FILE_KIND__FILE_UPDATE, false);

    assert_true(run(fixture, &err));
    assert_string_equal(fixture->log, "scdBUC");
    assert_no_runs_left(fixture);
}

static void test_phases_are_applied_in_order_after_all_decoding(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    add_file(fixture, WEIR__FILE_KIND__FILE_EARLIEST_START, true);
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);
    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, true);

    assert_true(run(fixture, &err));
    assert_string_equal(fixture->log, "cddddBeRDC");
    assert_int_equal(fixture->last_at, strlen("cddddBeR"));
    assert_true(fixture->runs_in_order);
    assert_no_runs_left(fixture);
}

static void test_more_runs_than_merge_at_once_are_merged_first_in_order(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    fixture->runs_per_file = LIMIT_RUNS_MERGED + 100;
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);

    assert_true(run(fixture, &err));
    assert_string_equal(fixture->log, "cddmmBRC");
    assert_true(fixture->runs_in_order);
    assert_no_runs_left(fixture);
}

static void test_a_failure_at_any_step_is_the_answer_and_leaves_no_runs(void **state)
{
    static const struct {
        Weir__Job__JobCase fails;
        const char *log;
    } rows[] = {
        {WEIR__JOB__JOB_CHECK_BATCH,  "c"     },
        {WEIR__JOB__JOB_DECODE,       "cd"    },
        {WEIR__JOB__JOB_APPLY_BEGIN,  "cdBA"  },
        {WEIR__JOB__JOB_APPLY_PHASE,  "cdBRA" },
        {WEIR__JOB__JOB_APPLY_COMMIT, "cdBRCA"},
    };
    struct fixture *fixture = *state;

    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);
    for (size_t i = 0; i < sizeof rows / sizeof rows[0]; i++) {
        struct error err = {0};

        memset(fixture->log, 0, sizeof fixture->log);
        fixture->fails = rows[i].fails;

        assert_false(run(fixture, &err));
        assert_string_equal(fixture->log, rows[i].log);
        assert_int_equal(err.kind, ERROR_DATA);
        assert_false(fixture->committed);
        assert_no_runs_left(fixture);
    }
}

static void test_a_worker_lost_while_applying_starts_the_stage_again(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    fixture->kills = WEIR__JOB__JOB_APPLY_PHASE;
    fixture->kills_count = 2;
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);
    add_file(fixture, WEIR__FILE_KIND__FILE_DELETE, true);

    assert_true(run(fixture, &err));
    assert_string_equal(fixture->log, "cddBRBRBRDC");
    assert_no_runs_left(fixture);
}

static void test_a_worker_lost_after_its_commit_is_not_applied_twice(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    fixture->kills = WEIR__JOB__JOB_APPLY_COMMIT;
    fixture->kills_count = 1;
    fixture->commit_counts = true;
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);

    assert_true(run(fixture, &err));
    assert_string_equal(fixture->log, "cdBRCBA");
}

static void test_a_worker_lost_before_its_commit_is_applied_again(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    fixture->kills = WEIR__JOB__JOB_APPLY_COMMIT;
    fixture->kills_count = 1;
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);

    assert_true(run(fixture, &err));
    assert_string_equal(fixture->log, "cdBRCBRC");
}

static void test_three_lost_apply_stages_fail_the_batch_and_name_the_table(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    fixture->kills = WEIR__JOB__JOB_APPLY_PHASE;
    fixture->kills_count = LIMIT_JOB_TRIES;
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);

    assert_false(run(fixture, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, "shop.orders"));
    assert_no_runs_left(fixture);
}

static void test_a_file_that_kills_workers_is_named(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    fixture->kills = WEIR__JOB__JOB_DECODE;
    fixture->kills_count = LIMIT_JOB_TRIES;
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);

    assert_false(run(fixture, &err));
    assert_int_equal(err.kind, ERROR_UNAVAILABLE);
    assert_non_null(strstr(err.message, fixture->files[0].path));
}

static void test_a_batch_cancelled_before_its_commit_is_aborted(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    fixture->cancels = WEIR__JOB__JOB_APPLY_PHASE;
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);

    assert_false(run(fixture, &err));
    assert_int_equal(err.kind, ERROR_CANCELLED);
    assert_string_equal(fixture->log, "cdBRA");
    assert_false(fixture->committed);
    assert_no_runs_left(fixture);
}

static void test_a_batch_cancelled_in_its_commit_succeeds(void **state)
{
    struct fixture *fixture = *state;
    struct error err = {0};

    fixture->cancels = WEIR__JOB__JOB_APPLY_COMMIT;
    add_file(fixture, WEIR__FILE_KIND__FILE_REPLACE, true);

    assert_true(run(fixture, &err));
    assert_true(fixture->committed);
}

#define TEST(test) cmocka_unit_test_setup_teardown(test, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_a_small_batch_is_one_job),
        TEST(test_a_batch_without_files_is_checked_all_the_same),
        TEST(test_a_small_batch_that_turns_out_large_goes_the_large_way),
        TEST(test_phases_are_applied_in_order_after_all_decoding),
        TEST(test_more_runs_than_merge_at_once_are_merged_first_in_order),
        TEST(test_a_failure_at_any_step_is_the_answer_and_leaves_no_runs),
        TEST(test_a_worker_lost_while_applying_starts_the_stage_again),
        TEST(test_a_worker_lost_after_its_commit_is_not_applied_twice),
        TEST(test_a_worker_lost_before_its_commit_is_applied_again),
        TEST(test_three_lost_apply_stages_fail_the_batch_and_name_the_table),
        TEST(test_a_file_that_kills_workers_is_named),
        TEST(test_a_batch_cancelled_before_its_commit_is_aborted),
        TEST(test_a_batch_cancelled_in_its_commit_succeeds),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
