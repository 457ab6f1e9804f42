#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=0 vudcs=35 timeout=400
# lab all: kernel=6.12,6.1 udcs=0 vudcs=35 timeout=400
"""examples/usbip: gadgets on usbip-vudc, which usbipd exports and usbip attaches on the same machine. One gadget
alone, and a farm of 32 gadgets."""

import contextlib
import pathlib
import random
import re
import subprocess
import threading

import harness
import tap
from gadgets import Traffic, await_worker, finish, kill_worker, processes_of, read_lines_until, start
from harness import EXAMPLES, FFSBENCH, bench, devnums, down, ffsctl, must, status, up
from tap import contains, eq, ok, patience, rounds, test

FARM = f"{EXAMPLES}/usbip/farm.conf"
VHCI = pathlib.Path("/sys/devices/platform/vhci_hcd.0")
# More than the client has ports for
ALL = range(rounds(12, 32))
PORTS = 8  # of the client, for high speed
STATE = pathlib.Path("/run/vhci_hcd")  # of usbip

harness.leaves_nothing()


def name_of(n):
    return f"farm{n}"


def up_options(n):
    return (FARM, "--name", name_of(n), "--udc", f"usbip-vudc.{n}")


@contextlib.contextmanager
def server():
    """Runs usbipd; yields when it listens."""
    with subprocess.Popen(["usbipd", "--device", "-4"], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True) as p:
        try:
            read_lines_until(p.stderr, "listening on")
            # usbipd prints much, and would wait for a reader
            threading.Thread(target=p.stderr.read, daemon=True).start()
            yield p
        finally:
            p.terminate()


def usbip(*args):
    return must(subprocess.run(["usbip", *map(str, args)], stdin=subprocess.DEVNULL,
                               stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, timeout=patience(60)))


def attach(*gadgets, name=None):
    """One after the other: usbip attach looks at all devices of vhci_hcd, and fails when the host has
    just numbered one that is not yet in sysfs."""
    for n in gadgets:
        with harness.configured():
            usbip("attach", "--remote=127.0.0.1", f"--device=usbip-vudc.{n}")
        must(ffsctl("wait", name or name_of(n), "--for", "configured", "--timeout", "30"))


def ports():
    """Returns the ports that the client uses: {port: its device in /sys/bus/usb/devices}."""
    rows = [line.split() for line in (VHCI / "status").read_text().splitlines()[1:]]
    return {int(row[1]): row[6] for row in rows if row[2] == "006"}  # VDEV_ST_USED


@contextlib.contextmanager
def gone(devices):
    """At the end of the block waits until the host has removed these devices."""
    with harness.uevents() as uevents:
        yield
        while devices & harness.host_devices():
            uevents.recv(65536)


def detach():
    """All, one after the other, each until both ends know it: usbip looks at all devices, and fails when
    one is just going."""
    for port, device in ports().items():
        with gone({device}):
            usbip("detach", "--port", port)


def lengths(seed, count, longest):
    numbers = random.Random(seed)
    return ",".join(str(numbers.randrange(longest)) for _ in range(count))


def data(n, seed, count=40, longest=100000):
    bench("loop", "--serial", name_of(n), "--lengths", lengths(seed, count, longest), "--timeout", "20")


# --- one gadget --------------------------------------------------------------------------------------


@test("a gadget is served over TCP: messages of any length come back, again and again attached")
def messages_over_tcp():
    up(*up_options(0))
    with server():
        for turn in range(3):
            attach(0)
            eq(harness.device().serial_number, "farm0")
            eq(must(ffsctl("status", "farm0", "-o", "state,speed")).stdout, "ready\thigh-speed\n")
            data(0, turn)
            detach()
            must(ffsctl("wait", "farm0", "--for", "disconnected", "--timeout", "10"))
            eq(status("farm0")[1], 0, "without a host it is ready, too")
    down("farm0")


@test("a worker that is killed is replaced, and the host sees no disconnect")
def killed_worker_is_replaced():
    up(*up_options(0))
    with server():
        attach(0)
        before = devnums()
        traffic = Traffic()
        try:
            for _ in range(3):
                traffic.more()
                old = await_worker("farm0", "ready")["worker"]["pid"]
                kill_worker("farm0")
                traffic.more()
                ok(await_worker("farm0", "ready")["worker"]["pid"] != old, "no new worker")
        finally:
            traffic.end()
        eq(devnums(), before)
        detach()
    down("farm0")


@test("the server may end: what is attached goes on without it")
def server_may_end():
    up(*up_options(0))
    with server():
        attach(0)
    data(0, 1, count=10)
    detach()
    down("farm0")


@test("down in the middle of a transfer: the host sees the device go, nothing hangs, and up again serves again")
def down_during_transfer():
    with server():
        for turn in range(3):
            # A vudc that nobody has used or will use: one keeps the answers that it could not send any more, and its next
            # client gets them first (Linux 6.12 and older)
            up(FARM, "--name", "farm0", "--udc", f"usbip-vudc.{len(ALL) + turn}")
            attach(len(ALL) + turn, name="farm0")
            traffic = Traffic()
            try:
                traffic.more()
                with gone(set(ports().values())):
                    must(ffsctl("down", "farm0", timeout=10))
                traffic.thread.join(30)
            finally:
                traffic.end()
            eq(traffic.gone and traffic.gone.errno, 19, "ENODEV at the host")
            eq(ports(), {})
        (STATE / "port0").unlink()  # of the attach; there was no detach
        STATE.rmdir()


@test("unbind and bind: to attach is what the client must do again")
def client_attaches_after_bind():
    up(*up_options(0))
    with server():
        attach(0)
        with gone(set(ports().values())):
            must(ffsctl("unbind", "farm0"))
        refused = subprocess.run(["usbip", "attach", "-r", "127.0.0.1", "-d", "usbip-vudc.0"], stderr=subprocess.PIPE, text=True)
        ok(refused.returncode != 0, "attached without a gadget")
        must(ffsctl("bind", "farm0"))
        attach(0)
        data(0, 2, count=10)
        detach()
    down("farm0")


# --- the farm ----------------------------------------------------------------------------------------


def all_at_once(*commands):
    running = [start(*command) for command in commands]
    for process in running:
        must(finish(process, 120))


def all_up():
    all_at_once(*(("up", *up_options(n)) for n in ALL))


def all_down():
    all_at_once(*(("down", name_of(n)) for n in ALL))


@test(f"{len(ALL)} gadgets of one file come up at once, each with its own; and go at once")
def farm_comes_up_at_once():
    for _ in range(2):
        all_up()
        gadgets = [status(name_of(n)) for n in ALL]
        eq([(g["state"], g["udc"], code) for g, code in gadgets], [("ready", f"usbip-vudc.{n}", 0) for n in ALL])
        functions = [g["functions"][0] for g, _ in gadgets]
        eq([(f["instance"], f["mount"]) for f in functions],
           [(f"{name_of(n)}-echo", f"/dev/ffs/{name_of(n)}/echo") for n in ALL])
        # Each gadget has only the process of its worker
        eq([processes_of(name_of(n)) for n in ALL], [[f["worker"]["pid"]] for f in functions])
        all_down()


@test(f"data goes through all {len(ALL)}, through as many at once as the client has ports")
def data_through_whole_farm():
    all_up()
    with server():
        for first in ALL[::PORTS]:
            group = ALL[first:first + PORTS]
            attach(*group)
            running = [(n, subprocess.Popen([FFSBENCH, "-q", "loop", "--serial", name_of(n), "--timeout", "30",
                                             "--lengths", lengths(n, 12, 40000)], stderr=subprocess.PIPE, text=True))
                       for n in group]
            for n, process in running:
                _, said = process.communicate(timeout=patience(100))
                eq((process.returncode, said), (0, ""), name_of(n))
            detach()
    all_down()


@test("one of the farm is killed, and one reloaded, while the others serve")
def farm_kill_and_reload():
    all_up()
    with server():
        attach(3)
        traffic = Traffic()
        try:
            traffic.more()
            kill_worker("farm4")
            supervisor = status("farm5")[0]["supervisor"]
            harness.kill(supervisor)
            must(ffsctl("reload", "farm6"))
            traffic.more()
        finally:
            traffic.end()
        detach()
        must(ffsctl("wait", "farm4", "--timeout", "30"))
        up(*up_options(5))
        eq([status(name_of(n))[0]["state"] for n in ALL], ["ready"] * len(ALL))
    must(ffsctl("down", "--all"))


@test("to bring a gadget up no other one is looked at")
def up_looks_at_no_other_gadget():
    up(*up_options(1))
    trace = pathlib.Path("/tmp/farm-trace")
    command = ["strace", "-f", "-e", "trace=openat,readlink,?newfstatat,?fstatat64", "-o", str(trace), harness.FFSCTL, "up", *up_options(2)]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as traced:
        said = read_lines_until(traced.stderr, "up on usbip-vudc.2")
        down("farm2")  # strace follows the supervisor, too
        said += traced.stderr.read()
    eq(traced.returncode, 0, said)
    opened = trace.read_text()
    contains(opened, "usb_gadget/farm2/UDC")
    eq(re.findall(r".*(?:farm1/|usbip-vudc\.1/).*", opened), [], "of the other gadget and its UDC")
    down("farm1")


@test("what would be there twice is refused, with whose it is")
def duplicate_is_refused():
    up(*up_options(0))
    for options, why in (((FARM, "--name", "farm1", "--udc", "usbip-vudc.0"), "is held by gadget 'farm0'"),
                         ((FARM, "--name", "farm0", "--udc", "usbip-vudc.1"), "'farm0' is bound to usbip-vudc.0, not to usbip-vudc.1")):
        contains(ffsctl("up", *options).stderr, why)
    down("farm0")


tap.main()
