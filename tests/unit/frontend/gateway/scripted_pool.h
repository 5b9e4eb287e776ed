/* A pool whose workers follow a script, for tests of what is above it.
 *
 * Tables called "hang..." keep their RPC until it is cancelled, "lost..." lose their workers,
 * "full..." meet a full disk, "missing..." do not exist; every other RPC succeeds at once. Leases
 * are real enough: one RPC per table at a time, in order. */
#ifndef WEIR_TESTS_UNIT_FRONTEND_GATEWAY_SCRIPTED_POOL_H
#define WEIR_TESTS_UNIT_FRONTEND_GATEWAY_SCRIPTED_POOL_H

#include <stddef.h>

/* RPCs that run now, and the most that ever ran at once. */
size_t scripted_running(void);
size_t scripted_running_max(void);

#endif
