/* One pass over a message's wire bytes, driven by its protobuf-c descriptor. */
#include "frontend/gateway/wire_check.h"

#include <string.h>

#include "common/limits.h"
#include "common/text.h"

enum {
    DEPTH_MAX = 32, /* messages in messages; ours are nested 4 deep */

    BLOCK_BYTES = 16, /* what the heap takes for itself, per block */

    /* protobuf-c notes each field of a message in a ScannedMember of 40 bytes, and makes room for
     * twice as many as there are; it frees them when the message is parsed. */
    SCANNED_BYTES = 80,

    /* A file of a batch, its path twice and its key once, takes three to four times its bytes. An
     * empty string takes forty times: the millions of them that fit a message are an attack. */
    MEMORY_PER_BYTE = 6,
};

/* What every request may take, whatever its size. */
#define MEMORY_FREE (16 * MIB)

/* Where the pass is: the bytes left of one message. */
struct cursor {
    const uint8_t *at;
    const uint8_t *end;
};

struct check {
    uint64_t lasting; /* bytes of the unpacked message */
    uint64_t passing; /* bytes that are freed on the way */
    uint64_t peak;    /* the most that both were together */
    uint64_t peak_max;
};

static bool check_message(struct check *check, const ProtobufCMessageDescriptor *message,
                          struct cursor cursor, int depth, struct error *err);
static bool check_field(struct check *check, const ProtobufCMessageDescriptor *message,
                        struct cursor *cursor, int depth, struct error *err);
static bool check_contents(struct check *check, const ProtobufCMessageDescriptor *message,
                           const ProtobufCFieldDescriptor *field, struct cursor contents, int depth,
                           struct error *err);
static bool check_text(const ProtobufCMessageDescriptor *message,
                       const ProtobufCFieldDescriptor *field, struct cursor contents,
                       struct error *err);
static bool check_packed(struct check *check, const ProtobufCMessageDescriptor *message,
                         const ProtobufCFieldDescriptor *field, struct cursor contents,
                         struct error *err);
static bool take_varint(struct cursor *cursor, uint64_t *value_out);
static bool take_bytes(struct cursor *cursor, uint64_t length, struct cursor *taken_out);
static bool wire_type_fits(const ProtobufCFieldDescriptor *field, unsigned wire_type);
static unsigned wire_type_of(ProtobufCType type);
static size_t element_bytes(ProtobufCType type);
static bool count(struct check *check, uint64_t bytes, struct error *err);
static uint64_t block(uint64_t bytes);
static bool fail(struct error *err, const ProtobufCMessageDescriptor *message, const char *reason);

bool wire_check(const ProtobufCMessageDescriptor *message, const uint8_t *bytes, size_t length,
                uint64_t *memory_out, struct error *err)
{
    struct check check = {.peak_max = MEMORY_FREE + MEMORY_PER_BYTE * (uint64_t)length};
    struct cursor cursor = {.at = bytes, .end = bytes + length};

    if (!check_message(&check, message, cursor, 1, err)) {
        return false;
    }
    *memory_out = check.peak;
    return true;
}

static bool check_message(struct check *check, const ProtobufCMessageDescriptor *message,
                          struct cursor cursor, int depth, struct error *err)
{
    if (depth > DEPTH_MAX) {
        return fail(err, message, "it is nested too deep");
    }
    if (!count(check, block(message->sizeof_message), err)) {
        return false;
    }

    uint64_t passing = check->passing;

    while (cursor.at < cursor.end) {
        check->passing += SCANNED_BYTES;
        if (!count(check, 0, err) || !check_field(check, message, &cursor, depth, err)) {
            return false;
        }
    }
    check->passing = passing;
    return true;
}

static bool check_field(struct check *check, const ProtobufCMessageDescriptor *message,
                        struct cursor *cursor, int depth, struct error *err)
{
    struct cursor contents = {.at = cursor->at, .end = cursor->at};
    uint64_t tag = 0;
    uint64_t value = 0;
    bool taken = false;

    if (!take_varint(cursor, &tag) || tag >> 3 == 0 || tag > UINT32_MAX) {
        return fail(err, message, "a field's tag is broken");
    }

    unsigned wire_type = (unsigned)(tag & 7);

    switch (wire_type) {
    case PROTOBUF_C_WIRE_TYPE_VARINT:
        taken = take_varint(cursor, &value);
        break;
    case PROTOBUF_C_WIRE_TYPE_64BIT:
        taken = take_bytes(cursor, 8, &contents);
        break;
    case PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED:
        taken = take_varint(cursor, &value) && take_bytes(cursor, value, &contents);
        break;
    case PROTOBUF_C_WIRE_TYPE_32BIT:
        taken = take_bytes(cursor, 4, &contents);
        break;
    default:
        break; /* groups, which proto3 does not have, and what was never defined */
    }
    if (!taken) {
        return fail(err, message, "a field is cut off or of no known kind");
    }

    const ProtobufCFieldDescriptor *field =
        protobuf_c_message_descriptor_get_field(message, (unsigned)(tag >> 3));

    if (field == NULL) {
        /* Kept as bytes: clients of a later protocol may send more. */
        return count(check,
                     sizeof(ProtobufCMessageUnknownField) +
                         block((uint64_t)(contents.end - contents.at) + 10),
                     err);
    }
    if (!wire_type_fits(field, wire_type)) {
        return fail(err, message, "a field has another type there");
    }
    if (wire_type != PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED) {
        return field->label != PROTOBUF_C_LABEL_REPEATED ||
               count(check, element_bytes(field->type), err);
    }
    return check_contents(check, message, field, contents, depth, err);
}

static bool check_contents(struct check *check, const ProtobufCMessageDescriptor *message,
                           const ProtobufCFieldDescriptor *field, struct cursor contents, int depth,
                           struct error *err)
{
    uint64_t length = (uint64_t)(contents.end - contents.at);

    if (field->label == PROTOBUF_C_LABEL_REPEATED &&
        !count(check, element_bytes(field->type), err)) {
        return false;
    }
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        return check_message(check, field->descriptor, contents, depth + 1, err);
    }
    if (field->type == PROTOBUF_C_TYPE_STRING) {
        return check_text(message, field, contents, err) && count(check, block(length + 1), err);
    }
    if (field->type == PROTOBUF_C_TYPE_BYTES) {
        return count(check, block(length), err);
    }
    return check_packed(check, message, field, contents, err);
}

static bool check_text(const ProtobufCMessageDescriptor *message,
                       const ProtobufCFieldDescriptor *field, struct cursor contents,
                       struct error *err)
{
    size_t length = (size_t)(contents.end - contents.at);

    if (length > 0 && memchr(contents.at, '\0', length) != NULL) {
        return error_set(err, ERROR_MALFORMED,
                         "could not read %s: the text of field \"%s\" has the character U+0000",
                         message->short_name, field->name);
    }
    if (!text_is_utf8(contents.at, length)) {
        return error_set(err, ERROR_MALFORMED,
                         "could not read %s: the text of field \"%s\" is not valid UTF-8",
                         message->short_name, field->name);
    }
    return true;
}

static bool check_packed(struct check *check, const ProtobufCMessageDescriptor *message,
                         const ProtobufCFieldDescriptor *field, struct cursor contents,
                         struct error *err)
{
    unsigned wire_type = wire_type_of(field->type);

    while (contents.at < contents.end) {
        struct cursor taken;
        uint64_t value = 0;
        bool whole = wire_type == PROTOBUF_C_WIRE_TYPE_VARINT  ? take_varint(&contents, &value)
                     : wire_type == PROTOBUF_C_WIRE_TYPE_64BIT ? take_bytes(&contents, 8, &taken)
                                                               : take_bytes(&contents, 4, &taken);

        if (!whole) {
            return fail(err, message, "a list of numbers is cut off");
        }
        if (!count(check, element_bytes(field->type), err)) {
            return false;
        }
    }
    return true;
}

static bool take_varint(struct cursor *cursor, uint64_t *value_out)
{
    uint64_t value = 0;

    for (unsigned shift = 0; shift < 70 && cursor->at < cursor->end; shift += 7) {
        uint8_t byte = *cursor->at++;

        if (shift < 64) {
            value |= (uint64_t)(byte & 0x7F) << shift;
        }
        if (byte < 0x80) {
            *value_out = value;
            return true;
        }
    }
    return false;
}

static bool take_bytes(struct cursor *cursor, uint64_t length, struct cursor *taken_out)
{
    if (length > (uint64_t)(cursor->end - cursor->at)) {
        return false;
    }
    taken_out->at = cursor->at;
    cursor->at += length;
    taken_out->end = cursor->at;
    return true;
}

static bool wire_type_fits(const ProtobufCFieldDescriptor *field, unsigned wire_type)
{
    if (wire_type == wire_type_of(field->type)) {
        return true;
    }
    /* Numbers of a list may stand packed, one behind the other. */
    return field->label == PROTOBUF_C_LABEL_REPEATED &&
           wire_type == PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

static unsigned wire_type_of(ProtobufCType type)
{
    switch (type) {
    case PROTOBUF_C_TYPE_INT32:
    case PROTOBUF_C_TYPE_SINT32:
    case PROTOBUF_C_TYPE_INT64:
    case PROTOBUF_C_TYPE_SINT64:
    case PROTOBUF_C_TYPE_UINT32:
    case PROTOBUF_C_TYPE_UINT64:
    case PROTOBUF_C_TYPE_BOOL:
    case PROTOBUF_C_TYPE_ENUM:
        return PROTOBUF_C_WIRE_TYPE_VARINT;
    case PROTOBUF_C_TYPE_SFIXED64:
    case PROTOBUF_C_TYPE_FIXED64:
    case PROTOBUF_C_TYPE_DOUBLE:
        return PROTOBUF_C_WIRE_TYPE_64BIT;
    case PROTOBUF_C_TYPE_SFIXED32:
    case PROTOBUF_C_TYPE_FIXED32:
    case PROTOBUF_C_TYPE_FLOAT:
        return PROTOBUF_C_WIRE_TYPE_32BIT;
    case PROTOBUF_C_TYPE_STRING:
    case PROTOBUF_C_TYPE_BYTES:
    case PROTOBUF_C_TYPE_MESSAGE:
        break;
    }
    return PROTOBUF_C_WIRE_TYPE_LENGTH_PREFIXED;
}

/* Bytes of an element in a repeated field's array: a bytes field's pointer and length at most. */
static size_t element_bytes(ProtobufCType type)
{
    return type == PROTOBUF_C_TYPE_BYTES ? sizeof(ProtobufCBinaryData) : sizeof(void *);
}

static bool count(struct check *check, uint64_t bytes, struct error *err)
{
    check->lasting += bytes;
    if (check->lasting + check->passing > check->peak) {
        check->peak = check->lasting + check->passing;
    }
    if (check->peak > check->peak_max) {
        return error_set(
            err, ERROR_MALFORMED,
            "could not read the request: it holds so many empty or unknown fields that "
            "it would take more than %llu MiB of memory",
            (unsigned long long)(check->peak_max / MIB));
    }
    return true;
}

/* What the heap takes for a block of that many bytes. */
static uint64_t block(uint64_t bytes)
{
    return ((bytes + 15) & ~UINT64_C(15)) + BLOCK_BYTES;
}

static bool fail(struct error *err, const ProtobufCMessageDescriptor *message, const char *reason)
{
    return error_set(err, ERROR_MALFORMED, "could not read %s: %s", message->short_name, reason);
}
