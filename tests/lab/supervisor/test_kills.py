# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
"""SIGKILL of `up`, supervisor, keeper and worker while data flows, and workers that do not end: `status` is correct at
once, `down` removes everything, and a second `up` works."""

import contextlib
import os
import pathlib
import signal
import subprocess

import harness
import ptrace
import tap
from gadgets import (AT_ONCE, LOOPBACK, ODD_WORKER, Fifo, await_state, await_status, finish, gadget, odd,
                     processes_of, start, traffic, worker)
from harness import FFSCTL, devnums, down, ffsctl, kill, must, status, up, wait_dead
from tap import contains, eq, ok, rounds, test

TIMES = rounds(6, 25, 50)

before = harness.leaves_nothing()


def echo_is_right(path):
    up(path, "--wait-host")
    with traffic() as t:
        t.more(10)
    down(path)


# --- up ------------------------------------------------------------------------------------------


@test("up is killed while a worker gets ready: the supervisor undoes all by itself")
def up_killed_worker_not_ready():
    told = Fifo()
    path = gadget("slow", odd("tell", told.path, "wait"))
    front = start("up", path)
    told.wait()
    now, code = status("slow")
    eq((now["state"], code), ("starting", 1))
    front.kill()
    finish(front)
    wait_dead(now["supervisor"])
    eq(status("slow"), (None, 3))


@test("up is killed, and the next up wins")
def up_killed_next_up_wins():
    told = Fifo()
    front = start("up", gadget("slow", odd("tell", told.path, "wait")))
    told.wait()
    supervisor = status("slow")[0]["supervisor"]
    front.kill()
    finish(front)
    # It is going down: who comes now either waits for that or is told who is busy.
    result = ffsctl("up", gadget("slow", LOOPBACK))
    if result.returncode != 0:
        eq(result.returncode, 73, result.stderr)
        contains(result.stderr, f"(pid {supervisor})")
    wait_dead(supervisor)
    up(gadget("slow", LOOPBACK))
    eq(status("slow")[1], 0)
    down("slow")


@test("up is killed at any moment: down cleans up")
def up_killed_at_any_moment():
    path = gadget("early", {"a": LOOPBACK, "b": odd("ready", "stop")})
    for calls in range(0, 840, rounds(84, 56, 28)):  # until it is up: about 820 system calls
        command, supervisor = ptrace.run_child([FFSCTL, "up", path], calls, stderr=subprocess.PIPE)
        ok(supervisor, f"no supervisor after {calls} calls")
        command.kill()
        ptrace.ptrace(ptrace.DETACH, supervisor)
        finish(command)
        ok(status("early")[1] in (0, 1, 3))
        down("early")
        wait_dead(supervisor)
        harness.check_same_snapshots(before, harness.snapshot())


# --- supervisor and keeper --------------------------------------------------------------------------


def kill_supervisor(path, name):
    """Of one whose keepers do not wait for the next; test_adopt.py has those that do."""
    up(path, "--wait-host", "--hold", "0")
    with traffic() as t:
        now, _ = status(name)
        kill(now["supervisor"])
        wait_dead(now["functions"][0]["keeper"])
        after, code = status(name)
        eq((after["state"], after["supervisor"], code), ("degraded", None, 1))
        contains(after["problems"][0]["text"], f"'ffsctl down {name}' removes what is left")
        eq(after["functions"][0]["worker"]["state"], "stopped")
        t.thread.join(60)  # the device was removed
        ok(t.gone, "the device is still there")
    return now


@test("the supervisor is killed while data flows: down cleans up, up works")
def supervisor_killed_then_down():
    path = gadget("flow", LOOPBACK)
    kill_supervisor(path, "flow")
    contains(down("flow").stderr, "its supervisor had died; cleared what it left")
    echo_is_right(path)


@test("the supervisor is killed while data flows: up clears what is left and works")
def supervisor_killed_then_up():
    path = gadget("flow", LOOPBACK)
    kill_supervisor(path, "flow")
    contains(up(path, "--wait-host").stderr, "flow: clearing what a dead supervisor has left")
    with traffic() as t:
        t.more(10)
    down(path)


@test("the supervisor is killed, with --hold 0: keeper and worker end at once")
def supervisor_killed_hold_zero():
    up(gadget("flow", LOOPBACK), "--hold", "0")
    now, _ = status("flow")
    function = now["functions"][0]
    kill(now["supervisor"])
    wait_dead(function["keeper"])
    wait_dead(function["worker"]["pid"])
    eq(pathlib.Path(harness.CONFIGFS, "flow/UDC").read_text().strip(), "", "UDC")
    down("flow")


def kill_keeper(path, name):
    up(path, "--wait-host")
    with traffic() as t:
        now, _ = status(name)
        kill(now["functions"][0]["keeper"])
        after, code = status(name)
        ok(after["state"] in ("degraded", "failed"), after["state"])
        eq(code, 1)
        wait_dead(now["functions"][0]["worker"]["pid"])
        t.thread.join(60)
        ok(t.gone, "the device is still there")
    after, code = await_state(name, "failed")
    eq((code, after["supervisor"]), (1, now["supervisor"]))
    contains(after["problems"][0]["text"], "the keeper of 'echo' has died, so the function does not work any more")


@test("the keeper is killed while data flows: failed, nothing is removed, down cleans up, up works")
def keeper_killed_then_down():
    path = gadget("flow", LOOPBACK)
    kill_keeper(path, "flow")
    ok(os.path.isdir(f"{harness.CONFIGFS}/flow"))
    ok(os.path.ismount("/dev/ffs/flow/echo"))
    down("flow")
    echo_is_right(path)


@test("the keeper is killed while data flows: up takes the failed one down first and works")
def keeper_killed_then_up():
    path = gadget("flow", LOOPBACK)
    kill_keeper(path, "flow")
    contains(up(path, "--wait-host").stderr, "flow: has failed; taking it down first")
    with traffic() as t:
        t.more(10)
    down(path)


@test("all processes of a gadget are killed at once")
def all_killed_at_once():
    up(gadget("flow", LOOPBACK), "--wait-host")
    with traffic():
        now, _ = status("flow")
        pids = [now["supervisor"], now["functions"][0]["keeper"], now["functions"][0]["worker"]["pid"]]
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):  # the end of the first process ends others, too
                os.kill(pid, signal.SIGKILL)
        for pid in pids:
            wait_dead(pid)
    eq(status("flow")[1], 1)
    down("flow")
    echo_is_right(gadget("flow", LOOPBACK))


# --- workers ---------------------------------------------------------------------------------------

WORKERS = {
    "a plugin": worker(plugin="loopback", **AT_ONCE),
    "a plugin that holds": worker(plugin="loopback", on_crash="hold", **AT_ONCE),
    "a program": worker(exec=["blocking-echo"], ready="started", **AT_ONCE),
}


def kill_worker_often(group):
    up(gadget("flow", group), "--wait-host")
    numbers = devnums()
    # With "hold" nothing tells the host that an answer is lost, and what is left of a message is
    # taken for the next one: so it is a single packet.
    with traffic(size=500, timeout=200 if "hold" in group else 2000) as t:
        for i in range(TIMES):
            t.pause = 0.1  # a program counts as ready half a second after its start
            now, _ = await_state("flow", "ready")
            t.pause = 0
            t.more(2)
            pid = now["functions"][0]["worker"]["pid"]
            eq(now["functions"][0]["worker"]["restarts"], i)
            kill(pid)
            # The status is correct at once: the old worker no longer exists.
            after, code = status("flow")
            ok(after["functions"][0]["worker"]["pid"] != pid, "status shows the dead worker")
            eq(code, 0 if after["state"] == "ready" else 1)
            t.more(2)
    eq(devnums(), numbers, "devices")
    last, _ = await_state("flow", "ready")
    eq(last["functions"][0]["worker"]["last_exit"], "signal 9 (Killed)")
    down("flow")


for kind, text in WORKERS.items():
    test(f"{kind} is killed {TIMES} times while data flows: no disconnect, all that follows is right",
         text)(kill_worker_often)


# --- workers that do not want to end -----------------------------------------------------------------

ODD = {
    "has children": ["children"],
    "has a daemon": ["daemon"],
    "has a daemon without its environment": ["naked-daemon"],
    "has all of them, and ignores SIGTERM": ["children", "daemon", "naked-daemon", "deaf"],
    "floods its output": ["flood"],
    "closes control": ["shut"],
    "fills control": ["fill"],
    "sends garbage": ["garbage"],
}


def beside(words):
    """Brings up a gadget with an odd worker and a normal worker."""
    path = gadget("two", {"good": LOOPBACK,
                          "odd": odd("ready", *words, "wait", stop_timeout=0.3, **AT_ONCE)})
    up(path, "--wait-host")


def one_of(name, label):
    now, _ = await_state(name, "ready")
    return next(f["worker"] for f in now["functions"] if f["label"] == label)


def odd_one_ends(words):
    beside(words)
    with traffic() as t:
        t.more(10)
    down("two")


def odd_one_is_replaced(words):
    """The death of the worker ends all processes that it has started, and no others."""
    beside(words)
    good, first = one_of("two", "good")["pid"], one_of("two", "odd")["pid"]
    with traffic() as t:
        kill(first)
        await_status("two", lambda g: g["state"] == "ready" and one_of("two", "odd")["pid"] != first,
                     "ready with a new worker")
        t.more(10)
        eq(one_of("two", "good"), {**one_of("two", "good"), "pid": good, "restarts": 0})
        ok(first not in processes_of("two"))
        naked = [pid for pid, name in harness.processes().items() if name == "sleep"]
        ok(len(naked) <= 1, f"daemons without environment: {naked}")
    down("two")


def odd_one_without_supervisor(words):
    beside(words)
    kill(status("two")[0]["supervisor"])
    eq(status("two")[1], 1)
    down("two")
    eq(processes_of("two"), [])


for kind, words in ODD.items():
    test(f"a worker that {kind} is ended with the gadget, and harms no other", words)(odd_one_ends)
    test(f"a worker that {kind} is killed: its successor starts alone", words)(odd_one_is_replaced)
    test(f"a worker that {kind} is ended by down without a supervisor", words)(odd_one_without_supervisor)


@test("a process that nobody can tell to be ours is named, and not ended, without a supervisor")
def foreign_process_is_named():
    # It has the privileges to leave its group
    up(gadget("two", {"good": LOOPBACK,
                      "odd": worker(exec=["/usr/bin/setpriv", "--clear-groups", ODD_WORKER, "naked-daemon", "ready", "wait"],
                                    user="root", privileges="keep", ready="notify")}))
    naked = next(pid for pid, name in harness.processes().items() if name == "sleep")
    kill(status("two")[0]["supervisor"])
    result = must(ffsctl("down", "two"), 71)
    contains(result.stderr, f"cannot unmount /dev/ffs/two/odd: in use by sleep (pid {naked})")
    contains(result.stderr, "hint: stop these processes first; 'ffsctl down two' removes what is left")
    eq(status("two")[1], 1)
    kill(naked)
    down("two")


tap.main()
