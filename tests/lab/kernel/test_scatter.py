#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: append=,dummy_hcd.gadget_sg=1 build=plain
# lab all: kernel=6.12,6.1 append=,dummy_hcd.gadget_sg=1 speed=super,high build=plain
"""SourceSink on a dummy_hcd with and without support for scatterlists: all tests of usbtest for bulk endpoints."""

import contextlib
import ctypes
import fcntl
import os
import struct
import subprocess

import harness
import ioctls
from gadgets import foreign
from tap import main, test

USBTEST_REQUEST = 0xC01C5564  # of struct usbtest_param_32, drivers/usb/misc/usbtest.c
# (case, what it does, how often, length, vary, entries of the host's scatterlist)
CASES = [
    (1, "bulk OUT", 100, 16384, 0, 0),
    (2, "bulk IN", 100, 16384, 0, 0),
    (3, "bulk OUT of many lengths", 100, 16384, 421, 0),
    (4, "bulk IN of several lengths", 100, 16384, 1024, 0),
    (5, "OUT queues", 50, 16384, 0, 32),
    (6, "IN queues", 50, 16384, 0, 32),
    (7, "OUT queues of several lengths", 50, 16384, 1024, 32),
    (8, "IN queues of several lengths", 50, 16384, 1024, 32),
    (11, "cancelled reads", 50, 16384, 0, 0),
    (12, "cancelled writes", 50, 16384, 0, 0),
    (13, "halts", 50, 512, 0, 0),
    (17, "bulk OUT from odd addresses", 50, 16384, 0, 0),
    (18, "bulk IN to odd addresses", 50, 16384, 0, 0),
    (24, "cancelled queues", 20, 16384, 0, 32),
]


def usbtest(device, case, iterations, length, vary, entries):
    param = bytearray(struct.pack("=5I2i", case, iterations, length, vary, entries, 0, 0))
    address = ctypes.addressof((ctypes.c_char * len(param)).from_buffer(param))
    request = struct.pack(ioctls.USBDEVFS_IOCTL_FORM, 0, USBTEST_REQUEST, address)
    fd = os.open("/dev/bus/usb/%03d/%03d" % (device.bus, device.address), os.O_RDWR)
    try:
        fcntl.ioctl(fd, ioctls.USBDEVFS_IOCTL, request)
    finally:
        os.close(fd)


@test("SourceSink: all that usbtest does with bulk endpoints")
def sourcesink_bulk_endpoints():
    subprocess.run(["modprobe", "usbtest"], check=True)
    with contextlib.ExitStack() as stack:
        with harness.configured():
            stack.enter_context(foreign(idVendor="0x0525", idProduct="0xa4a0"))
        device = harness.device(0x0525, 0xA4A0)
        for case, what, *parameters in CASES:
            try:
                usbtest(device, case, *parameters)
            except OSError as e:
                raise AssertionError(f"case {case}, {what}: {e}") from None


main()
