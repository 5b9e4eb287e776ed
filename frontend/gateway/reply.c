/* struct error -> task, failure or gRPC status. */
#include "frontend/gateway/reply.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include "common/mem.h"
#include "common/text.h"
#include "destination_sdk.pb-c.h"

enum {
    /* Longer texts overflow the limits for HTTP/2 headers (status) and what Fivetran shows (task),
     * and hide the cause. */
    STATUS_ENCODED_MAX = 7000,
    TEXT_MAX = 8000,
};

static bool is_task(enum error_kind kind);
static bool is_failure(enum error_kind kind);
static void set_text(ProtobufCMessage *response, const ProtobufCFieldDescriptor *field,
                     const struct error *err);
static char *make_text(const struct error *err);

grpc_status_code reply_status(enum error_kind kind)
{
    switch (kind) {
    case ERROR_REQUEST:
    case ERROR_DATA:
    case ERROR_LIMIT:
    case ERROR_MALFORMED:
        return GRPC_STATUS_INVALID_ARGUMENT;
    case ERROR_FULL:
    case ERROR_BUSY:
        return GRPC_STATUS_RESOURCE_EXHAUSTED;
    case ERROR_STORE:
    case ERROR_UNAVAILABLE:
        return GRPC_STATUS_UNAVAILABLE;
    case ERROR_CANCELLED:
        return GRPC_STATUS_CANCELLED;
    case ERROR_DEADLINE:
        return GRPC_STATUS_DEADLINE_EXCEEDED;
    case ERROR_UNSUPPORTED:
        return GRPC_STATUS_UNIMPLEMENTED;
    case ERROR_NONE:
    case ERROR_INTERNAL:
        break;
    }
    return GRPC_STATUS_INTERNAL;
}

const char *reply_status_name(grpc_status_code status)
{
    static const char *const names[] = {
        [GRPC_STATUS_OK] = "OK",
        [GRPC_STATUS_CANCELLED] = "CANCELLED",
        [GRPC_STATUS_INVALID_ARGUMENT] = "INVALID_ARGUMENT",
        [GRPC_STATUS_DEADLINE_EXCEEDED] = "DEADLINE_EXCEEDED",
        [GRPC_STATUS_NOT_FOUND] = "NOT_FOUND",
        [GRPC_STATUS_RESOURCE_EXHAUSTED] = "RESOURCE_EXHAUSTED",
        [GRPC_STATUS_UNIMPLEMENTED] = "UNIMPLEMENTED",
        [GRPC_STATUS_INTERNAL] = "INTERNAL",
        [GRPC_STATUS_UNAVAILABLE] = "UNAVAILABLE",
    };
    size_t at = (size_t)status;

    return at < sizeof names / sizeof names[0] && names[at] != NULL ? names[at] : "UNKNOWN";
}

char *reply_status_text(const struct error *err)
{
    char *text = make_text(err);
    size_t encoded = 0;
    size_t length = 0;

    /* Percent-encoding keeps printable ASCII but "%"; every other byte takes three. */
    for (; text[length] != '\0'; length++) {
        unsigned char byte = (unsigned char)text[length];

        encoded += byte >= 0x20 && byte <= 0x7E && byte != '%' ? 1 : 3;
        if (encoded > STATUS_ENCODED_MAX) {
            break;
        }
    }
    text_cut_utf8(text, length);
    return text;
}

const char *reply_set_error(ProtobufCMessage *response, const struct error *err)
{
    static const char *const names[] = {"task", "failure"};
    static bool (*const fits[])(enum error_kind kind) = {is_task, is_failure};

    for (size_t i = 0; i < 2; i++) {
        const ProtobufCFieldDescriptor *field =
            protobuf_c_message_descriptor_get_field_by_name(response->descriptor, names[i]);

        if (field != NULL && fits[i](err->kind)) {
            set_text(response, field, err);
            return names[i];
        }
    }
    return NULL;
}

static bool is_task(enum error_kind kind)
{
    return kind == ERROR_REQUEST || kind == ERROR_DATA || kind == ERROR_LIMIT;
}

/* Someone sits before the form and reads: whatever the test found is said. The rest kept the test
 * from running. */
static bool is_failure(enum error_kind kind)
{
    return kind != ERROR_MALFORMED && kind != ERROR_BUSY && kind != ERROR_CANCELLED &&
           kind != ERROR_DEADLINE;
}

/* `field` is a string, or a Task. */
static void set_text(ProtobufCMessage *response, const ProtobufCFieldDescriptor *field,
                     const struct error *err)
{
    char *message = (char *)response;
    char *text = make_text(err);
    void *value = text;

    text_cut_utf8(text, strlen(text) < TEXT_MAX ? strlen(text) : TEXT_MAX);
    if (field->type == PROTOBUF_C_TYPE_MESSAGE) {
        FivetranSdk__V2__Task *task = mem_alloc(sizeof *task);

        fivetran_sdk__v2__task__init(task);
        task->message = text;
        value = task;
    }
    *(void **)(void *)(message + field->offset) = value;
    *(uint32_t *)(void *)(message + field->quantifier_offset) = field->id;
}

static char *make_text(const struct error *err)
{
    if (err->hint[0] == '\0') {
        return mem_text(err->message);
    }
    return mem_format("%s\nhint: %s", err->message, err->hint);
}
