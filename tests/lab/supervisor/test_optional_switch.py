#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=120
# lab all: kernel=6.12,6.1 timeout=120
"""SWITCH with optional functions that are left out: of the gadget that asks, of the one that it asks for, and of both."""

import contextlib
import os
import pathlib

import usb.util

import gadgets
import harness
import tap
from gadgets import DIRECTORY, await_status, log, odd, worker
from harness import down, ffsctl, kill, must, status
from tap import contains, eq, ok, test

TO_INTERFACE, WRITE, SWITCH = 0x41, 2, 10
BROKEN = {name: DIRECTORY / f"broken-{name}" for name in "ab"}  # while it exists, the optional function's worker fails
OTHER = {"a": "b", "b": "a"}

harness.leaves_nothing()


def write(name, group=None):
    """Writes the file of a gadget that can switch to the other one, with a function that may ask for it, and an optional
    one."""
    group = group or odd("ready", "setup")
    script = f"test -e {BROKEN[name]} && exit 3; echo >&$NOTIFY_FD; exec sleep 100000"
    own = worker(exec=["/bin/sh", "-c", script], ready="fd", restart_delay=1000, restart_max_delay=1000)
    bulk = 'ffs = { interfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } ); };'
    path = DIRECTORY / f"{name}.conf"
    path.write_text(f"""attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
strings = ( {{ product = "{name}"; }} );
switch_to = [ "{OTHER[name]}" ];
functions = {{
  echo = {{ {bulk} worker = {{ {group} }}; }};
  own = {{ {bulk} optional = true; worker = {{ {own} }}; }};
}};
""")
    return str(path)


def ask(name):
    with harness.configured():
        host = harness.device()
        host.ctrl_transfer(TO_INTERFACE, WRITE, 0, 0, name.encode())
        host.ctrl_transfer(TO_INTERFACE, SWITCH, 0, 0, None)
        usb.util.dispose_resources(host)


def shows(name, left_out):
    """Checks that the host has this gadget, with the optional function or without it, and that it is the only one."""
    gadget, code = await_status(name, lambda g: g and g["configured_by"] and bool(g["functions"][1]["left_out"]) == left_out, "up")
    eq((gadget["state"], code), ("degraded", 1) if left_out else ("ready", 0))
    if left_out:
        contains(gadget["functions"][1]["left_out"], "its worker has ended: exit 3")
    found = harness.device()
    eq((usb.util.get_string(found, found.iProduct), found[0].bNumInterfaces), (name, 1 if left_out else 2))
    usb.util.dispose_resources(found)
    eq(status(OTHER[name]), (None, 3))
    ok(not os.path.exists(f"{harness.CONFIGFS}/{OTHER[name]}"), "the other one is in configfs")
    return gadget


@contextlib.contextmanager
def broken(*names):
    for name in names:
        BROKEN[name].touch(mode=0o644)
    try:
        yield
    finally:
        for name in names:
            BROKEN[name].unlink(missing_ok=True)


def up(name):
    with harness.configured():
        harness.up(str(DIRECTORY / f"{name}.conf"))


@test("from a gadget without its optional function, to one without, and to one with it; there it is taken in")
def left_out_on_both_sides():
    for name in "ab":
        write(name)
    with broken("a", "b"):
        up("a")
        pid = shows("a", True)["supervisor"]
        ask("b")
        eq(shows("b", True)["supervisor"], pid)
        contains(log("b"), "own: left out of the gadget (optional)")
    ask("a")
    shows("a", False)
    ask("b")
    shows("b", False)
    with broken("a"):
        ask("a")
        shows("a", True)
    with harness.configured():
        must(ffsctl("restart", "a", "own"))
    shows("a", False)
    down("a")


@test("the keeper of an optional function dies before the switch, and in the gadget that it has become")
def keeper_dies():
    for name in "ab":
        write(name)
    up("a")
    with broken("a"), harness.configured():
        kill(status("a")[0]["functions"][1]["keeper"])
    await_status("a", lambda g: g["functions"][1]["left_out"] and g["configured_by"], "left out")
    ask("b")
    shows("b", False)
    with harness.configured():
        kill(status("b")[0]["functions"][1]["keeper"])
    await_status("b", lambda g: g["functions"][1]["worker"]["state"] == "waiting" and g["configured_by"], "left out")
    ask("a")
    shows("a", False)
    down("a")


@test("the other gadget fails: the old one is back, without the function that it was without")
def old_gadget_is_back():
    write("a")
    write("b", odd("exit", 1))
    with broken("a"):
        up("a")
        shows("a", True)
        ask("b")
        shows("a", True)
        contains(log("a"), "own: left out of the gadget (optional)")
    with harness.configured():
        must(ffsctl("restart", "a", "own"))
    shows("a", False)
    down("a")


@test("a worker of a function that is left out may ask, too")
def left_out_worker_asks():
    write("b")
    path = pathlib.Path(write("a"))
    asks = worker(exec=[gadgets.ODD_WORKER, "switch", "b", "stop"], ready="notify", start_timeout=2)
    text = path.read_text()
    at = text.index("optional = true; worker = {")
    path.write_text(text[:at] + f"optional = true; worker = {{ {asks} }}; }};\n}};\n")
    harness.up(str(path), "--no-bind")
    await_status("b", lambda g: g and g["state"] == "unbound", "unbound")
    with harness.configured():
        must(ffsctl("bind", "b"))
    shows("b", False)
    down("b")


tap.main()
