/* The end of a process that found itself in a state that cannot be. */
#include "common/require.h"

#include <stdio.h>
#include <stdlib.h>

_Noreturn void require_failed(const char *what, const char *condition, const char *file, int line)
{
    fprintf(stderr, "weir: broken %s \"%s\" at %s:%d\n", what, condition, file, line);
    abort();
}
