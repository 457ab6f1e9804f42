#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""`up --wait-host` returns when a host has configured this gadget; an earlier gadget does not count.

The attribute `state` of the UDC in sysfs does not show this: udc/core.c leaves it at "configured" when a gadget is
unbound, until a host resets the port.
"""

import os
import signal
import subprocess
import time

import harness
import tap
from gadgets import await_state, finish, no_host, read_lines_until, start, stop_while_coming_up
from harness import EXAMPLES, down, ffsctl, must, up
from tap import contains, eq, ok, patience, test

LOOPBACK = f"{EXAMPLES}/loopback.conf"
INTERRUPT = f"{EXAMPLES}/interrupt.conf"


@test("it returns when the device is there, however often")
def returns_when_device_is_there():
    for gadget in (LOOPBACK, INTERRUPT) * 3:
        up(gadget, "--wait-host")
        harness.device()
        down(gadget)


@test("without a host it times out with 75, also where the one before was configured, and stays up")
def times_out_without_host():
    up(LOOPBACK, "--wait-host")
    down(LOOPBACK)
    with no_host():
        result = must(ffsctl("up", INTERRUPT, "--wait-host=0.5"), 75)
        contains(result.stderr, "no host has configured the gadget within 0.5 s")
        gadget = harness.status("interrupt")[0]
        eq((gadget["state"], gadget["udc_state"], gadget["speed"]), ("ready", harness.WITHOUT_HOST, None), "status")
        must(ffsctl("up", INTERRUPT, "--wait-host=0.5"), 75)  # "up already" is no other case
    up(INTERRUPT, "--wait-host")
    harness.device()
    eq(harness.status("interrupt")[0]["udc_state"], "configured", "status")
    down(INTERRUPT)


@test("a gadget that is configured is not waited for")
def configured_gadget_needs_no_wait():
    up(LOOPBACK, "--wait-host")
    start = time.monotonic()
    contains(up(LOOPBACK, "--wait-host").stderr, "configured by the host")
    ok(time.monotonic() - start < patience(5))
    down(LOOPBACK)


def waiting_up():
    """Starts an `up` of a gadget that is up already, which waits for the host."""
    waiting = subprocess.Popen([harness.FFSCTL, "up", LOOPBACK, "--wait-host=60"], text=True, stderr=subprocess.PIPE)
    read_lines_until(waiting.stderr, "up already")
    return waiting


@test("it goes on waiting when it was stopped and continued; Ctrl-C ends it")
def stop_continue_ctrl_c():
    for ends in (False, True):
        with no_host():
            up(LOOPBACK)
            waiting = waiting_up()
            for _ in range(3):
                time.sleep(0.2)
                waiting.send_signal(signal.SIGSTOP)
                os.waitid(os.P_PID, waiting.pid, os.WSTOPPED)
                waiting.send_signal(signal.SIGCONT)
                os.waitid(os.P_PID, waiting.pid, os.WCONTINUED)
            time.sleep(0.2)
            eq(waiting.poll(), None, "it has ended")
            if ends:
                waiting.send_signal(signal.SIGINT)
                eq(waiting.wait(timeout=patience(30)), 75, "exit status")
        eq(waiting.wait(timeout=patience(30)), 75 if ends else 0, "exit status")
        down(LOOPBACK)


@test("Ctrl-C just when the gadget is up, before the command knows it: it does not wait")
def ctrl_c_before_waiting():
    with no_host():
        begin = time.monotonic()
        waiting = start("up", LOOPBACK, "--wait-host=86400")
        stop_while_coming_up(waiting.pid)
        await_state("loopback", "ready")
        waiting.send_signal(signal.SIGINT)
        waiting.send_signal(signal.SIGCONT)
        contains(must(finish(waiting), 75).stderr, "interrupted before a host has configured the gadget, and it stays up\n")
        ok(time.monotonic() - begin < 43200, "it has waited for the host")
        down(LOOPBACK)


@test("a gadget that goes down meanwhile ends the waiting")
def gadget_goes_down_meanwhile():
    with no_host():
        up(LOOPBACK)
        waiting = waiting_up()
        down(LOOPBACK)
        eq(waiting.wait(timeout=patience(30)), 71, "exit status")
        ok(waiting.stderr.read().startswith("ffsctl: "), "a sentence about it")


tap.main()
