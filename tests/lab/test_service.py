#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: kernel=6.12,6.1
"""`run` as a service manager uses it: in the foreground, ended by TERM to some or to everybody."""

import contextlib
import os
import signal
import subprocess

import tap
from harness import EXAMPLES, FFSCTL, must, same, snapshot, status
from tap import eq, ok, test


def run(*args):
    """`ffsctl run`, when it has said that it is up; and what it had said before that."""
    # A virtual UDC is waited for only by name.
    child = subprocess.Popen([FFSCTL, "run", "--udc", "dummy_udc.0", *args], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = ""
    for line in child.stderr:
        said += line
        if ": up on " in line:
            return child, said
    raise AssertionError(f"exit {child.wait()}: {said}")


def end(child):
    _, rest = child.communicate(timeout=30)
    return child.returncode, rest


def everybody(gadget):
    function = gadget["functions"][0]
    return [function["worker"]["pid"], function["keeper"], gadget["supervisor"]]


for who in ("the supervisor alone", "everybody, the workers first", "everybody, the supervisor first"):

    @test(f"TERM to {who} ends it with 0 and nothing left", who)
    def _(who):
        before = snapshot()
        child, _ = run(f"{EXAMPLES}/loopback.conf")
        gadget, code = status("loopback")
        eq((gadget["state"], code), ("ready", 0))
        pids = everybody(gadget)
        eq(pids[2], child.pid, "the supervisor")
        if who == "the supervisor alone":
            pids = pids[2:]
        elif who.endswith("supervisor first"):
            pids.reverse()
        for pid in pids:
            # Once the supervisor has it, the others may end before it is their turn
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        eq(end(child)[0], 0, "exit status")
        same(before, snapshot())


@test("a terminal's Ctrl-C, which goes to the whole process group, does the same")
def _():
    before = snapshot()
    child = subprocess.Popen([FFSCTL, "run", "--udc", "dummy_udc.0", f"{EXAMPLES}/loopback.conf"], stdin=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, start_new_session=True)
    while ": up on " not in child.stderr.readline():
        pass
    os.killpg(child.pid, signal.SIGINT)
    eq(end(child)[0], 0, "exit status")
    same(before, snapshot())


@test("HUP says that reload is not there yet, and nothing else happens")
def _():
    child, _ = run(f"{EXAMPLES}/loopback.conf")
    os.kill(child.pid, signal.SIGHUP)
    line = child.stderr.readline()
    ok("reload is not in this version" in line, line)
    eq(status("loopback")[1], 0, "status")
    os.kill(child.pid, signal.SIGTERM)
    eq(end(child)[0], 0, "exit status")


@test("a keeper's death is exit 76; the next command clears what is left")
def _():
    before = snapshot()
    child, _ = run(f"{EXAMPLES}/loopback.conf")
    gadget, _ = status("loopback")
    os.kill(gadget["functions"][0]["keeper"], signal.SIGKILL)
    code, said = end(child)
    eq(code, 76, "exit status")
    ok("the keeper of 'echo' has died" in said, said)
    gadget, code = status("loopback")
    eq((gadget["state"], code), ("degraded", 1))
    must(subprocess.run([FFSCTL, "down", "loopback"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    same(before, snapshot())


tap.main()
