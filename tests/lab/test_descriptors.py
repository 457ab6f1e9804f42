#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: kernel=6.12,6.1 speed=full,high,super
"""What a host reads is what the example says: every field of every descriptor, every string.

The expectations are written down here by hand, from the files in examples/ and the USB 2.0 and 3.2
tables. The descriptors are read as raw bytes and taken apart here; ffsctl has no part in either."""

import grp
import os
import pathlib
import pwd
import signal
import stat
import struct
from typing import NamedTuple

import usb.core

import harness
import tap
from harness import CONFIGFS, EXAMPLES, down, up
from tap import eq, ok, test

SPEED = os.environ["LAB_SPEED"]  # what the UDC can do
EN, DE = 0x0409, 0x0407

DEVICE, CONFIG, STRING, INTERFACE, ENDPOINT, QUALIFIER, OTHER_SPEED, BOS = 1, 2, 3, 4, 5, 6, 7, 15
COMPANION = 48


# What these are about is more than their descriptors: test_examples uses them as a host would, and
# test_foretold compares every byte with what `ffsctl descriptors` says.
ELSEWHERE = {"dfu", "keyboard-mouse", "webcam", "webusb", "winusb"}
PATHS = {p.stem: p for p in pathlib.Path(EXAMPLES).rglob("*.conf") if p.stem not in ELSEWHERE}
ALL = sorted(PATHS)

# --- what is expected ---------------------------------------------------------------------------
# Addresses are those that dummy_hcd has, in the order in which the kernel gives them out.


class Ep(NamedTuple):
    address: int
    attributes: int  # 2 bulk, 3 interrupt
    full: tuple  # wMaxPacketSize, bInterval
    high: tuple
    super: tuple  # the same, then the companion's bMaxBurst, bmAttributes, wBytesPerInterval


class Interface(NamedTuple):
    number: int
    triple: tuple  # class, subclass, protocol
    strings: dict
    endpoints: list


class Config(NamedTuple):
    value: int
    attributes: int
    power: tuple  # bMaxPower: in units of 2 mA, and of 8 mA at SuperSpeed
    strings: dict
    interfaces: list


class Gadget(NamedTuple):
    languages: dict  # id: (manufacturer, product, serialnumber)
    configs: list
    fastest: str = "super"
    ids: tuple = (0x1d6b, 0x0104)


class Mount(NamedTuple):
    source: str
    path: str
    files: int  # ep0 and the endpoints
    pairs: tuple = ()  # and the files for both directions
    owner: tuple = ("root", "root")
    directory_mode: int = 0o500
    file_mode: int = 0o600


def bulk(address, burst=0):
    return Ep(address, 2, (64, 0), (512, 0), (1024, 0, burst, 0, 0))


# What the kernel says of a configuration without a bMaxPower: CONFIG_USB_GADGET_VBUS_DRAW, 2 mA.
DEFAULT_POWER = (1, 0)
VENDOR = (255, 0, 0)


def one_config(*interfaces, strings=None):
    return [Config(1, 0x80, DEFAULT_POWER, strings or {}, list(interfaces))]


CONTROL = Interface(0, VENDOR, {EN: "Control"}, [bulk(0x02), bulk(0x81)])

EXPECTED = {
    "accessory": Gadget(
        {EN: ("ffsctl examples", "Accessory", "0008")},
        one_config(Interface(0, (255, 255, 0), {EN: "Android Accessory Interface"}, [bulk(0x81), bulk(0x02)])),
        ids=(0x18d1, 0x2d00)),
    "loopback": Gadget(
        {EN: ("ffsctl examples", "Loopback", "0001")},
        one_config(Interface(0, VENDOR, {EN: "Loopback"}, [bulk(0x81), bulk(0x02)]))),
    "python-worker": Gadget(
        {EN: ("", "Python echo", "0007")},
        one_config(Interface(0, VENDOR, {EN: "Echo"}, [bulk(0x81), bulk(0x02)]))),
    "exec-worker": Gadget(
        {EN: ("", "A program's echo", "0005")},
        one_config(Interface(0, VENDOR, {}, [bulk(0x81), bulk(0x02)]))),
    "mount-options": Gadget(
        {EN: ("", "Mount options", "0006")},
        one_config(Interface(0, VENDOR, {EN: "Events"}, [
            Ep(0x81, 3, (64, 1), (64, 4), None)])),
        fastest="high"),
    "interrupt": Gadget(
        {EN: ("", "Interrupt endpoints", "0003")},
        one_config(Interface(0, VENDOR, {EN: "Meter"}, [
            # 1 ms: 1 frame; 2^3 microframes
            Ep(0x02, 3, (64, 1), (64, 4), (64, 4, 0, 0, 64)),
            # 200 bytes, 4 ms: 4 frames; 2^5 microframes
            Ep(0x81, 3, (64, 4), (200, 6), (200, 6, 0, 0, 200)),
            # 10 ms; 16 bytes and 0.5 ms, 2^2 microframes; 2 packets of 1024 in each microframe
            Ep(0x85, 3, (8, 10), (16, 3), (1024, 1, 1, 0, 2048)),
            bulk(0x86, burst=15),
            bulk(0x07)]))),
    "languages": Gadget(
        {EN: ("ffsctl examples", "Scales", "0004"),
         DE: ("ffsctl-Beispiele", "Küchenwaage", "0004")},
        one_config(
            Interface(0, VENDOR, {EN: "Weight", DE: "Gewicht"}, [bulk(0x81), bulk(0x02)]),
            Interface(1, (255, 1, 0), {EN: "Firmware", DE: "Firmware"}, []),
            strings={EN: "Normal", DE: "Üblich"})),
    "two-functions": Gadget(
        {EN: ("", "Two functions", "0002")},
        [Config(1, 0x80, (50, 12), {EN: "Everything"}, [
            CONTROL,
            Interface(1, (255, 1, 0), {EN: "Data A"}, [bulk(0x86), bulk(0x07)]),
            Interface(2, (255, 2, 0), {EN: "Data B"}, [bulk(0x8b), bulk(0x0c)])]),
         Config(2, 0xc0, (10, 2), {EN: "Control only"}, [CONTROL])]),
}

MOUNTS = {
    "accessory": [Mount("accessory-data", "/dev/ffs/accessory/data", 3, ("ep1_rw",))],
    "loopback": [Mount("loopback-echo", "/dev/ffs/loopback/echo", 3)],
    "python-worker": [Mount("python-worker-echo", "/dev/ffs/python-worker/echo", 3)],
    "exec-worker": [Mount("exec-worker-echo", "/dev/ffs/exec-worker/echo", 3)],
    "mount-options": [Mount("shared", "/dev/usb-shared", 2, (), ("nobody", "nogroup"), 0o550, 0o660)],
    "interrupt": [Mount("interrupt-meter", "/dev/ffs/interrupt/meter", 6)],
    "languages": [Mount("languages-scales", "/dev/ffs/languages/scales", 3)],
    "two-functions": [Mount("two-functions-control", "/dev/ffs/two-functions/control", 3),
                      Mount("two-functions-data", "/dev/ffs/two-functions/data", 5)],
}


def speed_of(gadget):
    """The slower one of both sides' fastest."""
    return min(SPEED, gadget.fastest, key=("full", "high", "super").index)


# --- reading ------------------------------------------------------------------------------------


class Host:
    """One device, as raw bytes."""

    def __init__(self, name):
        self.device = harness.device(*EXPECTED[name].ids)
        self.texts = {}

    def descriptor(self, kind, index=0, language=0):
        """The bytes, or None where the device stalls."""
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
        """{language: text} of one string; {} for index 0, which is no string."""
        return {code: self.text(index, code) for code in self.languages()} if index else {}

    def configuration(self, kind, index):
        """A Config-like tree of dictionaries; every byte of the descriptor is accounted for."""
        raw = self.descriptor(kind, index)
        if raw is None:
            return None
        length, number, total, interfaces, value, string, attributes, power = struct.unpack_from("<BBHBBBBB", raw)
        eq((length, number, total), (9, kind, len(raw)), "head of the configuration descriptor")
        config = {"value": value, "strings": self.in_all_languages(string), "attributes": attributes,
                  "power": power, "bNumInterfaces": interfaces, "interfaces": []}
        at = length
        while at < len(raw):
            length, number = raw[at], raw[at + 1]
            ok(length >= 2 and at + length <= len(raw), f"a descriptor of {length} bytes at {at} of {len(raw)}")
            body = raw[at + 2:at + length]
            if number == INTERFACE:
                eq(length, 9, "bLength of an interface")
                config["interfaces"].append({
                    "number": body[0], "alternate": body[1], "bNumEndpoints": body[2],
                    "triple": tuple(body[3:6]), "strings": self.in_all_languages(body[6]), "endpoints": []})
            elif number == ENDPOINT:
                eq(length, 7, "bLength of an endpoint")
                address, attributes, size, interval = struct.unpack("<BBHB", body)
                config["interfaces"][-1]["endpoints"].append(
                    {"address": address, "attributes": attributes, "values": (size, interval)})
            elif number == COMPANION:
                eq(length, 6, "bLength of a companion")
                endpoint = config["interfaces"][-1]["endpoints"][-1]
                eq(len(endpoint["values"]), 2, "values before the only companion")
                endpoint["values"] += struct.unpack("<BBH", body)
            else:
                raise AssertionError(f"a descriptor of type {number} that the file does not ask for")
            at += length
        return config


def expected_configuration(config, speed):
    """The same form, from the tables above."""
    return {
        "value": config.value, "strings": config.strings, "attributes": config.attributes,
        "power": config.power[speed == "super"], "bNumInterfaces": len(config.interfaces),
        "interfaces": [{
            "number": i.number, "alternate": 0, "bNumEndpoints": len(i.endpoints), "triple": i.triple,
            "strings": i.strings,
            "endpoints": [{"address": e.address, "attributes": e.attributes, "values": getattr(e, speed)}
                          for e in i.endpoints],
        } for i in config.interfaces],
    }


is_up = None  # the example that is up


def take_down():
    global is_up
    name, is_up = is_up, None
    if name:
        down(name)


def bring_up(name):
    """Brings an example up, which stays so for the tests of the same one."""
    global is_up
    if is_up != name:
        take_down()
        up(PATHS[name], "--wait-host")
        is_up = name


# --- the tests ----------------------------------------------------------------------------------


def device_descriptor(name):
    gadget = EXPECTED[name]
    speed = speed_of(gadget)
    # composite.c: a UDC that could do SuperSpeed says 2.10, because it has a BOS
    usb_version = {"super": 0x0320}.get(speed, 0x0210 if SPEED == "super" else 0x0200)
    bring_up(name)
    host = Host(name)
    eq(host.device.speed, {"full": 2, "high": 3, "super": 4}[speed], "libusb's speed")
    raw = host.descriptor(DEVICE)
    fields = struct.unpack("<BBHBBBBHHHBBBB", raw)
    size0 = 9 if speed == "super" else 64  # at SuperSpeed an exponent
    eq(fields, (18, DEVICE, usb_version, 0, 0, 0, size0, *gadget.ids, 0x0100, *fields[10:13],
                len(gadget.configs)), "device descriptor")
    eq([host.in_all_languages(i) for i in fields[10:13]],
       [{code: texts[n] for code, texts in gadget.languages.items()} for n in range(3)],
       "manufacturer, product and serial number")
    # High speed tells what it would be at full speed
    qualifier = (struct.pack("<BBHBBBBBB", 10, QUALIFIER, usb_version, 0, 0, 0, 64, len(gadget.configs), 0)
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
    """Every string in every language, also those that nothing refers to: there are none."""
    gadget = EXPECTED[name]
    bring_up(name)
    host = Host(name)
    eq(host.languages(), list(gadget.languages), "languages")
    for language, texts in gadget.languages.items():
        wanted = list(texts)
        wanted += [c.strings[language] for c in gadget.configs if language in c.strings]
        # A function has its strings once, in however many configurations it is
        seen = {i.strings[language]: None for c in gadget.configs for i in c.interfaces if i.strings}
        wanted += list(seen)
        got = [host.text(i, language) for i in range(1, 256)]
        eq(sorted(t for t in got if t is not None), sorted(wanted), f"strings in {language:#06x}")
    eq(host.text(2, 0x0411), None, "a string in a language that is not there")


def bos(name):
    """The descriptor that the kernel makes by itself fits the speeds that the gadget has."""
    bring_up(name)
    raw = Host(name).descriptor(BOS)
    if SPEED != "super":
        eq(raw, None, "BOS")
        return
    eq(struct.unpack_from("<BBH", raw), (5, BOS, len(raw)), "head of the BOS")
    at, capabilities = 5, []
    while at < len(raw):
        capabilities.append(raw[at:at + raw[at]])
        at += raw[at]
    eq(len(capabilities), raw[4], "bNumDeviceCaps")
    eq([c for c in capabilities if c[2] == 3],
       [struct.pack("<BBBBHBBH", 10, 16, 3, 0, 0x000f, 1, 1, 500)], "SuperSpeed capability")


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
def _():
    eq(ALL, sorted(EXPECTED), "examples")
    eq(ALL, sorted(MOUNTS), "examples")


for example in ALL:
    test(f"{example}: device descriptor and qualifier", example)(device_descriptor)
    test(f"{example}: configurations, interfaces, endpoints", example)(configurations)
    test(f"{example}: strings", example)(strings)
    test(f"{example}: mounts", example)(mounts)
test("loopback: BOS", "loopback")(bos)


@test("mount-options: the device link, and only while it is up")
def _():
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
def _():
    # FunctionFS does not show its options in /proc/mounts (f_fs.c has no show_options)
    eq(udc_without_keeper("mount-options"), "dummy_udc.0", "UDC with no_disconnect")
    eq(udc_without_keeper("interrupt"), "", "UDC without no_disconnect")


tap.main()
