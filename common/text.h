/* Text as people and protocols see it: UTF-8, names in messages, JSON strings, hex. */
#ifndef WEIR_COMMON_TEXT_H
#define WEIR_COMMON_TEXT_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/buffer.h"

/* Whether `length` bytes are valid UTF-8: no overlong forms, no surrogates, at most U+10FFFF. */
bool text_is_utf8(const void *bytes, size_t length);

/* Cuts the string to at most `length_max` bytes without splitting a character. */
void text_cut_utf8(char *text, size_t length_max);

enum {
    TEXT_NAME_MAX = 64,  /* bytes of a name in a message */
    TEXT_PATH_MAX = 512, /* bytes of a path in a message */
};

/* A name or path made fit for a message: text_name("...").text. Copied by value. */
struct text_shown {
    char text[TEXT_PATH_MAX + 8];
};

/* A schema, table or column name, cut to 64 bytes with "..." behind; control characters and invalid
 * UTF-8 become "?". */
struct text_shown text_name(const char *name);

/* The same for bytes that are no string, as from a CSV header. */
struct text_shown text_name_bytes(const void *bytes, size_t length);

/* A path; when it is too long for a message its last component is kept whole with ".../" in front.
 */
struct text_shown text_path(const char *path);

/* Appends the text as a JSON string, quotes included. The bytes must be valid UTF-8. */
void text_append_json(struct buffer *out, const void *bytes, size_t length);

/* Appends lower-case hex digits. */
void text_append_hex(struct buffer *out, const void *bytes, size_t length);

/* Reads `digits` (exactly 2 * size of them, any case) into bytes; false if they are not hex. */
MUST_CHECK bool text_parse_hex(const char *digits, uint8_t *bytes, size_t size);

/* Reads a whole decimal number without sign or blanks; false if it is not one or does not fit. */
MUST_CHECK bool text_parse_u64(const char *digits, uint64_t *number_out);

#endif
