#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab stock: no, it needs CONFIG_PM, which only the flavour power has
# lab all: kernel=6.12,6.1 flavour=power speed=high timeout=240
"""A host with CONFIG_PM, which suspends idle devices (autosuspend): what the gadget sees, what wakes the host, and that data
passes afterwards."""

import contextlib
import os
import pathlib
import select
import socket
import struct
import subprocess
import time

import usb.util

import gadgets
import harness
import tap
from gadgets import DIRECTORY, LOOPBACK, await_log, await_log_count, await_status, log, raw_terminal, read_until, sh, worker
from harness import BUILD, SRC, down, must, status, up
from tap import eq, ok, patience, test

harness.leaves_nothing()

SUSPENDED, RESUMED = "suspended by the host", "resumed by the host"
NOT_WOKEN = "the host is still suspended 10 s after the worker has asked to wake it: it has not allowed the gadget to wake it"
REFUSED = "no configuration has bit 5 (0x20) of bmAttributes, remote wakeup"
SRP = pathlib.Path("/sys/class/udc/dummy_udc.0/srp")
ECHO = """
import threading
from ffsctl_worker import Event, LinkDown, Worker

worker = Worker()
[in_], [out] = worker.ins, worker.outs

@worker.on_event
def wake(event):
    if event == Event.SUSPEND:
        print("asks", flush=True)
        worker.wakeup()

def echo():
    while True:
        try:
            in_.write(out.read())
        except LinkDown:
            pass

threading.Thread(target=echo, daemon=True).start()
worker.run()
"""
FFS = 'f : { ffs : { interfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } ); }; worker : { %s }; }; '
LINE = 'line : { type = "acm"; }; '
KEYS = 'keyboard : { type = "hid"; attrs : { report_desc = "keyboard"; }; }; '
A = b"\0\0\x04\0\0\0\0\0"  # the report of a keyboard on which "a" is pressed
KEY_A, EV_KEY = 30, 1
EVENT = struct.Struct("llHHi")  # struct input_event


@contextlib.contextmanager
def gadget(functions, attributes="0xa0"):
    """A gadget with these functions that the host has configured; yields its directory in sysfs."""
    path = DIRECTORY / "x.conf"
    labels = ", ".join(f'"{text.split()[0]}"' for text in functions)
    path.write_text(f"""attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
functions : {{ {"".join(functions)} }};
configs = ( {{ id = 1; attrs : {{ bmAttributes = {attributes}; }}; functions = ( {labels} ); }} );
""")
    with harness.configured():
        up(path)
    yield harness.usb_device()
    down("x")


def power_state(device):
    return (device / "power/runtime_status").read_text().strip()


def await_power_state(device, state):
    await_status("x", lambda _: power_state(device) == state, state)


def stay_awake(device):
    (device / "power/control").write_text("on")  # which resumes it, too
    eq(power_state(device), "active")


def let_suspend(device, idle_ms):
    """Lets the host suspend the device when it has been idle for so long."""
    (device / "power/autosuspend_delay_ms").write_text(str(idle_ms))
    (device / "power/control").write_text("auto")


def suspend(device):
    """Lets the host suspend the device when it is idle, and waits until it has."""
    # Not 0: with a delay the kernel tries again if a driver refuses, such as usbhid while a key is pressed
    let_suspend(device, 100)
    await_power_state(device, "suspended")


def echo(message):
    """Sends a message from the host, which resumes the device, and reads the answer."""
    device = harness.device()
    try:
        endpoints = list(device.get_active_configuration()[(0, 0)])
        out, = [e for e in endpoints if not e.bEndpointAddress & 0x80]
        in_, = [e for e in endpoints if e.bEndpointAddress & 0x80]
        out.write(message)
        eq(bytes(in_.read(len(message) + 512)), message)
    finally:
        usb.util.dispose_resources(device)  # an open device stays awake


@contextlib.contextmanager
def terminal(path):
    fd = raw_terminal(path)
    try:
        yield fd
    finally:
        os.close(fd)


def tell_probe_to_wake():
    device = harness.device()
    device.ctrl_transfer(0x41, 15, 0, 0, None)
    usb.util.dispose_resources(device)


def python():
    script = DIRECTORY / "wakes.py"
    script.write_text(ECHO)
    return FFS % worker(exec=["/usr/bin/python3", str(script)], ready="notify")


PLUGIN = FFS % worker(plugin=f"{BUILD}/tests/lab/workers/probe.so")


@test("the gadget sees that the host suspends it and resumes it for data: status and log; a plugin goes on with its transfers")
def functionfs_plugin():
    with gadget([FFS % LOOPBACK]) as device:
        echo(b"before")
        for n in range(1, 4):
            suspend(device)
            await_log_count("x", SUSPENDED, n)
            await_status("x", lambda g: g["udc_state"] == "suspended", "suspended")
            echo(b"after %d" % n)
            await_log_count("x", RESUMED, n)
        stay_awake(device)
        await_status("x", lambda g: g["udc_state"] == "configured", "resumed")
        echo(bytes(range(250)) * 40)


# A driver of the host that waits for data is what makes a Linux host allow remote wakeup: here cdc_acm, of an open line
for name, program in {"in Python": python, "that runs a plugin": lambda: PLUGIN}.items():
    @test(f"a worker {name} wakes a host, a driver of which waits for data; then data passes")
    def worker_wakes(program=program):
        with gadget([program(), LINE]) as device, terminal("/dev/ttyACM0"):
            if program is python:
                echo(b"before")
            else:
                tell_probe_to_wake()
            let_suspend(device, 1000)
            await_log_count("x", SUSPENDED, 1)
            await_log_count("x", RESUMED, 1)
            stay_awake(device)
            if program is python:
                echo(b"after")


@test("a host none of whose drivers waits for data stays suspended, and the log says so")
def not_allowed():
    with gadget([python()]) as device:
        suspend(device)
        await_log("x", "asks")
        await_log("x", NOT_WOKEN)
        eq(power_state(device), "suspended")
        eq(log().count(RESUMED), 0)
        echo(b"after")
        stay_awake(device)


@test("a program of the host can allow it itself, with SET_FEATURE before it lets the device be suspended")
def allowed_by_a_program():
    with gadget([python()]) as device:
        there = harness.device()
        there.ctrl_transfer(0, 3, 1, 0)
        usb.util.dispose_resources(there)
        let_suspend(device, 1000)
        await_log_count("x", SUSPENDED, 1)
        await_log_count("x", RESUMED, 1)
        stay_awake(device)
        echo(b"after")


@test("without bit 5 a request is refused, and a device of which a driver waits for data is never suspended")
def without_bit_5():
    with gadget([python(), LINE], "0x80") as device:
        suspend(device)
        await_log("x", REFUSED)
        SRP.write_text("1")
        time.sleep(0.1)  # the UDC resumes within 20 ms
        eq(power_state(device), "suspended")
        with terminal("/dev/ttyACM0"):
            time.sleep(5)
            eq(power_state(device), "active")
        stay_awake(device)


def typed(events):
    """Returns the code of the next key that is pressed."""
    while True:
        ok(select.select([events], [], [], patience(10))[0], "no key comes")
        _, _, kind, code, value = EVENT.unpack(os.read(events, EVENT.size))
        if (kind, value) == (EV_KEY, 1):
            return code


@test("a HID report wakes no host by itself; with srp before it, the host wakes up and gets all reports")
def hid_report():
    sh("modprobe -a usbhid hid-generic evdev")
    with gadget([KEYS]) as device:
        found = harness.await_devices(lambda: list(device.glob("*/*/input/input*/event*")))
        eq(len(found), 1)
        # There is no udev that would make /dev/input/eventN elsewhere than in devtmpfs
        events = harness.open_device(f"/dev/input/{found[0].name}", os.O_RDONLY)
        hidg = os.open("/dev/hidg0", os.O_RDWR)
        try:
            suspend(device)
            os.write(hidg, A)
            time.sleep(1)
            eq(power_state(device), "suspended")
            SRP.write_text("1")
            eq(typed(events), KEY_A)
            os.write(hidg, bytes(8))
            suspend(device)
            SRP.write_text("1")
            os.write(hidg, A)
            eq(typed(events), KEY_A)
            os.write(hidg, bytes(8))
            suspend(device)
            must(subprocess.run([f"{SRC}/examples/keyboard-mouse.py", "--gadget", "x", "type", "a"],
                                capture_output=True, text=True))
            eq(typed(events), KEY_A)
            stay_awake(device)
        finally:
            os.close(hidg)
            os.close(events)
    sh("modprobe -r usbhid hid-generic evdev")


@test("a serial line: data goes both ways after a suspension, from the host at once, to the host when it is awake")
def serial_line():
    with gadget([LINE]) as device, terminal("/dev/ttyGS0") as here, terminal("/dev/ttyACM0") as there:
        for n in range(3):
            suspend(device)
            os.write(there, b"%d there\n" % n)
            eq(read_until(here, b"there\n"), b"%d there\n" % n)
            suspend(device)
            os.write(here, b"%d back\n" % n)
            SRP.write_text("1")  # Linux 6.18 wakes the host itself
            eq(read_until(there, b"back\n"), b"%d back\n" % n)
        stay_awake(device)


def network(kind, wakes):
    addresses = 'dev_addr = "02:00:00:00:00:0a"; host_addr = "02:00:00:00:00:0b";'
    with gadget([f'net : {{ type = "{kind}"; attrs : {{ {addresses} }}; }}; ']) as device:
        here, there = (gadgets.interface_of("02:00:00:00:00:" + end) for end in ("0a", "0b"))
        sh(f"ip address add 192.168.55.1/24 dev {here} && ip link set {here} up")
        with gadgets.network_namespace() as host, contextlib.ExitStack() as stack:
            sh(f"ip link set {there} netns {host}")
            inside = f"nsenter -t {host} -n "
            sh(f"{inside} ip address add 192.168.55.2/24 dev {there} && {inside} ip link set {there} up")
            # The addresses are known, so that nothing but the tests' own packets is sent
            sh(f"ip neigh replace 192.168.55.2 lladdr 02:00:00:00:00:0b dev {here} && "
               f"{inside} ip neigh replace 192.168.55.1 lladdr 02:00:00:00:00:0a dev {there}")
            ours = stack.enter_context(socket.socket(socket.AF_INET, socket.SOCK_DGRAM))
            ours.bind(("192.168.55.1", 5555))
            ours.settimeout(patience(10))
            program = subprocess.Popen([*inside.split(), "/usr/bin/python3", "-c", ECHO_PACKETS],
                                       stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
            stack.callback(program.wait)
            stack.callback(program.kill)
            eq(program.stdout.readline(), "bound\n")
            for n in range(3):
                suspend(device)
                print(f"there {n}", file=program.stdin, flush=True)
                eq(ours.recv(100), b"there %d" % n, "from the host")
                suspend(device)
                ours.sendto(b"back %d" % n, ("192.168.55.2", 5555))
                if not wakes:
                    SRP.write_text("1")
                eq(program.stdout.readline(), f"back {n}\n", "to the host")
            stay_awake(device)


# Sends the lines of stdin to the device, and prints packets
ECHO_PACKETS = """
import select, socket, sys
s = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
s.bind(("192.168.55.2", 5555))
print("bound", flush=True)
while True:
    for ready in select.select([s, sys.stdin], [], [])[0]:
        if ready is s:
            print(s.recv(100).decode(), flush=True)
        else:
            s.sendto(sys.stdin.readline().rstrip().encode(), ("192.168.55.1", 5555))
"""


@test("network ncm: packets pass both ways after a suspension, from the host at once, to the host when it is awake")
def network_ncm():
    network("ncm", wakes=False)


@test("network ecm: the same; from Linux 6.12 on a packet wakes the host")
def network_ecm():
    network("ecm", wakes=os.environ["LAB_KERNEL"] != "6.1")


tap.main()
