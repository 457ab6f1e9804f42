#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
# lab all: build=without-libusbgx
"""On `up` and on `reload` libusbgx makes the items of configfs that it supports. A build without libusbgx makes the
same items. Each build takes over gadgets of the other."""

import contextlib
import os
import pathlib
import subprocess

import gadgets
import harness
import tap
from gadgets import DIRECTORY, await_state
from harness import CONFIGFS, FFSCTL, down, ffsctl, kill, must, status, up
from tap import eq, ok, test

DIRECTORY_OF_BUILDS, NAME = os.path.split(os.environ["FFSCTL_BUILD"])
WITHOUT = NAME in ("without-libusbgx", "musl")
OTHER = os.path.join(DIRECTORY_OF_BUILDS, "plain", "ffsctl")
GADGET = pathlib.Path(CONFIGFS, "x")
PROGRAM = gadgets.worker(exec=["/bin/sh", "-c", "exec sleep 100000"], ready="started")

harness.leaves_nothing()


def kernel_gadget(*types, product="x"):
    """Writes a gadget file with these kernel functions. libusbgx supports all types except SourceSink."""
    path = DIRECTORY / "x.conf"
    functions = " ".join('%s : { type = "%s"; };' % (t, t) for t in types)
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n'
                    f'strings = ( {{ product = "{product}"; serialnumber = "1"; }} );\n'
                    f'functions : {{ {functions} }};\n')
    return str(path)


def functions():
    return sorted(p.name for p in (GADGET / "functions").iterdir())


def links():
    return sorted(p.name for p in (GADGET / "configs").glob("*/*") if p.is_symlink())


def said(path):
    """Returns the output of -v about the back ends."""
    return [line for line in path.read_text().splitlines() if " libusbgx: " in line or " without libusbgx" in line]


@contextlib.contextmanager
def running(path, log):
    """Starts `ffsctl -v run`, whose output goes to `log`; yields the process when the gadget is ready."""
    with open(log, "w") as stderr, subprocess.Popen([FFSCTL, "-v", "run", "--udc", "dummy_udc.0", path], stdin=subprocess.DEVNULL, stderr=stderr) as child:
        try:
            await_state("x", "ready")
            yield child
        finally:
            child.terminate()
    eq(child.returncode, 0)


@test("up and reload: what the library knows beside what it does not, and no file stays open")
def up_and_reload():
    log, line = DIRECTORY / "log", f"ffsctl: with libusbgx: {GADGET}"
    once = [] if WITHOUT else [line]
    with running(kernel_gadget("SourceSink", "acm"), log) as child:
        eq(said(log), once)
        kernel_gadget("SourceSink", "acm", "gser", product="y")
        must(ffsctl("reload", "x"))
        eq(said(log), once * 2)
        eq((len(functions()), len(links())), (3, 3))
        eq((GADGET / "strings/0x409/product").read_text(), "y\n")
        kernel_gadget("SourceSink", "gser", product="")
        must(ffsctl("reload", "x"))
        eq((len(functions()), len(links())), (2, 2))
        eq((GADGET / "strings/0x409/product").read_text(), "\n")
        ok("/" not in harness.open_files(child.pid).values(), "libusbgx's directory is still open")


def other(*args):
    return subprocess.run([OTHER, *args], stdin=subprocess.DEVNULL, capture_output=True, text=True)


def pids():
    return [f["worker"]["pid"] for f in status("x")[0]["functions"]]


def check_reload(run):
    gadgets.gadget("x", PROGRAM, extra='max_speed = "high";')
    must(run("reload", "x"))
    eq((GADGET / "max_speed").read_text(), "high-speed\n")


if WITHOUT:

    @test("a gadget of a build with libusbgx is taken over, reloaded and taken down")
    def take_over_from_libusbgx():
        path = gadgets.gadget("x", PROGRAM)
        must(other("up", path, "--udc", "dummy_udc.0"))
        before = pids()
        kill(status("x")[0]["supervisor"])
        up(path)
        eq(pids(), before)
        check_reload(ffsctl)
        down("x")

    @test("a build with libusbgx takes over, reloads and takes down one of ours")
    def take_over_by_libusbgx():
        path = gadgets.gadget("x", PROGRAM)
        up(path)
        before = pids()
        kill(status("x")[0]["supervisor"])
        must(other("up", path, "--udc", "dummy_udc.0"))
        eq(pids(), before)
        check_reload(other)
        must(other("down", "x"))


tap.main()
