/* worker/decode/source_file: what a batch folder holds back. The folder has a file of its own; one
 * outside is what must never be read. */
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include <pthread.h>

#include "common/mem.h"
#include "tests/support/test.h"
#include "worker/decode/source.h"

#define INSIDE  "inside"
#define OUTSIDE "outside"

enum {
    RACES = 20000
};

static char top[64], folder[80];

static void make_file(const char *name, const char *text)
{
    OWNED(mem_release) char *path = mem_format("%s/%s", top, name);
    FILE *file = fopen(path, "w");

    assert_non_null(file);
    assert_true(fputs(text, file) >= 0);
    assert_int_equal(fclose(file), 0);
}

static int make_folders(void **state)
{
    (void)state;
    snprintf(top, sizeof top, "/tmp/weir-test-source-XXXXXX");
    assert_non_null(mkdtemp(top));
    snprintf(folder, sizeof folder, "%s/batches", top);
    assert_int_equal(chdir(top), 0);
    assert_int_equal(mkdir("batches", 0700) | mkdir("batches/day", 0700) | mkdir("other", 0700), 0);
    make_file("batches/day/file", INSIDE);
    make_file("other/file", OUTSIDE);
    make_file("secret", OUTSIDE);
    return 0;
}

static int remove_folders(void **state)
{
    OWNED(mem_release) char *command = mem_format("rm -rf '%s'", top);

    (void)state;
    return system(command);
}

/* The text of the file of that name in the batch folder; NULL: it was refused with *err. */
static const char *read_file(const char *name, struct error *err)
{
    static char text[16];
    const char *const folders[] = {folder};
    OWNED(mem_release) char *path = mem_format("%s/%s", folder, name);
    OWNED(source_close) struct source *source = NULL;
    const struct source_terms terms = {
        .path = path, .decoded_bytes_max = 1 << 20, .batch_dirs_count = 1, .batch_dirs = folders};
    size_t length = 0;

    *err = (struct error){0};
    if (!source_open(&terms, &source, err)) {
        return NULL;
    }
    assert_true(source_read(source, (uint8_t *)text, sizeof text - 1, &length, err));
    text[length] = '\0';
    return text;
}

static void test_paths_that_stay_inside_are_read(void **state)
{
    static const char *const names[] = {"day/file", "/day//file", "day/../day/./file", "link"};
    struct error err;

    (void)state;
    assert_int_equal(symlink("day/file", "batches/link"), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_string_equal(read_file(names[i], &err), INSIDE);
    }
}

static void test_paths_that_lead_out_are_refused(void **state)
{
    static const char *const names[] = {"../secret",      "day/../../secret", "to-file",
                                        "to-folder/file", "absolute",         "to-root/etc/passwd"};
    OWNED(mem_release) char *secret = mem_format("%s/secret", top);
    struct error err;

    (void)state;
    assert_int_equal(symlink("../secret", "batches/to-file"), 0);
    assert_int_equal(symlink("../other", "batches/to-folder"), 0);
    assert_int_equal(symlink(secret, "batches/absolute"), 0);
    assert_int_equal(symlink("/", "batches/to-root"), 0);
    for (size_t i = 0; i < sizeof names / sizeof names[0]; i++) {
        assert_null(read_file(names[i], &err));
        assert_int_equal(err.kind, ERROR_REQUEST);
        assert_string_equal(err.message, "it is not in a folder given with --batch-dir");
    }
}

static atomic_bool over;

/* The folder "swapped" is now a folder, now a link to the one outside. */
static void *swap(void *context)
{
    (void)context;
    while (!atomic_load(&over)) {
        assert_int_equal(
            renameat2(AT_FDCWD, "batches/swapped", AT_FDCWD, "batches/other", RENAME_EXCHANGE), 0);
    }
    return NULL;
}

static void test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere(void **state)
{
    static const char *const names[] = {"swapped/file", "swapped/../swapped/file"};
    pthread_t swapper;
    size_t read = 0;
    size_t refused = 0;

    (void)state;
    assert_int_equal(rename("batches/day", "batches/swapped"), 0);
    assert_int_equal(symlink("../other", "batches/other"), 0);
    assert_int_equal(pthread_create(&swapper, NULL, swap, NULL), 0);
    for (size_t i = 0; i < RACES || read == 0 || refused == 0; i++) {
        struct error err;
        const char *text = read_file(names[i % 2], &err);

        if (text != NULL) {
            assert_string_equal(text, INSIDE);
            read++;
        } else if (err.kind != ERROR_UNAVAILABLE) {
            assert_string_equal(err.message, "it is not in a folder given with --batch-dir");
            refused++;
        }
    }
    atomic_store(&over, true);
    assert_int_equal(pthread_join(swapper, NULL), 0);
    print_message("%zu times read, %zu times refused\n", read, refused);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_paths_that_stay_inside_are_read, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(test_paths_that_lead_out_are_refused, make_folders,
                                        remove_folders),
        cmocka_unit_test_setup_teardown(test_a_folder_that_becomes_a_link_meanwhile_leads_nowhere,
                                        make_folders, remove_folders),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
