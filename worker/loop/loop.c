/* A worker process.
 *
 * The main thread waits for jobs in ipc and runs them; a second, small thread listens to the
 * supervisor, because nothing can wait for both at once. It only ends the wait for a next job: a
 * job that runs is finished and answered first. */
#include "worker/loop/loop.h"

#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <string.h>
#include <unistd.h>

#include <pthread.h>

#include "common/confine/confine.h"
#include "common/error.h"
#include "common/ipc/ipc.h"
#include "common/log.h"
#include "common/mem.h"
#include "common/require.h"
#include "common/role.h"
#include "worker/job/job.h"

/* Why the loop ends; the exit status of the process. */
enum {
    EXIT_STOPPED = 0, /* asked to, or to be replaced */
    EXIT_BROKEN = 1,  /* the supervisor starts another worker */
};

struct loop {
    struct ipc *ipc;
    struct job_worker *worker;
    pthread_mutex_t mutex; /* of what follows */
    bool waiting;          /* the main thread waits for a job */
    bool stopped;          /* the supervisor said so */
};

static void go_first_when_memory_is_short(void);
static void end_on_bad_page(int signal_number);
static int fail_start(const struct error *err);
static void *listen_to_supervisor(void *context);
static void stop(struct loop *loop);
static int work(struct loop *loop);
static bool begin_waiting(struct loop *loop);
static bool end_waiting(struct loop *loop);
static bool run_and_answer(struct loop *loop, const Weir__Job *job, bool *replace_out);

int worker_loop_run(const struct options *options, uint32_t worker, uint64_t life,
                    const char *runtime_dir)
{
    static struct loop loop = {.mutex = PTHREAD_MUTEX_INITIALIZER};
    struct role_message ready = {.kind = ROLE_READY, .worker = worker, .life = life};
    struct error err = {0};
    char address[ROLE_ADDRESS_MAX];
    pthread_t listener;

    REQUIRE(worker <= LIMIT_WORKERS);
    go_first_when_memory_is_short();
    (void)signal(SIGBUS, end_on_bad_page);

    struct role_pages *pages = role_pages_map(&err);

    if (pages == NULL) {
        return fail_start(&err);
    }

    struct role_page *page = &pages->workers[worker];

    /* The life before this one may have died in the middle of a job. */
    atomic_store(&page->job, 0);
    confine_begin(CONFINE_WORKER, options, runtime_dir);
    role_worker_address(address, sizeof address, runtime_dir, worker, life);
    if (!ipc_listen(address, &loop.ipc, &err)) {
        return fail_start(&err);
    }
    confine_end(CONFINE_WORKER);
    loop.worker = job_worker_new(options, page);
    if (pthread_create(&listener, NULL, listen_to_supervisor, &loop) != 0) {
        error_set(&err, ERROR_INTERNAL, "could not start a thread");
        return fail_start(&err);
    }
    if (!role_send(ROLE_CONTROL_FD, &ready)) {
        return EXIT_BROKEN;
    }

    int status = work(&loop);

    /* The connection ends with the process: closed now, it could take the last answer with it. */
    job_worker_free(&loop.worker);
    return status;
}

/* The machine's choice when memory runs out: a worker's job is tried again, while the frontend's
 * end would fail all that run. */
static void go_first_when_memory_is_short(void)
{
    int fd = open("/proc/self/oom_score_adj", O_WRONLY | O_CLOEXEC);

    if (fd >= 0) {
        (void)!write(fd, "300", 3);
        close(fd);
    }
}

/* LMDB reads its file through a map, where an I/O error is a signal. Trying again would end here
 * again: the status says why. */
static void end_on_bad_page(int signal_number)
{
    (void)signal_number;
    _exit(ROLE_EXIT_BAD_PAGE);
}

static int fail_start(const struct error *err)
{
    log_error(LOG_SEVERE, "could not start a worker", err);
    return EXIT_BROKEN;
}

static void *listen_to_supervisor(void *context)
{
    struct loop *loop = context;
    struct pollfd control = {.fd = ROLE_CONTROL_FD, .events = POLLIN};
    struct role_message message;

    for (;;) {
        (void)poll(&control, 1, -1);
        switch (role_receive(ROLE_CONTROL_FD, &message)) {
        case 1:
            if (message.kind == ROLE_STOP) {
                stop(loop);
            }
            break;
        case 0:
            /* The supervisor is gone. Its death ends us, too; nothing is worth finishing, and
             * nothing is lost: LMDB drops what was not committed. */
            _exit(EXIT_BROKEN);
        default:
            break;
        }
    }
    return NULL;
}

static void stop(struct loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    loop->stopped = true;
    if (loop->waiting) {
        ipc_interrupt(loop->ipc);
    }
    pthread_mutex_unlock(&loop->mutex);
}

static int work(struct loop *loop)
{
    while (begin_waiting(loop)) {
        struct error err = {0};
        Weir__Job *job = NULL;
        bool received = ipc_receive_job(loop->ipc, &job, &err);
        bool stopped = end_waiting(loop);
        bool replace = false;

        if (!received) {
            if (!stopped) {
                log_error(LOG_WARNING, "a worker lost the frontend", &err);
            }
            return stopped ? EXIT_STOPPED : EXIT_BROKEN;
        }

        bool answered = run_and_answer(loop, job, &replace);

        weir__job__free_unpacked(job, NULL);
        if (!answered) {
            return EXIT_BROKEN;
        }
        if (replace) {
            return EXIT_STOPPED;
        }
    }
    return EXIT_STOPPED;
}

/* False: the supervisor said stop. */
static bool begin_waiting(struct loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    loop->waiting = true;
    bool stopped = loop->stopped;
    pthread_mutex_unlock(&loop->mutex);
    return !stopped;
}

/* True: the supervisor said stop. */
static bool end_waiting(struct loop *loop)
{
    pthread_mutex_lock(&loop->mutex);
    loop->waiting = false;
    bool stopped = loop->stopped;
    pthread_mutex_unlock(&loop->mutex);
    return stopped;
}

static bool run_and_answer(struct loop *loop, const Weir__Job *job, bool *replace_out)
{
    Weir__Result *result = mem_alloc(sizeof *result);
    struct error err = {0};

    weir__result__init(result);
    job_run(loop->worker, job, result);
    *replace_out = result->replace_worker;

    bool sent = ipc_send_result(loop->ipc, result, &err);

    weir__result__free_unpacked(result, NULL);
    if (!sent) {
        log_error(LOG_WARNING, "a worker could not answer", &err);
    }
    return sent;
}
