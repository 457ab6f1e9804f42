#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
"""Every cell of the state table of a gadget (src/supervisor/gadget_state.c) on a real kernel."""

import pathlib
import signal

import usb.util

import cells
import gadgets
import harness
import tap
from gadgets import DIRECTORY, await_state, await_status, finish, gadget, odd, start, worker
from harness import down, ffsctl, kill, must, status
from tap import contains, eq, test

STATES = cells.Table("gadget", cells.of_source("src/supervisor/gadget_state.c", "leads_to[", "GADGET_", "GADGET_EV_"))
reaches = STATES.reaches

UDC = "dummy_udc.0"
GATE = DIRECTORY / "gate"
LOOPBACK = gadgets.LOOPBACK
SLEEP = worker(exec=["/bin/sleep", "100000"], ready="started")

harness.leaves_nothing()


def up(path, *words, **kwargs):
    return harness.up(path, "--udc", UDC, *words, **kwargs)


def gated():
    """A worker that is ready as soon as the file does not exist."""
    script = f"while test -e {GATE}; do sleep 1; done; echo >&$NOTIFY_FD; exec sleep 100000"
    return worker(exec=["/bin/sh", "-c", script], ready="fd", start_timeout=1000)


def traced(cell):
    await_status("x", lambda _: f"gadget {cell}\n" in cells.TRACE.read_text(), cell)


def worker_starts():
    """Waits until the started worker runs: before that, the death of its keeper fails its start."""
    await_status("x", lambda g: g and g["functions"] and g["functions"][0]["worker"]["state"] == "starting", "starting")


def kill_keeper():
    kill(status("x")[0]["functions"][0]["keeper"])
    await_state("x", "failed")


@test("up and down")
def up_and_down():
    with reaches("WAITING BEGIN", "STARTING MADE", "UP DOWN", "STOPPING UNDONE"):
        up(gadget("x", LOOPBACK))
        down("x")


@test("without a UDC as well")
def up_without_a_udc():
    with reaches("WAITING BEGIN", "STARTING MADE"):
        harness.up(gadget("x", LOOPBACK), "--no-bind")
        down("x")


@test("ended while it waits for a UDC, and while a worker is not ready: all is undone, and commands are refused meanwhile")
def ended_before_it_is_up():
    with reaches("WAITING DOWN"):
        waiting = start("run", gadget("x", LOOPBACK), "--udc", "none.0", "--wait-udc=1000")
        # The status file is written when signals are handled; before that, SIGTERM kills the process
        await_status("x", lambda _: pathlib.Path("/run/ffsctl/x/status").exists(), "a status file")
        waiting.send_signal(signal.SIGTERM)
        finish(waiting)
    with reaches("STARTING DOWN"):
        GATE.touch()
        starting = start("up", gadget("x", gated()), "--udc", UDC)
        worker_starts()
        contains(must(ffsctl("unbind", "x"), 73).stderr, "the gadget is not up yet")
        down("x")
        finish(starting)
        GATE.unlink()
    eq(status("x"), (None, 3))


@test("taken over")
def taken_over():
    path = gadget("x", LOOPBACK)
    up(path)
    with reaches("WAITING TAKE_OVER"):
        kill(status("x")[0]["supervisor"])
        contains(up(path).stderr, gadgets.TAKEN_OVER)
    down("x")


@test("what a dead supervisor left is undone")
def leftovers():
    up(gadget("x", LOOPBACK))
    keeper = status("x")[0]["functions"][0]["keeper"]
    kill(status("x")[0]["supervisor"])
    kill(keeper)
    with reaches("WAITING DOWN", "STOPPING UNDONE"):
        down("x")


@test("reloaded; and back, when the new worker is not ready in time")
def reloaded():
    up(gadget("x", LOOPBACK))
    with reaches("UP RELOAD", "RELOADING RELOADED"):
        gadget("x", SLEEP)
        must(ffsctl("reload", "x"))
    with reaches("UP RELOAD", "RELOADING REVERT", "REVERTING REVERTED"):
        gadget("x", odd("exit", 3))
        contains(must(ffsctl("reload", "x"), 76).stderr, "'x' is as it was before")
    eq(status("x")[0]["state"], "ready")
    down("x")


def reloading():
    """Starts a reload in the background, which waits for its new worker."""
    up(gadget("x", LOOPBACK))
    GATE.touch()
    gadget("x", gated())
    cells.TRACE.write_text("")
    going = start("reload", "x", "--timeout", "1000")
    traced("UP RELOAD")
    worker_starts()
    return going


@test("down while it is reloaded, and the keeper's death")
def ended_in_a_reload():
    with reaches("RELOADING DOWN"):
        going = reloading()
        contains(must(ffsctl("unbind", "x"), 73).stderr, "the gadget is being reloaded")
        down("x")
        must(finish(going), 75)
    with reaches("RELOADING KEEPER_DIED", "FAILED DOWN"):
        going = reloading()
        kill_keeper()
        contains(must(finish(going), 76).stderr, "has died")
        down("x")
    GATE.unlink()


def reverting():
    """Starts a reload that fails, and whose undo waits for the old worker."""
    up(gadget("x", gated()))
    GATE.touch()
    gadget("x", odd("exit", 3))
    cells.TRACE.write_text("")
    going = start("reload", "x", "--timeout", "1000")
    traced("RELOADING REVERT")
    worker_starts()
    return going


@test("the same on its way back")
def ended_in_a_revert():
    with reaches("REVERTING DOWN"):
        going = reverting()
        down("x")
        must(finish(going), 75)
        GATE.unlink()
    with reaches("REVERTING KEEPER_DIED"):
        going = reverting()
        kill_keeper()
        contains(must(finish(going), 76).stderr, "has died")
        down("x")
        GATE.unlink()


def broken():
    """Brings up a gadget. Its reload fails, and the undo of the reload fails, too."""
    up(gadget("x", LOOPBACK), fault="reload-fail=3:28,back-fail=2:28")
    path = pathlib.Path(gadget("x", LOOPBACK))
    path.write_text(path.read_text().replace('product = "x"', 'product = "y"').replace("0x0104;", "0x0104; bcdDevice = 0x0777;"))
    contains(must(ffsctl("reload", "x"), 71).stderr, "not all steps could be undone")
    eq(status("x")[0]["state"], "degraded")


@test("the way back fails: down is all that is left, also when the keeper dies")
def way_back_fails():
    with reaches("REVERTING REVERT_FAILED", "BROKEN DOWN"):
        broken()
        contains(must(ffsctl("bind", "x"), 73).stderr, "take it down, then up again")
        down("x")
    with reaches("BROKEN KEEPER_DIED", "FAILED DOWN"):
        broken()
        kill_keeper()
        down("x")


@test("the keeper dies: failed until down; in the foreground the supervisor ends when its workers have")
def keeper_dies():
    with reaches("UP KEEPER_DIED", "FAILED DOWN"):
        up(gadget("x", LOOPBACK))
        kill_keeper()
        contains(must(ffsctl("restart", "x"), 73).stderr, "take it down, then up again")
        down("x")
    with reaches("UP KEEPER_DIED", "FAILED DROPPED"):
        running = start("run", gadget("x", LOOPBACK), "--udc", UDC)
        await_state("x", "ready")
        kill(status("x")[0]["functions"][0]["keeper"])
        contains(must(finish(running), 76).stderr, "has died")
        down("x")


TO_INTERFACE, WRITE, SWITCH = 0x41, 2, 10


def switch(name):
    host = harness.device()
    host.ctrl_transfer(TO_INTERFACE, WRITE, 0, 0, name.encode())
    host.ctrl_transfer(TO_INTERFACE, SWITCH, 0, 0, None)
    usb.util.dispose_resources(host)


def switchable(**more):
    with harness.configured():
        up(gadget("x", {"echo": odd("ready", "setup"), **more}, 'switch_to = [ "y" ];'))


@test("it becomes another gadget; or is taken down on the way to it")
def switched():
    gadget("y", SLEEP)
    with reaches("UP SWITCH", "SWITCHING UNDONE"):
        switchable()
        switch("y")
        await_state("y", "ready")
        down("y")
    with reaches("UP SWITCH", "SWITCHING DOWN"):
        # A worker that does not end by TERM: the way down takes some time
        switchable(deaf=odd("deaf", "ready", "wait", stop_timeout=1000))
        cells.TRACE.write_text("")
        switch("y")
        traced("UP SWITCH")
        ending = start("down", "x")
        traced("SWITCHING DOWN")
        kill(status("x")[0]["functions"][1]["worker"]["pid"])
        must(finish(ending))
    eq((status("x"), status("y")), ((None, 3), (None, 3)))


test("every cell was reached")(STATES.is_walked)

tap.main()
