# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12
# lab qemu: no, it measures times of seconds
"""`watchdog`: a worker that hangs is killed in time and restarted. A worker that answers is not killed, even if
nothing happens for a long time."""

import os
import signal
import time

import harness
import tap
from gadgets import AT_ONCE, await_state, await_status, gadget, odd, worker
from harness import down, ffsctl, kill, must, status, up, wait_dead
from tap import contains, eq, ok, test

harness.leaves_nothing()

KILLED = "the worker did not answer for 4 s (watchdog): killed"


def worker_of(name):
    return status(name)[0]["functions"][0]["worker"]


def is_killed(name, pid, since, heard=0.0):
    """Four seconds after it was last heard of, which may be so many seconds before `since`, or when that is looked
    at, two seconds later."""
    wait_dead(pid)
    took = time.monotonic() - since
    ok(3.9 - heard <= took <= 6.2, f"it took {took} s")
    await_status(name, lambda g: g["state"] == "ready" and g["functions"][0]["worker"]["pid"] != pid, "ready again")
    eq(worker_of(name)["last_exit"], "signal 9 (Killed)")
    contains(must(ffsctl("log", name)).stdout, KILLED)


@test("a plugin answers for an hour; stopped, it is killed, and the next one serves")
def stopped_plugin_is_killed():
    up(gadget("x", worker(plugin="loopback", watchdog=4, **AT_ONCE)))
    time.sleep(3600)
    eq((status("x")[1], worker_of("x")["restarts"]), (0, 0))
    pid = worker_of("x")["pid"]
    os.kill(pid, signal.SIGSTOP)
    is_killed("x", pid, time.monotonic(), heard=2.0)
    eq(worker_of("x")["restarts"], 1)
    down("x")


@test("a program that answers nothing is killed; one that sends WATCHDOG=1 is not")
def silent_program_is_killed():
    up(gadget("x", {"silent": odd("ready", "wait", watchdog=4, **AT_ONCE), "beating": odd("notify", "beat", 1, watchdog=4)}))
    is_killed("x", worker_of("x")["pid"], time.monotonic())
    time.sleep(30)
    eq(status("x")[0]["functions"][1]["worker"]["restarts"], 0)
    ok(worker_of("x")["restarts"] >= 5, "it is not watched any more")
    down("x")


@test("reload turns it on and off; a supervisor that takes over goes on to watch")
def reload_and_takeover_keep_watching():
    path = gadget("x", worker(plugin="loopback", **AT_ONCE))
    up(path)
    pid = worker_of("x")["pid"]
    os.kill(pid, signal.SIGSTOP)
    time.sleep(100)
    eq(worker_of("x")["restarts"], 0)
    os.kill(pid, signal.SIGCONT)
    must(ffsctl("reload", gadget("x", worker(plugin="loopback", watchdog=4, **AT_ONCE))))
    eq(worker_of("x")["pid"], pid)
    os.kill(pid, signal.SIGSTOP)
    is_killed("x", pid, time.monotonic(), heard=2.0)
    kill(status("x")[0]["supervisor"])
    up(path)
    pid = await_state("x", "ready")[0]["functions"][0]["worker"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    wait_dead(pid)
    eq(must(ffsctl("log", "x")).stdout.count(KILLED), 2)
    must(ffsctl("reload", gadget("x", worker(plugin="loopback", **AT_ONCE))))
    pid = await_state("x", "ready")[0]["functions"][0]["worker"]["pid"]
    os.kill(pid, signal.SIGSTOP)
    time.sleep(100)
    eq(worker_of("x")["pid"], pid)
    os.kill(pid, signal.SIGCONT)
    down("x")


tap.main()
