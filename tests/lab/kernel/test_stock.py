#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 stock
# lab all: kernel=6.12,6.1 vudcs=1 stock
"""What the gadget stack without the patches of this project does wrong, as doc/features.md says. A test fails as soon as the kernel
no longer does it: then the paragraph there must be changed."""

import errno
import os

import usb.core
import usb.util

import gadgets
import harness
import kernel_functions
import tap
from gadgets import AT_ONCE, worker
from harness import down, ffsctl, must, up
from tap import contains, eq, ok, test

harness.leaves_nothing()

GET_INTERFACE = 10


def alternate_setting(device, index):
    """Returns the answer to GET_INTERFACE. `index` is all of wIndex, of which pyusb would claim the interface."""
    buffer = usb.util.create_buffer(1)
    eq(device._ctx.backend.ctrl_transfer(device._ctx.handle, 0x81, GET_INTERFACE, 0, index, buffer, 1000), 1)  # pylint: disable=protected-access
    return buffer[0]


def memory_behind(device, high):
    """Returns what the kernel takes for an alternate setting; None if it is negative, which the kernel takes for an error."""
    try:
        return alternate_setting(device, high << 8)
    except usb.core.USBError as e:
        eq(e.errno, errno.EPIPE)
        return None


def set_interface():
    path = gadgets.DIRECTORY / "settings.conf"
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : { f : { ffs : {\n'
                    '  interfaces = ( { alternates = ( { endpoints = ( "bulk-in" ); } ); } );\n}; }; };\n')
    up(path, "--udc", "dummy_udc.0", "--wait-host")
    device = harness.device()
    usb.util.claim_interface(device, 0)
    device.set_interface_altsetting(0, 1)
    eq(alternate_setting(device, 0), 1)
    # Only reads, because SET_INTERFACE would write there
    found = {memory_behind(device, high) for high in range(1, 5)}
    usb.util.dispose_resources(device)
    down("settings")
    # The memory behind may have a 1, but not everywhere
    ok(found != {1}, found)


if os.environ["LAB_KERNEL"] != "6.1":  # which has no alternate settings, and not this bug
    test("a host selects memory behind an array of the kernel by the high byte of wIndex")(set_interface)


def mm_structs():
    """Returns the number of address spaces of processes that the kernel has in its memory."""
    with open("/proc/slabinfo", encoding="ascii") as f:
        return next(int(line.split()[1]) for line in f if line.startswith("mm_struct "))


@test("each plugin worker that has ended leaves its address space behind")
def ended_workers():
    up(gadgets.gadget("leak", worker(plugin="loopback", **AT_ONCE)), "--udc", "dummy_udc.0", "--wait-host")
    before, number = mm_structs(), 40
    for _ in range(number):
        must(ffsctl("restart", "leak"))
    leaked = mm_structs() - before
    down("leak")
    ok(leaked >= number * 3 / 4, "%d of %d" % (leaked, number))


def webusb_version():
    path = gadgets.DIRECTORY / "page.conf"
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions = { f = { type = "gser"; }; };\n'
                    'webusb = { landingPage = "https://x.example/"; };\n')
    # usbip-vudc has no SuperSpeed
    with kernel_functions.up_and_configured(path, isochronous=True):
        eq(harness.device().bcdUSB, 0x0201)
        contains(must(ffsctl("check", path)).stderr, "Chromium does not read 'landingPage'")


if os.environ["LAB_KERNEL"] != "6.1":  # which has no WebUSB
    test("a gadget with WebUSB on a UDC without SuperSpeed is one of USB 2.01, whose landing page no Chromium reads")(webusb_version)

tap.main()
