#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=high timeout=120
# lab all: kernel=6.12,6.1 speed=high timeout=120
"""The log says when the host configures, suspends, resumes and leaves a gadget: one line for each, none for what ffsctl or
another program does, and a number for what a host repeats without end."""

import contextlib
import pathlib
import re
import time

import gadgets
import harness
import tap
from gadgets import LOOPBACK, await_log, await_status, gadget, log, odd, unconfigure
from harness import CLEAR_FEATURE, PORT_POWER, SET_FEATURE, down, ffsctl, hub_port, kill, must, status, up
from tap import contains, eq, ok, test

harness.leaves_nothing()

CONFIGURED = "configured by the host at high-speed"
BY_UDC = CONFIGURED + " (as the UDC reports)"
LEFT = "disconnected or unconfigured by the host"
WORDS = re.compile(r"^\S+ \S+ (.*(?:by the host|bound|up on|UDC|reloaded).*)$", re.M)


def lines(since=0):
    """Returns the lines about the host, and those about ffsctl and other programs, without their times."""
    return WORDS.findall(log())[since:]


def suspend():
    harness.suspend_hub_port()
    await_log("x", "suspended by the host")


def configure():
    (harness.usb_device() / "bConfigurationValue").write_text("1")


@contextlib.contextmanager
def connects():
    """Runs the body of the `with` statement, and then waits until the log says that the host has configured the gadget."""
    count = log().count(CONFIGURED) if pathlib.Path("/run/ffsctl/x/log").exists() else 0
    yield
    await_status("x", lambda _: log().count(CONFIGURED) > count, "configured by the host")


def await_lines(want):
    await_status("x", lambda _: len(lines()) >= len(want), f"{want}")
    time.sleep(1)  # and no line more
    eq(lines(), want)


@test("each thing that the host does is one line, whatever the number of functions")
def one_line_each():
    for functions in (LOOPBACK, {"a": LOOPBACK, "b": odd("notify", "wait"), "c": None}):
        with connects():
            up(gadget("x", functions))
        suspend()
        harness.resume_hub_port()
        await_log("x", "resumed by the host")
        unconfigure()
        await_log("x", LEFT)
        with connects():
            configure()
        with connects():
            hub_port(CLEAR_FEATURE, PORT_POWER)
            await_status("x", lambda _: log().count(LEFT) == 2, "disconnected")
            hub_port(SET_FEATURE, PORT_POWER)
        await_lines(["up on dummy_udc.0", CONFIGURED, "suspended by the host", "resumed by the host", LEFT, CONFIGURED, LEFT,
                     CONFIGURED])
        down("x")


@test("a keeper that reports late what the host did before makes no line")
def late_keeper():
    with connects():
        up(gadget("x", {"a": LOOPBACK, "b": LOOPBACK}))
    late = harness.status("x")[0]["functions"][1]["keeper"]
    with gadgets.slow_calls(late, "sendmsg", 0.5):
        unconfigure()
        await_log("x", LEFT)
        with connects():
            configure()
        await_lines(["up on dummy_udc.0", CONFIGURED, LEFT, CONFIGURED])
    unconfigure()
    await_lines(["up on dummy_udc.0", CONFIGURED, LEFT, CONFIGURED, LEFT])
    with connects():
        configure()
    down("x")


@test("what ffsctl does has a line of its own and no second one: unbind, bind, reload, restart, down")
def nothing_about_ourselves():
    path = gadget("x", LOOPBACK)
    with connects():
        up(path)
    must(ffsctl("unbind", "x"))
    with connects():
        must(ffsctl("bind", "x"))
    must(ffsctl("restart", "x"))
    text = pathlib.Path(path).read_text()
    pathlib.Path(path).write_text(text.replace('product = "x"', 'product = "y"'))
    with connects():
        must(ffsctl("reload", "x"))
    await_lines(["up on dummy_udc.0", CONFIGURED, "unbound", "bound to dummy_udc.0", CONFIGURED,
                 "reloaded with a rebind: 3 changes", CONFIGURED])
    down("x")


@test("what another program does has one line: the UDC file, the driver core, the UDC itself")
def nothing_about_others():
    udc = pathlib.Path(harness.CONFIGFS, "x/UDC")
    with connects():
        up(gadget("x", LOOPBACK))
    udc.write_text("\n")
    await_log("x", "unbound by another program")
    with connects():
        udc.write_text("dummy_udc.0")
    harness.udc_goes()
    await_log("x", "was removed")
    with connects():
        harness.udc_comes()
    # Linux 6.1 may tell the functions of the disconnect while the UDC still exists
    early = lines()[5:lines().index("its UDC dummy_udc.0 was removed")]
    # of what the functions are told, what comes after the removal is not logged
    ok(early in ([], [LEFT], ["suspended by the host"], ["suspended by the host", LEFT]), early)
    await_lines(["up on dummy_udc.0", CONFIGURED, "unbound by another program; ffsctl does not rebind it",
                 "bound again by another program", CONFIGURED, *early, "its UDC dummy_udc.0 was removed",
                 "its UDC dummy_udc.0 is back", CONFIGURED])
    down("x")


@test("the next supervisor says nothing of what the last one has said, and what the host did meanwhile")
def takeover():
    path = gadget("x", LOOPBACK)
    with connects():
        up(path)
    suspend()
    must(ffsctl("reexec", "x"))
    kill(status("x")[0]["supervisor"])
    up(path)
    want = ["up on dummy_udc.0", CONFIGURED, "suspended by the host"] + ["taken over; up on dummy_udc.0"]
    await_lines(want)
    harness.resume_hub_port()
    await_log("x", "resumed by the host")
    kill(status("x")[0]["supervisor"])
    unconfigure()
    up(path)
    await_lines([*want, "resumed by the host", "taken over; up on dummy_udc.0", LEFT])
    must(ffsctl("wait", "x", "--for", "disconnected", "--timeout", "10"))
    down("x")


@test("a gadget without FunctionFS: what the UDC's state tells")
def kernel_function():
    path = gadgets.DIRECTORY / "x.conf"
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions = { loop = { type = "Loopback"; }; };\n')
    with connects():
        up(path)
    await_lines(["up on dummy_udc.0", BY_UDC])
    with connects():
        hub_port(CLEAR_FEATURE, PORT_POWER)
        hub_port(SET_FEATURE, PORT_POWER)
    # dummy_hcd does not set the state at a disconnect, but the next host resets the port
    await_lines(["up on dummy_udc.0", BY_UDC, LEFT, BY_UDC])
    kill(status("x")[0]["supervisor"])
    up(path)
    await_lines(["up on dummy_udc.0", BY_UDC, LEFT, BY_UDC, "taken over; up on dummy_udc.0"])
    down("x")


@test("a host that connects without end: 20 lines, then numbers, after ever longer times")
def bounded():
    tap.needs_virtual_time()
    with connects():
        up(gadget("x", LOOPBACK))
    for k in range(75):
        unconfigure()
        await_status("x", lambda _: not configured_now(), "not configured")
        configure()
        await_status("x", lambda _: configured_now(), "configured")
        time.sleep(1 if k < 30 else 50)
    ok(len(lines()) < 1 + 20 + 10, "\n".join(lines()))
    contains(log(), " more changes by the host within 60 s; now ")
    contains(log(), " more changes by the host within 960 s; now ")
    time.sleep(3600)
    numbers = [int(n) for n in re.findall(r" (\d+) more changes by the host within", log())]
    eq(20 + sum(numbers), 1 + 2 * 75, "each change was logged or counted")
    ok(lines()[-1].endswith("now configured by the host"), lines()[-1])
    time.sleep(3600)
    unconfigure()
    await_log("x", LEFT + "\n")
    await_status("x", lambda _: lines()[-1] == LEFT, "a line again")
    down("x")


def configured_now():
    return ffsctl("wait", "x", "--for", "configured", "--timeout", "0").returncode == 0


tap.main()
