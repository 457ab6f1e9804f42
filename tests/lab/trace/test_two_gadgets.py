#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12,6.1 udcs=2 timeout=120
# lab stock: no, unpatched kernels are traced by probes, which User-Mode Linux does not have
"""`ffsctl trace` tells the requests of the hosts of several gadgets apart, which the events of endpoint 0 do not."""

import struct

import gadgets
import harness
import tap
from gadgets import LOOPBACK, gadget
from harness import down, must
from tap import eq, test
from traces import tracing

harness.leaves_nothing()


@test("two gadgets at the same time: each has its own requests, and with a name only its own are printed")
def two_gadgets():
    with tracing("--json") as found:
        starts = [gadgets.start("up", gadget(name, LOOPBACK), "--udc", f"dummy_udc.{n}", "--wait-host")
                  for n, name in enumerate("xy")]
        for process in starts:
            must(gadgets.finish(process))
    for name in "xy":
        requests = found[0].requests(name)
        eq(requests[-1], ("SET_CONFIGURATION 1", "answered", 0))
        eq({outcome for words, outcome, _ in requests if "qualifier" not in words and "DELAY" not in words}, {"answered"})
        serial = [d["data"] for d in found[0].events("request", name) if d["words"] == "GET_DESCRIPTOR string 2, 255 bytes"]
        eq(serial[-1], struct.pack("<BBH", 4, 3, ord(name)).hex(), "the product is the gadget's name")
    with tracing("--json", "y") as found:
        for device in harness.usb_devices(idVendor="1d6b", idProduct="0104"):
            (device / "bConfigurationValue").write_text("0")
    eq({d["gadget"] for d in found[0].documents}, {"y"})
    eq(found[0].requests("y")[-1], ("SET_CONFIGURATION 0", "answered", 0))
    eq(found[0].conclusion("y")["configuration"], None)
    down("x", "y")


tap.main()
