/* Log lines as JSON objects, made without the heap. */
#include "common/log.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "common/require.h"
#include "common/text.h"

/* Room kept for the closing of a text and the line. */
enum {
    CLOSING_BYTES = 8
};

static const char *const level_names[] = {
    [LOG_INFO] = "INFO",
    [LOG_WARNING] = "WARNING",
    [LOG_SEVERE] = "SEVERE",
};

static void append_raw(struct log_line *line, const char *text);
static void append_json_text(struct log_line *line, const char *text);
static void begin(struct log_line *line, enum log_level level, const char *format,
                  va_list arguments) __attribute__((format(printf, 3, 0)));

void log_message(enum log_level level, const char *format, ...)
{
    struct log_line line;
    va_list arguments;

    va_start(arguments, format);
    begin(&line, level, format, arguments);
    va_end(arguments);
    log_end(&line);
}

void log_error(enum log_level level, const char *what, const struct error *err)
{
    struct log_line line;

    log_begin(&line, level, "%s: %s", what, err->message);
    if (err->hint[0] != '\0') {
        log_text(&line, "hint", err->hint);
    }
    log_end(&line);
}

void log_begin(struct log_line *line, enum log_level level, const char *format, ...)
{
    va_list arguments;

    va_start(arguments, format);
    begin(line, level, format, arguments);
    va_end(arguments);
}

void log_text(struct log_line *line, const char *name, const char *value)
{
    size_t room = sizeof line->text - line->length;

    if (line->full || room < strlen(name) + 2 * CLOSING_BYTES) {
        line->full = true;
        return;
    }
    append_raw(line, ",\"");
    append_raw(line, name);
    append_raw(line, "\":");
    append_json_text(line, value);
}

void log_number(struct log_line *line, const char *name, uint64_t value)
{
    size_t room = sizeof line->text - line->length;

    if (line->full || room < strlen(name) + 32 + CLOSING_BYTES) {
        line->full = true;
        return;
    }
    line->length += (unsigned)snprintf(line->text + line->length, room, ",\"%s\":%llu", name,
                                       (unsigned long long)value);
}

void log_end(struct log_line *line)
{
    append_raw(line, "}\n");

    /* A log that cannot be written must not stop the server. */
    ssize_t written = write(STDOUT_FILENO, line->text, line->length);

    (void)written;
}

static void begin(struct log_line *line, enum log_level level, const char *format,
                  va_list arguments)
{
    char message[3584];
    const char *account = getenv("FIVETRAN_ACCOUNT_NAME");
    const char *group = getenv("FIVETRAN_GROUP_NAME");

    line->length = 0;
    line->full = false;
    vsnprintf(message, sizeof message, format, arguments);
    append_raw(line, "{\"level\":\"");
    append_raw(line, level_names[level]);
    append_raw(line, "\",\"message-origin\":\"sdk_destination\",\"message\":");
    append_json_text(line, message);
    if (account != NULL) {
        log_text(line, "account", account);
    }
    if (group != NULL) {
        log_text(line, "group", group);
    }
}

static void append_raw(struct log_line *line, const char *text)
{
    size_t length = strlen(text);

    REQUIRE(length < sizeof line->text - line->length);
    memcpy(line->text + line->length, text, length);
    line->length += (unsigned)length;
}

/* Appends a JSON string, cut on a character so that the line can still be closed. */
static void append_json_text(struct log_line *line, const char *text)
{
    size_t room = sizeof line->text - line->length - CLOSING_BYTES;
    char fitting[4096];
    char *to = line->text + line->length;
    const char *end = to + room;

    snprintf(fitting, sizeof fitting, "%s", text);
    text_cut_utf8(fitting, sizeof fitting - 1);
    *to++ = '"';
    for (const char *from = fitting; *from != '\0'; from++) {
        unsigned char byte = (unsigned char)*from;
        unsigned char_left = byte >= 0xF0 ? 4 : byte >= 0xE0 ? 3 : byte >= 0xC0 ? 2 : 1;

        if (end - to < 8 + (ptrdiff_t)char_left) {
            line->full = true;
            break;
        }
        if (byte == '"' || byte == '\\') {
            *to++ = '\\';
            *to++ = (char)byte;
        } else if (byte < 0x20) {
            to += snprintf(to, 7, "\\u%04x", byte);
        } else {
            *to++ = (char)byte;
        }
    }
    *to++ = '"';
    line->length = (unsigned)(to - line->text);
}
