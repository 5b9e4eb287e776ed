/* The server's log: one JSON object a line on standard output, in the form that Fivetran reads.
 *
 * Only loops and main log, once per failure. A line is one write(2) of at most 4,096 bytes, so that
 * lines of several processes never mix. Works after a fork and allocates nothing. */
#ifndef WEIR_COMMON_LOG_H
#define WEIR_COMMON_LOG_H

#include <stdbool.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"

/* The three levels of the protocol. */
enum log_level {
    LOG_INFO,    /* the life of processes and requests */
    LOG_WARNING, /* handled, but notice it */
    LOG_SEVERE,  /* someone should act */
};

/* A line being made; on the caller's stack. */
struct log_line {
    char text[4096];
    unsigned length;
    bool full; /* a field did not fit: it and those after it are left out */
};

/* Logs a formatted message without further fields. */
void log_message(enum log_level level, const char *format, ...) PRINTF_LIKE(2, 3);

/* Logs an error's message and hint. `what` is put in front, as in "could not serve". */
void log_error(enum log_level level, const char *what, const struct error *err);

/* Starts a line with its level and message; add fields, then log_end() writes it. */
void log_begin(struct log_line *line, enum log_level level, const char *format, ...)
    PRINTF_LIKE(3, 4);

/* Adds a text field; the value is cut if it is long. */
void log_text(struct log_line *line, const char *name, const char *value);

/* Adds a number field. */
void log_number(struct log_line *line, const char *name, uint64_t value);

/* Writes the line. */
void log_end(struct log_line *line);

#endif
