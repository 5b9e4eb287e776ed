/* frontend/rpc/file_list: batch files and their keys. */
#include <stdio.h>
#include <string.h>

#include "frontend/rpc/file_list.h"
#include "tests/support/test.h"

enum {
    FILES = 300
};

/* Files "/b/0", "/b/1" ... and a key for each, in another order. */
struct asked {
    char texts[FILES][16];
    char *paths[FILES];
    uint8_t bytes[FILES][32];
    file_list_key entries[FILES];
    file_list_key *keys[FILES];
};

static struct asked asked;

static int set_up(void **state)
{
    (void)state;
    for (size_t i = 0; i < FILES; i++) {
        size_t other = (i * 7) % FILES;

        snprintf(asked.texts[i], sizeof asked.texts[i], "/b/%zu", i);
        asked.paths[i] = asked.texts[i];
        memset(asked.bytes[i], (int)(i % 251), sizeof asked.bytes[i]);
        asked.entries[i] = (file_list_key)FIVETRAN_SDK__V2__WRITE_BATCH_REQUEST__KEYS_ENTRY__INIT;
        asked.entries[i].key = asked.texts[i];
        asked.entries[i].value = (ProtobufCBinaryData){32, asked.bytes[i]};
        asked.keys[other] = &asked.entries[i];
    }
    return 0;
}

static void test_each_file_gets_its_own_key(void **state)
{
    struct file_list list = {0};
    struct error err = {0};

    (void)state;
    assert_true(file_list_add(&list, WEIR__FILE_KIND__FILE_REPLACE, asked.paths, 200, &err));
    assert_true(file_list_add(&list, WEIR__FILE_KIND__FILE_DELETE, asked.paths + 200, 100, &err));
    assert_true(file_list_set_keys(&list, asked.keys, FILES, &err));
    assert_int_equal(list.count, FILES);
    for (size_t i = 0; i < FILES; i++) {
        assert_string_equal(list.files[i].path, asked.paths[i]);
        assert_ptr_equal(list.files[i].key, asked.bytes[i]);
    }
    assert_int_equal(list.files[199].kind, WEIR__FILE_KIND__FILE_REPLACE);
    assert_int_equal(list.files[200].kind, WEIR__FILE_KIND__FILE_DELETE);
    file_list_clear(&list);
}

static void test_a_file_without_a_key_is_named(void **state)
{
    char unknown[] = "/b/none";
    char *path = unknown;
    struct file_list list = {0};
    struct error err = {0};

    (void)state;
    assert_true(file_list_add(&list, WEIR__FILE_KIND__FILE_REPLACE, &path, 1, &err));
    assert_false(file_list_set_keys(&list, asked.keys, FILES, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    assert_non_null(strstr(err.message, "\"/b/none\": the request has no key"));
    file_list_clear(&list);
}

static void test_a_key_of_a_wrong_length_names_its_file(void **state)
{
    struct file_list list = {0};
    struct error err = {0};

    (void)state;
    asked.entries[9].value.len = 31;
    assert_true(file_list_add(&list, WEIR__FILE_KIND__FILE_UPDATE, &asked.paths[9], 1, &err));
    assert_false(file_list_set_keys(&list, asked.keys, FILES, &err));
    assert_non_null(strstr(err.message, "\"/b/9\": its key has 31 bytes, AES-256 takes 32"));
    file_list_clear(&list);
}

static void test_no_keys_at_all_are_no_key(void **state)
{
    struct file_list list = {0};
    struct error err = {0};

    (void)state;
    assert_true(file_list_add(&list, WEIR__FILE_KIND__FILE_UPDATE, &asked.paths[9], 1, &err));
    assert_false(file_list_set_keys(&list, NULL, 0, &err));
    file_list_clear(&list);
}

static void test_an_empty_path_is_refused(void **state)
{
    char empty[] = "";
    char *path = empty;
    struct file_list list = {0};
    struct error err = {0};

    (void)state;
    assert_false(file_list_add(&list, WEIR__FILE_KIND__FILE_REPLACE, &path, 1, &err));
    assert_int_equal(err.kind, ERROR_REQUEST);
    file_list_clear(&list);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup(test_each_file_gets_its_own_key, set_up),
        cmocka_unit_test_setup(test_a_file_without_a_key_is_named, set_up),
        cmocka_unit_test_setup(test_a_key_of_a_wrong_length_names_its_file, set_up),
        cmocka_unit_test_setup(test_no_keys_at_all_are_no_key, set_up),
        cmocka_unit_test_setup(test_an_empty_path_is_refused, set_up),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
