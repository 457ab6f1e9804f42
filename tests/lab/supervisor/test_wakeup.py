#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udc=dwc3
# lab i386: no, the models have not been tried with 32 bits
# lab all: kernel=6.12,6.1 speed=high
# 6.1 with dwc3: only in lab/test --udc dwc3, because it is in tests/udc-differences
# lab all: kernel=6.12 speed=high stock
"""WAKEUP: a worker wakes a host that has suspended it, if the configuration has remote wakeup and the host allows it. The
test suspends the port itself, through the hub: the kernel of the lab, without CONFIG_PM, suspends nothing."""

import os
import time

import harness
import tap
from gadgets import DIRECTORY, await_log, await_log_count, await_status, log, odd, worker
from harness import BUILD, CLEAR_FEATURE, SET_FEATURE, down, hub_port_is_suspended, status, suspend_hub_port, up
from tap import eq, ok, test

harness.leaves_nothing()

VENDOR_OUT = 0x41  # to the interface
DEVICE_REMOTE_WAKEUP = 1
SUSPENDED, RESUMED = "suspended by the host", "resumed by the host"
NOT_WOKEN = "the host is still suspended 10 s after the worker has asked to wake it: it has not allowed the gadget to wake it"
REFUSED = "the worker asks to wake the host, which is refused: no configuration has bit 5 (0x20) of bmAttributes"
PROGRAM = """
from ffsctl_worker import Event, Worker

worker = Worker()

@worker.on_event
def wake(event):
    if event == Event.SUSPEND:
        print("asks", flush=True)
        for _ in range(20):
            worker.wakeup()

worker.run()
"""


TRIGGERED = """
import sys
import threading
from ffsctl_worker import Worker

worker = Worker()

def wake():
    for line in open(sys.argv[1]):
        worker.wakeup()

threading.Thread(target=wake, daemon=True).start()
worker.run()
"""


def python(program=PROGRAM, *args):
    script = DIRECTORY / "wakes.py"
    script.write_text(program)
    return worker(exec=["/usr/bin/python3", str(script), *map(str, args)], ready="notify")


def plugin():
    return worker(plugin=f"{BUILD}/tests/lab/workers/probe.so")


FFS = 'ffs : { interfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } ); };'


def bring_up(attributes, program, allow, function=FFS):
    path = DIRECTORY / "x.conf"
    path.write_text(f"""attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
functions : {{ f : {{ {function} worker : {{ {program} }}; }}; }};
configs = ( {{ id = 1; attrs : {{ bmAttributes = {attributes}; }}; functions = ( "f" ); }} );
""")
    up(path, "--wait-host")
    if allow:
        harness.device().ctrl_transfer(0, SET_FEATURE, DEVICE_REMOTE_WAKEUP, 0)


def await_resumption():
    await_status("x", lambda _: not hub_port_is_suspended(), "resumed by the port")
    harness.end_resumption()


for name, program in {"in Python": python, "that runs a plugin": plugin}.items():
    @test(f"a worker {name} wakes a host that has suspended it and allows it")
    def wakes(program=program):
        bring_up("0xa0", program(), allow=True)
        if program is plugin:
            harness.device().ctrl_transfer(VENDOR_OUT, 15, 0, 0, None)
        for n in range(1, 3):
            suspend_hub_port()
            await_log_count("x", SUSPENDED, n)
            await_resumption()
            await_log_count("x", RESUMED, n)
        down("x")


@test("a host that no longer allows it stays suspended, and the log has one line about it for many requests")
def not_allowed():
    bring_up("0xa0", python(), allow=True)
    suspend_hub_port()
    await_log_count("x", SUSPENDED, 1)
    await_resumption()
    await_log_count("x", RESUMED, 1)
    await_status("x", lambda g: g["udc_state"] == "configured", "resumed")
    harness.device().ctrl_transfer(0, CLEAR_FEATURE, DEVICE_REMOTE_WAKEUP, 0)
    began = time.monotonic()
    suspend_hub_port()
    await_log_count("x", "asks", 2)
    eq((hub_port_is_suspended(), status("x")[0]["udc_state"]), (True, "suspended"))
    ok(NOT_WOKEN not in log(), log())
    await_log("x", NOT_WOKEN)
    ok(time.monotonic() - began >= 10, "too early")
    eq((log().count(NOT_WOKEN), log().count(RESUMED)), (1, 1))
    down("x")


@test("the worker of a kernel function, here hid, wakes the host, too, and the log says if the host does not wake up")
def kernel_function():
    trigger = DIRECTORY / "trigger"
    os.mkfifo(trigger)
    bring_up("0xa0", python(TRIGGERED, trigger), allow=True, function='type = "hid"; attrs : { report_desc = "keyboard"; };')
    with open(trigger, "w") as wake:
        suspend_hub_port()
        eq(hub_port_is_suspended(), True)
        print(file=wake, flush=True)
        await_resumption()
        harness.device().ctrl_transfer(0, CLEAR_FEATURE, DEVICE_REMOTE_WAKEUP, 0)
        suspend_hub_port()
        eq(hub_port_is_suspended(), True)
        print(file=wake, flush=True)
        await_log("x", NOT_WOKEN)
    down("x")
    trigger.unlink()


@test("without bit 5 of bmAttributes a request is refused, with one line for many requests")
def refused():
    # dwc3_ep0_handle_device() refuses a host that allows it without bit 5
    bring_up("0x80", python(), allow=harness.LAB_UDC != "dwc3")
    suspend_hub_port()
    await_log("x", REFUSED)
    eq(hub_port_is_suspended(), True)
    eq(log().count(REFUSED), 1)
    down("x")


@test("a request of a worker while no host has suspended the gadget does nothing")
def early():
    bring_up("0xa0", odd("ready", "wakeup", "stop"), allow=True)
    eq(harness.device().get_active_configuration().bConfigurationValue, 1)
    eq(log().count(RESUMED), 0)
    down("x")


tap.main()
