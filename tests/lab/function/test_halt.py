# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1 speed=full,super
"""Workers halt endpoints: by the contract of ffsctl-worker(7), as plugins and in Python. The host's transfers fail until it
clears the halt, then data flows again, and nothing is restarted."""

import contextlib
import errno
import queue
import threading

import usb.core
import usb.util

import harness
import tap
from gadgets import DIRECTORY, await_status, gadget, odd, worker
from harness import down, status, up
from tap import eq, test

VENDOR_IN, VENDOR_OUT = 0xC1, 0x41
TIMEOUT = 5000

harness.leaves_nothing()


@contextlib.contextmanager
def served_by(group):
    """Yields the device and its OUT and IN endpoint. At the end, the worker must be the same."""
    up(gadget("x", group), "--wait-host")
    pid = status("x")[0]["functions"][0]["worker"]["pid"]
    device = harness.device()
    device.set_configuration()
    usb.util.claim_interface(device, 0)
    yield device, *device.get_active_configuration()[0, 0].endpoints()
    usb.util.dispose_resources(device)
    shown = status("x")[0]["functions"][0]
    eq((shown["worker"]["pid"], shown["worker"]["state"]), (pid, "ready"))
    eq([e["halted"] for e in shown["endpoints"]], [None, None], "halts by ffsctl")
    down("x")


def fails(transfer, *args):
    """Checks that the endpoint is halted."""
    try:
        transfer(*args, TIMEOUT)
    except usb.core.USBError as e:
        return eq(e.errno, errno.EPIPE)
    raise AssertionError("the endpoint is not halted")


@contextlib.contextmanager
def waiting_read(in_):
    """The host waits for data meanwhile, and must get a stall instead."""
    result = queue.SimpleQueue()

    def read():
        try:
            result.put(bytes(in_.read(64, TIMEOUT)))
        except usb.core.USBError as e:
            result.put(e.errno)

    thread = threading.Thread(target=read, daemon=True)
    thread.start()
    yield
    eq(result.get(timeout=60), errno.EPIPE)
    thread.join()


def echoes(out, in_):
    for data in (b"one", b"another"):
        out.write(data, TIMEOUT)
        eq(bytes(in_.read(64, TIMEOUT)), data)


def check_halts(device, out, in_):
    """The worker echoes, and halts IN for the message "halt in", OUT for "halt out"."""
    for _ in range(3):
        echoes(out, in_)
        with waiting_read(in_):
            out.write(b"halt in", TIMEOUT)
        fails(in_.read, 64)
        device.clear_halt(in_.bEndpointAddress)
        echoes(out, in_)
        out.write(b"halt out", TIMEOUT)
        eq(bytes(in_.read(64, TIMEOUT)), b"halted")
        fails(out.write, b"lost")
        fails(out.write, b"lost")
        device.clear_halt(out.bEndpointAddress)
    echoes(out, in_)


@test("a program halts by I/O in the wrong direction: EPIPE for the host, CLEAR_HALT, then data flows")
def program():
    with served_by(odd("ready", "halts", "stop")) as (device, out, in_):
        check_halts(device, out, in_)


PROGRAM = """
from ffsctl_worker import Worker

worker = Worker()
source, sink = worker.outs[0], worker.ins[0]

def echo():
    for message in source.messages():
        if message == b"halt in":
            sink.halt()
        elif message == b"halt out":
            source.halt()
            sink.send(b"halted")
        else:
            sink.send(message)

worker.run(echo)
"""


@test("halt() of Python: EPIPE for the host, CLEAR_HALT, then data flows")
def python():
    script = DIRECTORY / "halt.py"
    script.write_text(PROGRAM)
    with served_by(worker(exec=["/usr/bin/python3", str(script)], ready="notify")) as (device, out, in_):
        check_halts(device, out, in_)


def halt(device, endpoint):
    """Makes the plugin call halt(), and returns the errno."""
    return device.ctrl_transfer(VENDOR_IN, 12, endpoint, 0, 1, TIMEOUT)[0]


@test("halt() of plugins: EPIPE for the host, CLEAR_HALT, then data flows; refused while data is not read, and elsewhere")
def plugin():
    with served_by(worker(plugin=f"{harness.BUILD}/tests/lab/workers/probe.so")) as (device, out, in_):
        for n in range(1, 4):
            with waiting_read(in_):
                eq(halt(device, 1), 0)
            fails(in_.read, 64)
            device.clear_halt(in_.bEndpointAddress)
            device.ctrl_transfer(VENDOR_OUT, 13, n, 0, None, TIMEOUT)  # it sends n bytes, which wait for the host
            eq(halt(device, 1), errno.EAGAIN)
            eq(len(in_.read(64, TIMEOUT)), n)
            eq(halt(device, 0), 0)
            fails(out.write, b"lost")
            device.clear_halt(out.bEndpointAddress)
            out.write(bytes(10 * n), TIMEOUT)
            # The plugin may read this request before the end of the transfer
            await_status("x", lambda _, want=10 * n: device.ctrl_transfer(VENDOR_IN, 14, 0, 0, 1, TIMEOUT)[0] == want,
                         "the end of the OUT transfer")
        eq(halt(device, 2), errno.EINVAL)


tap.main()
