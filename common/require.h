/* Assertions that stay in release builds, for our own defects only; input gets an error.
 *
 * A process that stops is restarted and its job tried again; a table that is wrong stays wrong. */
#ifndef WEIR_COMMON_REQUIRE_H
#define WEIR_COMMON_REQUIRE_H

/* At the door: an argument or a state that the caller promised. One condition each. */
#define REQUIRE(condition)                                                                         \
    ((condition) ? (void)0 : require_failed("requirement", #condition, __FILE__, __LINE__))

/* Before leaving: a result or an invariant that this code promises. */
#define ENSURE(condition)                                                                          \
    ((condition) ? (void)0 : require_failed("promise", #condition, __FILE__, __LINE__))

/* Writes one line to standard error and aborts the process. */
_Noreturn void require_failed(const char *what, const char *condition, const char *file, int line);

#endif
