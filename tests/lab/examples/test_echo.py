#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=high,super timeout=400
# lab: kernel=6.1 timeout=400
# lab all: kernel=6.12,6.1 speed=full,high,super timeout=400
# lab all: build=release timeout=400
# lab all: build=musl,i386 timeout=400
"""The examples as devices: echoed data comes back byte for byte, whatever its length. Any program can open the
endpoints of a function without a worker. The host can select each configuration."""

import contextlib
import json
import os
import pathlib
import signal
import stat
import tempfile
import threading

import usb.util

import harness
import tap
from harness import EXAMPLES, FFSBENCH, SRC, bench, document, down, ffsctl, must, up
from tap import contains, eq, ok, patience, rounds, test

SPEED = os.environ["LAB_SPEED"]
PACKET = {"full": 64, "high": 512, "super": 1024}[SPEED]  # of bulk endpoints
MIB = 1 << 20
LONG = rounds(4, 8, 16)
TIMEOUT_MS = 20000

harness.leaves_nothing()


# No two of its packets are the same
PERIOD = bytes((i * 7 + (i >> 8) * 13) & 0xff for i in range(1 << 16))


def pattern(length, seed=0):
    shifted = PERIOD.translate(bytes((i + seed) & 0xff for i in range(256)))
    return (shifted * (length // len(shifted) + 1))[:length]


def host_endpoints(device, interface):
    return [usb.util.find_descriptor(
        device.get_active_configuration()[(interface, 0)],
        custom_match=lambda e, d=direction: usb.util.endpoint_direction(e.bEndpointAddress) == d)
        for direction in (usb.util.ENDPOINT_OUT, usb.util.ENDPOINT_IN)]


def send(endpoint, message):
    """Sends a message. If its last packet is full, an empty packet ends it."""
    endpoint.write(message, TIMEOUT_MS)
    if len(message) % endpoint.wMaxPacketSize == 0:
        endpoint.write(b"", TIMEOUT_MS)


class Other(threading.Thread):
    """Runs the other side of a transfer in a thread, because both sides must run at the same time."""

    def __init__(self, function, *args):
        super().__init__(daemon=True)
        self.call, self.value, self.error = (function, args), None, None
        self.start()

    def run(self):
        try:
            self.value = self.call[0](*self.call[1])
        except OSError as e:  # usb.core.USBError is one, too
            self.error = e

    def result(self):
        self.join(TIMEOUT_MS / 1000)
        ok(not self.is_alive(), "the other side still waits")
        if self.error:
            raise self.error
        return self.value


# --- workers ------------------------------------------------------------------------------------


def echo(name, lengths, messages, amount):
    up(f"{EXAMPLES}/{name}.conf", "--wait-host")
    result = json.loads(bench("loop", "--lengths", lengths, "--timeout", 20, "--json", timeout=200).stdout)["loop"]
    eq((result["ok"], result["messages"], result["bytes"], result["recoveries"]), (True, messages, amount, 0))
    eq((result["device"]["speed"], result["device"]["packet"]), (SPEED, PACKET), "what the bench has seen")
    worker = harness.status(name)[0]["functions"][0]["worker"]
    eq((worker["state"], worker["restarts"]), ("ready", 0), "the worker")
    down(name)


FEWER = "supervisor/packets-at-high-speed-are-of-super-speed: loopback at each speed and on each kernel, the others at SuperSpeed on 6.12"
# The Python worker is as quick as the others (7 s at full speed): none gets fewer lengths
for example in ("loopback", "python-worker", "python-echo", "exec-worker", "stream-echo"):
    why = FEWER if example != "loopback" and (SPEED, os.environ["LAB_KERNEL"]) != ("super", "6.12") else None
    test(f"{example}: every length from 1 byte to 4 KiB", example, "1-4096", 4096, 4096 * 4097 // 2, only_all=why)(echo)
    test(f"{example}: 1 and {LONG} MiB", example, f"1M,{LONG}M", 2, (1 + LONG) * MIB, only_all=why)(echo)


@test("loopback: without ffsbench, the same")
def loopback_without_ffsbench():
    """Another program must get the same bytes, because ffsbench and the gadget are of the same project."""
    up(f"{EXAMPLES}/loopback.conf", "--wait-host")
    device = harness.device()
    out, in_ = host_endpoints(device, 0)
    for length in (1, PACKET - 1, PACKET, PACKET + 1, 4095, 4096, 65535, 65536, 65537, MIB):
        data = pattern(length, length)
        writer = Other(send, out, data)  # of a long message the gadget holds a part, and then waits
        got, part = b"", None
        while part is None or len(part) == MIB:  # a shorter read is the end of the message
            part = bytes(in_.read(MIB, TIMEOUT_MS))
            got += part
        writer.result()
        ok(got == data, f"{length} bytes came back wrong")
    usb.util.dispose_resources(device)
    down("loopback")


@test("one wrong bit is seen")
def one_wrong_bit_is_seen():
    with tempfile.TemporaryDirectory() as directory:
        os.chmod(directory, 0o755)
        text = pathlib.Path(SRC, "examples/echo-worker.py").read_text()
        wrong = ("            if data:\n", "            data = data.replace(data[:1], bytes([data[0] ^ 1]), 1) "
                 "if len(data) == 7 else data\n            if data:\n")
        ok(wrong[0] in text, "the example has changed: plant the fault elsewhere")
        worker = pathlib.Path(directory, "echo-worker.py")
        worker.write_text(text.replace(*wrong))
        worker.chmod(0o755)
        gadget = pathlib.Path(directory, "python-worker.conf")
        gadget.write_text(pathlib.Path(EXAMPLES, "python-worker.conf").read_text())
        up(gadget, "--wait-host")
        bench("loop", "--lengths", "6,8", "--quiet")
        result = harness.subprocess.run([FFSBENCH, "loop", "--lengths", "6,7,8"], text=True,
                                        stderr=harness.subprocess.PIPE, stdout=harness.subprocess.PIPE)
        ok(result.returncode != 0, "the bench has taken a wrong byte for a right one")
        contains(result.stderr, "byte")
        down("python-worker")


# --- endpoints of any program -------------------------------------------------------------------


def to_device(path, endpoint, data):
    """Sends one transfer from the host; returns the data that a program reads from `path`."""
    fd = os.open(path, os.O_RDWR)
    try:
        # FunctionFS takes whole packets, and ends a read at a short one
        size = endpoint.wMaxPacketSize & 0x7ff
        reader = Other(os.read, fd, (len(data) // size + 1) * size)
        endpoint.write(data, TIMEOUT_MS)
        return reader.result()
    finally:
        os.close(fd)


def to_host(path, endpoint, data):
    """Makes one transfer to the host; returns the data that the host gets when a program writes to `path`."""
    fd = os.open(path, os.O_RDWR)
    try:
        writer = Other(os.write, fd, data)
        got = b""
        while len(got) < len(data):
            got += bytes(endpoint.read(len(data) - len(got), TIMEOUT_MS))
        eq(writer.result(), len(data), "bytes written")
        return got
    finally:
        os.close(fd)


def transfers(endpoint, path):
    size = endpoint.wMaxPacketSize & 0x7ff
    move = to_host if endpoint.bEndpointAddress & 0x80 else to_device
    for length in sorted({1, size - 1, size, size + 1, 3 * size + 5}):
        if move is to_device and length % size == 0:
            continue  # would need a packet of no bytes to end a longer read
        data = pattern(length, length)
        ok(move(path, endpoint, data) == data, f"{length} bytes at {endpoint.bEndpointAddress:#04x} came back wrong")


@test("interrupt: each of the five endpoints carries data, also of several packets")
def all_interrupt_endpoints_carry_data():
    up(f"{EXAMPLES}/interrupt.conf", "--wait-host")
    device = harness.device()
    endpoints = list(device.get_active_configuration()[(0, 0)])
    eq([("in" if e.bEndpointAddress & 0x80 else "out", e.bmAttributes) for e in endpoints],
       [("out", 3), ("in", 3), ("in", 3), ("in", 2), ("out", 2)], "endpoints in file order")
    for n, endpoint in enumerate(endpoints, 1):
        transfers(endpoint, f"/dev/ffs/interrupt/meter/ep{n}")
    usb.util.dispose_resources(device)
    down("interrupt")


@test("mount-options: the user of the mount, and nobody else, writes events through the link")
def mount_user_writes_events():
    up(f"{EXAMPLES}/mount-options.conf", "--wait-host")
    device = harness.device()
    endpoint = device.get_active_configuration()[(0, 0)][0]
    script = "import os; print(os.write(os.open('/dev/usb-events', os.O_RDWR), b'an event'))"
    writer = harness.subprocess.Popen(["/usr/bin/python3", "-c", script], user="nobody", stdout=-1, text=True)
    eq(bytes(endpoint.read(64, TIMEOUT_MS)), b"an event")
    eq(writer.communicate(timeout=patience(20))[0], "8\n", "bytes written")
    refused = harness.subprocess.run(["/usr/bin/python3", "-c", script], user="daemon", group="daemon", extra_groups=[],
                                     stderr=-1, text=True)
    contains(refused.stderr, "PermissionError")
    ok(stat.S_ISLNK(os.lstat("/dev/usb-events").st_mode))
    usb.util.dispose_resources(device)
    down("mount-options")


# --- configurations -----------------------------------------------------------------------------


def choose(value):
    device = harness.device()
    device.set_configuration(value)
    config = device.get_active_configuration()
    interfaces = config.bNumInterfaces
    eq(config.bConfigurationValue, value, "configuration")
    usb.util.dispose_resources(device)
    return interfaces


@contextlib.contextmanager
def ready(name):
    up(f"{EXAMPLES}/{name}.conf", "--wait-host")
    workers = [f["worker"] for f in harness.status(name)[0]["functions"]]
    yield
    gadget, code = harness.status(name)
    eq((gadget["state"], code), ("ready", 0))
    eq([w and w["pid"] for w in workers], [f["worker"] and f["worker"]["pid"] for f in gadget["functions"]], "workers")
    down(name)


@test("two-functions: both functions in the first configuration, one in the second, and back")
def two_functions_in_first_configuration():
    with ready("two-functions"):
        for value, interfaces in ((1, 3), (2, 1), (1, 3), (2, 1)):
            eq(choose(value), interfaces, "interfaces")
            bench("loop", "--interface", 0, "--lengths", "1-600,1M", "--quiet")
            if value == 1:
                device = harness.device()
                for interface, first in ((1, 1), (2, 3)):
                    out, in_ = host_endpoints(device, interface)
                    transfers(in_, f"/dev/ffs/two-functions/data/ep{first}")
                    transfers(out, f"/dev/ffs/two-functions/data/ep{first + 1}")
                usb.util.dispose_resources(device)


@test("two-functions: no configuration, and one again")
def no_configuration_and_back():
    with ready("two-functions"):
        device = harness.device()
        device.set_configuration(0)
        usb.util.dispose_resources(device)
        eq(choose(2), 1, "interfaces")
        bench("loop", "--interface", 0, "--lengths", "1-600", "--quiet")


@test("languages: the interface with endpoints echoes beside the one without")
def languages_interface_echoes():
    with ready("languages"):
        bench("loop", "--lengths", "1-600,1M", "--quiet")


@test("status knows the packet size of the speed that the host has taken")
def status_knows_packet_size():
    up(f"{EXAMPLES}/loopback.conf", "--wait-host")
    gadget = document(must(ffsctl("status", "loopback", "--json")))["gadgets"][0]
    eq((gadget["udc_state"], gadget["speed"]), ("configured", f"{SPEED}-speed"))
    eq([(e["file"], e["address"], e["type"], e["direction"], e["max_packet"])
        for e in gadget["functions"][0]["endpoints"]],
       [("ep1", 0x81, "bulk", "in", PACKET), ("ep2", 0x02, "bulk", "out", PACKET)])
    down("loopback")


@test("and of the speed that it takes after the UDC was removed, whether or not the supervisor has seen that")
def packet_size_after_udc_returns():
    up(f"{EXAMPLES}/loopback.conf", "--wait-host")
    supervisor = harness.status("loopback")[0]["supervisor"]
    for sees in (True, False):
        if not sees:
            os.kill(supervisor, signal.SIGSTOP)
        harness.udc_goes()
        with harness.configured():
            harness.udc_comes()
            os.kill(supervisor, signal.SIGCONT)
        must(ffsctl("wait", "loopback", "--for", "configured", "--timeout", 10))
        eq([e["max_packet"] for e in harness.status("loopback")[0]["functions"][0]["endpoints"]], [PACKET] * 2)
    down("loopback")


tap.main()
