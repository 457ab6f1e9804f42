# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=30
# lab all: kernel=6.12,6.1 timeout=30
"""The processes that a worker has started end with it, even if their parents have ended. Processes that others have
started do not end, whatever their environment contains. A process that cannot be ended makes nobody wait for ever."""

import contextlib
import os
import pathlib
import subprocess
import time

import harness
import tap
from gadgets import AT_ONCE, LOOPBACK, await_state, await_status, gadget, log, odd, session
from harness import FFSCTL, down, ffsctl, kill, must, stat_of, status, up
from ptrace import hangs_when_killed
from tap import at_most, contains, eq, ok, test

harness.leaves_nothing()

RUN = pathlib.Path("/run/ffsctl/x")
KILL_TIMEOUT_SECONDS = 5  # src/function/kill_processes.h


def the_worker():
    return status("x")[0]["functions"][0]["worker"]


def sleepers():
    """Returns the processes that a worker has started: the naked daemon of odd_worker has neither its environment nor
    its session."""
    return sorted(pid for pid, name in harness.processes().items() if name == "sleep")


def take_over(path):
    kill(status("x")[0]["supervisor"])
    up(path)
    await_state("x", "ready")


@contextlib.contextmanager
def strangers(n=30):
    """Starts processes of two users whose environments look like a worker's."""
    environment = {**os.environ, "FFSCTL_GADGET": "x", "FFSCTL_FUNCTION": "echo"}
    them = [subprocess.Popen(["/bin/sleep", "100000"], env=environment, user=user, start_new_session=user != 0)
            for user in (0, 1000) for _ in range(n)]
    try:
        yield [process.pid for process in them]
        eq([process.poll() for process in them], [None] * len(them), "strangers")
    finally:
        for process in them:
            process.kill()
            process.wait()


@test("who only says that he was a worker's is let live, and delays nobody: restart, down, up, after a take-over")
def pretender_is_let_live():
    path = gadget("x", LOOPBACK)
    up(path)
    take_over(path)
    with strangers():
        begun = time.monotonic()
        for _ in range(2):
            must(ffsctl("restart", "x"))
        down("x")
        up(path)
        kill(status("x")[0]["supervisor"])
        down("x")
        # In virtual time work is no time, and nothing waits for them
        ok(time.monotonic() - begun < at_most(KILL_TIMEOUT_SECONDS), time.monotonic() - begun)


for how in ("its supervisor", "one that took it over", "down"):
    for user in (None, "nobody"):
        @test(f"a daemon without environment, in a session of its own, ends with its worker: by {how}; user {user}",
              how, user)
        def daemon_ends_with_worker(how, user):
            settings = {"user": user} if user else {}
            path = gadget("x", {"echo": odd("children", "daemon", "naked-daemon", "ready", "wait", **AT_ONCE, **settings),
                                "other": odd("naked-daemon", "ready", "wait", **settings)})
            up(path)
            first, other = the_worker()["pid"], status("x")[0]["functions"][1]["worker"]["pid"]
            if how == "one that took it over":
                take_over(path)
            before = sleepers()
            eq(len(before), 2, "daemons")
            if how == "down":
                kill(status("x")[0]["supervisor"])
            else:
                must(ffsctl("restart", "x", "echo"))
                ok(the_worker()["pid"] != first)
                eq(len(sleepers()), 2, "daemons")
                eq(len(set(before) & set(sleepers())), 1, "daemon of the other worker")
                eq(status("x")[0]["functions"][1]["worker"]["pid"], other)
            down("x")
            eq(sleepers(), [])


@test("a worker with a user that others have as well: what is in its session, by one that took it over and by down")
def shared_user_session():
    path = gadget("x", odd("children", "ready", "wait", user="nobody", **AT_ONCE))
    up(path)
    with subprocess.Popen(["/bin/sleep", "100000"], user="nobody") as stranger:
        for command in (["restart", "x"], ["down", "x"]):
            mine = session(the_worker()["pid"])
            eq(len(mine), 3, "the worker and its children")
            kill(status("x")[0]["supervisor"])
            if command[0] == "restart":
                up(path)
            must(ffsctl(*command))
            eq([pid for pid in mine if pid in harness.processes()], [])
        eq(stranger.poll(), None)
        stranger.kill()


@test("another process that has got the number of a dead worker is let live")
def reused_process_id():
    path = gadget("x", odd("ready", "wait", user="nobody", **AT_ONCE))
    up(path)
    worker = the_worker()["pid"]
    note = RUN / "worker-echo"
    pid, ticks = os.readlink(note).split()
    eq(int(pid), worker)
    began = int(stat_of(worker)[1][19])
    ok(began <= int(ticks) <= began + 100, f"{began} {ticks}")
    time.sleep(1)
    with subprocess.Popen(["/bin/sleep", "100000"], start_new_session=True) as stranger:
        kill(status("x")[0]["supervisor"])
        kill(worker)
        note.unlink()
        note.symlink_to(f"{stranger.pid} {ticks}")
        down("x")
        eq(stranger.poll(), None)
        stranger.kill()


@test("a process of a worker that does not end: the next one starts after a while, and commands are answered meanwhile")
def unkillable_child_delays_next_worker():
    up(gadget("x", odd("children", "ready", "wait", **AT_ONCE)))
    first = the_worker()["pid"]
    child = next(pid for pid in session(first) if pid != first)
    with hangs_when_killed(child):
        begun = time.monotonic()
        kill(first)
        shown, _ = await_status("x", lambda g: g["functions"][0]["worker"]["last_exit"], "without worker")
        eq((shown["state"], shown["problems"]), ("degraded", [
            {"severity": "warning", "text": "echo: the worker has ended: signal 9 (Killed)"}]))
        must(ffsctl("status", "x", "-o", "udc"), 1)
        must(ffsctl("unbind", "x"))
        must(ffsctl("bind", "x"))
        ok(the_worker()["pid"] not in (None, first))
        waited = time.monotonic() - begun
        ok(KILL_TIMEOUT_SECONDS <= waited < at_most(KILL_TIMEOUT_SECONDS + 1), waited)
        contains(log("x"), f"a process that the worker has started does not end: odd_worker (pid {child})")
    down("x")


@test("a keeper that does not end: down says so after a while, and answers meanwhile; the next one removes the rest")
def unkillable_keeper():
    up(gadget("x", LOOPBACK))
    keeper = status("x")[0]["functions"][0]["keeper"]
    with hangs_when_killed(keeper):
        begun = time.monotonic()
        with subprocess.Popen([FFSCTL, "down", "x"], stderr=subprocess.PIPE, text=True) as going:
            await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "stopped", "going down")
            eq(going.wait(60), 71)
            contains(going.stderr.read(), f"the keeper of 'echo' (pid {keeper}) does not end")
        waited = time.monotonic() - begun
        ok(KILL_TIMEOUT_SECONDS <= waited < at_most(2 * KILL_TIMEOUT_SECONDS + 1), waited)
    down("x")


@test("down without a supervisor, of a worker's process that does not end")
def unkillable_child_without_supervisor():
    up(gadget("x", odd("children", "ready", "wait", **AT_ONCE)))
    first = the_worker()["pid"]
    child = next(pid for pid in session(first) if pid != first)
    kill(status("x")[0]["supervisor"])
    with hangs_when_killed(child):
        result = must(ffsctl("down", "x"), 71)
        contains(result.stderr, f"a process that the worker of 'echo' has started does not end: odd_worker (pid {child})")
    must(ffsctl("down", "x"))


tap.main()
