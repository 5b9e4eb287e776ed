/* Each test makes a child that gives up its rights as a role does, and tries. The child's exit
 * status tells at which try it went wrong. */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdlib.h>
#include <sys/mman.h>
#include <sys/ptrace.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/landlock.h>
#include <pthread.h>

#include "common/confine/confine.h"
#include "common/limits.h"
#include "common/mem.h"
#include "tests/support/test.h"

/* The numbers of tries; 0 is success, and not among them. */
#define TRY(number, condition)                                                                     \
    if (!(condition)) {                                                                            \
        _exit(number);                                                                             \
    }

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define SANITIZED 1
#else
#define SANITIZED 0
#endif

static char folder[64];
static char data[96], runs[112], batches[96], outside[96], runtime[96];

static struct options options = {.data_dir = data, .worker_memory_bytes = GIB};

static char *below(const char *path, const char *name)
{
    return mem_format("%s/%s", path, name);
}

static int make_folders(void **state)
{
    char *file = NULL;

    (void)state;
    snprintf(folder, sizeof folder, "/tmp/weir-confine-XXXXXX");
    assert_non_null(mkdtemp(folder));
    snprintf(data, sizeof data, "%s/data", folder);
    snprintf(runs, sizeof runs, "%s/runs", data);
    snprintf(batches, sizeof batches, "%s/batches", folder);
    snprintf(outside, sizeof outside, "%s/outside", folder);
    snprintf(runtime, sizeof runtime, "%s/runtime", folder);
    assert_int_equal(mkdir(data, 0700) | mkdir(runs, 0700) | mkdir(batches, 0700) |
                         mkdir(outside, 0700) | mkdir(runtime, 0700),
                     0);
    for (size_t i = 0; i < 2; i++) {
        file = below(i == 0 ? batches : outside, "file");
        close(open(file, O_CREAT | O_WRONLY, 0600));
        mem_free(file);
    }
    return 0;
}

static int remove_folders(void **state)
{
    char *command = mem_format("rm -rf '%s'", folder);
    int status = system(command);

    (void)state;
    mem_free(command);
    return status;
}

static bool can_open(const char *path, const char *name, int flags)
{
    char *file = below(path, name);
    int fd = open(file, flags | O_CLOEXEC, 0600);

    mem_free(file);
    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static bool can_make_socket(int family)
{
    int fd = socket(family, SOCK_STREAM, 0);

    if (fd >= 0) {
        close(fd);
    }
    return fd >= 0;
}

static int run_in_child(void (*tries)(void))
{
    pid_t child = fork();
    int status = 0;

    if (child == 0) {
        options.batch_dirs[0] = batches;
        options.batch_dirs_count = 1;
        tries();
        _exit(0);
    }
    assert_int_equal(waitpid(child, &status, 0), child);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 256 + WTERMSIG(status);
}

static void try_files_of_a_worker(void)
{
    confine_begin(CONFINE_WORKER, &options, runtime);
    TRY(1, can_open(data, "new", O_CREAT | O_RDWR));
    TRY(2, can_open(runtime, "new", O_CREAT | O_RDWR));
    TRY(3, can_open(batches, "file", O_RDONLY));
    TRY(4, !can_open(batches, "file", O_RDWR) && errno == EACCES);
    TRY(5, !can_open(batches, "new", O_CREAT | O_RDWR));
    TRY(6, !can_open(outside, "file", O_RDONLY) && errno == EACCES);
    TRY(7, !can_open("/etc", "passwd", O_RDONLY));
    TRY(8, !can_open("/proc", "1/environ", O_RDONLY));
}

static void try_files_of_a_worker_without_batch_folders(void)
{
    options.batch_dirs_count = 0;
    confine_begin(CONFINE_WORKER, &options, runtime);
    TRY(1, can_open(data, "new", O_CREAT | O_RDWR));
    TRY(2, can_open(outside, "file", O_RDONLY));
    TRY(3, !can_open(outside, "file", O_RDWR) && errno == EACCES);
    TRY(4, !can_open(outside, "new", O_CREAT | O_RDWR));
}

static void try_files_of_a_frontend(void)
{
    confine_begin(CONFINE_FRONTEND, &options, runtime);
    TRY(1, can_open(runtime, "new", O_CREAT | O_RDWR));
    TRY(2, can_open(runs, "new", O_CREAT | O_RDWR));
    TRY(3, !can_open(data, "new", O_CREAT | O_RDWR));
    TRY(4, !can_open(outside, "file", O_RDONLY));
    TRY(5, !can_open("/etc", "passwd", O_RDONLY));
    TRY(6, !can_open(batches, "file", O_RDONLY) && errno == EACCES);
}

static void try_calls(enum confine_role role)
{
    char *const arguments[] = {(char *)(uintptr_t) "/bin/true", NULL};
    struct rlimit limit;

    TRY(11, execv("/bin/true", arguments) == -1 && errno == EPERM);
    TRY(12, fork() == -1 && errno == EPERM);
    TRY(13, ptrace(PTRACE_ATTACH, getppid(), NULL, NULL) == -1 && errno == EPERM);
    TRY(14, setuid(65534) == -1 && errno == EPERM);
    TRY(15, can_make_socket(AF_UNIX));
    TRY(16, can_make_socket(AF_INET) == (role == CONFINE_FRONTEND));
    TRY(17, can_make_socket(AF_INET6) == (role == CONFINE_FRONTEND));
    TRY(18, !can_make_socket(AF_NETLINK) && errno == EPERM);
    TRY(19, !can_make_socket(AF_PACKET) && errno == EPERM);
    TRY(20, kill(getppid(), 0) == -1 && errno == EPERM);
    TRY(21, syscall(SYS_tgkill, getppid(), getppid(), 0) == -1 && errno == EPERM);
    TRY(22, syscall(SYS_tgkill, getpid(), gettid(), 0) == 0);
    TRY(23, prlimit(getppid(), RLIMIT_CORE, NULL, &limit) == -1 && errno == EPERM);
    TRY(24, getrlimit(RLIMIT_CORE, &limit) == 0);
}

static void *do_nothing(void *context)
{
    return context;
}

static void try_calls_of_a_worker(void)
{
    pthread_t thread;

    confine_begin(CONFINE_WORKER, &options, runtime);
    try_calls(CONFINE_WORKER);
    TRY(1, pthread_create(&thread, NULL, do_nothing, NULL) == 0);
    TRY(2, pthread_join(thread, NULL) == 0);
    confine_end(CONFINE_WORKER);
    TRY(3, !can_make_socket(AF_UNIX) && errno == EPERM);
    TRY(4, pthread_create(&thread, NULL, do_nothing, NULL) == 0);
}

static void try_calls_of_a_frontend(void)
{
    confine_begin(CONFINE_FRONTEND, &options, runtime);
    try_calls(CONFINE_FRONTEND);
    confine_end(CONFINE_FRONTEND);
    TRY(1, can_make_socket(AF_UNIX));
    TRY(2, !can_make_socket(AF_INET) && errno == EPERM);
    TRY(3, !can_make_socket(AF_INET6));
}

static pthread_barrier_t confined;

static void *try_in_a_thread_that_was_there(void *context)
{
    bool *could = context;

    pthread_barrier_wait(&confined);
    *could = can_make_socket(AF_UNIX);
    return NULL;
}

static void try_threads_that_were_there(void)
{
    pthread_t thread;
    bool could = true;

    pthread_barrier_init(&confined, NULL, 2);
    TRY(1, pthread_create(&thread, NULL, try_in_a_thread_that_was_there, &could) == 0);
    confine_end(CONFINE_WORKER);
    pthread_barrier_wait(&confined);
    TRY(2, pthread_join(thread, NULL) == 0);
    TRY(3, !could);
}

static void try_memory(void)
{
    size_t size = 2 * GIB;

    confine_begin(CONFINE_WORKER, &options, runtime);
    TRY(1,
        mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) == MAP_FAILED);
    TRY(2, mmap(NULL, size, PROT_READ, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0) != MAP_FAILED);
}

static void test_a_worker_opens_only_its_folders(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(try_files_of_a_worker), 0);
}

static void test_without_batch_folders_a_worker_reads_anything_and_writes_only_its_own(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(try_files_of_a_worker_without_batch_folders), 0);
}

static void test_a_frontend_cannot_open_tables(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(try_files_of_a_frontend), 0);
}

static void test_a_worker_makes_no_process_and_no_socket(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(try_calls_of_a_worker), 0);
}

static void test_a_frontend_makes_no_process_and_in_the_end_no_network_socket(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(try_calls_of_a_frontend), 0);
}

static void test_the_filter_reaches_threads_that_were_there(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(try_threads_that_were_there), 0);
}

static void test_a_worker_has_a_memory_ceiling(void **state)
{
    (void)state;
    assert_int_equal(run_in_child(try_memory), 0);
}

int main(void)
{
    const struct CMUnitTest files[] = {
        cmocka_unit_test(test_a_worker_opens_only_its_folders),
        cmocka_unit_test(
            test_without_batch_folders_a_worker_reads_anything_and_writes_only_its_own),
        cmocka_unit_test(test_a_frontend_cannot_open_tables),
    };
    const struct CMUnitTest calls[] = {
        cmocka_unit_test(test_a_worker_makes_no_process_and_no_socket),
        cmocka_unit_test(test_a_frontend_makes_no_process_and_in_the_end_no_network_socket),
        cmocka_unit_test(test_the_filter_reaches_threads_that_were_there),
        cmocka_unit_test(test_a_worker_has_a_memory_ceiling),
    };
    int failed = 0;

    if (SANITIZED) {
        print_message("a sanitized process keeps its rights\n");
        return 0;
    }
    if (syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION) < 1) {
        print_message("this kernel has no Landlock: files are not confined\n");
    } else {
        failed += cmocka_run_group_tests(files, make_folders, remove_folders);
    }
    failed += cmocka_run_group_tests(calls, make_folders, remove_folders);
    return failed;
}
