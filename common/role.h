/* How the supervisor and its children meet: what a child inherits, and what they tell each other.
 *
 * The supervisor forks and re-executes the same binary as
 *
 *     "weir: frontend"        role frontend [serve's options]
 *     "weir: worker 3"        role worker 3 LIFE [serve's options]
 *     "weir: worker express"  role worker express LIFE [serve's options]
 *
 * with descriptors at fixed numbers and two variables. Plain structs over a SOCK_SEQPACKET
 * pair: both ends are the same binary. */
#ifndef WEIR_COMMON_ROLE_H
#define WEIR_COMMON_ROLE_H

#include <stdatomic.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "common/attributes.h"
#include "common/error.h"
#include "common/limits.h"

enum {
    ROLE_CONTROL_FD = 3, /* a SOCK_SEQPACKET socket to the supervisor */
    ROLE_PAGES_FD = 4,   /* shared memory: struct role_pages */
    ROLE_LOCK_FD = 5,    /* the data folder's LOCK, held as long as any process has it */
    ROLE_SOCKET_FD = 6,  /* frontend: the first of the sockets that systemd listens on */
    ROLE_SOCKETS_MAX = 8,
    ROLE_DESCRIPTORS_END = ROLE_SOCKET_FD + ROLE_SOCKETS_MAX,
};

/* The folder of the sockets, 0700. */
#define ROLE_RUNTIME_VARIABLE "WEIR_RUNTIME_DIR_"

/* How many sockets systemd listens on. */
#define ROLE_SOCKETS_VARIABLE "WEIR_SOCKETS_"

/* What one worker shows to the others while it runs; written by the worker unless said otherwise.
 */
struct role_page {
    _Atomic uint64_t progress;  /* counts up while the worker works: rows, roughly */
    _Atomic uint64_t cancelled; /* written by the frontend: number of the job to stop, 0: none */
    _Atomic uint64_t job;       /* the job being worked on, 0: idle */
    _Atomic uint64_t file;     /* of the job's batch files the one being decoded, from 1; 0: none */
    _Atomic uint64_t finished; /* jobs but pings; counts up over all lives of the worker */
    uint64_t padding[3];       /* a page for each would waste memory, a cache line does not */
};

struct role_pages {
    struct role_page workers[LIMIT_WORKERS + 1]; /* the express worker is the last one in use */
};

/* How a worker ends whose table has a page that cannot be read: the disk gives an I/O error, or the
 * file was cut. As sysexits.h has it. */
enum {
    ROLE_EXIT_BAD_PAGE = 74
};

enum role_message_kind {
    /* From a child to the supervisor. */
    ROLE_READY,       /* it serves */
    ROLE_KILL_WORKER, /* frontend: this life of this worker hangs or must be replaced */
    ROLE_FATAL, /* it cannot start; `text` says why, then a line break and a hint or nothing */

    ROLE_ALIVE,    /* frontend, every ROLE_ALIVE_MS: it still serves; `text` says what it does */
    ROLE_RELOADED, /* frontend: what ROLE_RELOAD asked for is done, or was refused and logged */

    /* From the supervisor to the frontend. */
    ROLE_WORKER_READY,  /* this life of this worker listens on its socket */
    ROLE_WORKER_REAPED, /* this life of this worker is gone; `status` is waitpid's */
    ROLE_RELOAD,        /* read files again that may have changed */
    ROLE_STOP,          /* finish what runs within the grace period, then exit 0 */

    /* From the supervisor to a worker: ROLE_STOP means exit 0 after the running job. */
};

struct role_message {
    uint32_t kind;
    uint32_t worker; /* index; options.workers is the express worker */
    uint64_t life;   /* counts the starts of all workers, from 1 */
    int32_t status;
    char text[1024];
};

/* Sends one message; false if the other end is gone or takes none for ROLE_SEND_TIMEOUT_MS. */
MUST_CHECK bool role_send(int fd, const struct role_message *message);

/* Receives one message without waiting (poll first). 1: got it; 0: the other end is gone; -1:
 * nothing is there. */
MUST_CHECK int role_receive(int fd, struct role_message *message_out);

/* The socket address of a worker's life: "ipc://RUNTIME/worker-INDEX-LIFE". */
void role_worker_address(char *address, size_t size, const char *runtime_dir, uint32_t worker,
                         uint64_t life);

enum {
    ROLE_ADDRESS_MAX = 128, /* bytes of an address with its end mark */
    ROLE_ALIVE_MS = 1000,

    /* The supervisor sets it on every control socket: messages are few and small, so a child that
     * leaves its socket full for so long hangs. */
    ROLE_SEND_TIMEOUT_MS = 5000,
};

/* The shared pages behind ROLE_PAGES_FD, mapped as long as the process lives. NULL: *err says why.
 */
struct role_pages *role_pages_map(struct error *err);

#endif
