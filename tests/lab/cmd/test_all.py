#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2
# lab all: kernel=6.12,6.1 udcs=2
"""`up --all` brings up all gadget files with autostart = true. If one fails, the others are still brought up."""

import contextlib
import os
import pathlib
import signal
import tempfile

import harness
import tap
from gadgets import LOOPBACK, Fifo, finish, gadget, odd, start
from harness import document, down, ffsctl, must, status, up, wait_dead
from tap import contains, eq, test

harness.leaves_nothing()

FIRST, SECOND = "dummy_udc.0", "dummy_udc.1"


@contextlib.contextmanager
def directory(**files):
    """Makes a directory of gadget files for --dir: {name: (UDC, autostart, worker)}, or {name: text}."""
    with tempfile.TemporaryDirectory() as top:
        os.chmod(top, 0o755)
        for name, what in files.items():
            if not isinstance(what, str):
                udc, autostart, worker = what
                extra = f'udc = "{udc}"; autostart = {str(autostart).lower()};'
                what = pathlib.Path(gadget(name, worker, extra)).read_text()
            pathlib.Path(top, name + ".conf").write_text(what)
        yield top


def states(*names):
    return [(status(name)[0] or {"state": "down"})["state"] for name in names]


@test("those with autostart, and no other; again: already; down --all takes them down")
def brings_up_autostart_files():
    with directory(a=(FIRST, True, LOOPBACK), b=(SECOND, False, LOOPBACK), c=(SECOND, True, LOOPBACK)) as top:
        words = must(ffsctl("--dir", top, "up", "--all")).stderr.splitlines()
        eq([w for w in words if "note" not in w and " | " not in w],
           [f"ffsctl: a: up on {FIRST}", f"ffsctl: c: up on {SECOND}"])
        eq(states("a", "b", "c"), ["ready", "down", "ready"])
        contains(must(ffsctl("--dir", top, "up", "--all")).stderr, "ffsctl: a: up already on")
        listed = [line.split()[:2] for line in must(ffsctl("--dir", top, "list")).stdout.splitlines() if top in line]
        eq(listed, [["a", "ready"], ["b", "down"], ["c", "ready"]])
        eq(sorted(must(ffsctl("down", "--all")).stderr.splitlines()), ["ffsctl: a: down", "ffsctl: c: down"])


@test("one that fails does not keep the others; its exit code is the command's, the first one's")
def failure_stops_no_other():
    with directory(a=(FIRST, True, odd("exit", 3)), b=(FIRST, True, LOOPBACK), c=("none.0", True, LOOPBACK),
                   d=(SECOND, True, LOOPBACK)) as top:
        got = must(ffsctl("--dir", top, "up", "--all"), 76)
        contains(got.stderr, "no UDC 'none.0'")
        eq(states("a", "b", "c", "d"), ["down", "ready", "down", "ready"])
        down("b", "d")


@test("a file with errors that wants to start, or of which that is unknown, fails with 65")
def broken_file_that_wants_to_start():
    bad = "autostart = %s; nonsense = 1; functions : { };\n"
    with directory(a=bad % "true", b=(FIRST, True, LOOPBACK)) as top:
        contains(must(ffsctl("--dir", top, "up", "--all"), 65).stderr, "unknown key 'nonsense'")
        eq(states("b"), ["ready"])
        down("b")
    with directory(a="functions : {", b=bad % "false") as top:
        eq("nonsense" in must(ffsctl("--dir", top, "up", "--all"), 65).stderr, False)


@test("--json: one document of all")
def json_is_one_document():
    with directory(a=(FIRST, True, LOOPBACK), b=("none.0", True, LOOPBACK), c=(SECOND, True, LOOPBACK),
                   d="autostart = true; nonsense = 1; functions : { };\n") as top:
        shown = document(must(ffsctl("--dir", top, "up", "--all", "--json"), 69))
        eq([(g["name"], g["state"]) for g in shown["gadgets"]], [("a", "ready"), ("c", "ready")])
        eq([e["exit"] for e in shown["errors"]], [69, 65])
        contains([p["text"] for p in shown["problems"] if p["severity"] == "error"][0], "nonsense")
        down("a", "c")
        shown = document(must(ffsctl("--dir", top, "up", "--all", "--json", "--dry-run", "--no-bind"), 65))
        eq([(g["name"], g["state"]) for g in shown["gadgets"]], [("a", "down"), ("b", "down"), ("c", "down")])
        eq(states("a", "b", "c"), ["down"] * 3)


@test("none: that is said, and no error")
def no_autostart_file():
    with directory(b=(SECOND, False, LOOPBACK)) as top:
        got = must(ffsctl("--dir", top, "up", "--all"))
        contains(got.stderr, f"ffsctl: no gadget file in {top}, ")
        contains(got.stderr, "has autostart = true")
        eq(document(must(ffsctl("--dir", top, "up", "--all", "--json")))["gadgets"], [])


@test("who ends the command ends what it is doing; what is up stays")
def ended_while_bringing_up():
    told = Fifo()
    with directory(a=(FIRST, True, LOOPBACK), b=(SECOND, True, odd("tell", told.path, "wait")),
                   c=(SECOND, True, LOOPBACK)) as top:
        coming = start("--dir", top, "up", "--all")
        worker = told.wait()
        supervisor = status("b")[0]["supervisor"]
        coming.send_signal(signal.SIGKILL)
        finish(coming)
        wait_dead(supervisor)
        wait_dead(worker)
        eq(states("a", "b", "c"), ["ready", "down", "down"])
        down("a")


@test("Ctrl-C: what is being made is undone before it returns, the rest is not begun")
def ctrl_c_undoes_current_gadget():
    told = Fifo()
    with directory(a=(FIRST, True, LOOPBACK), b=(SECOND, True, odd("tell", told.path, "wait")),
                   c=(SECOND, True, LOOPBACK)) as top:
        for sig in (signal.SIGINT, signal.SIGTERM):
            coming = start("--dir", top, "up", "--all")
            told.wait()
            coming.send_signal(sig)
            words = must(finish(coming), 75).stderr.splitlines()
            eq(words[-2:], ["ffsctl: the command that waited for the gadget has ended",
                            f"ffsctl: {top}/b.conf: interrupted by a signal before the remaining gadgets were brought up"])
            eq(sorted(os.listdir(harness.CONFIGFS)), ["a"])
            eq(states("a", "b", "c"), ["ready", "down", "down"])
        down("a")


@test("autostart is no part of a gadget: with another value it is the same")
def autostart_is_no_part_of_gadget():
    up(gadget("x", LOOPBACK, f'udc = "{FIRST}"; autostart = false;'))
    contains(up(gadget("x", LOOPBACK, f'udc = "{FIRST}"; autostart = true;')).stderr, "up already")
    down("x")


tap.main()
