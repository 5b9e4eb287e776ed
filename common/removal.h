/* Removing large files: freeing what they hold takes as long as a commit does, and nobody has to
 * wait for it. */
#ifndef WEIR_COMMON_REMOVAL_H
#define WEIR_COMMON_REMOVAL_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"

/* As unlink(2), errno included: the name is gone when it returns. What a large file held is freed
 * by a thread that ends by itself, and at the latest with the process. */
int removal_unlink(const char *path);

/* The bytes that are free on a path's disk. Where they are fewer than `wanted`, it waits up to half
 * a second for what was removed a moment ago. False: errno says why. */
MUST_CHECK bool removal_room(const char *path, uint64_t wanted, uint64_t *bytes_out);

#endif
