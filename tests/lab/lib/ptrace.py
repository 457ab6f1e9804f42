# SPDX-License-Identifier: GPL-2.0-or-later
"""Stops other processes at selected system calls, with ptrace(2), on x86-64 and i386."""

import contextlib
import ctypes
import math
import os
import signal
import subprocess

from tap import eq, ok

TRACEME, CONT, GETREGS, ATTACH, DETACH, SYSCALL = 0, 7, 12, 16, 17, 24  # <sys/ptrace.h>
SETOPTIONS, GETEVENTMSG, SEIZE = 0x4200, 0x4201, 0x4206
TRACESYSGOOD, TRACEFORK, TRACEVFORK, TRACECLONE, TRACEEXIT = 0x1, 0x2, 0x4, 0x8, 0x40
WALL = 0x40000000  # __WALL of <sys/wait.h>
# Number of the system call, and the indices in the registers of orig_rax and rsi, or of orig_eax and ecx
OPENAT = (295, 11, 1) if os.uname().machine == "i686" else (257, 15, 13)
SYS_PIDFD_GETFD = 438  # on all architectures
LIBC = ctypes.CDLL(None, use_errno=True)


def ptrace(request, pid, data=None):
    eq(LIBC.ptrace(request, pid, None, data), 0, f"ptrace({request:#x}): {os.strerror(ctypes.get_errno())}\n")


def pidfd_getfd(pidfd, fd):
    """Returns a copy of a file descriptor of another process."""
    copy = LIBC.syscall(SYS_PIDFD_GETFD, pidfd, fd, 0)
    ok(copy >= 0, f"pidfd_getfd({fd}): {os.strerror(ctypes.get_errno())}\n")
    return copy


@contextlib.contextmanager
def stopped_before_opening(pid, path, cause, times=1):
    """Calls cause(), and stops the process before it opens the file for the `times`-th time. Then runs the body of the
    `with` statement, and lets the process continue."""
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
    """In the body of the `with` statement no signal ends the process, not even SIGKILL: the process behaves as if it hung
    in the kernel."""
    ptrace(SEIZE, pid, TRACEEXIT)
    try:
        yield
    finally:
        # The body of the `with` statement has killed the process. The killed process waits in do_exit() until its tracer,
        # this program, lets it continue. Until then the kernel drops all further signals that are sent to the killed
        # process (prepare_signal()).
        os.waitpid(pid, 0)
        ptrace(DETACH, pid)


def run_child(args, calls, **options):
    """Starts a program, and stops its first child after `calls` system calls, or when the program has ended. Returns
    the program (Popen) and the pid of the child, which is stopped and traced by this process. The pid is None if there is
    no such child: the program has ended without a child, or the child has ended before it was stopped."""
    process = subprocess.Popen(args, preexec_fn=lambda: LIBC.ptrace(TRACEME, 0, None, None), **options)

    def ended(status):
        process.returncode = os.waitstatus_to_exitcode(status)

    os.waitpid(process.pid, 0)  # at exec
    ptrace(SETOPTIONS, process.pid, TRACEFORK | TRACEVFORK | TRACECLONE)
    status = 0
    while not status >> 16:
        ptrace(CONT, process.pid, os.WSTOPSIG(status) if status and os.WSTOPSIG(status) != signal.SIGTRAP else 0)
        _, status = os.waitpid(process.pid, 0)
        if not os.WIFSTOPPED(status):
            ended(status)
            return process, None
    number = ctypes.c_ulong()
    ptrace(GETEVENTMSG, process.pid, ctypes.byref(number))
    child = number.value
    os.waitpid(child, WALL)
    ptrace(SETOPTIONS, child, TRACESYSGOOD)  # the children of the child are not traced
    ptrace(DETACH, process.pid)

    stops, limit, pending = 0, 2 * calls, 0  # the child stops at the entry and at the exit of each call
    while stops < limit:
        ptrace(SYSCALL, child, pending)
        # Wait for the child or the program: a child that waits for an event in a system call does not reach its next
        # stop, and the program may end meanwhile
        pid, status = os.waitpid(-1, WALL)
        if pid == process.pid:
            ended(status)
            os.kill(child, signal.SIGSTOP)
            limit = math.inf
            _, status = os.waitpid(child, WALL)
        if not os.WIFSTOPPED(status):
            return process, None
        pending = os.WSTOPSIG(status)
        if pending == signal.SIGSTOP:
            break
        if pending == signal.SIGTRAP | 0x80:
            pending = 0
            stops += 1
    return process, child
