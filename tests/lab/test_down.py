#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""`down` says how taking it down went, not what had happened to the gadget before."""

import os

import harness
import tap
from harness import EXAMPLES, document, down, ffsctl, must, up
from tap import contains, eq, test

harness.leaves_nothing()


@test("a gadget whose keeper has died goes down with 0")
def _():
    up(f"{EXAMPLES}/interrupt.conf")
    gadget, _ = harness.status("interrupt")
    harness.kill(gadget["functions"][0]["keeper"])
    down("interrupt")


@test("a gadget that has failed goes down with 0")
def _():
    up(f"{EXAMPLES}/interrupt.conf")
    gadget, _ = harness.status("interrupt")
    harness.kill(gadget["functions"][0]["keeper"])
    # Handling a command comes after handling that death: epoll has had it first
    eq(must(ffsctl("restart", "interrupt"), 73).returncode, 73)
    gadget, code = harness.status("interrupt")
    eq((gadget["state"], code), ("failed", 1))
    down("interrupt")


@test("down says what it did, and is done when there is nothing to do")
def _():
    up(f"{EXAMPLES}/loopback.conf")
    eq(down("loopback").stderr, "ffsctl: loopback: down\n")
    contains(down("loopback").stderr, "not up")


@test("one name per gadget, several gadgets in one command, files as names")
def _():
    up(f"{EXAMPLES}/loopback.conf", "--no-bind")
    up(f"{EXAMPLES}/interrupt.conf", "--no-bind")
    eq(sorted(os.listdir(harness.CONFIGFS)), ["interrupt", "loopback"])
    eq(down(f"{EXAMPLES}/loopback.conf", "interrupt").stderr, "ffsctl: loopback: down\nffsctl: interrupt: down\n")


@test("an argument that names no gadget keeps neither down, status nor reexec from the others")
def _():
    up(f"{EXAMPLES}/loopback.conf", "--no-bind")
    up(f"{EXAMPLES}/interrupt.conf", "--no-bind")
    wrong = ("..", "also/../wrong name")
    result = ffsctl("status", *wrong, "loopback", "interrupt", "--json")
    eq(result.returncode, 4)
    eq([gadget["name"] for gadget in document(result)["gadgets"]], ["loopback", "interrupt"])
    result = must(ffsctl("reexec", "..", "loopback", ".", "interrupt"), 64)
    eq(result.stderr.count("goes on as"), 2, result.stderr)
    result = must(ffsctl("down", "..", "loopback", "missing.conf", ".", "interrupt"), 64)
    contains(result.stderr, "ffsctl: loopback: down\n")
    contains(result.stderr, "ffsctl: interrupt: down\n")
    eq(os.listdir(harness.CONFIGFS), [])


@test("a file that is not there does not hide an earlier failure of down")
def _():
    result = ffsctl("down", "..", "missing.conf")
    eq(result.returncode, 64)
    contains(result.stderr, "'..'")


@test("-v says each step as it is done, and undone")
def _():
    plan = document(ffsctl("up", f"{EXAMPLES}/loopback.conf", "--dry-run", "--json"))["gadgets"][0]["plan"]
    said = must(ffsctl("-v", "up", f"{EXAMPLES}/loopback.conf")).stderr.splitlines()
    done = [f"ffsctl: {step['do']} {step['path']}" for step in plan]
    eq([line for line in said if line in done], done)
    harness.kill(harness.status("loopback")[0]["supervisor"])
    said = must(ffsctl("-v", "down", "loopback")).stderr.splitlines()
    undone = [f"ffsctl: {step['undo']} {step['path']}" for step in reversed(plan) if step["undo"]]
    eq([line for line in said if line in undone], undone)


tap.main()
