#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=300
# lab: speed=high append=dummy_hcd.gadget_sg=1 timeout=300
# lab all: kernel=6.12,6.1 speed=full,high,super timeout=300
# lab all: kernel=6.12,6.1 speed=high,super append=dummy_hcd.gadget_sg=1 timeout=300
"""The host's driver usbtest can test a device with the plugin sourcesink: all its cases for a device in user mode
(drivers/usb/misc/usbtest.c), with each engine."""

import contextlib
import ctypes
import errno
import fcntl
import os
import pathlib
import struct
import subprocess

import usb.core
import usb.util

import gadgets
import harness
import ioctls
import tap
from harness import down, ffsctl, must
from tap import eq, test

SG = harness.has_scatterlists()
SPEED = os.environ["LAB_SPEED"]
PACKET = {"full": 64, "high": 512, "super": 1024}[SPEED]
IDS = 0x0525, 0xA4A4  # usbtest's "user mode test driver"
ZERO = 0x0525, 0xA4A0  # its "Linux gadget zero", of which it wants interrupt endpoints as well
USBTEST_FORM = "@5I2q"  # struct usbtest_param_64, drivers/usb/misc/usbtest.c
USBTEST_REQUEST = ioctls.number(ioctls.READ | ioctls.WRITE, "U", 100, USBTEST_FORM)
TO_DEVICE, FROM_DEVICE, WRITE, READ = 0x40, 0xC0, 0x5B, 0x5C
# What needs no isochronous or interrupt endpoint, and no ctrl_out, which usbtest asks of other ids
CASES = [*range(14), *range(17, 21), 24, 29]
FAST = [27, 28]  # measure, and compare nothing

harness.leaves_nothing()


def gadget(engine="auto", pattern=0):
    """Writes the gadget file sourcesink of gadget.d with these settings."""
    text = pathlib.Path(harness.SRC, "gadget.d/sourcesink.conf").read_text()
    plugin = 'plugin = "sourcesink";'
    eq((text.count(plugin), text.count("pattern = 0;")), (1, 1))
    path = gadgets.DIRECTORY / "source.conf"
    path.write_text(text.replace(plugin, f'{plugin} io : {{ engine = "{engine}"; }}; restart_delay = 0;').replace(
        "pattern = 0;", f"pattern = {pattern};"))
    return path


def device(ids=IDS):
    return harness.device(*ids)


def bring_up(*settings, **more):
    """Brings the gadget up, and waits until the host has configured it. The driver usbtest, if it is loaded, is then
    bound."""
    with harness.configured():
        must(ffsctl("up", gadget(*settings, **more)))


@contextlib.contextmanager
def driver(**parameters):
    """Loads usbtest on the host during the block."""
    words = [f"{key}={value}" for key, value in parameters.items()]
    must(subprocess.run(["modprobe", "usbtest", *words], capture_output=True, text=True))
    try:
        yield
    finally:
        must(subprocess.run(["rmmod", "usbtest"], capture_output=True, text=True))


def usbtest(number, iterations=8, length=PACKET * 8, vary=PACKET, sglen=8, ids=IDS):
    """Runs one case of usbtest; raises its error."""
    found = device(ids)
    words = struct.pack(USBTEST_FORM, number, iterations, length, vary, sglen, 0, 0)
    parameters = ctypes.create_string_buffer(words, len(words))
    with open(f"/dev/bus/usb/{found.bus:03}/{found.address:03}", "r+b", buffering=0) as node:
        request = struct.pack(ioctls.USBDEVFS_IOCTL_FORM, 0, USBTEST_REQUEST, ctypes.addressof(parameters))
        fcntl.ioctl(node, ioctls.USBDEVFS_IOCTL, request)


def cases(engine, pattern):
    with driver(pattern=pattern):
        bring_up(engine, pattern)
        # Without scatterlists nothing takes DMABUFs
        way = engine if SG or engine != "dmabuf" else "copy"
        gadgets.await_status("source", lambda g: g["functions"][0]["worker"]["engine"] == way, way)
        for case in CASES + (FAST if pattern == 0 else []):
            try:
                usbtest(case)
            except OSError as e:
                raise AssertionError(f"case {case}: {e}") from e
        eq(must(ffsctl("status", "source", "-o", "test.worker.restarts")).stdout, "0\n")
        down("source")


for engine_ in ("copy", "mmap", "dmabuf"):
    for pattern_ in (0, 1):
        test(f"usbtest's cases, engine {engine_}, pattern {pattern_}", engine_, pattern_)(cases)


@test("interrupt endpoints beside the bulk ones: usbtest's cases for these")
def interrupt_beside_bulk():
    with driver(pattern=1):
        path = gadget(pattern=1)
        text = path.read_text()
        for old, new in (("0xa4a4", "0xa4a0"), ('"bulk-out" )', '"bulk-out", "interrupt-in", "interrupt-out" )')):
            eq(text.count(old), 1)
            text = text.replace(old, new)
        path.write_text(text)
        with harness.configured():
            must(ffsctl("up", path))
        for case, length in ((1, PACKET), (2, PACKET), (25, 64), (26, 64), (25, 1), (26, 64 * 8)):
            usbtest(case, length=length, ids=ZERO)
        eq(must(ffsctl("status", "source", "-o", "test.worker.restarts")).stdout, "0\n")
        down("source")


@contextlib.contextmanager
def hidden(*paths):
    for path in paths:
        os.rename(path, f"{path}.hidden")
    try:
        yield
    finally:
        for path in paths:
            os.rename(f"{path}.hidden", path)


@test("a DMA heap does for udmabuf; without either the engine is refused at its line")
def dma_heap_or_udmabuf():
    with hidden("/dev/udmabuf"):
        cases("dmabuf", 1)
        with hidden("/dev/dma_heap/system"):
            path = gadget("dmabuf")
            error = must(ffsctl("up", path), 69).stderr
    number, = (n for n, line in enumerate(path.read_text().splitlines(), 1) if "engine = " in line)
    tap.contains(error, f"{path}:{number}:")
    tap.contains(error, "io.engine = \"dmabuf\" needs /dev/udmabuf (CONFIG_UDMABUF) or")


@test("a case that the device does not pass: usbtest sees another pattern")
def usbtest_sees_wrong_pattern():
    with driver(pattern=1):
        bring_up(pattern=0)
        eq(tap.raises(OSError, usbtest, 2).errno, errno.EINVAL)
        down("source")


@test("control requests: what is written can be read back, and others are stalled")
def control_write_read_stall():
    bring_up()
    host = device()
    for length in (1, 63, 64, 65, 512, 4095, 4096):
        data = os.urandom(length)
        host.ctrl_transfer(TO_DEVICE, WRITE, 0, 0, data)
        eq(bytes(host.ctrl_transfer(FROM_DEVICE, READ, 0, 0, length)), data)
    host.ctrl_transfer(TO_DEVICE, WRITE, 0, 0, None)
    for request in ((TO_DEVICE, WRITE, 1, 0, b"x"), (FROM_DEVICE, READ, 0, 1, 1), (TO_DEVICE, 0x5D, 0, 0, None),
                    (FROM_DEVICE, WRITE, 0, 0, 1)):
        eq(tap.raises(usb.core.USBError, host.ctrl_transfer, *request).errno, errno.EPIPE, request)
    usb.util.dispose_resources(host)
    down("source")


@test("a wrong byte from the host is told, with its place; the worker is restarted")
def wrong_byte_is_told():
    bring_up(pattern=1)
    host = device()
    out, = (e for e in host.get_active_configuration()[(0, 0)] if not e.bEndpointAddress & 0x80)
    right = bytes(i % 63 for i in range(PACKET)) * ((1 << 16) // PACKET)  # a transfer: it has no short packet
    eq(out.write(right), len(right))
    wrong = bytearray(right)
    wrong[PACKET + 70] ^= 0x80
    out.write(wrong)
    shown, _ = gadgets.await_status("source", lambda g: g["functions"][0]["worker"]["restarts"] == 1 and
                                    g["functions"][0]["worker"]["state"] == "ready", "restarted")
    eq(shown["functions"][0]["worker"]["last_exit"], "exit 1")
    usb.util.dispose_resources(host)
    down("source")


tap.main()
