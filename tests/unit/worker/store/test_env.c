/* worker/store/env: opening databases, and what LMDB's results become. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "tests/unit/worker/store/fixture.h"
#include "worker/store/env.h"

static const struct {
    int result;
    enum error_kind kind;
} results[] = {
    {MDB_MAP_FULL,         ERROR_FULL },
    {ENOSPC,               ERROR_FULL },
    {EDQUOT,               ERROR_FULL },
    {EFBIG,                ERROR_FULL },
    {EIO,                  ERROR_STORE},
    {EACCES,               ERROR_STORE},
    {MDB_INVALID,          ERROR_STORE},
    {MDB_CORRUPTED,        ERROR_STORE},
    {MDB_PAGE_NOTFOUND,    ERROR_STORE},
    {MDB_VERSION_MISMATCH, ERROR_STORE},
    {MDB_READERS_FULL,     ERROR_STORE},
    {MDB_NOTFOUND,         ERROR_STORE},
};

static void test_every_result_becomes_a_failure_of_its_kind(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof results / sizeof results[0]; i++) {
        struct error err = {0};

        assert_false(env_fail(&err, results[i].result, "could not do it"));
        assert_int_equal(err.kind, results[i].kind);
        assert_int_equal(strncmp(err.message, "could not do it: ", 17), 0);
        assert_true(err.kind != ERROR_FULL || err.hint[0] != '\0');
    }
}

static struct env_terms terms_for(char *path, size_t size)
{
    snprintf(path, size, "%s/x.mdb", fixture_folder);
    return (struct env_terms){.path = path, .map_size_bytes = MIB, .creates = true};
}

static void test_only_a_creating_open_makes_a_file(void **state)
{
    char path[100];
    struct env_terms terms = terms_for(path, sizeof path);
    MDB_env *env = NULL;
    struct error err = {0};

    (void)state;
    terms.creates = false;
    assert_false(env_open(&terms, &env, &err));
    assert_int_equal(access(path, F_OK), -1);

    terms.creates = true;
    assert_true(env_open(&terms, &env, &err));
    env_close(&env);
    terms.creates = false;
    assert_true(env_open(&terms, &env, &err));
    env_close(&env);
}

static void test_a_lock_file_has_its_room_before_it_is_used(void **state)
{
    char path[100];
    char lock_path[120];
    struct env_terms terms = terms_for(path, sizeof path);
    MDB_env *env = NULL;
    struct error err = {0};
    struct stat status;

    (void)state;
    assert_true(env_open(&terms, &env, &err));
    env_close(&env);
    snprintf(lock_path, sizeof lock_path, "%s-lock", path);
    assert_int_equal(stat(lock_path, &status), 0);
    assert_true((off_t)status.st_blocks * 512 >= status.st_size);
}

static void test_a_file_that_is_no_database_is_named(void **state)
{
    char path[100];
    struct env_terms terms = terms_for(path, sizeof path);
    static const char text[20000] = "no database";
    MDB_env *env = NULL;
    struct error err = {0};
    int file = open(path, O_WRONLY | O_CREAT, 0600);

    (void)state;
    assert_int_equal(write(file, text, sizeof text), sizeof text);
    close(file);
    terms.creates = false;
    assert_false(env_open(&terms, &env, &err));
    assert_int_equal(err.kind, ERROR_STORE);
    assert_non_null(strstr(err.message, path));
}

#define TEST(function) cmocka_unit_test_setup_teardown(function, fixture_setup, fixture_teardown)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_every_result_becomes_a_failure_of_its_kind),
        TEST(test_only_a_creating_open_makes_a_file),
        TEST(test_a_lock_file_has_its_room_before_it_is_used),
        TEST(test_a_file_that_is_no_database_is_named),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
