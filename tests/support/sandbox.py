"""Runs a command that cannot make a system call, by a seccomp filter as of sandboxes.

usage: sandbox.py <number of the call> <command> [arguments]

A program of its own: a test's process must not fork, since gRPC waits there for its threads to be
idle, which may be never.
"""
import ctypes
import errno
import os
import struct
import sys

# The same numbers on all machines.
OPENAT2 = 437
LANDLOCK_CREATE_RULESET = 444

SET_NO_NEW_PRIVILEGES, SET_SECCOMP, MODE_FILTER = 38, 22, 2
LOAD, JUMP_IF_EQUAL, RETURN = 0x20, 0x15, 0x06
ALLOW, FAIL = 0x7fff0000, 0x00050000


def without(call):
    """What to put in front of a command."""
    return [sys.executable, "-B", __file__, str(call)]


def forbid(call):
    """Makes that call fail with ENOSYS, as a kernel does that lacks it, from here on."""
    steps = [(LOAD, 0, 0, 0), (JUMP_IF_EQUAL, 0, 1, call), (RETURN, 0, 0, FAIL | errno.ENOSYS),
             (RETURN, 0, 0, ALLOW)]
    program = ctypes.create_string_buffer(b"".join(struct.pack("HBBI", *step) for step in steps))
    header = struct.pack("HP", len(steps), ctypes.addressof(program))
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.prctl(SET_NO_NEW_PRIVILEGES, 1, 0, 0, 0) != 0 or \
            libc.prctl(SET_SECCOMP, MODE_FILTER, header, 0, 0) != 0:
        raise OSError(ctypes.get_errno(), "no filter could be set")


if __name__ == "__main__":
    forbid(int(sys.argv[1]))
    os.execvp(sys.argv[2], sys.argv[2:])
