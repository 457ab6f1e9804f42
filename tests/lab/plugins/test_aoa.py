#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=full timeout=300
# lab all: kernel=6.12,6.1 speed=full,high,super timeout=300
"""Android Open Accessory, as a host sees it: the handshake with the plugin accessory, the switch to 18d1:2d00, data in
both directions, and the switch back when the host has disconnected."""

import errno
import json
import os
import pathlib
import random
import shutil
import threading

import usb.core
import usb.util

import gadgets
import harness
import tap
from gadgets import await_log, log
from harness import EXAMPLES, SRC, down, ffsctl, must, status
from tap import contains, eq, ok, test

SPEED = os.environ["LAB_SPEED"]
PACKET = {"full": 64, "high": 512, "super": 1024}[SPEED]
PHONE = f"{EXAMPLES}/accessory/phone.conf"
ACCESSORY = 0x18D1, 0x2D00
OUT, IN = 0x40, 0xC0
GET_PROTOCOL, SEND_STRING, START = 51, 52, 53
NAMES = "manufacturer", "model", "description", "version", "uri", "serial"
STRINGS = "ffsctl", "Echo", "An echo", "1.0", "https://example.org/?a=\"b\\c\"", "№ 0001"
DATA = random.Random(5).randbytes(1 << 17)

harness.leaves_nothing()


def up(path):
    """Calls `up`, and waits until the host has configured the device, because its uevents must not be mistaken for
    those of the next device."""
    with harness.configured():
        harness.up(path)


def send(host, index, text):
    """Sends a string with a NUL at its end, like hosts do."""
    data = text if isinstance(text, bytes) else text.encode() + b"\0"
    eq(host.ctrl_transfer(OUT, SEND_STRING, 0, index, data), len(data))


def refuses(host, *request):
    eq(tap.raises(usb.core.USBError, host.ctrl_transfer, *request).errno, errno.EPIPE, request)


def handshake(strings=STRINGS):
    """Makes all requests of the handshake except START."""
    host = harness.device()
    eq(bytes(host.ctrl_transfer(IN, GET_PROTOCOL, 0, 0, 2)), b"\2\0")
    for index, text in enumerate(strings):
        send(host, index, text)
    return host


def start(host):
    with harness.configured():
        host.ctrl_transfer(OUT, START, 0, 0, None)
        usb.util.dispose_resources(host)


def begin(strings=STRINGS):
    start(handshake(strings))
    return harness.device(*ACCESSORY)


def message_of(log_text):
    line = next(line for line in log_text.splitlines() if "| accessory: " in line)
    return json.loads(line.split("| accessory: ")[1])


def message(host, n):
    """Sends a message and checks that the same message comes back."""
    host.write(harness.FIRST_OUT, DATA[:n], 20000)
    if n % PACKET == 0 and n != 16384:  # app.py reads no more: that fills its read
        host.write(harness.FIRST_OUT, b"", 20000)
    got = bytes(host.read(0x81, 16384 + PACKET, 20000))
    ok(got == DATA[:n], f"of {n} bytes came {len(got)}")


def sizes(count):
    rng = random.Random(SPEED)
    edges = [1, PACKET - 1, PACKET, PACKET + 1, 4096, 16383]
    return edges + [rng.randrange(1, 16384) for _ in range(count)]


def cable(host):
    """See the same function in test_accessory.py."""
    return pathlib.Path(f"/sys/bus/usb/devices/{host.bus}-0:1.0/usb{host.bus}-port1/disable")


@test("handshake, accessory, data both ways; the host goes, and the device is a phone again; three times")
def handshake_accessory_and_back():
    up(PHONE)
    supervisor = status("phone")[0]["supervisor"]
    for _ in range(3):
        host = begin()
        shown, _ = gadgets.await_state("app", "ready")
        eq((shown["supervisor"], status("phone")), (supervisor, (None, 3)))
        eq(message_of(log("app")), dict(zip(NAMES, STRINGS)))
        for n in sizes(100):
            message(host, n)
        usb.util.dispose_resources(host)
        cable(host).write_text("1")
        harness.wait_dead(shown["functions"][0]["keeper"])
        gadgets.await_state("phone", "ready")
        gadgets.await_state("app", "down")  # phone is ready before the last of app is cleared
        with harness.configured():
            cable(host).write_text("0")
    down("phone")


@test("both directions at once")
def both_directions_at_once():
    up(PHONE)
    host = begin()
    many = [n for n in sizes(200) if n % PACKET]
    wrong = []

    def write():
        for n in many:
            host.write(harness.FIRST_OUT, DATA[n:2 * n], 20000)

    writer = threading.Thread(target=write, daemon=True)
    writer.start()
    for n in many:
        if bytes(host.read(0x81, 16384 + PACKET, 20000)) != DATA[n:2 * n]:
            wrong.append(n)
    writer.join(60)
    eq((wrong, writer.is_alive()), ([], False))
    usb.util.dispose_resources(host)
    down("app")


@test("a host that resets the accessory finds it again")
def accessory_survives_reset():
    up(PHONE)
    host = begin()
    message(host, 100)
    host.reset()
    host.set_configuration()
    message(host, 1000)
    usb.util.dispose_resources(host)
    eq(status("app")[0]["functions"][0]["worker"]["restarts"], 0)
    down("app")


@test("no host comes to the accessory within ten seconds: a phone again")
def no_host_within_ten_seconds():
    up(PHONE)
    host = handshake()
    port = cable(host)
    host.ctrl_transfer(OUT, START, 0, 0, None)
    usb.util.dispose_resources(host)
    port.write_text("1")
    gadgets.await_state("app", "ready")
    # Ten seconds at once, in virtual time: it is told when it is over
    contains(must(ffsctl("wait", "app", "--for", "configured", "--timeout", "60"), 71).stderr, "app")
    gadgets.await_state("phone", "ready")
    with harness.configured():
        port.write_text("0")
    down("phone")


@test("another accessory than the file wants is refused, and the log says so; then the right one comes")
def wrong_accessory_is_refused():
    up(PHONE)
    host = handshake(("ffsctl", "Thermometer"))
    refuses(host, OUT, START, 0, 0, None)
    await_log("phone", "refused an accessory: its model is 'Thermometer', not 'Echo' as in the gadget file")
    usb.util.dispose_resources(host)
    eq(status("phone")[0]["state"], "ready")
    begin()
    gadgets.await_state("app", "ready")
    down("app")


@test("requests that are not of the protocol are stalled, and change nothing")
def foreign_requests_change_nothing():
    up(PHONE)
    host = handshake()
    for request in ((OUT, SEND_STRING, 0, 6, b"x"), (OUT, SEND_STRING, 0, 1, bytes(256)), (OUT, START, 0, 0, b"x"),
                    (IN, START, 0, 0, 1), (IN, SEND_STRING, 0, 0, 1), (OUT, GET_PROTOCOL, 0, 0, b"xx"),
                    (0x41, START, 0, 0, None), (0x21, START, 0, 0, None),
                    *((OUT, n, 0, 0, None) for n in (50, 54, 55, 56, 57, 58))):
        refuses(host, *request)
    eq(bytes(host.ctrl_transfer(IN, GET_PROTOCOL, 0, 0, 1)), b"\2")
    refuses(host, OUT, START, 0, 0, None)  # GET_PROTOCOL has started a new handshake
    for index, text in enumerate(STRINGS):
        send(host, index, text)
    start(host)
    eq(message_of(log("app")), dict(zip(NAMES, STRINGS)))
    down("app")


def own(name, options=""):
    """Copies the two gadget files, with other options, to a new directory."""
    directory = gadgets.DIRECTORY / name
    shutil.copytree(f"{EXAMPLES}/accessory", directory, dirs_exist_ok=True)
    text = pathlib.Path(PHONE).read_text()
    eq(text.count(' manufacturer = "ffsctl"; model = "Echo";'), 1)
    (directory / "phone.conf").write_text(text.replace(' manufacturer = "ffsctl"; model = "Echo";', options))
    return directory


@test("whatever a host sends for a string arrives as text")
def strings_arrive_as_text():
    up(own("any") / "phone.conf")
    bad = (b"", b"\x1b[2J\r\n\x7f", b"a\0b", b"\xff\xc0\x80\xed\xa0\x80\xf5", b"x" * 255, b"\xc2\x9b\xf0\x9f\x98\x80\xe2\x82")
    good = ("", "?[2J???", "a", "???????", "x" * 255, "??\U0001F600??")
    begin(bad)
    gadgets.await_state("app", "ready")
    eq(message_of(log("app")), dict(zip(NAMES, good)))
    down("app")


@test("a host that says nothing of the accessory; version 1")
def version_one_without_strings():
    up(own("one", "protocol = 1;") / "phone.conf")
    host = harness.device()
    eq(bytes(host.ctrl_transfer(IN, GET_PROTOCOL, 0, 0, 2)), b"\1\0")
    start(host)
    eq(message_of(log("app")), dict.fromkeys(NAMES, ""))
    down("app")


@test("the accessory's file is wrong: the host gets its acknowledgement, the phone stays, the log says why")
def wrong_accessory_file():
    directory = own("wrong")
    up(directory / "phone.conf")
    (directory / "app.conf").write_text("x = 1;")
    numbers, host = harness.devnums(), handshake()
    host.ctrl_transfer(OUT, START, 0, 0, None)
    await_log("phone", "which is refused")
    await_log("phone", f"{directory}/app.conf has ")
    eq((harness.devnums(), status("phone")[0]["state"]), (numbers, "ready"))
    usb.util.dispose_resources(host)
    down("phone")


@test("those of gadget.d: what is sent to aoa-accessory comes back")
def installed_accessory_echoes():
    up(f"{SRC}/gadget.d/aoa.conf")
    host = begin()
    gadgets.await_state("aoa-accessory", "ready")
    for n in sizes(20):
        message(host, n)
    usb.util.dispose_resources(host)
    contains(down("aoa").stderr, "aoa: is not up")
    down("aoa-accessory")


tap.main()
