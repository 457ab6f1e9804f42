#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 speed=high,super timeout=240
# lab: kernel=6.1 vudcs=1 timeout=240
# lab all: kernel=6.12,6.1 vudcs=1 speed=full,high,super timeout=240
"""The host reads what the example says: every field of every descriptor, and every string.

The expected values are in expectations.py and were written by hand. The test reads the descriptors as raw bytes and
parses them itself; it uses no code of ffsctl.
"""

import contextlib
import grp
import os
import pathlib
import pwd
import re
import signal
import stat
import struct

import usb.core

import harness
import kernel_functions
import tap
from expectations import ANSWERS, Association, EXPECTED, MOUNTS, OLD, OS_REQUEST, PLATFORM, REPORTS
from gadgets import DIRECTORY
from harness import CONFIGFS, EXAMPLES, down, up
from tap import eq, ok, test

SPEED = os.environ["LAB_SPEED"]  # what the UDC can do

DEVICE, CONFIG, STRING, INTERFACE, ENDPOINT, QUALIFIER, OTHER_SPEED, ASSOCIATION, BOS = 1, 2, 3, 4, 5, 6, 7, 11, 15
REPORT, COMPANION = 0x22, 48
OF_A_CLASS = {0x21, 0x24, 0x25}


# Linux 6.1 has no WebUSB and no DFU; usbip-vudc, which the webcam needs, has one speed.
CANNOT = ({"dfu", "webusb"} if OLD else set()) | ({"webcam"} if SPEED != "high" else set())
# (The template's plugin must be built first: test_install.py does, and runs it.)
PATHS = {p.stem: p for p in pathlib.Path(EXAMPLES).rglob("*.conf") if p.parent.name != "plugin-template"}
ALL = sorted(PATHS.keys() - CANNOT)


def speed_of(gadget):
    """Returns the slower of the fastest speeds of both sides."""
    return min(SPEED, gadget.fastest, key=("full", "high", "super").index)


# --- reading ------------------------------------------------------------------------------------


class Host:
    """A device, whose descriptors are read as raw bytes."""

    def __init__(self, name):
        self.device = harness.device(*EXPECTED[name].ids)

    def descriptor(self, kind, index=0, language=0):
        """Returns the bytes of a descriptor, or None if the device stalls the request."""
        try:
            return bytes(self.device.ctrl_transfer(0x80, 6, kind << 8 | index, language, 4096))
        except usb.core.USBError as e:
            if e.errno != 32:  # EPIPE: a stall
                raise
            return None

    def languages(self):
        raw = self.descriptor(STRING)
        eq((raw[0], raw[1]), (len(raw), STRING), "head of string 0")
        return [code for (code,) in struct.iter_unpack("<H", raw[2:])]

    def text(self, index, language):
        raw = self.descriptor(STRING, index, language)
        if raw is None:
            return None
        eq((raw[0], raw[1]), (len(raw), STRING), f"head of string {index}")
        return raw[2:].decode("utf-16-le")

    def in_all_languages(self, index):
        """Returns {language: text} of a string; {} for index 0, which is no string."""
        return {code: self.text(index, code) for code in self.languages()} if index else {}

    def configuration(self, kind, index):
        """Parses a configuration to a tree of dictionaries like Config. Fails if it does not know a byte."""
        raw = self.descriptor(kind, index)
        if raw is None:
            return None
        length, number, total, interfaces, value, string, attributes, power = struct.unpack_from("<BBHBBBBB", raw)
        eq((length, number, total), (9, kind, len(raw)), "head of the configuration descriptor")
        config = {"value": value, "strings": self.in_all_languages(string), "attributes": attributes,
                  "power": power, "bNumInterfaces": interfaces, "interfaces": [], "associations": []}
        at = length
        while at < len(raw):
            length, number = raw[at], raw[at + 1]
            ok(length >= 2 and at + length <= len(raw), f"a descriptor of {length} bytes at {at} of {len(raw)}")
            body = raw[at + 2:at + length]
            if number == INTERFACE:
                eq(length, 9, "bLength of an interface")
                config["interfaces"].append({
                    "number": body[0], "alternate": body[1], "bNumEndpoints": body[2],
                    "triple": tuple(body[3:6]), "strings": self.in_all_languages(body[6]), "specific": (),
                    "endpoints": []})
                latest = config["interfaces"][-1]
            elif number == ENDPOINT:
                eq(length, 7, "bLength of an endpoint")
                address, attributes, size, interval = struct.unpack("<BBHB", body)
                config["interfaces"][-1]["endpoints"].append(
                    {"address": address, "attributes": attributes, "values": (size, interval), "specific": ()})
                latest = config["interfaces"][-1]["endpoints"][-1]
            elif number == COMPANION:
                eq(length, 6, "bLength of a companion")
                endpoint = config["interfaces"][-1]["endpoints"][-1]
                eq(len(endpoint["values"]), 2, "values before the only companion")
                endpoint["values"] += struct.unpack("<BBH", body)
            elif number == ASSOCIATION:
                eq(length, 8, "bLength of an association")
                config["associations"].append((len(config["interfaces"]), Association(
                    body[0], body[1], tuple(body[2:5]), self.in_all_languages(body[5]))))
            elif number in OF_A_CLASS:
                latest["specific"] += (raw[at:at + length],)
            else:
                raise AssertionError(f"a descriptor of type {number} that the file does not ask for")
            at += length
        return config


def addresses_of(config):
    """Returns {address of expectations.py, which is that of dummy_hcd: address}. The endpoints of other UDCs have numbers of
    their own for each direction, and configfs takes the first one that fits (epautoconf.c)."""
    expected = [e.address for i in config.interfaces for e in i.endpoints]
    if harness.LAB_UDC == "dummy":
        return dict(zip(expected, expected))
    same_direction = {direction: [e for e in dict.fromkeys(expected) if e & 0x80 == direction] for direction in (0, 0x80)}
    return {e: direction | number for direction, there in same_direction.items() for number, e in enumerate(there, 1)}


def expected_configuration(config, speed):
    """Returns the same tree for an expected configuration of expectations.py."""
    addresses = addresses_of(config)
    return {
        "value": config.value, "strings": config.strings, "attributes": config.attributes,
        "power": config.power[speed == "super"], "bNumInterfaces": len({i.number for i in config.interfaces}),
        "interfaces": [{
            "number": i.number, "alternate": i.alternate, "bNumEndpoints": len(i.endpoints), "triple": i.triple,
            "strings": i.strings, "specific": i.specific,
            "endpoints": [{"address": addresses[e.address], "attributes": e.attributes, "values": getattr(e, speed),
                           "specific": e.specific} for e in i.endpoints],
        } for i in config.interfaces],
        # Each stands right before its first interface
        "associations": [(next(n for n, i in enumerate(config.interfaces) if i.number == a.first), a)
                         for a in config.associations],
    }


is_up = contextlib.ExitStack()  # takes the example down that is up
up_name = None


def take_down():
    global up_name
    up_name = None
    is_up.close()


def bring_up(name):
    """Brings an example up. It stays up for the next tests of the same example."""
    global up_name
    if up_name == name:
        return
    take_down()
    if name == "camera-frames":
        # There is no camera; descriptors do not depend on the program
        path = DIRECTORY / "camera-frames.conf"
        path.write_text(re.sub(r"\bexec = .*|\bready = .*", "", PATHS[name].read_text()).replace(
            "worker : {", 'worker : { exec = [ "/bin/sleep", "100000" ];'))
        up(path, "--udc", "dummy_udc.0", "--wait-host")
        is_up.callback(down, name)
    elif name == "webcam":
        is_up.enter_context(kernel_functions.up_and_configured(PATHS[name], "uvc"))
    else:
        up(PATHS[name], "--udc", "dummy_udc.0", "--wait-host")
        is_up.callback(down, name)
    up_name = name


# --- the tests ----------------------------------------------------------------------------------


def device_descriptor(name):
    gadget = EXPECTED[name]
    speed = speed_of(gadget)
    # composite.c: a UDC with SuperSpeed has a BOS, and so has a gadget with WebUSB: their version is 2.10
    slower = 0x0210 if SPEED == "super" or name in PLATFORM else 0x0201 if harness.HAS_LPM else 0x0200
    usb_version = 0x0320 if speed == "super" else slower
    bring_up(name)
    host = Host(name)
    eq(host.device.speed, {"full": 2, "high": 3, "super": 4}[speed], "libusb's speed")
    raw = host.descriptor(DEVICE)
    fields = struct.unpack("<BBHBBBBHHHBBBB", raw)
    size0 = 9 if speed == "super" else 64  # at SuperSpeed an exponent
    eq(fields, (18, DEVICE, usb_version, *gadget.triple, size0, *gadget.ids, 0x0100, *fields[10:13],
                len(gadget.configs)), "device descriptor")
    eq([host.in_all_languages(i) for i in fields[10:13]],
       [{code: texts[n] for code, texts in gadget.languages.items()} for n in range(3)],
       "manufacturer, product and serial number")
    # High speed tells what it would be at full speed
    qualifier = (struct.pack("<BBHBBBBBB", 10, QUALIFIER, usb_version, *gadget.triple, 64, len(gadget.configs), 0)
                 if speed == "high" else None)
    eq(host.descriptor(QUALIFIER), qualifier, "device qualifier")


def configurations(name):
    gadget = EXPECTED[name]
    speed = speed_of(gadget)
    bring_up(name)
    host = Host(name)
    for n, config in enumerate(gadget.configs):
        eq(host.configuration(CONFIG, n), expected_configuration(config, speed), f"configuration {n}")
        other = expected_configuration(config, "full") if speed == "high" else None
        eq(host.configuration(OTHER_SPEED, n), other, f"configuration {n} at the other speed")
    eq(host.descriptor(CONFIG, len(gadget.configs)), None, "one configuration more")
    # The host takes the first one
    eq(bytes(host.device.ctrl_transfer(0x80, 8, 0, 0, 1)), bytes([gadget.configs[0].value]), "GET_CONFIGURATION")


def strings(name):
    """Every string in every language is correct, also strings without a reference; there are none."""
    gadget = EXPECTED[name]
    bring_up(name)
    host = Host(name)
    eq(host.languages(), list(gadget.languages), "languages")
    for language, texts in gadget.languages.items():
        wanted = [*texts, *gadget.more]
        wanted += [c.strings[language] for c in gadget.configs if language in c.strings]
        # A function has its strings once, in however many configurations it is
        wanted += {i.strings[language] for c in gadget.configs for i in (*c.interfaces, *c.associations) if i.strings}
        got = [host.text(i, language) for i in range(1, 256)]
        eq(sorted(t for t in got if t is not None), sorted(wanted), f"strings in {language:#06x}")
    eq(host.text(2, 0x0411), None, "a string in a language that is not there")


def bos(name):
    """The descriptor that the kernel makes by itself fits the speeds that the gadget has, and its
    file: WebUSB is a capability."""
    bring_up(name)
    raw = Host(name).descriptor(BOS)
    platform = PLATFORM.get(name, [])
    if SPEED != "super" and not platform and not harness.HAS_LPM:
        eq(raw, None, "BOS")
        return
    eq(struct.unpack_from("<BBH", raw), (5, BOS, len(raw)), "head of the BOS")
    at, capabilities = 5, []
    while at < len(raw):
        capabilities.append(raw[at:at + raw[at]])
        at += raw[at]
    eq(len(capabilities), raw[4], "bNumDeviceCaps")
    eq([c for c in capabilities if c[2] == 3],
       [struct.pack("<BBBBHBBH", 10, 16, 3, 0, 0x000f, 1, 1, 500)] if SPEED == "super" else [], "SuperSpeed capability")
    eq([c for c in capabilities if c[2] == 5], platform, "platform capabilities")


def answers(name):
    """To what hosts ask besides, in one piece; Windows asks first for no more than the head."""
    bring_up(name)
    device = Host(name).device
    for (kind, request, value, index), answer in ANSWERS[name].items():
        for size in (16, 4096) if request == OS_REQUEST else (4096,):
            eq(bytes(device.ctrl_transfer(kind, request, value, index, size)), answer[:size],
               f"request {request:#x}, {value:#x}, {index:#x}")


def fields_of(raw):
    """Parses a report descriptor (HID 1.11, 6.2.2): returns the usages of its collections, and its fields."""
    at, state, usages, limits, collections, fields, depth = 0, {}, [], [], [], [], 0
    while at < len(raw):
        size, tag = (0, 1, 2, 4)[raw[at] & 3], raw[at] & 0xfc
        data = raw[at + 1:at + 1 + size]
        value = int.from_bytes(data, "little")
        at += 1 + size
        if tag == 0x08:
            usages.append(value)
        elif tag in (0x18, 0x28):
            limits.append(value)
        elif tag in (0x80, 0x90):
            field = ("input" if tag == 0x80 else "output", value, state[0x74], state[0x94])
            if not value & 1:  # not constant
                field += (state[0x04], range(limits[0], limits[1] + 1) if limits else usages, state[0x14], state[0x24])
            fields.append(field)
        elif tag == 0xa0:
            collections.append((state[0x04], *usages))
            depth += 1
        elif tag == 0xc0:
            depth -= 1
        elif tag in (0x14, 0x24):  # logical limits, with a sign
            state[tag] = int.from_bytes(data, "little", signed=True)
        elif tag in (0x04, 0x74, 0x94):  # usage page, report size, report count
            state[tag] = value
        else:
            raise AssertionError(f"item {tag:#x}")
        if tag & 0x0c == 0:  # of the main items local ones end
            usages, limits = [], []
    eq((at, depth), (len(raw), 0), "end of the report descriptor")
    return collections, fields


def reports(name):
    bring_up(name)
    device = Host(name).device
    for number, report in enumerate(REPORTS[name]):
        raw = bytes(device.ctrl_transfer(0x81, 6, REPORT << 8, number, 4096))
        eq(len(raw), EXPECTED[name].configs[0].interfaces[number].specific[0][7], "wDescriptorLength")
        eq(fields_of(raw), report, f"report descriptor of interface {number}")


def mounts(name):
    expected = MOUNTS[name]
    bring_up(name)
    eq(os.listdir(CONFIGFS), [name], "gadgets in configfs")
    lines = [line.split() for line in pathlib.Path("/proc/mounts").read_text().splitlines()]
    eq(sorted((m[0], m[1]) for m in lines if m[2] == "functionfs"),
       sorted((m.source, m.path) for m in expected), "FunctionFS in /proc/mounts")
    for mount in expected:
        owner = (pwd.getpwnam(mount.owner[0]).pw_uid, grp.getgrnam(mount.owner[1]).gr_gid)
        info = os.stat(mount.path)
        eq((stat.S_IFMT(info.st_mode), oct(stat.S_IMODE(info.st_mode)), (info.st_uid, info.st_gid)),
           (stat.S_IFDIR, oct(mount.directory_mode), owner), mount.path)
        eq(sorted(os.listdir(mount.path)), sorted([f"ep{n}" for n in range(mount.files)] + list(mount.pairs)), "files")
        for file in os.listdir(mount.path):
            info = os.stat(f"{mount.path}/{file}")
            eq((oct(stat.S_IMODE(info.st_mode)), (info.st_uid, info.st_gid)), (oct(mount.file_mode), owner), file)
    take_down()
    for mount in expected:
        ok(not os.path.exists(mount.path), f"{mount.path} is still there")



@test("every example has its expectations, and the other way round")
def every_example_has_expectations():
    eq(sorted(PATHS), sorted(EXPECTED), "examples")
    eq(sorted(PATHS), sorted(MOUNTS), "examples")


for example in ALL:
    test(f"{example}: device descriptor and qualifier", example)(device_descriptor)
    test(f"{example}: configurations, interfaces, endpoints", example)(configurations)
    test(f"{example}: strings", example)(strings)
    test(f"{example}: mounts", example)(mounts)
    if example in ANSWERS:
        test(f"{example}: answers to what hosts ask besides", example)(answers)
    if example in REPORTS:
        test(f"{example}: report descriptors", example)(reports)
    if example in PLATFORM or example == "loopback":
        test(f"{example}: BOS", example)(bos)


@test("mount-options: the device link, and only while it is up")
def device_link_while_up():
    bring_up("mount-options")
    eq(os.readlink("/dev/usb-events"), "/dev/usb-shared/ep1")
    take_down()
    ok(not os.path.lexists("/dev/usb-events"), "it is still there")


def udc_without_keeper(name):
    """What configfs' UDC holds when the last open file has been closed, before anybody reacts."""
    bring_up(name)
    gadget, _ = harness.status(name)
    os.kill(gadget["supervisor"], signal.SIGSTOP)
    for function in gadget["functions"]:
        harness.kill(function["keeper"])
    bound = pathlib.Path(CONFIGFS, name, "UDC").read_text().strip()
    os.kill(gadget["supervisor"], signal.SIGCONT)
    take_down()
    return bound


@test("mount-options: no_disconnect keeps it on the bus without an open file, others go")
def no_disconnect_keeps_bus():
    # FunctionFS does not show its options in /proc/mounts (f_fs.c has no show_options)
    eq(udc_without_keeper("mount-options"), "dummy_udc.0", "UDC with no_disconnect")
    eq(udc_without_keeper("interrupt"), "", "UDC without no_disconnect")


tap.main()
