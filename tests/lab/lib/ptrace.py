# SPDX-License-Identifier: GPL-2.0-or-later
"""Stops other processes at given system calls, with ptrace(2), on x86-64."""

import contextlib
import ctypes
import os

from tap import eq

GETREGS, ATTACH, DETACH, SYSCALL, SEIZE = 12, 16, 17, 24, 0x4206  # <sys/ptrace.h>
TRACEEXIT = 0x40
OPENAT = (257, 15, 13)  # number of the system call, and the indices of orig_rax and rsi in the registers
LIBC = ctypes.CDLL(None, use_errno=True)


def ptrace(request, pid, data=None):
    eq(LIBC.ptrace(request, pid, None, data), 0, f"ptrace({request:#x}): {os.strerror(ctypes.get_errno())}\n")


@contextlib.contextmanager
def opening(pid, path, cause, times=1):
    """Calls cause(), stops the process when it is about to open the file for the `times`-th time, runs the block,
    and then lets the process continue."""
    registers = (ctypes.c_ulong * 27)()

    def is_there():
        number, at, second = OPENAT
        ptrace(GETREGS, pid, registers)
        if registers[at] != number:
            return False
        memory.seek(registers[second])
        return memory.read(len(path) + 1) == path.encode() + b"\0"

    def step():
        ptrace(SYSCALL, pid)
        os.waitpid(pid, 0)

    with open(f"/proc/{pid}/mem", "rb", buffering=0) as memory:
        ptrace(ATTACH, pid)
        os.waitpid(pid, 0)
        cause()
        while True:
            if is_there():
                times -= 1
                if times == 0:
                    break
                step()  # to the end of the system call
            step()
        yield
        ptrace(DETACH, pid)


@contextlib.contextmanager
def hangs_when_killed(pid):
    """During the block the process does not end, whatever signals it gets, like a process that hangs in the kernel."""
    ptrace(SEIZE, pid, TRACEEXIT)
    try:
        yield
    finally:
        # The process was killed: it waits for its tracer in do_exit(), and later signals are dropped (prepare_signal).
        os.waitpid(pid, 0)
        ptrace(DETACH, pid)
