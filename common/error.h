/* The one error type: a kind for the program, a message and a hint for a person.
 *
 * The place that notices a failure writes the message; each level above may put its view in front
 * with error_wrap(); nobody replaces it. Messages are lower case, without a period, and say what
 * was attempted, on which object, and why it failed; the hint is a sentence about what to do. Keys,
 * passwords and row values never appear in either. */
#ifndef WEIR_COMMON_ERROR_H
#define WEIR_COMMON_ERROR_H

#include <stdbool.h>

#include "common/attributes.h"

/* frontend/gateway/reply.c alone turns a kind into a task or a gRPC status. */
enum error_kind {
    ERROR_NONE = 0,
    ERROR_REQUEST,     /* the request asks for what cannot be: task */
    ERROR_DATA,        /* a batch file's contents are wrong: task */
    ERROR_LIMIT,       /* a limit that the user may raise or keep to: task */
    ERROR_MALFORMED,   /* not a valid protobuf request: INVALID_ARGUMENT */
    ERROR_FULL,        /* no room on the disk or in a map: RESOURCE_EXHAUSTED */
    ERROR_BUSY,        /* too many wait already: RESOURCE_EXHAUSTED */
    ERROR_STORE,       /* the data folder or its disk fails: UNAVAILABLE */
    ERROR_UNAVAILABLE, /* a worker was lost, the server stops: UNAVAILABLE */
    ERROR_CANCELLED,   /* the client cancelled: CANCELLED */
    ERROR_DEADLINE,    /* the client's deadline passed: DEADLINE_EXCEEDED */
    ERROR_UNSUPPORTED, /* not built: UNIMPLEMENTED */
    ERROR_INTERNAL,    /* our fault: INTERNAL */
};

enum {
    ERROR_MESSAGE_MAX =
        3072, /* bytes with the end mark; a status of 7,000 encoded bytes holds it */
    ERROR_HINT_MAX = 512,
};

struct error {
    enum error_kind kind;
    char message[ERROR_MESSAGE_MAX];
    char hint[ERROR_HINT_MAX]; /* empty: none */
};

/* Fills *err with a kind and a formatted message, cut on a UTF-8 boundary if it is too long, and
 * clears the hint. Always returns false, so that a function can return it. */
bool error_set(struct error *err, enum error_kind kind, const char *format, ...) PRINTF_LIKE(3, 4);

/* The same, with ": " and the text of errno at the end. */
bool error_set_errno(struct error *err, enum error_kind kind, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Puts a formatted text and ": " in front of the message. Always returns false. */
bool error_wrap(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Sets the hint: a sentence that says what to do. Always returns false. */
bool error_hint(struct error *err, const char *format, ...) PRINTF_LIKE(2, 3);

/* Copies `from` to *err. Always returns false. */
bool error_copy(struct error *err, const struct error *from);

/* Back to "no error". */
void error_clear(struct error *err);

/* The kind for errno after a failed write or open in the data folder: ERROR_FULL for ENOSPC, EDQUOT
 * and EFBIG, else ERROR_STORE. */
enum error_kind error_kind_of_write(int errno_value);

#endif
