# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2 timeout=120
# lab all: kernel=6.12,6.1 udcs=2 timeout=120
"""A worker learns the speed of the connection also while no supervisor runs: its UDC goes and comes back, or another
program binds the gadget to another UDC."""

import contextlib
import os
import pathlib
import select
import signal
import time

import gadgets
import harness
import tap
from gadgets import DIRECTORY, LOOPBACK, TAKEN_OVER, await_log, await_status, foreign, gadget, traffic, worker
from harness import CONFIGFS, down, ffsctl, kill, must, status, up
from tap import contains, eq, ok, test

UDC, OTHER = "dummy_udc.0", "dummy_udc.1"
# A program that logs the speed of each enable
PROGRAM = DIRECTORY / "speeds.py"
PROGRAM.write_text("""
import sys
from ffsctl_worker import Event, Worker

worker = Worker()

@worker.on_event
def event(what):
    if what == Event.ENABLE:
        print("enabled at", worker.speed, [e.packet_size for e in worker.ins], file=sys.stderr, flush=True)

worker.run()
""")
LOGS_SPEED = worker(exec=["/usr/bin/python3", str(PROGRAM)], ready="notify")

harness.leaves_nothing()


@contextlib.contextmanager
def stopped(name):
    """Stops the supervisor; it continues at the end."""
    pid = status(name)[0]["supervisor"]
    os.kill(pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(pid, signal.SIGCONT)


def interrupt_gadget(name, group, sizes="max_packet = 64;"):
    """A gadget whose endpoints have the same descriptors at high and at super speed."""
    path = pathlib.Path(gadget(name, group))
    both = ", ".join('{ direction = "%s"; type = "interrupt"; %s }' % (d, sizes) for d in ("out", "in"))
    path.write_text(path.read_text().replace('"bulk-out", "bulk-in"', both))
    return str(path)


def udc_goes_and_comes():
    harness.udc_goes(UDC)
    with harness.configured():
        harness.udc_comes(UDC)


def await_output(pid):
    """Waits until the worker has printed something that its supervisor, which is stopped, has not read."""
    fd = os.open(f"/proc/{pid}/fd/2", os.O_RDONLY | os.O_NONBLOCK)  # the other end of the pipe
    try:
        ok(select.select([fd], [], [], harness.patience(20))[0], "the worker has printed nothing")
    finally:
        os.close(fd)


def moves_to(udc, max_speed=None):
    """Binds the gadget x to a UDC, as another program would."""
    top = pathlib.Path(CONFIGFS, "x")
    (top / "UDC").write_text("\n")
    time.sleep(1)
    if max_speed:
        (top / "max_speed").write_text(max_speed)
    with harness.configured():
        (top / "UDC").write_text(udc)


@test("the UDC goes and comes back while the supervisor is stopped, and again: the plugin echoes")
def plugin_with_stopped_supervisor():
    up(gadget("x", LOOPBACK), "--udc", UDC, "--wait-host")
    for _ in range(2):
        with stopped("x"):
            udc_goes_and_comes()
            with traffic() as t:
                t.more()
    with traffic() as t:
        t.more()
        must(ffsctl("restart", "x"))
        t.more()
    eq("cannot enable" in gadgets.log(), False, "a complaint of the plugin")
    down("x")


@test("the UDC goes and comes back after the death of the supervisor: the plugin echoes, also after the takeover")
def plugin_with_dead_supervisor():
    path = gadget("x", LOOPBACK)
    up(path, "--udc", UDC, "--wait-host")
    kill(status("x")[0]["supervisor"])
    udc_goes_and_comes()
    with traffic() as t:
        t.more()
        contains(up(path).stderr, TAKEN_OVER)
        t.more()
        must(ffsctl("restart", "x"))
        t.more()
    down("x")


@test("bound to another UDC at another speed meanwhile, while a faster gadget has the old UDC")
def other_udc_at_other_speed():
    for speed, word, packet in ("high-speed", "high", 512), ("full-speed", "full", 64):
        up(gadget("x", {"echo": LOOPBACK, "speeds": LOGS_SPEED}), "--udc", UDC, "--wait-host")
        await_log("x", "enabled at super [1024]")
        with stopped("x"):
            moves_to(OTHER, speed)
            with foreign(), traffic() as t:
                t.more()
        await_log("x", f"enabled at {word} [{packet}]")
        down("x")


@test("descriptors that are the same at two speeds: the plugin echoes, and the next worker knows the speed")
def same_descriptors():
    path = interrupt_gadget("x", LOOPBACK)
    up(path, "--udc", UDC, "--wait-host")
    with stopped("x"):
        udc_goes_and_comes()
        with traffic() as t:
            t.more()
    down("x")
    up(interrupt_gadget("x", LOGS_SPEED), "--udc", UDC, "--wait-host")
    await_log("x", "enabled at super [64]")
    pid = status("x")[0]["functions"][0]["worker"]["pid"]
    with stopped("x"):
        udc_goes_and_comes()
        await_output(pid)  # ENABLE has arrived before the supervisor can send the UDC to the keeper
    await_log("x", "enabled at None [64]")
    gadgets.await_state("x", "ready")
    must(ffsctl("restart", "x"))
    await_status("x", lambda _: gadgets.log().count("enabled at super [64]") == 2, "enabled at a known speed")
    down("x")


tap.main()
