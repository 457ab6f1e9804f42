#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""examples/one-host.sh: a shell script that waits for everything that may appear late, and reports by its exit status
what did not appear."""

import contextlib
import os
import pathlib
import signal
import subprocess

import gadgets
import harness
import tap
from gadgets import LOOPBACK, finish, gadget, no_host, unconfigure
from harness import BUILD, EXAMPLES, must, status, up
from tap import contains, eq, test

harness.leaves_nothing()

UDC = ("--udc", "dummy_udc.0")


def script(*words, **kwargs):
    return subprocess.Popen([f"{EXAMPLES}/one-host.sh", *words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                            stderr=subprocess.PIPE, text=True,
                            env={**os.environ, "PATH": f"{BUILD}:{os.environ['PATH']}"}, **kwargs)


def says(stream, words):
    for line in stream:
        if words in line:
            return
    raise AssertionError(f"it does not say '{words}'")


def waits_for_a_host():
    for pid in harness.processes():
        with contextlib.suppress(OSError):
            if b"configured" in pathlib.Path(f"/proc/{pid}/cmdline").read_bytes():
                return True
    return False


@test("one-host.sh: the UDC comes late, and the host later still; when that ends the gadget goes down, too")
def udc_and_host_come_late():
    harness.UDC_DRIVER.joinpath("unbind").write_text("dummy_udc.0")
    process = script(gadget("x", LOOPBACK), *UDC)
    says(process.stderr, "waiting for a UDC")
    with no_host():
        harness.UDC_DRIVER.joinpath("bind").write_text("dummy_udc.0")
        says(process.stderr, "up on dummy_udc.0")
    says(process.stdout, f"configured by a host at {os.environ['LAB_SPEED']}-speed")
    unconfigure()
    result = must(finish(process))
    eq((result.stdout, status("x")), ("the host disconnected\n", (None, 3)))


@test("one-host.sh: no host within its time: 75, and nothing is left")
def no_host_in_time():
    with no_host():
        result = must(finish(script(gadget("x", LOOPBACK), *UDC), 100), 75)
        contains(result.stderr, "'x' is not configured after 60 s")
    eq(status("x"), (None, 3))


@test("one-host.sh: no UDC within its time: 75, and nothing is left")
def no_udc_in_time():
    process = script(gadget("x", LOOPBACK), "--udc", "none")
    result = must(finish(process, 100), 75)
    contains(result.stderr, "no UDC appeared within the time given")
    eq(status("x"), (None, 3))


@test("one-host.sh: a file with errors, and none: as ffsctl ends")
def wrong_or_missing_file():
    for path, code in ((gadget("x", LOOPBACK, "nonsense = 1;"), 65), ("/none.conf", 66)):
        must(finish(script(path)), code)
    must(finish(script()), 64)


@test("one-host.sh: a gadget that is up and another one stays so: 73")
def gadget_is_up_already():
    up(gadget("x", LOOPBACK))
    must(finish(script(gadget("x", gadgets.odd("ready", "wait")))), 73)
    eq(status("x")[0]["state"], "ready")
    harness.down("x")


@test("one-host.sh: Ctrl-C takes the gadget away")
def ctrl_c_takes_gadget_down():
    with no_host():
        process = script(gadget("x", LOOPBACK), *UDC, start_new_session=True)
        while not waits_for_a_host():
            os.sched_yield()
        os.killpg(process.pid, signal.SIGINT)
        must(finish(process), 1)
    eq(status("x"), (None, 3))


tap.main()
