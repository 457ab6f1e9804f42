#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udc=dwc2,dwc3
# lab i386: no, the models have not been tried with 32 bits
# lab all: kernel=6.12,6.1 udc=dwc2,dwc2-ddma,dwc3 speed=full,high
"""The kernel's drivers dwc2 and dwc3 on models of their hardware (lab/udc): what gadgets and hosts see of a board's UDC. One test of
each kind of transfer; other programs test the same on dummy_hcd at length."""

import contextlib
import json
import os
import pathlib
import subprocess

import gadgets
import harness
import tap
from gadgets import raw_terminal, read_until
from harness import EXAMPLES, SRC, bench, down, ffsctl, must, up
from tap import contains, eq, patience, test

SPEED = os.environ["LAB_SPEED"]
PACKET = {"full": 64, "high": 512}[SPEED]
GADGETS = f"{SRC}/gadget.d"
KEYS = "Hello, board"
DRIVER = os.environ["LAB_UDC"].partition("-")[0]
# A fault of dwc3: __dwc3_gadget_ep_set_halt() of drivers/usb/dwc3/gadget.c gives back all requests of an endpoint with EPIPE when the
# host clears a halt that is not set, as ffsbench does first. The worker ends, and is replaced
RECOVERIES = 1 if DRIVER == "dwc3" else 0

harness.leaves_nothing()


@contextlib.contextmanager
def gadget(path):
    up(path, "--wait-host")
    name = pathlib.Path(path).stem
    try:
        yield harness.status(name)[0]
    finally:
        down(name)


@test("udc: lists the UDC with its driver")
def udc_is_listed():
    contains(must(ffsctl("udc")).stdout, f"dummy_udc.0: {DRIVER}")


@test("loopback: lengths around those of one and two packets, and a long one")
def echo():
    lengths = [1, 2, 3, 4, *(n * PACKET + more for n in (1, 2) for more in (-1, 0, 1)), 65536]
    with gadget(f"{EXAMPLES}/loopback.conf"):
        recover = ["--recover"] * RECOVERIES
        result = json.loads(bench("loop", "--lengths", ",".join(map(str, lengths)), "--timeout", 20, "--json", *recover).stdout)["loop"]
        eq((result["ok"], result["messages"], result["recoveries"]), (True, len(lengths), RECOVERIES))
        eq((result["device"]["speed"], result["device"]["packet"]), (SPEED, PACKET), "what the bench has seen")


@test("loopback: an empty packet ends a message of full packets, and an empty message comes back")
def zero_length_packets():
    with gadget(f"{EXAMPLES}/loopback.conf"):
        device = harness.device()
        out, in_ = sorted(device.get_active_configuration()[(0, 0)], key=lambda e: e.bEndpointAddress)
        for length in (PACKET, 4 * PACKET):
            out.write(bytes(length))
            out.write(b"")
            eq(bytes(in_.read(8 * PACKET)), bytes(length), f"{length} bytes and an empty packet")


@test("loopback: a worker that is killed is replaced without a disconnect, and its requests do not disturb those of the next one")
def killed_worker():
    with gadget(f"{EXAMPLES}/loopback.conf"):
        device = (harness.usb_device() / "devnum").read_text()
        for _ in range(3):
            gadgets.kill_worker("loopback")
            must(bench("loop", "--lengths", f"1,{PACKET},{PACKET + 1},65536", "--timeout", 20))
        eq((harness.usb_device() / "devnum").read_text(), device, "the number of the device")


@test("serial: bytes in both directions")
def serial():
    with gadget(f"{GADGETS}/serial.conf") as status:
        ends = [raw_terminal(path) for path in ("/dev/ttyACM0", status["functions"][0]["device"])]
        try:
            for source, target in (ends, ends[::-1]):
                data = bytes(range(256)) * 8
                os.write(source, data + b"end")
                eq(read_until(target, b"end"), data + b"end")
        finally:
            for fd in ends:
                os.close(fd)


@test("keyboard: the host reads what is typed")
def keyboard():
    with contextlib.ExitStack() as stack:
        with gadget(f"{GADGETS}/keyboard.conf"):
            host = stack.enter_context(subprocess.Popen(
                [f"{EXAMPLES}/read-keys.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            stack.callback(host.kill)
            contains(host.stderr.readline(), b"until Ctrl-C")
            must(subprocess.run([f"{EXAMPLES}/keyboard-mouse.py", "--gadget", "keyboard", "type", KEYS, "enter"], check=False))
            eq(read_until(host.stdout.fileno(), b"board\n"), KEYS.encode() + b"\n")
        eq(host.wait(timeout=patience(20)), 0, "exit status")


tap.main()
