#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The plugin selftest takes results from a host that is not trusted: of known tests only, as short texts of printable
characters."""

import harness
import tap
import usb.core
from gadgets import await_status, gadget
from harness import down, status, up
from tap import eq, ok, raises, test

TO, FROM = 0x41, 0xC1  # vendor requests to the interface


@tap.cleanup
def end():
    down("x")


harness.leaves_nothing()


def stats():
    return status("x")[0]["functions"][0]["worker"]["stats"]


def connected(**options):
    text = 'round = "r1"; ' + "".join(f"{name} = {str(value).lower()}; " for name, value in options.items())
    up(gadget("x", f'plugin = "selftest"; options : {{ {text}}}; '), "--wait-host")
    return harness.device()


def send(device, test_, data):
    device.ctrl_transfer(TO, 2, test_, 0, data)


@test("the round: its name, and whether it has tests and is the last one")
def describes_round():
    device = connected(last=False)
    eq(bytes(device.ctrl_transfer(FROM, 1, 0, 0, 24)), b"FFST\x01\x00\0\0r1" + bytes(14))
    eq(bytes(device.ctrl_transfer(FROM, 1, 0, 0, 5)), b"FFST\x01")
    device.ctrl_transfer(TO, 3, 0, 0)
    eq(device.ctrl_transfer(FROM, 1, 0, 0, 24)[5], 2, "flags after the end")
    await_status("x", lambda g: g["functions"][0]["worker"]["stats"]
                 == {"asked": True, "ended": True, "errors": 0, "error": 0}, "ended")


@test("results: what is not printable, quotes and backslashes are replaced, and texts have at most 100 bytes")
def replaces_bytes():
    device = connected()
    send(device, 0, b"\x01" + bytes(range(100)))
    send(device, 1, b"\x02" + bytes(range(100, 200)))
    send(device, 2, b"\x03" + b'", "ended": true, "x": "\\')
    device.ctrl_transfer(TO, 3, 0, 0)
    await_status("x", lambda g: (g["functions"][0]["worker"]["stats"] or {}).get("ended"), "ended")
    shown = stats()
    text = "".join(chr(c) if c not in b'"\\' else "?" for c in range(32, 100))
    eq((shown["lengths"], shown["zlp"], shown["halt"]),
       ("passed: " + "?" * 32 + text, "failed: " + "".join(map(chr, range(100, 127))) + "?" * 73,
        "not possible: ?, ?ended?: true, ?x?: ??"))


@test("requests that it does not know are stalled, and change nothing")
def stalls_others():
    device = connected()
    for what in ((TO, 2, 5, b"\x01x"), (TO, 2, 0, b""), (TO, 2, 0, bytes(102)), (TO, 3, 0, b"x"), (TO, 9, 0, b""),
                 (FROM, 2, 0, 4)):
        raises(usb.core.USBError, device.ctrl_transfer, what[0], what[1], what[2], 0, what[3])
    for outcome in (0, 4, 255):
        send(device, 0, bytes([outcome]) + b"x")
    send(device, 1, b"\x01")
    await_status("x", lambda g: (g["functions"][0]["worker"]["stats"] or {}).get("zlp") is not None, "a result")
    eq(stats(), {"asked": False, "ended": False, "errors": 0, "error": 0, "zlp": "passed: "})
    ok(status("x")[0]["functions"][0]["worker"]["restarts"] == 0, "the worker has ended")


tap.main()
