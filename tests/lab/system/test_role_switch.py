#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udc=dwc3 append=udc_dwc3.role_switch=1
# lab: udc=dwc2 append=udc_dwc2.role_switch=1
# lab i386: no, the models have not been tried with 32 bits
# lab all: kernel=6.12,6.1 udc=dwc3 append=udc_dwc3.role_switch=1
# lab all: kernel=6.12,6.1 udc=dwc2,dwc2-ddma append=udc_dwc2.role_switch=1
"""A port that is a device or a host, as the kernel's drivers dwc3 and dwc2 make it on models of their hardware (lab/udc). With
dwc3 the UDC is there only while the role is device; dwc2 keeps it. Gadgets, `up`, `reload`, workers and `doctor` while the role
changes."""

import contextlib
import os
import pathlib
import random
import subprocess
import time

import gadgets
import harness
import tap
from gadgets import LOOPBACK, await_state, finish, gadget, start
from harness import EXAMPLES, bench, device, down, ffsctl, must, status
from tap import contains, eq, ok, rounds, test

UDC = "dummy_udc.0"
STAYS = harness.LAB_UDC.startswith("dwc2")
ROLE = pathlib.Path("/sys/class/usb_role", f"{UDC}-role-switch", "role") if STAYS else pathlib.Path("/sys/kernel/debug/usb", UDC, "mode")
CLASS = pathlib.Path("/sys/class/udc", UDC)
TO_DEVICE = f"echo device > {ROLE}"
REMOVED = f"its UDC {UDC} was removed"

random.seed(os.environ.get("SOAK_SEED", "1"))
harness.leaves_nothing()


def has_role(role):
    """Waits until the driver has changed the role, which it does in a work item after the write."""
    for _ in gadgets.looks():
        if ROLE.read_text() == role + "\n" and CLASS.exists() == (STAYS or role == "device"):
            return
    raise AssertionError(f"the role is {ROLE.read_text()!r}, not {role}")


def become(role):
    ROLE.write_text(role)
    has_role(role)


@tap.cleanup
def is_device_again():
    become("device")


def become_host_of(name):
    """The port becomes a host while a gadget is up, and the host at the other end sees the device go."""
    become("host")
    await_state(name, "ready" if STAYS else "degraded")
    harness.await_devices(lambda: not harness.host_devices())


def become_device_of(name):
    with harness.configured():
        become("device")
    await_state(name, "ready")


def echo():
    bench("loop", "--lengths", "1,512,4096")


@contextlib.contextmanager
def loopback(*args):
    # Many rounds kill the worker more often than restart_limit allows
    path = gadget("x", gadgets.worker(plugin="loopback", restart_delay=0.1, restart_limit=0), f'udc = "{UDC}";')
    with harness.configured():
        harness.up(path, *args)
    try:
        yield path
    finally:
        down("x")


@test("the role becomes host and device again: removed, then ready with the worker that was there")
def there_and_back():
    with loopback():
        before = gadgets.processes("x")
        become_host_of("x")
        shown, code = status("x")
        eq((code, shown["udc"], [p["text"] for p in shown["problems"]]), (0, UDC, []) if STAYS else (1, UDC, [REMOVED]))
        ok(not STAYS or shown["udc_state"] == "not attached", shown["udc_state"])
        become_device_of("x")
        eq((status("x")[1], gadgets.processes("x")), (0, before))
        echo()
        said = [line.split(" ", 2)[2] for line in gadgets.log().splitlines() if "its UDC" in line]
        eq(said, [] if STAYS else [REMOVED, f"its UDC {UDC} is back"])


@test("the file is reloaded while the port is a host")
def reloaded_as_host():
    with loopback() as path:
        become_host_of("x")
        text = pathlib.Path(path).read_text()
        pathlib.Path(path).write_text(text.replace('product = "x"', 'product = "new"'))
        said = must(ffsctl("reload", "x")).stderr
        eq(f"the gadget is bound again when its UDC {UDC} is back" in said, not STAYS, said)
        become_device_of("x")
        eq(device().product, "new")
        echo()


@test("the worker is killed while the port is a host, and restarted")
def worker_killed_as_host():
    def kill():
        gadgets.kill_worker("x")
        gadgets.await_log_count("x", "worker ready", 2)

    for restart in (kill, lambda: must(ffsctl("restart", "x"))):
        with loopback():
            become_host_of("x")
            restart()
            become_device_of("x")
            echo()


@test("the role changes while transfers are under way, and while a worker is being restarted")
def during_transfers():
    with loopback():
        for n in range(rounds(4, 20, 50)):
            traffic = gadgets.Traffic()
            traffic.more(random.randint(1, 5))
            if n % 2:
                gadgets.kill_worker("x")
            become_host_of("x")
            traffic.end()
            become_device_of("x")
        echo()


@test("both changes at once, so that nothing may be noticed in between")
def at_once():
    with loopback():
        for _ in range(rounds(5, 20, 100)):
            ROLE.write_text("host")
            time.sleep(random.choice([0, 0, 0.05, 0.1, 0.15, 0.3]))
            ROLE.write_text("device")
            has_role("device")
            await_state("x", "ready")
        harness.await_devices(harness.host_devices)
        gadgets.await_status("x", lambda g: g["udc_state"] == "configured", "configured")
        echo()


def findings():
    """Returns the findings of `doctor` by their ids."""
    return {f["id"]: f for f in harness.document(ffsctl("doctor", "--json"), "doctor")["findings"]}


def up_without_udc():
    path = gadget("x", LOOPBACK)
    become("host")
    contains(must(ffsctl("up", path), 69).stderr, f"{UDC} is set to 'host': {TO_DEVICE}")
    waiting = start("up", path, "--wait-udc=60")
    gadgets.read_lines_until(waiting.stderr, "waiting for a UDC")
    become("device")
    contains(must(finish(waiting)).stderr, "up on")
    down("x")


def up_with_udc():
    become("host")
    path = gadget("x", LOOPBACK)
    contains(must(ffsctl("up", path, "--wait-host=3"), 75).stderr, f"the role switch {UDC}-role-switch is set to 'host': {TO_DEVICE}")
    with harness.configured():
        become("device")
    must(ffsctl("wait", "x"))
    echo()
    down("x")


def advice_without_udc():
    become("host")
    contains(must(ffsctl("udc")).stderr, TO_DEVICE)
    found = findings()
    eq(found["role-is-host"]["what"], f"the controller {UDC} is set to host")
    eq((found["role-is-host"]["commands"], found["no-udc"]["remedy"]), ([TO_DEVICE], None))


def advice_with_udc():
    become("host")
    found = findings()
    eq(found["role-is-host"]["what"], f"the role switch {UDC}-role-switch is set to host")
    eq((found["role-is-host"]["commands"], "no-udc" in found), ([TO_DEVICE], False))


test("`up` as host says what makes the port a device, and `up --wait-udc` or `wait` waits for it")(up_with_udc if STAYS else up_without_udc)


@test("`doctor` and `udc` name the file that makes the port a device, and their command does it")
def advice():
    (advice_with_udc if STAYS else advice_without_udc)()
    must(subprocess.run(TO_DEVICE, shell=True, check=False))
    has_role("device")
    ok("role-is-host" not in findings(), "still a host")


@test("a keyboard of the kernel, an ep0 daemon and two functions come back, too")
def other_functions():
    for path in (f"{harness.SRC}/gadget.d/keyboard.conf", gadgets.ep0_daemon("own"), f"{EXAMPLES}/two-functions.conf"):
        name = pathlib.Path(path).stem
        with harness.configured():
            harness.up(path)
        become_host_of(name)
        become_device_of(name)
        down(name)


tap.main()
