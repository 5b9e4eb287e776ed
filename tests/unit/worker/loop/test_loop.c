/* worker/loop as a process of its own.
 *
 * The test plays supervisor and frontend; the worker is this program executed again, with jobs that
 * are made up here in place of worker/job's. */
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "common/clock.h"
#include "common/ipc/ipc.h"
#include "common/mem.h"
#include "common/role.h"
#include "tests/support/test.h"
#include "worker/job/job.h"
#include "worker/loop/loop.h"

enum {
    WORKER = 1,
    LIFE = 7,

    /* Numbers of jobs, and what they do. */
    JOB_QUICK = 1,
    JOB_SLOW = 2,    /* takes SLOW_MS */
    JOB_REPLACE = 3, /* asks for a new worker */
    SLOW_MS = 300,
};

/* ---- the worker's side ---- */

struct job_worker {
    struct role_page *page;
};

struct job_worker *job_worker_new(const struct options *options, struct role_page *page)
{
    struct job_worker *worker = mem_zero(sizeof *worker);

    (void)options;
    worker->page = page;
    return worker;
}

void job_run(struct job_worker *worker, const Weir__Job *job, Weir__Result *result)
{
    atomic_store(&worker->page->job, job->number);
    if (job->number == JOB_SLOW) {
        clock_sleep_ms(SLOW_MS);
    }
    result->too_large = true; /* something to recognise it by */
    result->replace_worker = job->number == JOB_REPLACE;
}

void job_worker_free(struct job_worker **worker)
{
    mem_release(worker);
}

/* ---- the test's side ---- */

struct stage {
    char folder[64];
    int control_fd;
    pid_t worker;
    struct role_pages *pages;
    struct ipc *ipc;
};

static void become_worker(int control_fd, int pages_fd)
{
    /* Out of the way first: one may stand where the other belongs. */
    int control = fcntl(control_fd, F_DUPFD_CLOEXEC, 10);
    int pages = fcntl(pages_fd, F_DUPFD_CLOEXEC, 10);

    dup2(control, ROLE_CONTROL_FD);
    dup2(pages, ROLE_PAGES_FD);
    execl("/proc/self/exe", "test_loop", "worker", (char *)NULL);
    _exit(99);
}

static void wait_for_ready(const struct stage *stage)
{
    struct role_message message = {0};
    int received = -1;

    for (int waited_ms = 0; received == -1 && waited_ms < 10000; waited_ms += 2) {
        received = role_receive(stage->control_fd, &message);
        clock_sleep_ms(2);
    }
    assert_int_equal(received, 1);
    assert_int_equal(message.kind, ROLE_READY);
    assert_int_equal(message.worker, WORKER);
    assert_int_equal(message.life, LIFE);
}

static int set_up(void **state)
{
    struct stage *stage = mem_zero(sizeof *stage);
    struct error err = {0};
    char address[ROLE_ADDRESS_MAX];
    int ends[2];
    int pages_fd = memfd_create("pages", MFD_CLOEXEC);

    snprintf(stage->folder, sizeof stage->folder, "/tmp/weir-test-XXXXXX");
    assert_non_null(mkdtemp(stage->folder));
    setenv(ROLE_RUNTIME_VARIABLE, stage->folder, 1);
    assert_int_equal(ftruncate(pages_fd, sizeof(struct role_pages)), 0);
    stage->pages =
        mmap(NULL, sizeof(struct role_pages), PROT_READ | PROT_WRITE, MAP_SHARED, pages_fd, 0);
    assert_true(stage->pages != MAP_FAILED);
    atomic_store(&stage->pages->workers[WORKER].job, 4711); /* of a life before */
    assert_int_equal(socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, ends), 0);
    stage->worker = fork();
    if (stage->worker == 0) {
        become_worker(ends[1], pages_fd);
    }
    close(ends[1]);
    close(pages_fd);
    stage->control_fd = ends[0];
    wait_for_ready(stage);
    role_worker_address(address, sizeof address, stage->folder, WORKER, LIFE);
    assert_true(ipc_dial(address, &stage->ipc, &err));
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    char command[128];

    ipc_close(&stage->ipc);
    if (stage->control_fd >= 0) {
        close(stage->control_fd);
    }
    if (stage->worker > 0) {
        kill(stage->worker, SIGKILL);
        waitpid(stage->worker, NULL, 0);
    }
    munmap(stage->pages, sizeof(struct role_pages));
    snprintf(command, sizeof command, "rm -rf %s", stage->folder);

    int status = system(command);

    mem_free(stage);
    return status;
}

static void send_job(struct stage *stage, uint64_t number)
{
    Weir__PingJob ping = WEIR__PING_JOB__INIT;
    Weir__Job job = WEIR__JOB__INIT;
    struct error err = {0};

    job.number = number;
    job.job_case = WEIR__JOB__JOB_PING;
    job.ping = &ping;
    assert_true(ipc_send_job(stage->ipc, &job, &err));
}

static void assert_answered(struct stage *stage)
{
    Weir__Result *result = NULL;
    struct error err = {0};

    assert_true(ipc_receive_result(stage->ipc, &result, &err));
    assert_true(result->too_large);
    weir__result__free_unpacked(result, NULL);
}

static void say_stop(const struct stage *stage)
{
    assert_true(role_send(stage->control_fd, &(struct role_message){.kind = ROLE_STOP}));
}

static int end_of(struct stage *stage)
{
    int status = -1;

    waitpid(stage->worker, &status, 0);
    stage->worker = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

static void test_jobs_are_answered_one_after_the_other(void **state)
{
    struct stage *stage = *state;

    for (int i = 0; i < 100; i++) {
        send_job(stage, JOB_QUICK);
        assert_answered(stage);
    }
    assert_int_equal(atomic_load(&stage->pages->workers[WORKER].job), JOB_QUICK);
}

static void test_a_new_life_does_not_show_the_job_of_the_one_before(void **state)
{
    const struct stage *stage = *state;

    assert_int_equal(atomic_load(&stage->pages->workers[WORKER].job), 0);
}

static void test_stop_ends_an_idle_worker_with_status_0(void **state)
{
    struct stage *stage = *state;

    say_stop(stage);
    assert_int_equal(end_of(stage), 0);
}

static void test_stop_lets_the_running_job_be_answered_first(void **state)
{
    struct stage *stage = *state;

    send_job(stage, JOB_SLOW);
    while (atomic_load(&stage->pages->workers[WORKER].job) != JOB_SLOW) {
        clock_sleep_ms(1);
    }
    say_stop(stage);
    assert_answered(stage);
    assert_int_equal(end_of(stage), 0);
}

static void test_a_worker_that_leaked_answers_and_ends_with_status_0(void **state)
{
    struct stage *stage = *state;

    send_job(stage, JOB_REPLACE);
    assert_answered(stage);
    assert_int_equal(end_of(stage), 0);
}

static void test_the_supervisor_s_death_ends_a_worker_in_the_middle_of_a_job(void **state)
{
    struct stage *stage = *state;

    send_job(stage, JOB_SLOW);
    close(stage->control_fd);
    stage->control_fd = -1;
    assert_int_equal(end_of(stage), 1);
}

int main(int arguments_count, char *arguments[])
{
    if (arguments_count > 1 && strcmp(arguments[1], "worker") == 0) {
        struct options options;

        options_init(&options);
        options.data_dir = getenv(ROLE_RUNTIME_VARIABLE);
        return worker_loop_run(&options, WORKER, LIFE, getenv(ROLE_RUNTIME_VARIABLE));
    }

    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_jobs_are_answered_one_after_the_other, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_new_life_does_not_show_the_job_of_the_one_before,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_stop_ends_an_idle_worker_with_status_0, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_stop_lets_the_running_job_be_answered_first, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_worker_that_leaked_answers_and_ends_with_status_0,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_the_supervisor_s_death_ends_a_worker_in_the_middle_of_a_job, set_up, tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
