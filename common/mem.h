/* Heap memory that never runs out: an allocation succeeds or ends the process.
 *
 * A worker that ends is replaced and its job tried again; sizes that come from outside are compared
 * with common/limits.h before they get here. */
#ifndef WEIR_COMMON_MEM_H
#define WEIR_COMMON_MEM_H

#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"

/* Releases what the functions below gave; NULL is fine. */
void mem_free(void *block);

/* `size` bytes, not initialised; the caller releases them with mem_free(). Never NULL. */
void *mem_alloc(size_t size) RELEASED_WITH(mem_free);

/* The same, filled with zero. */
void *mem_zero(size_t size) RELEASED_WITH(mem_free);

/* `count` elements of `size` bytes, filled with zero; ends the process if the product overflows. */
void *mem_zero_array(size_t count, size_t size) RELEASED_WITH(mem_free);

/* Resizes `block` (or allocates, if NULL) to count * size bytes; new bytes are not initialised. */
void *mem_resize_array(void *block, size_t count, size_t size) __attribute__((returns_nonnull));

/* Resizes memory that comes from the system in whole pages: it goes back at once when it is freed,
 * whatever malloc would keep. `pages` is NULL or what the last call returned for `old_size`; a
 * `new_size` of 0 frees it and returns NULL. New bytes are not initialised. */
void *mem_resize_pages(void *pages, size_t old_size, size_t new_size);

/* A copy of `size` bytes of `bytes`. */
void *mem_copy(const void *bytes, size_t size) RELEASED_WITH(mem_free);

/* A copy of a string. */
char *mem_text(const char *text) RELEASED_WITH(mem_free);

/* A formatted string. */
char *mem_format(const char *format, ...) PRINTF_LIKE(1, 2) RELEASED_WITH(mem_free);

/* Overwrites `size` bytes with zero in a way that the compiler keeps: for keys and passwords. */
void mem_wipe(void *bytes, size_t size);

/* Bytes of the machine's memory. */
uint64_t mem_machine_bytes(void);

/* For OWNED(mem_release): frees *(void **)pointer and sets it to NULL. */
void mem_release(void *pointer);

#endif
