/* From received bytes to a message, with its memory counted and wiped. */
#include "frontend/gateway/request.h"

#include <malloc.h>

#include "common/limits.h"
#include "common/mem.h"
#include "frontend/gateway/wire_check.h"

/* Memory of a request that is worth giving back to the system at once. */
#define TRIM_MIN (16 * MIB)

static bool hold(struct request *request, struct desk *desk, uint64_t bytes, struct error *err);
static bool unpack(struct request *request, struct desk *desk,
                   const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                   size_t length, struct error *err);
static void *allocate(void *context, size_t size);
static void release(void *context, void *block);

static ProtobufCAllocator wiping = {.alloc = allocate, .free = release};

bool request_hold(struct request *request, struct desk *desk, const struct exchange *exchange,
                  struct error *err)
{
    return hold(request, desk, grpc_byte_buffer_length(exchange->received), err);
}

/* The bytes are held until they are unpacked, the message from then on. */
bool request_open(struct request *request, struct desk *desk, struct exchange *exchange,
                  const ProtobufCMessageDescriptor *descriptor, struct error *err)
{
    uint64_t received = request->held_bytes;
    uint8_t *bytes = NULL;
    size_t length = 0;

    if (!exchange_take_bytes(exchange, LIMIT_MESSAGE_BYTES, &bytes, &length, err)) {
        return false;
    }

    uint64_t inflated = length > received ? length - received : 0;
    bool opened = hold(request, desk, inflated, err);

    if (opened) {
        opened = unpack(request, desk, descriptor, bytes, length, err);
        desk_release(desk, received + inflated);
        request->held_bytes -= received + inflated;
    }
    mem_wipe(bytes, length);
    mem_free(bytes);
    return opened;
}

/* The heap keeps what was freed piece by piece; after a large request it gives it back. */
void request_clear(struct request *request, struct desk *desk)
{
    protobuf_c_message_free_unpacked(request->message, &wiping);
    if (request->held_bytes > TRIM_MIN) {
        malloc_trim(0);
    }
    desk_release(desk, request->held_bytes);
    *request = (struct request){0};
}

static bool hold(struct request *request, struct desk *desk, uint64_t bytes, struct error *err)
{
    if (!desk_hold(desk, bytes, err)) {
        return false;
    }
    request->held_bytes += bytes;
    return true;
}

static bool unpack(struct request *request, struct desk *desk,
                   const ProtobufCMessageDescriptor *descriptor, const uint8_t *bytes,
                   size_t length, struct error *err)
{
    uint64_t memory = 0;

    if (!wire_check(descriptor, bytes, length, &memory, err) || !hold(request, desk, memory, err)) {
        return false;
    }
    request->message = protobuf_c_message_unpack(descriptor, &wiping, length, bytes);
    return request->message != NULL ||
           error_set(err, ERROR_MALFORMED, "could not read %s: it is malformed",
                     descriptor->short_name);
}

static void *allocate(void *context, size_t size)
{
    (void)context;
    return mem_alloc(size);
}

static void release(void *context, void *block)
{
    (void)context;
    if (block != NULL) {
        mem_wipe(block, malloc_usable_size(block));
        mem_free(block);
    }
}
