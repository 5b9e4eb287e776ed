/* Allocation that succeeds or ends the process. */
#include "common/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

static _Noreturn void out_of_memory(size_t size);

void mem_free(void *block)
{
    free(block);
}

void *mem_alloc(size_t size)
{
    void *block = malloc(size > 0 ? size : 1);

    if (block == NULL) {
        out_of_memory(size);
    }
    return block;
}

void *mem_zero(size_t size)
{
    return mem_zero_array(1, size);
}

void *mem_zero_array(size_t count, size_t size)
{
    void *block = calloc(count > 0 ? count : 1, size > 0 ? size : 1);

    if (block == NULL) {
        out_of_memory(size);
    }
    return block;
}

void *mem_resize_array(void *block, size_t count, size_t size)
{
    size_t total;

    if (__builtin_mul_overflow(count, size, &total)) {
        out_of_memory(SIZE_MAX);
    }

    void *resized = realloc(block, total > 0 ? total : 1);

    if (resized == NULL) {
        out_of_memory(total);
    }
    return resized;
}

void *mem_resize_pages(void *pages, size_t old_size, size_t new_size)
{
    void *resized = NULL;

    if (new_size == 0) {
        if (pages != NULL) {
            (void)munmap(pages, old_size);
        }
        return NULL;
    }
    resized = pages != NULL ? mremap(pages, old_size, new_size, MREMAP_MAYMOVE)
                            : mmap(NULL, new_size, PROT_READ | PROT_WRITE,
                                   MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (resized == MAP_FAILED) {
        out_of_memory(new_size);
    }
    /* Touching memory for the first time costs a fault a page: in large pages there are few. Where
     * the system has none, small ones do. */
    (void)madvise(resized, new_size, MADV_HUGEPAGE);
    return resized;
}

void *mem_copy(const void *bytes, size_t size)
{
    void *copy = mem_alloc(size);

    if (size > 0) {
        memcpy(copy, bytes, size);
    }
    return copy;
}

char *mem_text(const char *text)
{
    return mem_copy(text, strlen(text) + 1);
}

char *mem_format(const char *format, ...)
{
    va_list arguments;
    char *text = NULL;

    va_start(arguments, format);
    int printed = vasprintf(&text, format, arguments);
    va_end(arguments);
    if (printed < 0) {
        out_of_memory(strlen(format));
    }
    return text;
}

void mem_wipe(void *bytes, size_t size)
{
    explicit_bzero(bytes, size);
}

void mem_release(void *pointer)
{
    void **owned = pointer;

    mem_free(*owned);
    *owned = NULL;
}

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "weir: out of memory while allocating %zu bytes\n", size);
    abort();
}
