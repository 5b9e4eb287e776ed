/* frontend/supervisor with real processes.
 *
 * Each test forks a supervisor; its children are this test program again, which plays frontend and
 * workers when it is executed in a role. They write what happens to them to a journal, one line an
 * event, and the tests wait for lines in it. */
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/file.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

#include <dirent.h>

#include "common/clock.h"
#include "common/role.h"
#include "frontend/supervisor/data_folder.h"
#include "frontend/supervisor/supervisor.h"
#include "tests/support/test.h"

#define JOURNAL_VARIABLE "TEST_JOURNAL"
#define PLAY_VARIABLE    "TEST_PLAY" /* how the frontend behaves */

enum {
    WAIT_MAX_MS = 20000,
    WORKERS = 2,
};

/* ---- the children ---- */

static void journal(const char *format, ...) PRINTF_LIKE(1, 2);

static void journal(const char *format, ...)
{
    char line[256];
    va_list arguments;
    int fd = open(getenv(JOURNAL_VARIABLE), O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0600);

    va_start(arguments, format);
    int length = vsnprintf(line, sizeof line, format, arguments);
    va_end(arguments);
    if (fd < 0 || length < 0 || write(fd, line, (size_t)length) != length) {
        _exit(99);
    }
    close(fd);
}

static int open_descriptors(void)
{
    DIR *listing = opendir("/proc/self/fd");
    int count = -1; /* the listing's own */

    while (listing != NULL && readdir(listing) != NULL) {
        count++;
    }
    if (listing != NULL) {
        closedir(listing);
    }
    return count - 2; /* "." and ".." */
}

static void wait_for_message(struct role_message *message)
{
    struct pollfd control = {.fd = ROLE_CONTROL_FD, .events = POLLIN};
    int received;

    do {
        (void)poll(&control, 1, -1);
        received = role_receive(ROLE_CONTROL_FD, message);
    } while (received < 0);
    if (received == 0) {
        _exit(98);
    }
}

static void say(enum role_message_kind kind, const char *text)
{
    struct role_message message = {.kind = kind};

    snprintf(message.text, sizeof message.text, "%s", text);
    if (!role_send(ROLE_CONTROL_FD, &message)) {
        _exit(97);
    }
}

static int play_frontend(void)
{
    const char *play = getenv(PLAY_VARIABLE);
    struct role_message message;

    if (strcmp(play, "fatal") == 0) {
        say(ROLE_FATAL, "could not listen on port 1: nobody may");
        return 1;
    }
    if (strcmp(play, "deaf") == 0) {
        say(ROLE_READY, "");
        journal("frontend ready %d\n", (int)getpid());
        for (;;) {
            pause();
        }
    }
    say(ROLE_READY, "");
    journal("frontend ready %d descriptors %d\n", (int)getpid(), open_descriptors());
    for (;;) {
        wait_for_message(&message);
        if (message.kind == ROLE_STOP) {
            journal("frontend stops\n");
            return 0;
        }
        journal("told %s %u %llu\n", message.kind == ROLE_WORKER_READY ? "ready" : "reaped",
                message.worker, (unsigned long long)message.life);
        if (strcmp(play, "kill") == 0 && message.kind == ROLE_WORKER_READY && message.worker == 1 &&
            message.life <= WORKERS + 1) {
            message.kind = ROLE_KILL_WORKER;
            if (!role_send(ROLE_CONTROL_FD, &message)) {
                return 96;
            }
        }
    }
}

static int play_worker(const char *worker, const char *life)
{
    struct role_message message;

    say(ROLE_READY, "");
    journal("worker %s life %s ready %d descriptors %d\n", worker, life, (int)getpid(),
            open_descriptors());
    do {
        wait_for_message(&message);
    } while (message.kind != ROLE_STOP);
    journal("worker %s stops\n", worker);
    return 0;
}

/* ---- the tests' side ---- */

struct stage {
    char folder[64];
    char journal[96];
    char data_dir[96];
    pid_t supervisor;
};

static int set_up(void **state)
{
    struct stage *stage = calloc(1, sizeof *stage);

    if (stage == NULL) {
        return -1;
    }
    snprintf(stage->folder, sizeof stage->folder, "/tmp/weir-test-XXXXXX");
    if (mkdtemp(stage->folder) == NULL) {
        free(stage);
        return -1;
    }
    snprintf(stage->journal, sizeof stage->journal, "%s/journal", stage->folder);
    snprintf(stage->data_dir, sizeof stage->data_dir, "%s/a/data", stage->folder);
    setenv(JOURNAL_VARIABLE, stage->journal, 1);
    setenv(PLAY_VARIABLE, "serve", 1);
    setenv("XDG_RUNTIME_DIR", stage->folder, 1);
    unsetenv("RUNTIME_DIRECTORY");
    *state = stage;
    return 0;
}

static int tear_down(void **state)
{
    struct stage *stage = *state;
    char command[128];

    if (stage->supervisor > 0) {
        kill(stage->supervisor, SIGKILL);
        waitpid(stage->supervisor, NULL, 0);
    }
    snprintf(command, sizeof command, "rm -rf %s", stage->folder);

    int status = system(command);

    free(stage);
    return status;
}

static void start(struct stage *stage)
{
    stage->supervisor = fork();
    assert_true(stage->supervisor >= 0);
    if (stage->supervisor == 0) {
        struct options options;
        const char *const arguments[] = {"--grace=1s"};
        int quiet = open("/dev/null", O_WRONLY | O_CLOEXEC);

        dup2(quiet, STDOUT_FILENO);
        dup2(quiet, STDERR_FILENO);
        options_init(&options);
        options.workers = WORKERS;
        options.grace_ms = 1000;
        options.data_dir = stage->data_dir;
        _exit(supervisor_run(&options, 1, arguments));
    }
}

static int end_of(struct stage *stage)
{
    int status = -1;

    waitpid(stage->supervisor, &status, 0);
    stage->supervisor = 0;
    return WIFEXITED(status) ? WEXITSTATUS(status) : -1;
}

/* Waits until the journal has a line that starts with `text` behind the first `skip` bytes of it,
 * and copies that line. */
static void wait_for_line(const struct stage *stage, size_t skip, const char *text, char line[256])
{
    for (int waited_ms = 0; waited_ms < WAIT_MAX_MS; waited_ms += 5) {
        FILE *file = fopen(stage->journal, "re");

        if (file != NULL) {
            fseek(file, (long)skip, SEEK_SET);
            while (fgets(line, 256, file) != NULL) {
                if (strncmp(line, text, strlen(text)) == 0 && strchr(line, '\n') != NULL) {
                    fclose(file);
                    return;
                }
            }
            fclose(file);
        }
        clock_sleep_ms(5);
    }
    fail_msg("no \"%s\" in the journal", text);
}

static size_t journal_size(const struct stage *stage)
{
    struct stat status;

    assert_int_equal(stat(stage->journal, &status), 0);
    return (size_t)status.st_size;
}

/* The process id behind "ready" in a line. */
static pid_t process_in(const char *line)
{
    const char *ready = strstr(line, "ready ");

    assert_non_null(ready);
    return (pid_t)strtol(ready + strlen("ready "), NULL, 10);
}

static pid_t wait_for_process(const struct stage *stage, size_t skip, const char *text)
{
    char line[256];

    wait_for_line(stage, skip, text, line);
    return process_in(line);
}

static void wait_until_all_are_ready(const struct stage *stage, size_t skip)
{
    char line[256];

    wait_for_line(stage, skip, "frontend ready", line);
    wait_for_line(stage, skip, "told ready 0", line);
    wait_for_line(stage, skip, "told ready 1", line);
    wait_for_line(stage, skip, "told ready 2", line);
}

static bool runtime_folder_is_there(const struct stage *stage)
{
    DIR *listing = opendir(stage->folder);
    const struct dirent *entry;
    bool there = false;

    assert_non_null(listing);
    while ((entry = readdir(listing)) != NULL) {
        there = there || strncmp(entry->d_name, "weir-", 5) == 0;
    }
    closedir(listing);
    return there;
}

static void test_sigterm_ends_frontend_then_workers_with_status_0(void **state)
{
    struct stage *stage = *state;
    char line[256];

    start(stage);
    wait_until_all_are_ready(stage, 0);
    assert_true(runtime_folder_is_there(stage));

    kill(stage->supervisor, SIGTERM);
    assert_int_equal(end_of(stage), 0);
    wait_for_line(stage, 0, "frontend stops", line);
    wait_for_line(stage, 0, "worker 0 stops", line);
    wait_for_line(stage, 0, "worker express stops", line);
    assert_false(runtime_folder_is_there(stage));
}

static void test_children_get_three_descriptors_and_the_standard_ones(void **state)
{
    struct stage *stage = *state;
    char line[256];
    int leaked = open("/dev/null", O_RDONLY); /* without CLOEXEC, as a careless parent leaves it */

    start(stage);
    close(leaked);
    wait_for_line(stage, 0, "frontend ready", line);
    assert_non_null(strstr(line, "descriptors 6\n"));
    wait_for_line(stage, 0, "worker 0", line);
    assert_non_null(strstr(line, "descriptors 6\n"));
}

static void test_a_killed_worker_is_reported_and_gets_a_new_life(void **state)
{
    struct stage *stage = *state;
    char line[256];

    start(stage);
    wait_until_all_are_ready(stage, 0);

    size_t skip = journal_size(stage);

    kill(wait_for_process(stage, 0, "worker 1 "), SIGKILL);
    wait_for_line(stage, skip, "told reaped 1", line);
    wait_for_line(stage, skip, "worker 1 life 4 ready", line);
    wait_for_line(stage, skip, "told ready 1 4", line);
}

static void test_the_frontend_can_have_a_worker_killed(void **state)
{
    struct stage *stage = *state;
    char line[256];

    setenv(PLAY_VARIABLE, "kill", 1);
    start(stage);
    wait_for_line(stage, 0, "told reaped 1", line);
    wait_for_line(stage, 0, "told ready 1 4", line);
}

static void test_a_killed_frontend_brings_all_processes_back_within_two_seconds(void **state)
{
    struct stage *stage = *state;

    start(stage);
    wait_until_all_are_ready(stage, 0);
    for (int i = 0; i < 6; i++) {
        size_t skip = journal_size(stage);
        /* The last frontend that said it was ready. */
        pid_t frontend = 0;
        FILE *file = fopen(stage->journal, "re");
        char line[256];

        while (fgets(line, sizeof line, file) != NULL) {
            if (strncmp(line, "frontend ready", 14) == 0) {
                frontend = process_in(line);
            }
        }
        fclose(file);

        uint64_t before_us = clock_us();

        kill(frontend, SIGKILL);
        wait_until_all_are_ready(stage, skip);
        assert_true(clock_us() - before_us < 2000000);
    }
}

static void test_a_killed_supervisor_leaves_no_process_and_the_next_one_starts(void **state)
{
    struct stage *stage = *state;
    char line[256];

    start(stage);
    wait_until_all_are_ready(stage, 0);
    kill(stage->supervisor, SIGKILL);
    assert_int_equal(end_of(stage), -1);

    size_t skip = journal_size(stage);

    /* It can only start when the last process of the first has left the LOCK. */
    start(stage);
    wait_until_all_are_ready(stage, skip);
    wait_for_line(stage, skip, "told ready 2", line);
    kill(stage->supervisor, SIGTERM);
    assert_int_equal(end_of(stage), 0);
}

static void test_children_ignore_the_signals_that_end_a_server(void **state)
{
    struct stage *stage = *state;
    char line[256];

    start(stage);
    wait_until_all_are_ready(stage, 0);
    wait_for_line(stage, 0, "worker 0 ", line); /* they write it after they have told */
    wait_for_line(stage, 0, "worker 1 ", line);
    wait_for_line(stage, 0, "worker express ", line);

    size_t skip = journal_size(stage);
    pid_t worker = wait_for_process(stage, 0, "worker 0 ");

    kill(worker, SIGTERM);
    kill(worker, SIGINT);
    kill(worker, SIGHUP);
    clock_sleep_ms(100);
    assert_int_equal(kill(worker, 0), 0);
    assert_int_equal(journal_size(stage), skip);
}

static void test_a_frontend_that_cannot_start_ends_the_server_with_status_1(void **state)
{
    struct stage *stage = *state;

    setenv(PLAY_VARIABLE, "fatal", 1);
    start(stage);
    assert_int_equal(end_of(stage), 1);
    assert_false(runtime_folder_is_there(stage));
}

static void test_a_second_signal_cuts_the_grace_period_short(void **state)
{
    struct stage *stage = *state;
    char line[256];

    setenv(PLAY_VARIABLE, "deaf", 1);
    start(stage);
    wait_for_line(stage, 0, "frontend ready", line);

    uint64_t before_us = clock_us();

    kill(stage->supervisor, SIGTERM);
    clock_sleep_ms(400);
    kill(stage->supervisor, SIGTERM);
    assert_int_equal(end_of(stage), 0);
    assert_true(clock_us() - before_us < 4000000); /* grace and its margin are 6 s */
}

static void test_a_third_signal_ends_at_once(void **state)
{
    struct stage *stage = *state;
    char line[256];

    setenv(PLAY_VARIABLE, "deaf", 1);
    start(stage);
    wait_for_line(stage, 0, "frontend ready", line);

    uint64_t before_us = clock_us();

    for (int i = 0; i < 3; i++) {
        kill(stage->supervisor, SIGINT);
        clock_sleep_ms(400);
    }
    assert_int_equal(end_of(stage), 0);
    assert_true(clock_us() - before_us < 2000000);
}

static void test_a_signal_that_is_sent_twice_at_once_is_one(void **state)
{
    struct stage *stage = *state;
    char line[256];

    setenv(PLAY_VARIABLE, "deaf", 1);
    start(stage);
    wait_for_line(stage, 0, "frontend ready", line);

    for (int i = 0; i < 3; i++) {
        kill(stage->supervisor, SIGTERM);
        clock_sleep_ms(20);
    }
    /* A second signal would end it after two seconds, a third at once. */
    clock_sleep_ms(2300);
    assert_int_equal(waitpid(stage->supervisor, NULL, WNOHANG), 0);
}

static void test_systemd_is_told_ready_and_stopping(void **state)
{
    struct stage *stage = *state;
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    int listener = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    char name[64];
    char text[64] = "";

    /* An abstract name, as systemd itself used to give. */
    int length = snprintf(name, sizeof name, "@weir-test-notify-%d", (int)getpid());

    memcpy(address.sun_path + 1, name + 1, (size_t)length - 1);
    assert_int_equal(bind(listener, (struct sockaddr *)&address,
                          (socklen_t)(offsetof(struct sockaddr_un, sun_path) + (size_t)length)),
                     0);
    setenv("NOTIFY_SOCKET", name, 1);
    start(stage);
    unsetenv("NOTIFY_SOCKET");
    assert_int_equal(recv(listener, text, sizeof text - 1, 0), strlen("READY=1"));
    assert_string_equal(text, "READY=1");

    kill(stage->supervisor, SIGTERM);
    assert_int_equal(end_of(stage), 0);
    memset(text, 0, sizeof text);
    assert_true(recv(listener, text, sizeof text - 1, 0) > 0);
    /* And how long it may take, which the grace period decides. */
    assert_non_null(strstr(text, "STOPPING=1\nEXTEND_TIMEOUT_USEC="));
    close(listener);
}

static void test_a_locked_data_folder_is_refused_with_the_holder_s_process(void **state)
{
    const struct stage *stage = *state;
    struct error err = {0};
    char expected[64];
    int first;
    int second;

    assert_true(data_folder_lock(stage->data_dir, 0, &first, &err));
    assert_false(data_folder_lock(stage->data_dir, 0, &second, &err));
    snprintf(expected, sizeof expected, "another weir server (process %d) has it", (int)getpid());
    assert_non_null(strstr(err.message, expected));
    assert_int_equal(err.kind, ERROR_REQUEST);
    close(first);
    assert_true(data_folder_lock(stage->data_dir, 0, &second, &err));
    close(second);
}

static void test_a_file_in_place_of_the_data_folder_is_named(void **state)
{
    const struct stage *stage = *state;
    struct error err = {0};
    char path[128];
    int lock;

    snprintf(path, sizeof path, "%s/file", stage->folder);
    close(open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0600));
    assert_false(data_folder_lock(path, 0, &lock, &err));
    assert_non_null(strstr(err.message, path));
    assert_non_null(strstr(err.message, "Not a directory"));
}

int main(int arguments_count, char *arguments[])
{
    if (arguments_count > 2 && strcmp(arguments[1], "role") == 0) {
        return strcmp(arguments[2], "frontend") == 0 ? play_frontend()
                                                     : play_worker(arguments[3], arguments[4]);
    }
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_sigterm_ends_frontend_then_workers_with_status_0,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_children_get_three_descriptors_and_the_standard_ones,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_killed_worker_is_reported_and_gets_a_new_life,
                                        set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_the_frontend_can_have_a_worker_killed, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_killed_frontend_brings_all_processes_back_within_two_seconds, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_killed_supervisor_leaves_no_process_and_the_next_one_starts, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_children_ignore_the_signals_that_end_a_server, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_frontend_that_cannot_start_ends_the_server_with_status_1, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_second_signal_cuts_the_grace_period_short, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_a_third_signal_ends_at_once, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_signal_that_is_sent_twice_at_once_is_one, set_up,
                                        tear_down),
        cmocka_unit_test_setup_teardown(test_systemd_is_told_ready_and_stopping, set_up, tear_down),
        cmocka_unit_test_setup_teardown(
            test_a_locked_data_folder_is_refused_with_the_holder_s_process, set_up, tear_down),
        cmocka_unit_test_setup_teardown(test_a_file_in_place_of_the_data_folder_is_named, set_up,
                                        tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
