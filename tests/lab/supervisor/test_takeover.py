#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=120
# lab all: kernel=6.12,6.1 timeout=120
"""A supervisor that is killed loses no line of a worker, whatever it did with the line just then, and does not forget how
often a worker has ended."""

import os
import pathlib
import re
import signal
import time

import harness
import ptrace
import tap
from gadgets import TAKEN_OVER, await_log, await_status, gadget, log, odd, worker
from harness import down, kill, status, up
from tap import contains, eq, ok, test

harness.leaves_nothing()

# At each SIGUSR1 a worker with this program prints some lines; the last one is finished at the next signal.
TALKER = """
import os, signal
signal.pthread_sigmask(signal.SIG_BLOCK, [signal.SIGUSR1])
os.write(1, b"started\\n")
number = 0
while True:
    signal.sigwait([signal.SIGUSR1])
    os.write(1, b"".join(b"%d\\n" % (number + i) for i in range(5)) + b"%d" % (number + 5))
    signal.sigwait([signal.SIGUSR1])
    os.write(1, b"\\n")
    number += 6
"""
PROGRAM = pathlib.Path("/tmp/talker.py")


def talker():
    PROGRAM.write_text(TALKER)
    return gadget("x", worker(exec=["/usr/bin/python3", "-I", "-S", str(PROGRAM)], ready="started"))


def numbers():
    """Returns the numbers in the log. A line of ffsctl ends an unfinished line, whose end is then an empty line."""
    return [int(n) for n in re.findall(r" echo\| (\d+)$", log(), re.M)]


def stops(pid):
    """Waits until the traced process stops; returns False if it waits for an event instead."""
    for _ in range(100):
        if os.waitpid(pid, os.WNOHANG)[0]:
            return True
        time.sleep(0.001)
    return False


def killed_after(calls, cause):
    """Kills the supervisor when it has begun or ended so many system calls since cause(). Returns False if it did not need as
    many."""
    pid = status("x")[0]["supervisor"]
    ptrace.ptrace(ptrace.ATTACH, pid)
    os.waitpid(pid, 0)
    cause()
    time.sleep(0.01)  # the worker has printed
    there = True
    for _ in range(calls):
        ptrace.ptrace(ptrace.SYSCALL, pid)
        there = there and stops(pid)
        if not there:
            break
    kill(pid)
    return there


@test("killed at each system call while a worker prints: every line is there once, in order")
def every_line_once():
    path = talker()
    up(path)
    await_log("x", "started")
    calls, there = 0, True
    while there:
        calls += 1
        pid = status("x")[0]["functions"][0]["worker"]["pid"]
        there = killed_after(calls, lambda pid=pid: os.kill(pid, signal.SIGUSR1))
        up(path)
        want = list(range((calls + 1) // 2 * 6))
        await_status("x", lambda _, want=want: numbers()[-1:] == want[-1:] or not calls % 2, f"at {want[-1]}")
        eq(numbers(), want, f"after {calls} calls")
        for line in log().splitlines():
            ok(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S", line), f"after {calls} calls: {line!r}")
    ok(calls > 8, f"only {calls} calls")
    down("x")


def worker_is(state):
    return await_status("x", lambda g: g["functions"][0]["worker"]["state"] == state, f"with a worker {state}")[0]


def taken_over(path, now, *killed):
    for pid in (now["supervisor"], *killed):
        kill(pid)
    contains(up(path).stderr, TAKEN_OVER)


@test("a supervisor that is killed before each restart of a worker: the delays are as long, and restart_limit is reached")
def delays_and_limit():
    path = gadget("x", odd("notify", "bound", "exit", "1"))
    up(path)
    began, at = time.monotonic(), 0
    for restarts, delay in enumerate((1, 2, 4, 8, 16)):
        taken_over(path, worker_is("waiting"))
        at += delay
        eq(status("x")[0]["functions"][0]["worker"]["restarts"], restarts)
        time.sleep(max(0, began + at - 0.5 - time.monotonic()))
        eq(status("x")[0]["functions"][0]["worker"]["restarts"], restarts, f"{delay} s are not over")
        await_status("x", lambda g, n=restarts + 1: g["functions"][0]["worker"]["restarts"] == n, "restarted")
    await_status("x", lambda g: g["state"] == "failed", "failed")
    eq(re.findall(r"worker restarts in (\S+) s", log()), ["1", "2", "4", "8", "16"])
    contains(log(), "worker failed: it ended too often (restart_limit, restart_window)")
    down("x")


@test("a worker that ends while there is no supervisor, again and again, reaches restart_limit, too")
def ends_without_supervisor():
    path = gadget("x", odd("ready", "wait", restart_delay=0, restart_limit=3))
    up(path)
    for _ in range(3):
        now = worker_is("ready")
        taken_over(path, now, now["functions"][0]["worker"]["pid"])
    now = worker_is("ready")
    eq(now["functions"][0]["worker"]["restarts"], 3)
    taken_over(path, now, now["functions"][0]["worker"]["pid"])
    eq(worker_is("failed")["functions"][0]["worker"]["restarts"], 3)
    down("x")


tap.main()
