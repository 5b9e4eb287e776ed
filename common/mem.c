/* Allocation that succeeds or ends the process. */
#include "common/mem.h"

#include <stdarg.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <unistd.h>

/* Touching memory for the first time costs a fault a page, and finding one again a look at the page
 * table: with large pages there are few. Where the system has none, small ones do. */
#define LARGE_PAGE_BYTES ((size_t)2 * 1024 * 1024)

#define READ_WRITE (PROT_READ | PROT_WRITE)

static size_t mapped_size(size_t size);
static void *map_pages(size_t size, int protection);
static void *move_pages(void *from, size_t old_size, size_t new_size);
static void *unmap(void *pages, size_t size);
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
    size_t old_mapped = mapped_size(old_size);
    size_t new_mapped = mapped_size(new_size);

    if (new_size == 0) {
        return pages != NULL ? unmap(pages, old_mapped) : NULL;
    }
    if (pages == NULL) {
        return map_pages(new_mapped, READ_WRITE);
    }
    return new_mapped == old_mapped ? pages : move_pages(pages, old_mapped, new_mapped);
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

uint64_t mem_machine_bytes(void)
{
    return (uint64_t)sysconf(_SC_PHYS_PAGES) * (uint64_t)sysconf(_SC_PAGESIZE);
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

/* From one large page on in whole ones, so that they stay whole where the memory grows. */
static size_t mapped_size(size_t size)
{
    return size < LARGE_PAGE_BYTES
               ? size
               : (size + LARGE_PAGE_BYTES - 1) / LARGE_PAGE_BYTES * LARGE_PAGE_BYTES;
}

/* New pages, from the beginning of a large one on if they fill it. */
static void *map_pages(size_t size, int protection)
{
    size_t slack = size < LARGE_PAGE_BYTES ? 0 : LARGE_PAGE_BYTES;
    uint8_t *mapped = mmap(NULL, size + slack, protection, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);

    if (mapped == MAP_FAILED) {
        out_of_memory(size);
    }
    if (slack > 0) {
        size_t before = (LARGE_PAGE_BYTES - (uintptr_t)mapped % LARGE_PAGE_BYTES) % slack;

        if (before > 0) {
            (void)munmap(mapped, before);
        }
        mapped += before;
        (void)munmap(mapped + size, slack - before);
        (void)madvise(mapped, size, MADV_HUGEPAGE);
    }
    return mapped;
}

/* Large pages go over as they are, to a place that takes no memory until then. Small ones are
 * copied: they would stay small. */
static void *move_pages(void *from, size_t old_size, size_t new_size)
{
    bool moves = old_size >= LARGE_PAGE_BYTES && new_size > old_size;
    void *to = map_pages(new_size, moves ? PROT_NONE : READ_WRITE);

    if (!moves) {
        memcpy(to, from, old_size < new_size ? old_size : new_size);
        (void)unmap(from, old_size);
        return to;
    }
    if (mremap(from, old_size, new_size, MREMAP_MAYMOVE | MREMAP_FIXED, to) == MAP_FAILED) {
        out_of_memory(new_size);
    }
    return to;
}

static void *unmap(void *pages, size_t size)
{
    (void)munmap(pages, size);
    return NULL;
}

static _Noreturn void out_of_memory(size_t size)
{
    fprintf(stderr, "weir: out of memory while allocating %zu bytes\n", size);
    abort();
}
