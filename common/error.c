/* Failures as values. */
#include "common/error.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

#include "common/text.h"

static void format_into(char *to, size_t size, const char *format, va_list arguments)
    __attribute__((format(printf, 3, 0)));

static void append_errno(struct error *err, int errno_value);

bool error_set(struct error *err, enum error_kind kind, const char *format, ...)
{
    va_list arguments;

    err->kind = kind;
    err->hint[0] = '\0';
    va_start(arguments, format);
    format_into(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    return false;
}

bool error_set_errno(struct error *err, enum error_kind kind, const char *format, ...)
{
    int errno_value = errno;
    va_list arguments;

    err->kind = kind;
    err->hint[0] = '\0';
    va_start(arguments, format);
    format_into(err->message, sizeof err->message, format, arguments);
    va_end(arguments);
    append_errno(err, errno_value);
    return false;
}

bool error_wrap(struct error *err, const char *format, ...)
{
    char inner[ERROR_MESSAGE_MAX];
    va_list arguments;

    memcpy(inner, err->message, sizeof inner);
    va_start(arguments, format);
    format_into(err->message, sizeof err->message, format, arguments);
    va_end(arguments);

    size_t length = strlen(err->message);
    int printed = snprintf(err->message + length, sizeof err->message - length, ": %s", inner);

    if (printed >= 0 && (size_t)printed >= sizeof err->message - length) {
        text_cut_utf8(err->message, sizeof err->message - 1);
    }
    return false;
}

bool error_hint(struct error *err, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    format_into(err->hint, sizeof err->hint, format, arguments);
    va_end(arguments);
    return false;
}

bool error_copy(struct error *err, const struct error *from)
{
    *err = *from;
    return false;
}

void error_clear(struct error *err)
{
    err->kind = ERROR_NONE;
    err->message[0] = '\0';
    err->hint[0] = '\0';
}

enum error_kind error_kind_of_write(int errno_value)
{
    switch (errno_value) {
    case ENOSPC:
    case EDQUOT:
    case EFBIG:
        return ERROR_FULL;
    default:
        return ERROR_STORE;
    }
}

static void format_into(char *to, size_t size, const char *format, va_list arguments)
{
    int printed = vsnprintf(to, size, format, arguments);

    if (printed < 0) {
        to[0] = '\0';
    } else if ((size_t)printed >= size) {
        text_cut_utf8(to, size - 1);
    }
}

static void append_errno(struct error *err, int errno_value)
{
    size_t length = strlen(err->message);
    char reason[128];

    /* The GNU strerror_r returns the text, in a buffer of ours or its own. */
    const char *text = strerror_r(errno_value, reason, sizeof reason);

    snprintf(err->message + length, sizeof err->message - length, ": %s", text);
}
