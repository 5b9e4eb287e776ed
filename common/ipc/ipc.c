/* Messages between frontend and worker over nng's pair0: one listener, one connection, no message
 * sent twice. (req0 would send a lost job again to whoever comes next.) */
#include "common/ipc/ipc.h"

#include <stdatomic.h>

#include <nng/nng.h>
#include <nng/protocol/pair0/pair.h>

#include "common/ipc/frame.h"
#include "common/limits.h"
#include "common/mem.h"

struct ipc {
    nng_socket socket;
    atomic_bool closed;
};

#if defined(__SANITIZE_ADDRESS__)
/* nng 1.5.2 loses the message that it is sending when the other end dies, and a process may end
 * before its thread has freed what was closed: no leaks of ours. */
const char *__lsan_default_suppressions(void);

const char *__lsan_default_suppressions(void)
{
    return "leak:nni_\n";
}
#endif

static bool open_socket(struct ipc **ipc_out, struct error *err);
static bool send_message(struct ipc *ipc, enum frame_kind kind, const ProtobufCMessage *packed,
                         struct error *err);
static bool receive_message(struct ipc *ipc, enum frame_kind kind, nng_msg **message_out,
                            const uint8_t **packed_out, size_t *length_out, struct error *err);
static bool check_message(nng_msg *message, enum frame_kind kind, struct error *err);
static bool fail(struct error *err, const char *what, int code);

bool ipc_listen(const char *address, struct ipc **ipc_out, struct error *err)
{
    OWNED(ipc_close) struct ipc *ipc = NULL;

    if (!open_socket(&ipc, err)) {
        return false;
    }

    int code = nng_listen(ipc->socket, address, NULL, 0);

    if (code != 0) {
        return fail(err, "could not listen on a worker's socket", code);
    }
    *ipc_out = MOVE(ipc);
    return true;
}

bool ipc_dial(const char *address, struct ipc **ipc_out, struct error *err)
{
    OWNED(ipc_close) struct ipc *ipc = NULL;

    if (!open_socket(&ipc, err)) {
        return false;
    }

    int code = nng_dial(ipc->socket, address, NULL, 0);

    if (code != 0) {
        return fail(err, "could not connect to a worker's socket", code);
    }
    *ipc_out = MOVE(ipc);
    return true;
}

bool ipc_receive_job(struct ipc *ipc, Weir__Job **job_out, struct error *err)
{
    nng_msg *message;
    const uint8_t *packed;
    size_t length;

    if (!receive_message(ipc, FRAME_JOB, &message, &packed, &length, err)) {
        return false;
    }

    Weir__Job *job = weir__job__unpack(NULL, length, packed);

    /* It holds the keys of batch files. */
    mem_wipe(nng_msg_body(message), nng_msg_len(message));
    nng_msg_free(message);
    if (job == NULL) {
        return error_set(err, ERROR_INTERNAL, "could not unpack a job");
    }
    *job_out = job;
    return true;
}

bool ipc_send_result(struct ipc *ipc, const Weir__Result *result, struct error *err)
{
    return send_message(ipc, FRAME_RESULT, &result->base, err);
}

bool ipc_send_job(struct ipc *ipc, const Weir__Job *job, struct error *err)
{
    return send_message(ipc, FRAME_JOB, &job->base, err);
}

bool ipc_receive_result(struct ipc *ipc, Weir__Result **result_out, struct error *err)
{
    nng_msg *message;
    const uint8_t *packed;
    size_t length;

    if (!receive_message(ipc, FRAME_RESULT, &message, &packed, &length, err)) {
        return false;
    }

    Weir__Result *result = weir__result__unpack(NULL, length, packed);

    nng_msg_free(message);
    if (result == NULL) {
        return error_set(err, ERROR_INTERNAL, "could not unpack a result");
    }
    *result_out = result;
    return true;
}

void ipc_interrupt(struct ipc *ipc)
{
    if (!atomic_exchange(&ipc->closed, true)) {
        nng_close(ipc->socket);
    }
}

void ipc_close(struct ipc **ipc)
{
    if (*ipc != NULL) {
        ipc_interrupt(*ipc);
        mem_free(*ipc);
        *ipc = NULL;
    }
}

static bool open_socket(struct ipc **ipc_out, struct error *err)
{
    OWNED(mem_release) struct ipc *ipc = mem_zero(sizeof *ipc);
    int code = nng_pair0_open(&ipc->socket);

    if (code != 0) {
        return fail(err, "could not make a socket", code);
    }
    *ipc_out = MOVE(ipc);
    code = nng_socket_set_size((*ipc_out)->socket, NNG_OPT_RECVMAXSZ,
                               LIMIT_IPC_MESSAGE_BYTES + FRAME_HEADER_BYTES);
    return code == 0 || fail(err, "could not set up a socket", code);
}

static bool send_message(struct ipc *ipc, enum frame_kind kind, const ProtobufCMessage *packed,
                         struct error *err)
{
    uint64_t length = protobuf_c_message_get_packed_size(packed);
    nng_msg *message;

    if (length > LIMIT_IPC_MESSAGE_BYTES) {
        return error_set(err, ERROR_LIMIT,
                         "a message between processes has %llu bytes, at most %llu are possible",
                         (unsigned long long)length, (unsigned long long)LIMIT_IPC_MESSAGE_BYTES);
    }

    int code = nng_msg_alloc(&message, (size_t)(FRAME_HEADER_BYTES + length));

    if (code != 0) {
        return fail(err, "could not make a message", code);
    }

    uint8_t *body = nng_msg_body(message);

    frame_write(body, kind, length);
    protobuf_c_message_pack(packed, body + FRAME_HEADER_BYTES);
    code = nng_sendmsg(ipc->socket, message, 0);
    if (code != 0) {
        nng_msg_free(message);
        return fail(err, "could not send a message", code);
    }
    return true;
}

static bool receive_message(struct ipc *ipc, enum frame_kind kind, nng_msg **message_out,
                            const uint8_t **packed_out, size_t *length_out, struct error *err)
{
    nng_msg *message;
    int code = nng_recvmsg(ipc->socket, &message, 0);

    if (code != 0) {
        return fail(err, "could not receive a message", code);
    }
    if (!check_message(message, kind, err)) {
        nng_msg_free(message);
        return false;
    }
    *message_out = message;
    *packed_out = (const uint8_t *)nng_msg_body(message) + FRAME_HEADER_BYTES;
    *length_out = nng_msg_len(message) - FRAME_HEADER_BYTES;
    return true;
}

static bool check_message(nng_msg *message, enum frame_kind kind, struct error *err)
{
    if (frame_check(nng_msg_body(message), nng_msg_len(message), kind)) {
        return true;
    }
    return error_set(err, ERROR_INTERNAL, "a message between processes is none of ours");
}

static bool fail(struct error *err, const char *what, int code)
{
    return error_set(err, ERROR_UNAVAILABLE, "%s: %s", what, nng_strerror(code));
}
