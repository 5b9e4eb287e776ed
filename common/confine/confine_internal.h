/* What the files of common/confine share. */
#ifndef WEIR_COMMON_CONFINE_CONFINE_INTERNAL_H
#define WEIR_COMMON_CONFINE_CONFINE_INTERNAL_H

#include <stdbool.h>
#include <stddef.h>

#include "common/attributes.h"
#include "common/confine/confine.h"
#include "common/error.h"

struct confine_folder {
    const char *path;
    bool writable; /* else only read */
};

/* Leaves the calling thread and those that it makes the folders (files, too) and what is below
 * them. What is missing is left out. ERROR_UNSUPPORTED: the kernel has no Landlock. */
MUST_CHECK bool confine_files(const struct confine_folder *folders, size_t count,
                              struct error *err);

/* Takes away the system calls of the first step, or of the second. ERROR_UNSUPPORTED: libseccomp
 * knows no filters for this machine. */
MUST_CHECK bool confine_calls_begin(enum confine_role role, struct error *err);
MUST_CHECK bool confine_calls_end(enum confine_role role, struct error *err);

#endif
