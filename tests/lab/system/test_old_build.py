# SPDX-License-Identifier: GPL-2.0-or-later
# lab i386: no, the older build is of 64 bits
# lab: old
# lab all: kernel=6.12,6.1 old
"""The first release of ffsctl and this one on the same machine. Gadgets that the old one has brought up continue under
the new one, or are made again; `down` removes them."""

import os
import subprocess

import gadgets
import harness
import tap
from harness import down, ffsctl, kill, must, status, up
from tap import contains, eq, ok, skip, test

OLD = os.environ.get("FFSCTL_OLD")
PROGRAM = gadgets.worker(exec=["/bin/sh", "-c", "sleep 100000 & exec sleep 100000"], ready="started")


def the_gadget():
    """What both of them understand."""
    return gadgets.gadget("x", {"echo": gadgets.LOOPBACK, "program": PROGRAM})


def old(*args):
    if not OLD:
        skip("the tree has no history with the older build in it")
    return subprocess.run([OLD, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)


@tap.cleanup
def nothing_is_left():
    eq(status("x"), (None, 3))
    eq([name for name in harness.processes().values() if name == "sleep" or name.startswith("keep:")], [])
    eq(harness.configfs("x"), {})
    ok(sorted(os.listdir("/run/ffsctl") if os.path.exists("/run/ffsctl") else []) in ([], [".users"]))


def pids():
    return [f["worker"]["pid"] for f in status("x")[0]["functions"]]


def echoes():
    with gadgets.traffic() as t:
        t.more(3)


@test("a supervisor of the old one: the new one's commands, and re-exec, after which its workers go on")
def old_supervisor_new_commands():
    must(old("up", the_gadget(), "--wait-host"))
    before = pids()
    must(ffsctl("reexec", "x"))
    eq(pids(), before)
    echoes()
    must(ffsctl("restart", "x"))
    ok(not set(pids()) & set(before))
    echoes()
    down("x")


@test("it has died: the new one makes the gadget anew")
def old_died_new_up():
    path = the_gadget()
    must(old("up", path))
    kill(status("x")[0]["supervisor"])
    contains(up(path, "--wait-host").stderr, "x: clearing what a dead supervisor has left")
    echoes()
    down("x")


@test("it has died: down of the new one ends its workers and all that they have started")
def old_died_new_down():
    must(old("up", the_gadget()))
    kill(status("x")[0]["supervisor"])
    down("x")


@test("a supervisor of the new one: the old one's commands, re-exec back, and down")
def new_supervisor_old_commands():
    up(the_gadget())
    before = pids()
    must(old("restart", "x"))
    ok(not set(pids()) & set(before))
    before = pids()
    must(old("reexec", "x"))
    eq(pids(), before)
    must(old("down", "x"))


@test("it has died: the old one makes the gadget anew")
def new_died_old_up():
    path = the_gadget()
    up(path)
    kill(status("x")[0]["supervisor"])
    must(old("up", path))
    must(old("down", "x"))


tap.main()
