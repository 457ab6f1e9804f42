#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2 timeout=400
# lab all: kernel=6.12,6.1 udcs=2 timeout=400
"""SWITCH: a worker requests that another gadget replaces its gadget. The other gadget comes up, or the request is
refused, or the switch fails and the old gadget is restored."""

import json
import os

import usb.core
import usb.util

import gadgets
import harness
import tap
from gadgets import (Fifo, await_log, await_state, await_status, finish, gadget, log, odd, open_file,
                     start, worker)
from harness import down, ffsctl, kill, must, status
from tap import contains, eq, ok, rounds, test

before = harness.leaves_nothing()

TO_INTERFACE, WRITE, SWITCH = 0x41, 2, 10
SERVES = odd("ready", "setup")
ON = "--udc", "dummy_udc.0"


def up(*args, **kwargs):
    """Calls `up`, and waits until the host has configured the device, because its uevents must not be mistaken for
    those of the next device."""
    with harness.configured():
        return harness.up(*args, *ON, **kwargs)


def switch_to(*names):
    return f"switch_to = [ {gadgets.strings(names)} ];" if names else ""


def a(group=SERVES, names=("b",), extra=""):
    return gadget("a", group, switch_to(*names) + extra)


def b(group=SERVES, names=("a",), extra=""):
    return gadget("b", group, switch_to(*names) + extra)


def ask(name, message=b""):
    """Sends the two requests of the host: the name of the other gadget, and the request to switch. The worker must
    accept both."""
    host = harness.device()
    host.ctrl_transfer(TO_INTERFACE, WRITE, 0, 0, name.encode() + b"\0" * bool(message) + message)
    host.ctrl_transfer(TO_INTERFACE, SWITCH, 0, 0, None)
    usb.util.dispose_resources(host)


def switch(name, message=b""):
    """Does the same, and waits until the host has configured the other gadget."""
    with harness.configured():
        ask(name, message)
    return must_be_up(name)


def must_be_up(name):
    shown, _ = await_state(name, "ready")
    eq(product(), name)
    return shown


def product():
    found = harness.device()
    try:
        return usb.util.get_string(found, found.iProduct)
    finally:
        usb.util.dispose_resources(found)


def must_be_gone(*names):
    for name in names:
        await_state(name, "down")  # the other gadget is up a moment before
        eq(status(name), (None, 3))
        ok(not os.path.exists(f"{harness.CONFIGFS}/{name}"), f"{name} is in configfs")
        ok(not os.path.exists(f"/run/ffsctl/{name}"), f"{name} is in /run/ffsctl")


# --- it works ------------------------------------------------------------------------------------


@test("a worker asks for another gadget: the host gets its answer, and then that gadget")
def host_gets_answer_then_gadget():
    b()
    up(a())
    was = status("a")[0]
    now = switch("b")
    eq((now["supervisor"], now["udc"]), (was["supervisor"], "dummy_udc.0"))
    must_be_gone("a")
    contains(log("b"), "switched from 'a'")
    eq(down("a").stderr, "ffsctl: a: is not up\n")
    eq(status("b")[0]["state"], "ready")
    down("b")
    must_be_gone("a", "b")


@test("there and back, often: each comes up as the first time")
def back_and_forth():
    b()
    up(a())
    pid = status("a")[0]["supervisor"]
    first = len(harness.open_files(pid))
    for _ in range(rounds(4, 10)):
        eq(switch("b")["supervisor"], pid)
        must_be_gone("a")
        eq(switch("a")["supervisor"], pid)
        must_be_gone("b")
    eq(len(harness.open_files(pid)), first, "descriptors of the supervisor")
    down("a")


@test("what a worker hands over the other's workers find in their configuration, also later ones")
def payload_reaches_new_workers():
    dumped, other = open_file("dumped"), open_file("other")
    b(odd("dump", dumped, "ready", "setup", restart_delay=0))
    up(a(odd("dump", other, "ready", "setup")))
    ok("switch" not in json.loads(other.read_text())["config"])
    message = {"model": "Zithër", "n": [1, None]}
    switch("b", json.dumps(message).encode())
    for _ in range(2):
        eq(json.loads(dumped.read_text())["config"]["switch"], {"from": "a", "message": message})
        dumped.write_text("")
        must(ffsctl("restart", "b"))
    switch("a")
    eq(json.loads(other.read_text())["config"]["switch"], {"from": "b", "message": {}})
    down("a")


@test("run: the process stays, its words go to stderr, and TERM ends it whatever it is by then")
def run_stays_same_process():
    b()
    with harness.configured():
        process = start("run", a(), *ON)
    await_state("a", "ready")
    eq(switch("b")["supervisor"], process.pid)
    process.terminate()
    result = must(finish(process))
    contains(result.stderr, "ffsctl: a: echo: the worker asks to switch to 'b'\n")
    contains(result.stderr, "ffsctl: b: switched from 'a'\nffsctl: b: up on dummy_udc.0\n")
    must_be_gone("a", "b")


@test("off the bus it becomes one that is off the bus; bind puts it where it was")
def unbound_stays_unbound():
    b()
    up(a(odd("ready", "bound", "unbound", "switch", "b", "stop")))
    must(ffsctl("unbind", "a"))
    shown, _ = await_state("b", "unbound")
    eq(shown["udc"], None)
    must_be_gone("a")
    with harness.configured():
        must(ffsctl("bind", "b", *ON))
    must_be_up("b")
    down("b")


@test("on the UDC of --udc; but on that of its own file, if it names one")
def udc_of_up_or_file():
    b()
    with harness.configured():
        harness.up(a(), "--udc", "dummy_udc.1")
    eq(switch("b")["udc"], "dummy_udc.1")
    a(extra='udc = "dummy_udc.0";')
    eq(switch("a")["udc"], "dummy_udc.0")
    eq(switch("b")["udc"], "dummy_udc.0")
    down("b")


@test("what a reload has made of it is what is back, when it was switched from and the other fails")
def reload_survives_failed_switch():
    b(odd("exit", 1))
    up(a(names=("b", "c")))
    path = a(extra='max_speed = "high";')
    with harness.configured():
        must(ffsctl("reload", path))
    with harness.configured():
        ask("b")
    must_be_up("a")
    must(ffsctl("wait", "a", "--for", "configured"))  # its state in sysfs is earlier than the report of its function
    eq(status("a")[0]["speed"], "high-speed")
    down("a")


@test("a worker that keeps its privileges can be in either")
def privileges_kept():
    b(odd("ready", "setup", user="root", privileges="keep"))
    up(a())
    switch("b")
    pid = status("b")[0]["functions"][0]["worker"]["pid"]
    ok(int(harness.proc_status(pid)["CapEff"], 16) & 1 << 21, "CAP_SYS_ADMIN")
    switch("a")
    down("a")


def kept(name):
    """The supervisor's permitted capabilities, and those that it can still give to a worker."""
    shown = harness.proc_status(status(name)[0]["supervisor"])
    return int(shown["CapPrm"], 16), int(shown["CapBnd"], 16)


# DAC_OVERRIDE, KILL, SETGID, SETUID, SETPCAP, SYS_PTRACE, SYS_ADMIN, SYS_RESOURCE, SYSLOG; NET_ADMIN
BASE, NET_ADMIN = sum(1 << n for n in (1, 5, 6, 7, 8, 19, 21, 24, 34)), 1 << 12
PRIVILEGED = odd("ready", "setup", capabilities=["cap_net_admin"])


@test("the supervisor keeps what workers need of the gadgets that it may become, and no more")
def supervisor_capabilities():
    b()
    up(a(names=("b", "nowhere")))
    eq(kept("a"), (BASE, 0))
    down("a")
    b(names=("a", "c"))
    gadget("c", PRIVILEGED, switch_to("b"))
    up(a())
    for name in ("b", "c", "b", "a"):  # from this one to c by way of b
        eq(kept(switch(name)["name"]), (BASE | NET_ADMIN, NET_ADMIN), name)
    down("a")
    b(names=())
    up(a(PRIVILEGED))
    eq(kept("a"), (BASE | NET_ADMIN, NET_ADMIN))
    eq(kept(switch("b")["name"]), (BASE, 0), "from there is no way back")
    down("b")


# --- it is refused -------------------------------------------------------------------------------


def refused(words, name="b", message=b""):
    """Checks that the gadget does not change or disconnect, and that the log has these words."""
    must(ffsctl("wait", "a", "--for", "configured"))
    numbers, was = harness.devnums(), status("a")[0]
    ask(name, message)
    await_log("a", "which is refused")
    text = next(line for line in log("a").splitlines() if "which is refused" in line)
    contains(text, words)
    eq((harness.devnums(), status("a")[0]), (numbers, was))


def unnamed():
    b()
    up(a(names=("c",)))
    refused(f"'switch_to' in {gadgets.DIRECTORY}/a.conf does not contain 'b'; add 'b' to 'switch_to' and reload 'a' to allow the switch")


def without_file():
    (gadgets.DIRECTORY / "b.conf").unlink(missing_ok=True)
    up(a())
    refused(f"cannot find gadget file 'b' beside {gadgets.DIRECTORY}/a.conf or in the directories that 'ffsctl up' searches")


def with_errors():
    b(extra="frobnicate = 1;")
    up(a())
    refused(f"{gadgets.DIRECTORY}/b.conf has 1 error; 'ffsctl check {gadgets.DIRECTORY}/b.conf' prints them")


def without_program():
    b(worker(exec=["/nowhere/at/all"]))
    up(a())
    refused("cannot execute /nowhere/at/all: No such file or directory")


def with_its_name():
    b(names=(), extra='name = "a";')
    up(a())
    refused("has the name of the current gadget, 'a'")


def up_already():
    harness.up(b(), "--no-bind")
    up(a())
    refused("'b' is up already; take it down first")


def foreign():
    b()
    with gadgets.foreign("b", bound=False):
        up(a())
        refused("the gadget 'b' was not made by ffsctl")


def udc_missing():
    b(extra='udc = "nowhere.0";')
    up(a())
    refused("no UDC 'nowhere.0'")


def held():
    b()
    up(a({"echo": SERVES, "free": None}))
    fd = os.open("/dev/ffs/a/free/ep1", os.O_RDWR)
    try:
        refused(f"cannot unmount /dev/ffs/a/free: in use by python3 (pid {os.getpid()})")
    finally:
        os.close(fd)


def privileges():
    b(odd("ready", "setup", user="root", privileges="keep"))
    up(a(names=()))
    must(ffsctl("reload", a()))
    refused("the supervisor has given up the privileges that the worker of 'echo' needs (privileges = \"keep\"); take 'a' down, then up")


def more_privileges():
    b()
    up(a())
    b(PRIVILEGED)
    refused("the supervisor has given up the privileges that the worker of 'echo' needs (capabilities); "
            "take 'a' down, then up")
    down("a")
    up(a())
    switch("b")


def no_name():
    up(a())
    refused("asks to switch to '?', which is refused: invalid gadget name", "../b")


def no_json():
    b()
    up(a())
    refused("the worker's message is not a JSON object", message=b'{"a": ')


def no_object():
    b()
    up(a())
    refused("the worker's message is not a JSON object", message=b"[1]")


def is_refused(how):
    how()
    down("--all")


for refuse in (unnamed, without_file, with_errors, without_program, with_its_name, up_already, foreign, udc_missing,
               held, privileges, more_privileges, no_name, no_json, no_object):
    test(f"refused: {refuse.__name__.replace('_', ' ')}", refuse)(is_refused)


@test("of two requests at once the first counts")
def first_of_two_requests():
    b()
    gadget("c", SERVES)
    up(a(odd("ready", "bound", "switch", "b", "switch", "c", "stop"), names=("b", "c")))
    await_state("b", "ready")
    must_be_gone("a", "c")
    down("b")


@test("a flood of requests is refused once a second")
def flood_is_refused():
    (gadgets.DIRECTORY / "b.conf").unlink(missing_ok=True)
    words = ["switch", "b"] * 200
    up(a(odd("ready", "bound", *words, "setup")))
    host = harness.device()
    host.ctrl_transfer(TO_INTERFACE, WRITE, 0, 0, b"still here")
    usb.util.dispose_resources(host)
    eq(log("a").count("which is refused"), 1)
    down("a")


# --- it fails ------------------------------------------------------------------------------------


def back(words):
    """Checks that the host has the old gadget again, that the log shows the reason, and that nothing of the other
    gadget is left."""
    pid = status("a")[0]["supervisor"]
    with harness.configured():
        ask("b")
    eq(must_be_up("a")["supervisor"], pid)
    must_be_gone("b")
    contains(log("a"), words)
    contains(log("a"), "'a' is up again")


@test("the other's worker ends before it is ready: the old gadget is up again, and serves; more than once")
def new_worker_ends_early():
    path = b(worker(exec=["/bin/sh", "-c", "echo last words; exit 3"], ready="notify"))
    up(a())
    for _ in range(3):
        back("not switched: 'b': the worker of 'echo' (/bin/sh) ended before it was ready: exit 3; it ran as the user id ")
        contains(log("a"), "last words")
    ok(path == b())
    switch("b")
    down("b")


@test("the other's worker is never ready")
def new_worker_never_ready():
    b(odd("wait", start_timeout=3))
    up(a())
    back("did not get ready within 3 s (start_timeout)")
    down("a")


@test("the other cannot be bound: it needs more endpoints than the UDC has")
def new_gadget_cannot_bind():
    drives = " ".join(f'd{i} : {{ type = "mass_storage"; }};' for i in range(16))
    (gadgets.DIRECTORY / "b.conf").write_text(f"functions : {{ {drives} }};")
    up(a())
    back("needs 16 IN and 16 OUT endpoints besides ep0")
    down("a")


@test("neither comes up: nothing is left")
def neither_comes_up():
    b()
    up(a(), fault=";fail=3:5;fail=2:5")
    pid = status("a")[0]["supervisor"]
    ask("b")
    harness.wait_dead(pid)
    must_be_gone("a", "b")


@test("under run the reason is told, and the exit status is of a failure")
def failure_under_run():
    b()
    with harness.configured():
        process = start("run", a(), *ON, env=dict(os.environ, FFSCTL_TEST_FAULT=";fail=3:5;fail=2:28"))
    await_state("a", "ready")
    ask("b")
    result = must(finish(process), 71)
    contains(result.stderr, "No space left on device; the switch to another gadget had failed before: 'b': cannot ")
    must_be_gone("a", "b")


def plan(path):
    return harness.document(must(ffsctl("up", "--dry-run", "--json", path, *ON)))["gadgets"][0]["plan"]


@test("any step of the other's fails: the old one is up again")
def any_step_fails():
    for step in plan(b())[::rounds(3, 1)]:
        up(a(), fault=f";fail={step['n']}:5")
        back(f"cannot {step['do']} {step['path']}: Input/output error")
        down("a")


@test("an undo of the old one's fails: the log says what is left, and down takes it away")
def undo_of_old_gadget_fails():
    b()
    step = next(s for s in plan(a()) if s["do"] == "mount")
    up(a(), fault=f"undo-fail={step['n']}:16")
    pid = status("a")[0]["supervisor"]
    ask("b")
    harness.wait_dead(pid)
    must_be_gone("b")
    eq(status("a")[1], 1)
    contains(log("a"), "not switched: cannot umount /dev/ffs/a/echo: Device or resource busy")
    down("a")


# --- somebody comes in between -------------------------------------------------------------------


def slow():
    """Requests the switch to a gadget whose worker never becomes ready; returns when that worker has started."""
    told = Fifo()
    b(odd("tell", told.path, "wait", start_timeout=20))
    up(a())
    ask("b")
    told.wait()


@test("meanwhile status tells of both")
def status_tells_both():
    slow()
    shown, code = status("b")
    eq((shown["state"], code), ("starting", 1))
    shown, code = status("a")
    eq((shown["state"], shown["udc"], code), ("degraded", None, 1))
    contains(shown["problems"][0]["text"], "'going down' (pid ")
    eq(ffsctl("up", a(), *ON).returncode, 73)
    down("b")
    must_be_gone("a", "b")


@test("down of the other while it comes up: neither is up")
def down_of_new_gadget():
    slow()
    down("b")
    must_be_gone("a", "b")


@test("down of the old one while the other comes up, and fails: neither is up")
def down_of_old_gadget():
    slow()
    down("a")
    must_be_gone("a", "b")


@test("down while the old one goes down: the other one is not wanted either")
def down_while_old_goes_down():
    b()
    up(a({"echo": SERVES, "slow": odd("deaf", "ready", "wait", stop_timeout=5)}))
    ask("b")
    await_status("a", lambda g: g["state"] == "degraded", "going down")
    down("a")
    must_be_gone("a", "b")


# --- the supervisor is killed --------------------------------------------------------------------


def killed(fault):
    """Plants a fault that kills the supervisor during a switch. Then `up` of the first gadget must repair everything
    that is left."""
    b()
    up(a(), fault=fault)
    pid = status("a")[0]["supervisor"]
    try:
        ask("b")
    except usb.core.USBError:  # the supervisor was killed before the answer
        pass
    harness.wait_dead(pid)
    for name in ("a", "b"):
        ok(status(name)[1] in (1, 3), f"{name}: {status(name)}")


def then_up(fault):
    killed(fault)
    harness.up(a(), *ON, "--wait-host")  # a gadget that is not changed yet is taken over
    must_be_up("a")
    must_be_gone("b")
    down("a")
    harness.check_same_snapshots(before, harness.snapshot())


def then_down(fault):
    killed(fault)
    down("--all")
    must_be_gone("a", "b")
    harness.check_same_snapshots(before, harness.snapshot())


def kills():
    """(fault, what is of its kind)."""
    for point in (1, 2):
        yield f"switch-kill={point}", point
    yield ";fail=5:5,switch-kill=3", 3
    for step in reversed(plan(a())):
        if step["undo"]:
            yield f"undo-kill-after={step['n']}", ("undo", step["do"])
    for step in plan(b()):
        yield f";kill-before={step['n']}", ("before", step["do"])
    yield f";kill-after={len(plan(b()))}", "last"
    for step in plan(a())[::3]:
        yield f";fail=5:5;kill-after={step['n']}", ("back", step["do"])


b()
a()
FEWER = "supervisor/a-switch-does-not-note-what-it-is-to-become: each kind of step has a test"
# The steps are the same on every kernel
KILLS = list(kills())[::4 if os.environ["LAB_KERNEL"] == "6.1" else 1]
FIRST = {kind: fault for fault, kind in reversed(KILLS)}
for n_, (fault_, kind_) in enumerate(KILLS):
    for which_, (words_, then_) in enumerate((("up", then_up), ("down --all", then_down))):
        # lab/test: one of both for the first of each kind
        chosen_ = FIRST[kind_] == fault_ and n_ % 2 == which_
        test(f"killed ({fault_}), then {words_}", fault_, only_all=None if chosen_ else FEWER)(then_)


@test("killed when it is the other gadget: up of the one that it was started for clears that")
def killed_then_up_of_first():
    b()
    up(a())
    kill(switch("b")["supervisor"])
    eq(status("b")[1], 1)
    contains(up(a()).stderr, "b: clearing what a dead supervisor has left")
    must_be_gone("b")
    down("a")


@test("what one that died has left of the other gadget is cleared when the old one is down")
def leftovers_of_dead_switch():
    up(b())
    function = status("b")[0]["functions"][0]
    kill(status("b")[0]["supervisor"])
    # The kernel unbinds the gadget when both have closed their files of FunctionFS
    for pid in (function["keeper"], function["worker"]["pid"]):
        harness.wait_dead(pid)
    up(a())
    switch("b")
    must_be_gone("a")
    down("b")


tap.main()
