/* common/arena: memory for things that die together. */
#include <string.h>

#include "common/arena.h"
#include "tests/support/test.h"

static void test_allocations_do_not_overlap_over_many_blocks(void **state)
{
    struct arena arena;
    uint8_t *pieces[100];

    (void)state;
    arena_init(&arena, 64);
    for (size_t i = 0; i < 100; i++) {
        pieces[i] = arena_bytes(&arena, i);
        memset(pieces[i], (int)i, i);
    }
    for (size_t i = 0; i < 100; i++) {
        for (size_t at = 0; at < i; at++) {
            assert_int_equal(pieces[i][at], i);
        }
    }
    arena_clear(&arena);
}

static void test_reset_reuses_normal_blocks(void **state)
{
    struct arena arena;

    (void)state;
    arena_init(&arena, 64);

    void *first = arena_alloc(&arena, 16);

    (void)arena_alloc(&arena, 1000);
    arena_reset(&arena);
    assert_ptr_equal(arena_alloc(&arena, 16), first);
    assert_int_equal(arena.used, 16);
    arena_clear(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_allocations_do_not_overlap_over_many_blocks),
        cmocka_unit_test(test_reset_reuses_normal_blocks),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
