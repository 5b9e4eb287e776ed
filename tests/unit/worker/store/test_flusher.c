/* A flusher syncs while a file is written, and keeps the failure that the kernel tells once. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "tests/support/test.h"
#include "worker/store/flusher.h"

enum {
    TRIES = 2000
};

/* What a flusher of `file` comes to that has a millisecond for its first sync. */
static int flush(int file)
{
    struct flusher *flusher = flusher_start(file, 100);

    assert_non_null(flusher);
    flusher_wrote(flusher, 99);
    flusher_wrote(flusher, 1);
    usleep(1000);
    return flusher_stop(&flusher);
}

/* A pipe cannot be synced. */
static void test_a_failed_sync_is_told_at_the_end(void **state)
{
    int ends[2];
    int failure = 0;

    (void)state;
    assert_int_equal(pipe(ends), 0);
    for (int i = 0; i < TRIES && failure == 0; i++) {
        failure = flush(ends[1]);
    }
    assert_int_equal(failure, EINVAL);
    (void)close(ends[0]);
    (void)close(ends[1]);
}

static void test_a_file_is_synced(void **state)
{
    char path[] = "/tmp/weir-flusher-XXXXXX";
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(unlink(path), 0);
    assert_int_equal(write(file, "text", 4), 4);
    assert_int_equal(flush(file), 0);
    (void)close(file);
}

/* There is nothing to do, and nobody waits for it. */
static void test_too_little_is_left_to_the_commit(void **state)
{
    struct flusher *none = NULL;
    struct flusher *flusher = flusher_start(-1, 100);

    (void)state;
    flusher_wrote(flusher, 99);
    usleep(50000);
    assert_int_equal(flusher_stop(&flusher), 0);
    assert_null(flusher);
    flusher_wrote(none, 1000);
    assert_int_equal(flusher_stop(&none), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_a_failed_sync_is_told_at_the_end),
        cmocka_unit_test(test_a_file_is_synced),
        cmocka_unit_test(test_too_little_is_left_to_the_commit),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
