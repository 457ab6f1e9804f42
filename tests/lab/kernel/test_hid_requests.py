#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab stock: no, 6.12 has the bug that fixes/0035 mends, and 6.1 does not wait for an answer
# lab all: udc=dummy,dwc3
"""GET_REPORT of the kernel's function hid: since Linux 6.12 it waits 2.5 s for a program that answers it, then the answer is an
empty report."""

import usb.core

import harness
import tap
from harness import SRC, down, up
from tap import eq, patience, raises, test

GET_REPORT = 0xA1, 1, 0x100, 0  # HID 1.11, 7.2.1: an input report without ID, of interface 0
LENGTH = 8

harness.leaves_nothing()


def get_report(device, seconds):
    return bytes(device.ctrl_transfer(*GET_REPORT, LENGTH, round(1000 * seconds)))


@test("GET_REPORT is answered, also after the host has disabled the function while another one waited")
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


tap.main()
