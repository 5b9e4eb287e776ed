/* seccomp: which system calls a process can still make. A call that was taken away fails with
 * EPERM, as for a user without the right, so that a library that merely tries goes on. */
#include <errno.h>
#include <sched.h>
#include <sys/socket.h>
#include <unistd.h>

#include <seccomp.h>

#include "common/confine/confine_internal.h"

/* What neither role ever does: become another program or user, look into other processes, change
 * the machine, use wide and young interfaces of the kernel. */
static const int never[] = {
    SCMP_SYS(execve),
    SCMP_SYS(execveat),
    SCMP_SYS(fork),
    SCMP_SYS(vfork),
    /* other users, other rights */
    SCMP_SYS(setuid),
    SCMP_SYS(setgid),
    SCMP_SYS(setreuid),
    SCMP_SYS(setregid),
    SCMP_SYS(setresuid),
    SCMP_SYS(setresgid),
    SCMP_SYS(setfsuid),
    SCMP_SYS(setfsgid),
    SCMP_SYS(setgroups),
    SCMP_SYS(capset),
    SCMP_SYS(keyctl),
    SCMP_SYS(add_key),
    SCMP_SYS(request_key),
    /* other processes */
    SCMP_SYS(kill),
    SCMP_SYS(tkill),
    SCMP_SYS(rt_sigqueueinfo),
    SCMP_SYS(rt_tgsigqueueinfo),
    SCMP_SYS(ptrace),
    SCMP_SYS(process_vm_readv),
    SCMP_SYS(process_vm_writev),
    SCMP_SYS(kcmp),
    SCMP_SYS(pidfd_open),
    SCMP_SYS(pidfd_getfd),
    SCMP_SYS(pidfd_send_signal),
    SCMP_SYS(perf_event_open),
    /* the machine */
    SCMP_SYS(mount),
    SCMP_SYS(umount2),
    SCMP_SYS(pivot_root),
    SCMP_SYS(chroot),
    SCMP_SYS(unshare),
    SCMP_SYS(setns),
    SCMP_SYS(mknod),
    SCMP_SYS(mknodat),
    SCMP_SYS(swapon),
    SCMP_SYS(swapoff),
    SCMP_SYS(reboot),
    SCMP_SYS(kexec_load),
    SCMP_SYS(kexec_file_load),
    SCMP_SYS(init_module),
    SCMP_SYS(finit_module),
    SCMP_SYS(delete_module),
    SCMP_SYS(acct),
    SCMP_SYS(quotactl),
    SCMP_SYS(sethostname),
    SCMP_SYS(setdomainname),
    SCMP_SYS(settimeofday),
    SCMP_SYS(clock_settime),
    SCMP_SYS(adjtimex),
    SCMP_SYS(clock_adjtime),
    SCMP_SYS(iopl),
    SCMP_SYS(ioperm),
    SCMP_SYS(syslog),
    SCMP_SYS(fanotify_init),
    SCMP_SYS(open_by_handle_at),
    SCMP_SYS(move_mount),
    SCMP_SYS(open_tree),
    SCMP_SYS(fsopen),
    SCMP_SYS(fsconfig),
    SCMP_SYS(fsmount),
    SCMP_SYS(fspick),
    /* wide and young */
    SCMP_SYS(bpf),
    SCMP_SYS(userfaultfd),
    SCMP_SYS(io_uring_setup),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(personality),
    SCMP_SYS(modify_ldt),
    SCMP_SYS(vmsplice),
};

/* What a worker no longer needs once its socket listens: it only accepts. */
static const int sockets[] = {
    SCMP_SYS(socket), SCMP_SYS(socketpair), SCMP_SYS(connect), SCMP_SYS(bind), SCMP_SYS(listen),
};

static bool load(scmp_filter_ctx filter, bool made, struct error *err);
static bool deny_all(scmp_filter_ctx filter, const int *calls, size_t count);
static bool deny_processes(scmp_filter_ctx filter);
static bool deny_others(scmp_filter_ctx filter);
static bool deny_families(scmp_filter_ctx filter, bool network);

bool confine_calls_begin(enum confine_role role, struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);

    return load(filter,
                filter != NULL && deny_all(filter, never, sizeof never / sizeof never[0]) &&
                    deny_processes(filter) && deny_others(filter) &&
                    deny_families(filter, role == CONFINE_FRONTEND),
                err);
}

bool confine_calls_end(enum confine_role role, struct error *err)
{
    scmp_filter_ctx filter = seccomp_init(SCMP_ACT_ALLOW);
    bool made = filter != NULL;

    if (made && role == CONFINE_WORKER) {
        made = deny_all(filter, sockets, sizeof sockets / sizeof sockets[0]);
    } else if (made) {
        made = deny_families(filter, false);
    }
    return load(filter, made, err);
}

/* For all threads that there are, and releases the filter. */
static bool load(scmp_filter_ctx filter, bool made, struct error *err)
{
    int result = 0;

    if (filter == NULL) {
        return error_set(err, ERROR_UNSUPPORTED, "no filter for system calls could be made");
    }
    made = made && seccomp_attr_set(filter, SCMP_FLTATR_CTL_TSYNC, 1) == 0;
    if (made) {
        (void)seccomp_attr_set(filter, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a tree, not a list */
        result = seccomp_load(filter);
    }
    seccomp_release(filter);
    if (!made || result != 0) {
        errno = -result;
        return error_set_errno(err, ERROR_INTERNAL,
                               "could not limit the system calls of a process");
    }
    return true;
}

/* A call that this machine's kind does not have needs no denying. */
static bool deny_all(scmp_filter_ctx filter, const int *calls, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        int result = seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), calls[i], 0);

        if (result != 0 && result != -EDOM) {
            return false;
        }
    }
    return true;
}

/* Threads are made, processes are not. clone3 hides its flags behind a pointer; without it the C
 * library uses clone. */
static bool deny_processes(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(ENOSYS), SCMP_SYS(clone3), 0) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, CLONE_THREAD, 0)) == 0;
}

/* What a process may do to itself alone: abort() signals a thread of its own, and the C library
 * reads limits so. */
static bool deny_others(scmp_filter_ctx filter)
{
    return seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(tgkill), 1,
                            SCMP_A0(SCMP_CMP_NE, (scmp_datum_t)getpid(), 0)) == 0 &&
           seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(prlimit64), 1,
                            SCMP_A0(SCMP_CMP_NE, 0, 0)) == 0;
}

/* Between processes a socket is AF_UNIX; clients come by AF_INET and AF_INET6. */
static bool deny_families(scmp_filter_ctx filter, bool network)
{
    static const unsigned families[] = {AF_UNIX, AF_INET, AF_INET6};
    size_t allowed = network ? 3 : 1;
    bool done = true;

    /* The families stand in order of their numbers: what lies between them and beyond is denied. */
    for (unsigned family = 0; family <= AF_INET6 && done; family++) {
        bool denied = true;

        for (size_t i = 0; i < allowed; i++) {
            denied = denied && family != families[i];
        }
        done = !denied || seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                           SCMP_A0(SCMP_CMP_EQ, family, 0)) == 0;
    }
    return done && seccomp_rule_add(filter, SCMP_ACT_ERRNO(EPERM), SCMP_SYS(socket), 1,
                                    SCMP_A0(SCMP_CMP_GT, AF_INET6, 0)) == 0;
}
