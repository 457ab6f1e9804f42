# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1 timeout=120
"""Control requests to a function: its worker answers them. If it does not, they are stalled in time. answer() in
odd_worker.c defines the requests."""

import contextlib
import os
import pathlib
import threading
import time

import harness
import tap
import usb.core
from gadgets import LOOPBACK, TAKEN_OVER, await_log, await_state, await_status, gadget, log, odd
from harness import devnums, down, ffsctl, kill, must, status, up
from tap import contains, eq, ok, test

IN, OUT = 0xC1, 0x41  # vendor, to an interface
EPIPE = 32
DEADLINE = 0.5
WORK = tap.at_most(0.4)  # what a loaded machine may add: the clock counts work

harness.leaves_nothing()


def device_of(functions):
    up(gadget("x", functions), "--wait-host")
    device = harness.device()
    device.set_configuration()
    return device


def stalled(function, at_least=0.0, at_most=WORK):
    began = time.monotonic()
    try:
        function()
    except usb.core.USBError as e:
        eq(e.errno, EPIPE, "errno")
    else:
        raise AssertionError("it is not stalled")
    took = time.monotonic() - began
    ok(at_least <= took <= at_most, f"stalled after {took:.3f} s, not {at_least:g} to {at_most:g}")


def serving(device, interface=0):
    """Checks that the worker answers correctly."""
    eq(device.ctrl_transfer(OUT, 2, 0, interface, b"served", 5000), 6)
    eq(bytes(device.ctrl_transfer(IN, 1, 0, interface, 64, 5000)), b"served")


@test("IN data, OUT data, no data")
def data_in_out_and_none():
    device = device_of(odd("ready", "setup", ready="notify"))
    eq(bytes(device.ctrl_transfer(IN, 1, 0, 0, 64)), b"nothing")
    for size in (1, 63, 64, 65, 511, 512, 513, 4095, 4096):
        data = os.urandom(size)
        eq(device.ctrl_transfer(OUT, 2, 0, 0, data), size)
        eq(bytes(device.ctrl_transfer(IN, 1, 0, 0, 4096)), data)
        eq(bytes(device.ctrl_transfer(IN, 1, 0, 0, size)), data)
    eq(device.ctrl_transfer(OUT, 3, 0x1234, 0), 0)
    eq(bytes(device.ctrl_transfer(IN, 1, 0, 0, 64)), b"\x34\x12\0\0")
    down("x")


@test("more data than was asked for is cut")
def surplus_data_is_cut():
    device = device_of(odd("ready", "setup"))
    eq(bytes(device.ctrl_transfer(IN, 9, 0, 0, 10)), bytes(10))
    serving(device)
    down("x")


@test("the worker refuses: stalled at once, in each direction, and before the data of OUT")
def worker_refuses():
    device = device_of(odd("ready", "setup"))
    for _ in range(20):
        stalled(lambda: device.ctrl_transfer(IN, 4, 0, 0, 64))
        stalled(lambda: device.ctrl_transfer(OUT, 4, 0, 0, b"data"))
        stalled(lambda: device.ctrl_transfer(OUT, 4, 0, 0))
        # The worker sends ACCEPT, which is no valid answer to an IN request
        stalled(lambda: device.ctrl_transfer(IN, 2, 0, 0, 64))
    serving(device)
    down("x")


@test("the worker is silent: stalled after 500 ms, and the next request is answered")
def worker_is_silent():
    device = device_of(odd("ready", "setup"))
    for _ in range(5):
        stalled(lambda: device.ctrl_transfer(IN, 5, 0, 0, 64, 5000), DEADLINE, DEADLINE + WORK)
        stalled(lambda: device.ctrl_transfer(OUT, 5, 0, 0, b"data", 5000), DEADLINE, DEADLINE + WORK)
        serving(device)
    down("x")


@test("the worker is late: stalled after 500 ms, its answer is nobody else's")
def worker_is_late():
    device = device_of(odd("ready", "setup"))
    for _ in range(3):
        stalled(lambda: device.ctrl_transfer(IN, 6, 0, 0, 64, 5000), DEADLINE, DEADLINE + WORK)
        serving(device)
    down("x")


@test("answers that nobody has asked for are ignored")
def unasked_answers_are_ignored():
    device = device_of(odd("ready", "setup"))
    for _ in range(5):
        eq(bytes(device.ctrl_transfer(IN, 8, 0, 0, 64)), b"right")
    serving(device)
    down("x")


@test("the worker ends instead of answering: stalled at once, its successor answers")
def worker_ends_instead():
    device = device_of(odd("ready", "setup", restart_delay=0, restart_limit=0))
    numbers = devnums()
    for _ in range(5):
        stalled(lambda: device.ctrl_transfer(IN, 7, 0, 0, 64, 5000))
        await_state("x", "ready")
        serving(device)
    eq(devnums(), numbers)
    down("x")


@test("no worker: stalled at once")
def no_worker():
    device = device_of({"none": None, "done": odd("notify", "wait", restart="never"),
                        "waits": odd("notify", "wait", restart_delay=1000, restart_max_delay=1000),
                        "good": odd("ready", "setup")})
    for function in status("x")[0]["functions"][1:3]:
        kill(function["worker"]["pid"])
    await_status("x", lambda g: [f["worker"]["state"] for f in g["functions"][1:3]] == ["done", "waiting"],
                 "with workers done and waiting")
    for interface in range(3):
        stalled(lambda: device.ctrl_transfer(IN, 1, 0, interface, 64, 5000))
        stalled(lambda: device.ctrl_transfer(OUT, 2, 0, interface, b"data", 5000))
        stalled(lambda: device.ctrl_transfer(OUT, 3, 0, interface, None, 5000))
    serving(device, 3)
    down("x")


@test("a worker that has closed control: stalled at once; that ignores it: after 500 ms")
def worker_without_control():
    limit = pathlib.Path("/proc/sys/net/core/wmem_max")
    before = limit.read_text()
    limit.write_text("16384")  # of the sockets' buffers, so that a few requests fill one
    try:
        device = device_of({"shut": odd("ready", "shut", "wait"), "silent": odd("notify", "wait"),
                            "good": odd("ready", "setup")})
    finally:
        limit.write_text(before)
    stalled(lambda: device.ctrl_transfer(IN, 1, 0, 0, 64, 5000))
    stalled(lambda: device.ctrl_transfer(IN, 1, 0, 1, 64, 5000), DEADLINE, DEADLINE + WORK)
    # Its socket fills up; it is still no more than the deadline.
    for _ in range(12):
        stalled(lambda: device.ctrl_transfer(OUT, 2, 0, 1, bytes(4096), 5000), 0, DEADLINE + WORK)
    serving(device, 2)
    down("x")


@test("one function's silence holds another's request up for the deadline, not longer")
def silent_function_delays_others_little():
    device = device_of({"silent": odd("notify", "wait"), "good": odd("ready", "setup")})
    serving(device, 1)
    other = harness.device()
    thread = threading.Thread(target=stalled, daemon=True, args=(
        lambda: other.ctrl_transfer(IN, 1, 0, 0, 64, 5000), DEADLINE, DEADLINE + WORK))
    thread.start()
    began = time.monotonic()
    serving(device, 1)
    ok(time.monotonic() - began <= DEADLINE + 2 * WORK)
    thread.join(60)
    down("x")


@test("also when the host gives a request up and sends another one: that one has a fifth of the deadline")
def abandoned_request_then_another():
    device = device_of({"silent": odd("notify", "wait"), "good": odd("ready", "setup")})
    serving(device, 1)
    other = harness.device()
    with contextlib.suppress(usb.core.USBTimeoutError):
        device.ctrl_transfer(IN, 1, 0, 0, 64, 50)
    thread = threading.Thread(target=stalled, daemon=True, args=(
        lambda: other.ctrl_transfer(IN, 1, 0, 0, 64, 5000), 0.1, DEADLINE + 0.1 + WORK / 2))
    thread.start()
    began = time.monotonic()
    serving(device, 1)
    took = time.monotonic() - began
    ok(took <= DEADLINE + 0.1 + WORK / 2, f"after {took:.3f} s")
    thread.join(60)
    down("x")


@test("the keeper does not wait longer than the host: a request that the host gives up is forgotten")
def keeper_waits_no_longer_than_host():
    device = device_of(odd("ready", "setup"))
    for _ in range(5):
        try:
            device.ctrl_transfer(IN, 5, 0, 0, 64, 100)
        except usb.core.USBError as e:
            eq(e.errno, 110, "ETIMEDOUT")
        serving(device)
    eq(status("x")[1], 0)
    down("x")


@test("down, and a worker's death, while a request waits")
def down_or_death_during_request():
    device = device_of(odd("ready", "setup"))
    pid = status("x")[0]["functions"][0]["worker"]["pid"]
    thread = threading.Thread(target=stalled, daemon=True, args=(
        lambda: device.ctrl_transfer(IN, 5, 0, 0, 64, 5000), 0, DEADLINE + WORK))
    thread.start()
    kill(pid)
    thread.join(60)
    ok(not thread.is_alive())
    down("x")
    device = device_of(odd("ready", "setup"))

    def cut():
        try:
            device.ctrl_transfer(IN, 5, 0, 0, 64, 5000)
        except usb.core.USBError:
            pass

    thread = threading.Thread(target=cut, daemon=True)
    thread.start()
    down("x")
    thread.join(60)
    ok(not thread.is_alive())


@test("the plugin loopback stalls what it does not know")
def loopback_stalls_unknown_requests():
    device = device_of(LOOPBACK)
    stalled(lambda: device.ctrl_transfer(IN, 1, 0, 0, 64, 5000))
    stalled(lambda: device.ctrl_transfer(OUT, 1, 0, 0, b"data", 5000))
    down("x")


def hid_and_loopback(path):
    """Makes the second function of a gadget file one of the class HID."""
    with open(path, "r+", encoding="ascii") as f:
        text = f.read()
        at = text.rindex("interfaces = ( {") + len("interfaces = ( {")
        f.seek(0)
        f.write(text[:at] + ' class = "hid";' + text[at:])
    return path


@test("a request that is not answered in time is in the log, in words, and so is the late answer")
def late_handler_is_logged():
    up(hid_and_loopback(gadget("x", {"first": LOOPBACK, "second": odd("ready", "setup")})), "--wait-host")
    device = harness.device()
    device.set_configuration()
    stalled(lambda: device.ctrl_transfer(IN, 11, 600, 1, 64, 5000), DEADLINE, DEADLINE + WORK)
    await_log("x", "second: the worker did not answer the control request 0x0b (vendor, to the interface) within 0.5 s "
                   "(control_timeout): it was stalled; bmRequestType 0xc1, bRequest 0x0b, wValue 0x0258, wIndex 0x0001, "
                   "wLength 64")
    await_log("x", "second: the worker answered the control request 0x0b (vendor, to the interface) after 0.")
    stalled(lambda: device.ctrl_transfer(0x21, 11, 600, 1, None, 5000), DEADLINE, DEADLINE + WORK)
    await_log("x", "the control request SET_PROTOCOL (class, to the interface) within 0.5 s (control_timeout): it was stalled; "
                   "bmRequestType 0x21, bRequest 0x0b, wValue 0x0258, wIndex 0x0001, wLength 0")
    await_log("x", "the control request SET_PROTOCOL (class, to the interface) after 0.")
    serving(device, 1)
    down("x")


@test("a host that sends such requests again and again does not fill the log")
def late_handlers_do_not_fill_the_log():
    device = device_of(odd("ready", "setup"))
    for _ in range(10):
        stalled(lambda: device.ctrl_transfer(IN, 5, 0, 0, 64, 5000), DEADLINE, DEADLINE + WORK)
    serving(device)
    eq(log().count("did not answer the control request"), 6, log())
    time.sleep(60)
    stalled(lambda: device.ctrl_transfer(IN, 5, 0, 0, 64, 5000), DEADLINE, DEADLINE + WORK)
    await_log("x", "4 more control requests were not answered in time")
    down("x")


@test("control_timeout: a handler of 4 s is answered; after 5 s the request is stalled; standard requests keep 0.5 s")
def longer_limit():
    device = device_of({"first": LOOPBACK, "slow": odd("ready", "setup", control_timeout=5)})
    eq(len(device.ctrl_transfer(IN, 11, 4000, 1, 64, 6000)), 8)
    eq(device.ctrl_transfer(OUT, 11, 4000, 1, None, 6000), 0)
    stalled(lambda: device.ctrl_transfer(IN, 5, 0, 1, 64, 6000), 5, 5 + WORK)
    await_log("x", "within 5.0 s (control_timeout)")
    stalled(lambda: device.ctrl_transfer(0x81, 5, 0, 1, 64, 6000), DEADLINE, DEADLINE + WORK)
    await_log("x", "within 0.5 s (the limit for standard requests)")
    serving(device, 1)
    down("x")


@test("control_timeout: when the host gives a request up after a second, its next one is answered at once")
def given_up_below_a_long_limit():
    device = device_of(odd("ready", "setup", control_timeout="5s"))
    for _ in range(3):
        with contextlib.suppress(usb.core.USBTimeoutError):
            device.ctrl_transfer(IN, 5, 0, 0, 64, 1000)
        began = time.monotonic()
        serving(device)
        ok(time.monotonic() - began <= WORK, f"after {time.monotonic() - began:.3f} s")
    await_log("x", "s: the host has given it up; bmRequestType 0xc1, bRequest 0x05")
    await_log("x", "0x05 (vendor, to the interface) within 1.")
    down("x")


@test("control_timeout: a reload changes it for the same worker, and the next supervisor keeps it")
def reloaded_limit():
    device = device_of(odd("ready", "setup"))
    pid = status("x")[0]["functions"][0]["worker"]["pid"]
    path = gadget("x", odd("ready", "setup", control_timeout=2))
    must(ffsctl("reload", path))
    stalled(lambda: device.ctrl_transfer(IN, 5, 0, 0, 64, 5000), 2, 2 + WORK)
    kill(status("x")[0]["supervisor"])
    contains(up(path).stderr, TAKEN_OVER)
    stalled(lambda: device.ctrl_transfer(IN, 5, 0, 0, 64, 5000), 2, 2 + WORK)
    serving(device)
    eq(status("x")[0]["functions"][0]["worker"]["pid"], pid)
    down("x")


tap.main()
