#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2
# lab all: kernel=6.12,6.1 udcs=2
"""`udc` prints the state of sysfs and configfs, as text and as a document, and the reason if there is no UDC."""

import contextlib
import os
import pathlib
import subprocess


import gadgets
import harness
import tap
from harness import EXAMPLES, down, ffsctl, must, up
from tap import contains, eq, test

harness.leaves_nothing()

CLASS = pathlib.Path("/sys/class/udc")


def document(code=0):
    return harness.document(must(ffsctl("udc", "--json"), code), "udc")


def sysfs(udc, attribute):
    return (CLASS / udc / attribute).read_text().strip()


FREE = {"driver": "dummy_udc", "virtual": True, "state": "not attached", "speed": None, "max_speed": "super-speed",
        "gadget": None, "holder": None, "endpoints": 24, "endpoints_by_hardware": False,
        "endpoint_groups": [{"count": n, "direction": direction, "types": types, "max_packet": None} for n, direction, types in
                            ((9, "in", ["bulk", "interrupt"]), (3, "in", ["interrupt"]), (12, "out", ["bulk", "interrupt"]))],
        "isochronous": False, "zlp": True, "scatter_gather": None, "remote_wakeup": True, "dual_role": False,
        "max_transfer": None, "note": None}


@test("free UDCs")
def free_udcs():
    value = document()
    eq(value["udcs"], [{**FREE, "name": f"dummy_udc.{n}", "state": sysfs(f"dummy_udc.{n}", "state")} for n in (0, 1)])
    eq(value["hints"], [])
    words = must(ffsctl("udc"))
    eq(words.stderr, "")
    eq(words.stdout.splitlines()[3:],
       ["dummy_udc.1: dummy_udc (virtual), %s, free" % sysfs("dummy_udc.1", "state"),
        "  up to super-speed, endpoints 12 IN and 12 OUT, isochronous no, ZLP yes, scatter-gather unknown, "
        "remote wakeup yes",
        "  endpoints: 9 IN (bulk, interrupt), 3 IN (interrupt), 12 OUT (bulk, interrupt)"])


@test("a UDC with a gadget that the host has configured")
def configured_gadget():
    up(f"{EXAMPLES}/loopback.conf", "--udc", "dummy_udc.1", "--wait-host")
    free, held = document()["udcs"]
    eq((free["name"], free["holder"]), ("dummy_udc.0", None))
    eq(held, {**FREE, "name": "dummy_udc.1", "state": "configured", "speed": sysfs("dummy_udc.1", "current_speed"),
              "gadget": "loopback", "holder": "gadget 'loopback'"})
    contains(must(ffsctl("udc")).stdout,
             f"dummy_udc.1: dummy_udc (virtual), configured, {held['speed']}, gadget 'loopback'\n")
    down("loopback")
    eq(document()["udcs"][1]["holder"], None)


@test("a UDC that somebody else's gadget holds")
def udc_held_by_foreign_gadget():
    with gadgets.foreign("theirs"):
        eq([u["gadget"] for u in document()["udcs"]], ["theirs", None])


@contextlib.contextmanager
def no_udc(files=()):
    """Replaces /sys/class by a directory with only these files: {path: text}. mount(8) gets -n, so that it writes
    nothing to /run."""
    must(subprocess.run(["mount", "-n", "-t", "tmpfs", "none", "/sys/class"], stdout=-1, stderr=-1))
    try:
        for path, text in dict(files).items():
            os.makedirs(os.path.dirname(f"/sys/class/{path}"))
            pathlib.Path("/sys/class", path).write_text(text)
        yield
    finally:
        must(subprocess.run(["umount", "-n", "/sys/class"], stdout=-1, stderr=-1))


@test("no UDC: it says so, and asks; a role switch on host is named, with what to do")
def no_udc_and_role_switch():
    with no_udc():
        words = must(ffsctl("udc"))
        eq((words.stdout, words.stderr.splitlines()),
           ("", ["ffsctl: no UDC",
                 "hint: load the controller's driver, and put the port in device mode: see 'ffsctl doctor'"]))
        eq(len(document()["hints"]), 1)
    with no_udc({"usb_role/a800000.usb-role-switch/role": "host\n", "usb_role/b/role": "device\n"}):
        eq(document()["hints"],
           ["the role switch a800000.usb-role-switch is set to 'host': "
            "echo device > /sys/class/usb_role/a800000.usb-role-switch/role"])


tap.main()
