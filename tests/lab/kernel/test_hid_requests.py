#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udc=dummy,dwc2
# lab stock: no, it has the bugs that fixes/0035, 0044 and 0083 mend
# lab all: kernel=6.12,6.1 udc=dummy,dwc2,dwc2-ddma,dwc3,chipidea
"""Control requests to the kernel's function hid, and its reports. Since Linux 6.12 GET_REPORT waits 2.5 s for a program that answers it, then the
answer is an empty report."""

import os

import usb.core

import gadgets
import harness
import tap
from harness import SRC, down, up
from tap import eq, patience, raises, test

GET_REPORT = 0xA1, 1, 0x100, 0  # HID 1.11, 7.2.1: an input report without ID, of interface 0
LENGTH = 8
FULL = 64  # bytes: a packet of EP0 at high speed; at SuperSpeed dummy_hcd has 9 bytes for it
# HID 1.11, 6.2.2: a vendor's input report; each repeated usage adds two bytes
REPORT = bytes.fromhex("0600ff" "0901" "a101" + "0902" * 23 + "1500" "257f" "7508" "9540" "8102" "c0")

harness.leaves_nothing()


def get_report(device, seconds):
    return bytes(device.ctrl_transfer(*GET_REPORT, LENGTH, round(1000 * seconds)))


def disabled_meanwhile():
    up(f"{SRC}/gadget.d/keyboard.conf", "--wait-host")
    device = harness.device()
    eq(get_report(device, patience(5)), bytes(LENGTH))
    for _ in range(3):
        raises(usb.core.USBTimeoutError, get_report, device, 0.1)
        for configuration in 0, 1:
            device.ctrl_transfer(0, 9, configuration, 0, None)  # SET_CONFIGURATION, unknown to the host's core
        eq(get_report(device, patience(5)), bytes(LENGTH), "after a disable")
    down("keyboard")


if os.environ["LAB_KERNEL"] != "6.1":  # which answers at once
    test("GET_REPORT is answered, also after the host has disabled the function while another one waited")(disabled_meanwhile)


@test("a report descriptor and a report that fill packets reach a host that asks for them, and one that asks for more")
def full_packets():
    eq(len(REPORT), FULL)
    path = gadgets.DIRECTORY / "hid.conf"
    path.write_text('''attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };
        functions = { hid = { type = "hid"; attrs = { report_length = %d; report_desc = [ %s ]; }; }; };
        ''' % (FULL, ", ".join(map(hex, REPORT))))
    up(path, "--wait-host")
    device = harness.device()
    for length in (FULL, 4 * FULL):
        got = device.ctrl_transfer(0x81, 6, 0x2200, 0, length, round(1000 * patience(5)))  # GET_DESCRIPTOR, of reports
        eq(bytes(got), REPORT, f"of {length}")
        got = device.ctrl_transfer(*GET_REPORT, length, round(1000 * patience(5)))
        eq(bytes(got), bytes(FULL), f"of {length}")
    down("hid")


@test("each transfer of the host gets a report: no packet without data follows one that is as long as the longest")
def no_empty_report():
    up(f"{SRC}/gadget.d/keyboard.conf", "--wait-host")
    device = harness.device()
    with open("/dev/hidg0", "wb", buffering=0) as keys:
        for report in [bytes([0, 0, key, 0, 0, 0, 0, 0]) for key in (4, 0, 5, 0)]:
            keys.write(report)  # waits for the end of the one before
            eq(bytes(device.read(0x81, LENGTH, round(1000 * patience(5)))), report)
    down("keyboard")


tap.main()
