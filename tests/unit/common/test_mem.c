/* Memory in pages of its own keeps its bytes while it grows, across the size of a large page. */
#include <stdint.h>
#include <string.h>

#include "common/mem.h"
#include "tests/support/test.h"

enum {
    LARGE_PAGE = 2 << 20
};

static uint8_t byte_at(size_t place)
{
    return (uint8_t)(place * 31 + place / 4096);
}

static void test_pages_keep_their_bytes_while_they_grow(void **state)
{
    size_t size = 0;
    uint8_t *pages = NULL;

    (void)state;
    for (size_t wanted = 3000; wanted < (size_t)40 << 20; wanted += wanted / 2) {
        pages = mem_resize_pages(pages, size, wanted);
        for (size_t i = 0; i < size; i += 511) {
            assert_int_equal(pages[i], byte_at(i));
        }
        if (wanted >= LARGE_PAGE) {
            assert_int_equal((uintptr_t)pages % LARGE_PAGE, 0); /* they stay whole */
        }
        for (size_t i = 0; i < wanted; i++) {
            pages[i] = byte_at(i);
        }
        size = wanted;
    }
    assert_null(mem_resize_pages(pages, size, 0));
}

static void test_pages_shrink(void **state)
{
    const size_t large = (size_t)9 << 20;
    const size_t small = 5000;
    uint8_t *pages = mem_resize_pages(NULL, 0, large);

    (void)state;
    memset(pages, 7, large);
    pages = mem_resize_pages(pages, large, small);
    for (size_t i = 0; i < small; i++) {
        assert_int_equal(pages[i], 7);
    }
    assert_null(mem_resize_pages(pages, small, 0));
    assert_null(mem_resize_pages(NULL, 0, 0));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages_keep_their_bytes_while_they_grow),
        cmocka_unit_test(test_pages_shrink),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
