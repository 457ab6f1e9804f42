#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""Warnings are correct: for each warning about a behaviour of the kernel, the test shows this behaviour.
(tests/cli/test_warnings.py tests the texts.)"""

import errno
import os
import pathlib
import select
import struct
import subprocess

import usb.core

import gadgets
import harness
import tap
from harness import FFSCTL, down, ffsctl, must
from tap import eq, test

harness.leaves_nothing()

IDS = "attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n"
UDC = pathlib.Path("/sys/class/udc/dummy_udc.0")


def write(name, text):
    path = gadgets.DIRECTORY / (name + ".conf")
    path.write_text(IDS + text)
    return path


def changes(seconds):
    """Returns whether the state of the UDC changes during this time, which is virtual."""
    with open(UDC / "state", encoding="ascii") as f:
        was = f.read()
        poll = select.poll()
        poll.register(f, select.POLLPRI)
        while poll.poll(seconds * 1000):
            f.seek(0)
            if f.read() != was:
                return True
    return False


@test("a gadget with obex stays off the bus, also when a program has opened its port")
def obex_stays_off_bus():
    # In this order: what a host has seen it leaves in the UDC's state.
    for obex, seen in (('o = { type = "obex"; };', False), ("", True)):
        path = write("obex", f'max_speed = "high"; functions = {{ a = {{ type = "acm"; }}; {obex} }};\n')
        got = must(ffsctl("up", "--no-bind", path))
        eq("the gadget will not connect to a host" in got.stderr, not seen)
        # rmdir would wait for it to be closed
        with open("/dev/ttyGS0", "rb+", buffering=0, opener=lambda p, f: os.open(p, f | os.O_NOCTTY | os.O_NONBLOCK)):
            eq((UDC / "state").read_text().strip(), "not attached")
            bind = subprocess.Popen([FFSCTL, "bind", "obex"])
            eq(changes(20), seen, "whether a host sees it")
            eq(bind.wait(), 0)
            must(ffsctl("unbind", "obex"))
        down("obex")


@test("the kernel cuts off a report that is longer than report_length")
def long_report_is_cut_off():
    path = write("keys", 'functions = { k = { type = "hid"; attrs = { report_desc = "keyboard"; report_length = 7; }; }; };\n')
    got = must(ffsctl("up", "--wait-host", path))
    eq("the longest report has 8 bytes, but the kernel cuts off reports after 'report_length' bytes" in got.stderr, True)
    with open("/dev/hidg0", "rb+", buffering=0) as f:
        eq(f.write(bytes(8)), 7, "bytes that the kernel took")
    down("keys")


def has_driver(number):
    """Returns whether a driver of the host has this interface of the gadget."""
    # Opening the device waits for its lock, which the host holds until drivers have probed all interfaces.
    device = harness.device()
    device.ctrl_transfer(0x80, 6, 1 << 8, 0, 18)
    found = harness.usb_device(busnum=str(device.bus), devnum=str(device.address))
    return (found / f"{found.name}:1.{number}" / "driver").exists()


@test("in a device of a vendor's class Linux gives no function a driver by its class")
def vendor_class_hides_class():
    harness.load_host_drivers()
    for number, seen in ((0, True), (255, False)):
        path = gadgets.DIRECTORY / "class.conf"
        path.write_text(IDS.replace(" };", f" bDeviceClass = {number}; }};") + 'functions = { a = { type = "acm"; }; };\n')
        got = must(ffsctl("up", "--wait-host", path))
        eq("Linux hosts find no driver for function 'a'" in got.stderr, not seen)
        eq(has_driver(0), seen, "whether cdc_acm has the interface")
        down("class")


@test("in a language that lacks a text the host reads an empty one, or gets an error")
def gaps_of_languages():
    path = write("gaps", 'strings = ( { product = "p"; serialnumber = "s"; }, { lang = 0x407; product = "q"; } );\n'
                 'functions = { a = { type = "acm"; }; };\n'
                 'configs = ( { strings = ( { configuration = "c"; } ); functions = ( "a" ); } );\n')
    got = must(ffsctl("up", "--wait-host", path))
    for words in ("language 0x0407 has no 'serialnumber': a host that asks in this language reads an empty text",
                  "configuration 1 has no text in language 0x0407, which the device has"):
        eq(words in got.stderr, True, words)
    device = harness.device()
    eq([bytes(device.ctrl_transfer(0x80, 6, 3 << 8 | device.iSerialNumber, lang, 255)) for lang in (0x409, 0x407)],
       [b"\4\3s\0", b"\2\3"], "serial numbers")
    text = device[0].iConfiguration
    eq(bytes(device.ctrl_transfer(0x80, 6, 3 << 8 | text, 0x409, 255)), b"\4\3c\0")
    try:
        device.ctrl_transfer(0x80, 6, 3 << 8 | text, 0x407, 255)
        raise AssertionError("the host got a text")
    except usb.core.USBError as e:
        eq(e.errno, errno.EPIPE)
    down("gaps")


@test("at high speed the host sees at most 500 mA")
def current_is_cut():
    for current, seen in ((500, 250), (592, 250)):
        path = write("power", 'max_speed = "high"; functions = { a = { type = "acm"; }; };\n'
                     f'configs = ( {{ attrs = {{ bMaxPower = {current}; }}; functions = ( "a" ); }} );\n')
        got = must(ffsctl("up", "--wait-host", path))
        eq("the kernel reports 500 to the host" in got.stderr, current > 500)
        eq(harness.device()[0].bMaxPower, seen, "in units of 2 mA")
        down("power")


@test("the kernel refuses the media that check --here refuses, and takes the smallest that check accepts")
def smallest_media():
    medium = gadgets.DIRECTORY / "medium"
    for cd, size, taken in (("false", 511, False), ("false", 512, True), ("true", 614399, False), ("true", 614400, True)):
        with open(medium, "wb") as f:
            f.truncate(size)
        path = write("drive", 'strings = ( { serialnumber = "0123456789AB"; } );\n'
                     f'functions = {{ d = {{ type = "mass_storage"; attrs = {{ luns = ( {{ cdrom = {cd}; file = "{medium}"; }} ); }}; }}; }};\n')
        eq(ffsctl("check", "--here", path).returncode == 0, taken, f"check of {size} bytes")
        eq(ffsctl("up", "--no-bind", path).returncode == 0, taken, f"up with {size} bytes")
        if taken:
            down("drive")
    medium.unlink()
    medium.mkdir()
    eq([ffsctl("check", "--here", path).returncode == 0, ffsctl("up", "--no-bind", path).returncode == 0], [False, False], "directory")
    medium.rmdir()


def capacity():
    """Returns the bytes of the drive's medium, as the host reads them."""
    device = harness.device()
    device.ctrl_transfer(0x80, 6, 1 << 8, 0, 18)  # waits until drivers have probed the interface, as in has_driver
    if device.is_kernel_driver_active(0):
        device.detach_kernel_driver(0)
    ends = {e.bEndpointAddress & 0x80: e.bEndpointAddress for e in device[0][(0, 0)]}

    def command(name, length):
        device.write(ends[0], struct.pack("<4sIIBBB16s", b"USBC", 1, length, 0x80, 0, 10, bytes([name])))
        data = bytes(device.read(ends[0x80], length)) if length else b""
        eq(len(device.read(ends[0x80], 13)), 13, "status of the command")
        return data

    command(0x00, 0)  # TEST UNIT READY: the first command fails, because the drive was reset
    last, sector = struct.unpack(">II", command(0x25, 8))  # READ CAPACITY (10)
    return (last + 1) * sector


@test("the host sees as much of a medium as the warnings say")
def media_are_cut():
    medium = gadgets.DIRECTORY / "medium"
    for cd, size, seen, words in (("true", 3 << 30, 2359293952, "only the first 2359293952 bytes"),
                                  ("true", 614400 + 512, 614400, "the last 512 bytes"), ("false", 1025, 1024, "the last 1 bytes"),
                                  ("false", 1024, 1024, None)):
        with open(medium, "wb") as f:
            f.truncate(size)
        path = write("drive", 'strings = ( { serialnumber = "0123456789AB"; } );\n'
                     f'functions = {{ d = {{ type = "mass_storage"; attrs = {{ luns = ( {{ cdrom = {cd}; ro = true; file = "{medium}"; }} ); }}; }}; }};\n')
        got = must(ffsctl("check", path))
        eq((words or " bytes of ") in got.stderr, words is not None, got.stderr)
        must(ffsctl("up", "--wait-host", path))
        eq(capacity(), seen, f"of {size} bytes")
        down("drive")
    medium.unlink()


@test("a stock kernel lets no host configure a gadget whose virtual_addr is an address that the UDC has not assigned")
def address_of_the_file():
    patched = os.environ["LAB_MODULES"] == "patched"  # fixes/0042 of kernel/patches/6.12
    for address, assigned in ((0x81, True), (0x8f, False)):
        configures = assigned or patched
        path = write("address", 'max_speed = "high"; functions = { a = { ffs = { speeds = [ "full", "high" ]; virtual_addr = true; '
                     f'interfaces = ( {{ endpoints = ( {{ type = "bulk"; direction = "in"; address = {address:#x}; }} ); }} ); }}; }}; }};\n')
        got = must(ffsctl("up", "--wait-host=5", path), 0 if configures else 75)
        eq("has the address 0x8f, but UDCs number endpoints from 1 on" in got.stderr, not assigned)
        eq("config_ep_by_speed(ep1in-bulk) returned -5" in got.stderr, not configures, got.stderr)
        down("address")


@test("the kernel has no directory for OS descriptors of an interface that the function's type does not have")
def interfaces_of_os_descriptors():
    for interface, taken in (("rndis", True), ("ncm", False)):
        path = write("os", f'functions = {{ r = {{ type = "rndis"; '
                     f'tree = ( {{ path = "os_desc/interface.{interface}/compatible_id"; value = "RNDIS"; }} ); }}; }};\n')
        eq(ffsctl("up", "--no-bind", path).returncode == 0, taken, interface)
        if taken:
            down("os")


tap.main()
