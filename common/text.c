/* Text as people and protocols see it. */
#include "common/text.h"

#include <string.h>

#include "common/require.h"
#include "common/word.h"

enum {
    JSON_BYTES_MAX = 6 /* of one byte, as \u0000 */
};

static size_t json_plain(const uint8_t *bytes, size_t length);
static uint8_t *write_json_escape(uint8_t *to, uint8_t byte);
static size_t utf8_sequence(const uint8_t *bytes, size_t length);
static size_t show(struct text_shown *shown, size_t at, const uint8_t *bytes, size_t length,
                   size_t end_max);

bool text_is_utf8(const void *bytes, size_t length)
{
    const uint8_t *at = bytes;
    size_t left = length;

    while (left > 0) {
        /* Most text is ASCII: eight bytes at a time while none has its high bit set. */
        while (left >= WORD_BYTES && !word_has_high(word_read(at))) {
            at += WORD_BYTES;
            left -= WORD_BYTES;
        }
        /* The last ones may be looked at with those before them. */
        if (left == 0 || (length >= WORD_BYTES && left < WORD_BYTES &&
                          !word_has_high(word_read(at + left - WORD_BYTES)))) {
            break;
        }

        size_t sequence = *at < 0x80 ? 1 : utf8_sequence(at, left);

        if (sequence == 0) {
            return false;
        }
        at += sequence;
        left -= sequence;
    }
    return true;
}

void text_cut_utf8(char *text, size_t length_max)
{
    size_t length = strnlen(text, length_max);
    size_t start = length;

    /* Back to the first byte of the last character, which may be incomplete. */
    while (start > 0 && length - start < 4) {
        start--;
        if (((uint8_t)text[start] & 0xC0) != 0x80) {
            break;
        }
    }
    if (start < length && utf8_sequence((const uint8_t *)text + start, length - start) == 0) {
        length = start;
    }
    text[length] = '\0';
}

struct text_shown text_name(const char *name)
{
    return text_name_bytes(name, strlen(name));
}

struct text_shown text_name_bytes(const void *bytes, size_t length)
{
    struct text_shown shown;
    size_t end = show(&shown, 0, bytes, length, TEXT_NAME_MAX);

    shown.text[end] = '\0';
    return shown;
}

struct text_shown text_path(const char *path)
{
    struct text_shown shown;
    size_t length = strlen(path);
    size_t end = 0;

    if (length > TEXT_PATH_MAX) {
        const char *slash = strrchr(path, '/');
        const char *last = slash != NULL ? slash + 1 : path;

        memcpy(shown.text, ".../", 4);
        end = 4;
        length = strlen(last);
        path = last;
    }
    end = show(&shown, end, (const uint8_t *)path, length, TEXT_PATH_MAX);
    shown.text[end] = '\0';
    return shown;
}

void text_append_json(struct buffer *out, const void *bytes, size_t length)
{
    const uint8_t *from = bytes;
    uint8_t *start = buffer_reserve(out, length * JSON_BYTES_MAX + 2);
    uint8_t *to = start;

    *to++ = '"';
    for (size_t i = 0; i < length;) {
        size_t plain = json_plain(from + i, length - i);

        if (plain > 0) {
            memcpy(to, from + i, plain);
            to += plain;
            i += plain;
        } else {
            to = write_json_escape(to, from[i]);
            i++;
        }
    }
    *to++ = '"';
    out->length += (size_t)(to - start);
}

/* How many bytes from `bytes` on stand for themselves in a JSON string: eight at a time while none
 * of them is a quote, a backslash or below a space. */
static size_t json_plain(const uint8_t *bytes, size_t length)
{
    size_t at = 0;

    while (length - at >= sizeof(uint64_t)) {
        uint64_t word;

        memcpy(&word, bytes + at, sizeof word);
        if (word_has_below(word, ' ') || word_has(word, '"') || word_has(word, '\\')) {
            break;
        }
        at += sizeof word;
    }
    while (at < length && bytes[at] >= ' ' && bytes[at] != '"' && bytes[at] != '\\') {
        at++;
    }
    return at;
}

static uint8_t *write_json_escape(uint8_t *to, uint8_t byte)
{
    static const char hex[] = "0123456789abcdef";

    *to++ = '\\';
    switch (byte) {
    case '"':
    case '\\':
        *to++ = byte;
        return to;
    case '\n':
        *to++ = 'n';
        return to;
    case '\r':
        *to++ = 'r';
        return to;
    case '\t':
        *to++ = 't';
        return to;
    default:
        memcpy(to, "u00", 3);
        to[3] = (uint8_t)hex[byte >> 4];
        to[4] = (uint8_t)hex[byte & 15];
        return to + 5;
    }
}

void text_append_hex(struct buffer *out, const void *bytes, size_t length)
{
    static const char hex[] = "0123456789abcdef";
    const uint8_t *from = bytes;

    for (size_t i = 0; i < length; i++) {
        buffer_append_byte(out, (uint8_t)hex[from[i] >> 4]);
        buffer_append_byte(out, (uint8_t)hex[from[i] & 15]);
    }
}

static int hex_digit(char digit)
{
    if (digit >= '0' && digit <= '9') {
        return digit - '0';
    }
    if (digit >= 'a' && digit <= 'f') {
        return digit - 'a' + 10;
    }
    if (digit >= 'A' && digit <= 'F') {
        return digit - 'A' + 10;
    }
    return -1;
}

bool text_parse_hex(const char *digits, uint8_t *bytes, size_t size)
{
    if (strlen(digits) != 2 * size) {
        return false;
    }
    for (size_t i = 0; i < size; i++) {
        int high = hex_digit(digits[2 * i]);
        int low = hex_digit(digits[2 * i + 1]);

        if (high < 0 || low < 0) {
            return false;
        }
        bytes[i] = (uint8_t)(high * 16 + low);
    }
    return true;
}

bool text_parse_u64(const char *digits, uint64_t *number_out)
{
    uint64_t number = 0;

    if (*digits == '\0') {
        return false;
    }
    for (; *digits != '\0'; digits++) {
        if (*digits < '0' || *digits > '9') {
            return false;
        }
        if (__builtin_mul_overflow(number, (uint64_t)10, &number) ||
            __builtin_add_overflow(number, (uint64_t)(*digits - '0'), &number)) {
            return false;
        }
    }
    *number_out = number;
    return true;
}

/* The length of the valid UTF-8 sequence that starts at `bytes`, 0 if none does. */
static size_t utf8_sequence(const uint8_t *bytes, size_t length)
{
    uint8_t first = bytes[0];
    uint8_t second_min = 0x80;
    uint8_t second_max = 0xBF;
    size_t sequence;

    if (first < 0x80) {
        return 1;
    }
    if (first < 0xC2 || first > 0xF4) {
        return 0;
    }
    sequence = first < 0xE0 ? 2 : first < 0xF0 ? 3 : 4;
    if (sequence > length) {
        return 0;
    }
    /* The second byte alone keeps out overlong forms, surrogates and what is above U+10FFFF. */
    if (first == 0xE0) {
        second_min = 0xA0;
    } else if (first == 0xED) {
        second_max = 0x9F;
    } else if (first == 0xF0) {
        second_min = 0x90;
    } else if (first == 0xF4) {
        second_max = 0x8F;
    }
    if (bytes[1] < second_min || bytes[1] > second_max) {
        return 0;
    }
    for (size_t i = 2; i < sequence; i++) {
        if ((bytes[i] & 0xC0) != 0x80) {
            return 0;
        }
    }
    return sequence;
}

/* Writes at most `end_max` bytes of `bytes` from `at` on, "..." behind if it had to cut, and
 * returns the new end. */
static size_t show(struct text_shown *shown, size_t at, const uint8_t *bytes, size_t length,
                   size_t end_max)
{
    REQUIRE(end_max + 4 < sizeof shown->text);
    while (length > 0) {
        size_t sequence = utf8_sequence(bytes, length);
        size_t step = sequence > 0 ? sequence : 1;

        if (at + step > end_max) {
            memcpy(shown->text + at, "...", 3);
            return at + 3;
        }
        if (sequence == 0 || bytes[0] < 0x20 || bytes[0] == 0x7F) {
            shown->text[at] = '?';
        } else {
            memcpy(shown->text + at, bytes, sequence);
        }
        at += step;
        bytes += step;
        length -= step;
    }
    return at;
}
