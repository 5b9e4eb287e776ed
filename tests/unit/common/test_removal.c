/* A removed file is gone at once, and so, soon, is what it held. */
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <dirent.h>

#include "common/limits.h"
#include "common/removal.h"
#include "tests/support/test.h"

enum {
    FILES = 6,
    WAITS = 10000, /* of a millisecond */
};

static unsigned descriptors(void)
{
    DIR *folder = opendir("/proc/self/fd");
    unsigned count = 0;

    assert_non_null(folder);
    while (readdir(folder) != NULL) {
        count++;
    }
    (void)closedir(folder);
    return count;
}

static void test_large_and_small_files_go(void **state)
{
    unsigned before = descriptors();

    (void)state;
    for (int i = 0; i < FILES; i++) {
        char path[] = "/tmp/weir-removal-XXXXXX";
        int file = mkstemp(path);

        assert_true(file >= 0);
        assert_int_equal(ftruncate(file, i % 2 == 0 ? 64 * (off_t)MIB : 10), 0);
        assert_int_equal(close(file), 0);
        assert_int_equal(removal_unlink(path), 0);
        assert_int_equal(access(path, F_OK), -1);
    }
    for (int i = 0; i < WAITS && descriptors() > before; i++) {
        usleep(1000);
    }
    assert_int_equal(descriptors(), before);
}

static void test_it_fails_as_unlink_does(void **state)
{
    char folder[] = "/tmp/weir-removal-XXXXXX";

    (void)state;
    assert_int_equal(removal_unlink("/tmp/weir-removal-none"), -1);
    assert_int_equal(errno, ENOENT);
    assert_non_null(mkdtemp(folder));
    assert_int_equal(removal_unlink(folder), -1);
    assert_int_equal(errno, EISDIR);
    assert_int_equal(rmdir(folder), 0);
}

/* The link goes, not what it leads to. */
static void test_a_link_is_not_followed(void **state)
{
    char path[] = "/tmp/weir-removal-XXXXXX";
    char link[sizeof path + 5];
    int file = mkstemp(path);

    (void)state;
    assert_true(file >= 0);
    assert_int_equal(close(file), 0);
    (void)snprintf(link, sizeof link, "%s.link", path);
    assert_int_equal(symlink(path, link), 0);
    assert_int_equal(removal_unlink(link), 0);
    assert_int_equal(access(link, F_OK), -1);
    assert_int_equal(access(path, F_OK), 0);
    assert_int_equal(unlink(path), 0);
}

static void test_the_room_on_a_disk_is_told_enough_or_not(void **state)
{
    uint64_t bytes = 0;

    (void)state;
    assert_true(removal_room("/tmp", 1, &bytes));
    assert_true(bytes >= 1);
    bytes = 0;
    assert_true(removal_room("/tmp", UINT64_MAX, &bytes)); /* after it waited */
    assert_true(bytes >= 1 && bytes < UINT64_MAX);
    assert_false(removal_room("/nonexistent", 1, &bytes));
    assert_int_equal(errno, ENOENT);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_large_and_small_files_go),
        cmocka_unit_test(test_it_fails_as_unlink_does),
        cmocka_unit_test(test_a_link_is_not_followed),
        cmocka_unit_test(test_the_room_on_a_disk_is_told_enough_or_not),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
