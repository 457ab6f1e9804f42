#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2 timeout=240
# lab all: kernel=6.12,6.1 udcs=2 timeout=240
"""Every cell of the state table of the binding (src/supervisor/binding_states.c) on a real kernel. The gadget is unbound by
ffsctl, by the end of a worker, by a program that writes to configfs, or because its UDC is removed."""

import ctypes
import os
import pathlib
import signal
import threading
import time

import cells
import gadgets
import harness
import tap
from gadgets import DIRECTORY, await_status, finish, gadget, odd, start, worker
from harness import SRC, down, ffsctl, kill, must, status
from tap import contains, eq, ok, test

NAME, UDC, OTHER = "place", "dummy_udc.0", "dummy_udc.1"
BUS = cells.Table("bus", cells.of_source("src/supervisor/binding_states.c", "} cells[", "BINDING_", "BINDING_EV_"))
reaches = BUS.reaches

MS_BIND = 4096  # linux/mount.h
libc = ctypes.CDLL(None, use_errno=True)

harness.leaves_nothing()


def up(path, *words, udc=UDC):
    return harness.up(path, "--udc", udc, *words)


def udc_file():
    return pathlib.Path(harness.CONFIGFS, NAME, "UDC")


def write_udc(text):
    udc_file().write_text(text + "\n")


def goes(udc=UDC):
    (harness.UDC_DRIVER / "unbind").write_text(udc)


def comes(udc=UDC):
    (harness.UDC_DRIVER / "bind").write_text(udc)


def reached(cell):
    """The supervisor may take a moment; who looks without a pause keeps it from its turn."""
    for _ in range(1000):
        if f"bus {cell}\n" in cells.TRACE.read_text():
            return
        time.sleep(0.01)
    ok(False, f"not {cell}:\n{cells.TRACE.read_text()}")


def becomes(state):
    await_status(NAME, lambda g: g["state"] == state, state)


def logged(text):
    gadgets.await_log(NAME, text)


def plain(**settings):
    return gadget(NAME, odd("ready", "notify", "wait", **{"restart_delay": 0, "restart_limit": 0, **settings}))


def kernel_function(kind):
    path = DIRECTORY / f"{NAME}-{kind}.conf"
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n'
                    f'name = "{NAME}"; functions = {{ f = {{ type = "{kind}"; }}; }};\n')
    return path


GATE = DIRECTORY / "gate"
FRAGILE = {"restart_delay": 0, "restart_limit": 1, "on_failed": "unbind"}


def gated():
    """A worker that is ready if the file does not exist; the gadget is unbound when it has died twice."""
    script = f"while test -e {GATE}; do sleep 1; done; echo >&$NOTIFY_FD; exec sleep 100000"
    return worker(exec=["/bin/sh", "-c", script], ready="fd", **FRAGILE)


def end(function=0, times=1):
    """Kills the worker when it is ready, and the next workers, too, if `times` is larger than 1."""
    for _ in range(times):
        await_status(NAME, lambda g: g["functions"][function]["worker"]["state"] == "ready", "ready")
        kill(status(NAME)[0]["functions"][function]["worker"]["pid"])


@test("on_crash = reconnect: unbound when the worker has died, bound again with the next one")
def reconnect_after_crash():
    with reaches("ON RECONNECT", "REBIND_DUE READY"):
        up(gadget(NAME, {"echo": worker(plugin="loopback", on_crash="reconnect")}), "--wait-host")
        end()
        reached("ON RECONNECT")
        logged("echo: unbound so that the host connects anew (on_crash)")
        becomes("ready")
        down(NAME)


# --- by command ------------------------------------------------------------------------------------


@test("unbind and bind; unbind of what somebody else has bound")
def bound_by_others_then_unbind():
    with reaches("OFF BIND", "ON UNBIND", "OFF UNBIND"):
        harness.up(plain(), "--no-bind")
        must(ffsctl("bind", NAME, "--udc", UDC))
        becomes("ready")
        must(ffsctl("unbind", NAME))
        write_udc(OTHER)
        must(ffsctl("unbind", NAME))
        eq(udc_file().read_text(), "\n")
        down(NAME)


# --- by somebody else ------------------------------------------------------------------------------


@test("taken off and put back by somebody else: told, and left alone")
def unbound_and_bound_by_others():
    up(plain(), "--wait-host")
    with reaches("ON UNBOUND", "UNBOUND_EXTERNALLY BOUND"):
        write_udc("")
        reached("ON UNBOUND")
        logged("unbound by another program; ffsctl does not rebind it")
        becomes("unbound")
        end()  # the gadget is not bound again because a worker has died
        await_status(NAME, lambda g: g["functions"][0]["worker"]["restarts"] == 1, "restarted")
        eq(udc_file().read_text(), "\n")
        with harness.configured():
            write_udc(UDC)
        reached("UNBOUND_EXTERNALLY BOUND")
        logged("bound again by another program")
        becomes("ready")
    with reaches("UNBOUND_EXTERNALLY BIND", "UNBOUND_EXTERNALLY UNBIND"):
        write_udc("")
        reached("ON UNBOUND")
        with harness.configured():
            must(ffsctl("bind", NAME))
        write_udc("")
        reached("ON UNBOUND")
        must(ffsctl("unbind", NAME))
        eq(status(NAME)[0]["problems"], [])
    down(NAME)


@test("a bind right after somebody has taken it off")
def bind_after_external_unbind():
    up(plain())
    for _ in range(20):
        write_udc("")
        must(ffsctl("bind", NAME))
        eq(udc_file().read_text(), UDC + "\n")
    down(NAME)


@test("whoever takes over finds what was done meanwhile")
def takeover_sees_changes():
    path = plain()
    up(path)
    with reaches("ON UNBOUND"):
        kill(status(NAME)[0]["supervisor"])
        write_udc("")
        up(path)
        reached("ON UNBOUND")
        becomes("unbound")
    down(NAME)


# --- by somebody else, through the driver core -------------------------------------------------------


def core(word, udc=UDC):
    """Binds or unbinds the gadget through the driver core. The attribute UDC in configfs does not change."""
    device = os.path.basename(os.readlink(f"/sys/class/udc/{udc}/gadget"))
    pathlib.Path("/sys/bus/gadget/drivers", f"configfs-gadget.{NAME}", word).write_text(device)


def core_unbinds():
    cells.TRACE.write_text("")
    core("unbind")
    is_off()
    reached("ON UNBOUND")


def is_off(problems=(f"another program unbound it from its UDC {UDC}",)):
    shown, code = status(NAME)
    eq((shown["state"], code, shown["udc"], shown["udc_state"]), ("unbound", 1, None, None))
    eq([p["text"] for p in shown["problems"]], list(problems))
    eq(udc_function(), "")


def udc_function(udc=UDC):
    return pathlib.Path("/sys/class/udc", udc, "function").read_text().strip()


def is_on():
    becomes("ready")
    eq((status(NAME)[0]["udc"], status(NAME)[0]["problems"], udc_function()), (UDC, [], NAME))


@test("unbound through the driver core, and bound again there: told, and left alone")
def driver_core_unbind_and_bind():
    up(plain(), "--wait-host")
    with reaches("ON UNBOUND", "UNBOUND_EXTERNALLY BOUND"):
        core_unbinds()
        eq(udc_file().read_text(), UDC + "\n")
        logged("unbound by another program; ffsctl does not rebind it")
        must(ffsctl("wait", NAME, "--timeout", "0"), 75)
        end()
        await_status(NAME, lambda g: g["functions"][0]["worker"]["restarts"] == 1, "restarted")
        must(ffsctl("restart", NAME))
        is_off()
        with harness.configured():
            core("bind")
        reached("UNBOUND_EXTERNALLY BOUND")
        logged("bound again by another program")
        is_on()
    down(NAME)


@test("unbound through the driver core: bind puts it back, unbind and down do what they say")
def driver_core_unbind_then_bind():
    with reaches("UNBOUND_EXTERNALLY BIND", "UNBOUND_EXTERNALLY UNBIND"):
        up(plain(), "--wait-host")
        core_unbinds()
        with harness.configured():
            contains(must(ffsctl("bind", NAME)).stderr, f"bound to {UDC}")
        is_on()
        core_unbinds()
        must(ffsctl("bind", NAME, OTHER))
        eq((udc_file().read_text(), status(NAME)[0]["udc"]), (f"{OTHER}\n", OTHER))
        must(ffsctl("unbind", NAME))
        must(ffsctl("bind", NAME, UDC))
        core_unbinds()
        must(ffsctl("unbind", NAME))
        is_off(())
        eq(udc_file().read_text(), "\n")
        must(ffsctl("bind", NAME))
        core_unbinds()
        down(NAME)


@test("unbound through the driver core right after bind: it stays off")
def driver_core_unbind_after_bind():
    up(plain())
    for _ in range(5):
        must(ffsctl("unbind", NAME))
        must(ffsctl("bind", NAME))
        core_unbinds()
        time.sleep(1)
        is_off()
    for _ in range(5):
        core("bind")
        core("unbind")
        must(ffsctl("bind", NAME))
        is_on()
        core_unbinds()
    down(NAME)


@test("unbound through the driver core: so it is for the next supervisor")
def driver_core_unbind_then_takeover():
    path = plain()
    up(path)
    core_unbinds()
    must(ffsctl("reexec", NAME))
    time.sleep(1)
    is_off()
    kill(status(NAME)[0]["supervisor"])
    contains(up(path).stderr, gadgets.TAKEN_OVER)
    time.sleep(1)
    is_off()
    eq(must(ffsctl("log", NAME)).stdout.count("unbound by another program"), 1)
    must(ffsctl("bind", NAME))
    is_on()
    down(NAME)


@test("unbound through the driver core, and then its UDC goes: it is on the bus with the UDC")
def driver_core_unbind_then_udc_goes():
    for command in (None, "unbind", "down"):
        up(plain(), "--wait-host")
        core_unbinds()
        goes()
        await_status(NAME, lambda g: g["state"] == "degraded", "degraded")
        eq(status(NAME)[0]["problems"][0]["text"], f"its UDC {UDC} was removed")
        contains(must(ffsctl("bind", NAME), 69).stderr, f"no UDC '{UDC}'")
        if command:
            must(ffsctl(command, NAME))
        comes()
        time.sleep(1)
        if command == "unbind":
            is_off(())
        elif not command:
            is_on()
        ffsctl("down", NAME)


@test("the UDC goes and comes again and again: nobody is blamed, also by who looks all the time")
def udc_comes_and_goes():
    wrong, done = [], threading.Event()

    def look():
        while not done.is_set():
            wrong.extend(p["text"] for p in status(NAME)[0]["problems"] if "unbound" in p["text"])

    up(plain())
    cells.TRACE.write_text("")
    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(tap.rounds(30, 100, 300)):
            goes()
            # Bound again at once, dummy_udc clears a device that a walk of the bus may still hold: the kernel complains
            time.sleep(0.001)
            comes()
    finally:
        done.set()
        thread.join()
    is_on()
    eq(wrong, [])
    for state in "ON", "UDC_REMOVED":
        ok(f"bus {state} UNBOUND\n" not in cells.TRACE.read_text(), cells.TRACE.read_text())
    ok("another program" not in must(ffsctl("log", NAME)).stdout, "somebody else is blamed")
    down(NAME)


@test("bound by somebody else after unbind, or without a bind: that is told")
def bound_by_others_without_bind():
    for udc in (UDC, OTHER):
        harness.up(plain(), "--no-bind")
        for _ in range(2):
            write_udc(udc)
            shown, code = status(NAME)
            eq((shown["state"], code, shown["udc"]), ("degraded", 1, udc))
            eq([p["text"] for p in shown["problems"]], [f"another program bound it to {udc}"])
            must(ffsctl("unbind", NAME))
            must(ffsctl("bind", NAME, UDC))
            must(ffsctl("unbind", NAME))
        down(NAME)


# --- the UDC ---------------------------------------------------------------------------------------


@test("the UDC goes and comes back: so does the gadget, and its host finds it again")
def udc_returns_with_gadget():
    for path in (gadget(NAME, {"echo": None}), kernel_function("acm")):
        with reaches("ON UDC_REMOVED", "UDC_REMOVED BOUND"):
            up(path, "--wait-host")
            goes()
            reached("ON UDC_REMOVED")
            logged(f"its UDC {UDC} was removed")
            becomes("degraded")
            eq(status(NAME)[0]["udc_state"], None)
            time.sleep(1)  # a host that has not seen it go would not look at it anew
            with harness.configured():
                comes()
            reached("UDC_REMOVED BOUND")
            logged(f"its UDC {UDC} is back")
            becomes("ready")
            must(ffsctl("wait", NAME, "--for", "configured", "--timeout", "10"))
            eq(status(NAME)[0]["udc_state"], "configured")
            down(NAME)


@test("the UDC that a reload has moved the gadget to goes and comes back")
def udc_of_reload_returns():
    with reaches("ON UDC_REMOVED", "UDC_REMOVED BOUND"):
        up(plain())
        path = pathlib.Path(plain())
        path.write_text(path.read_text() + f'udc = "{OTHER}";\n')
        must(ffsctl("reload", NAME))
        eq(udc_file().read_text(), f"{OTHER}\n")
        goes(OTHER)
        reached("ON UDC_REMOVED")
        logged(f"its UDC {OTHER} was removed")
        comes(OTHER)
        reached("UDC_REMOVED BOUND")
        becomes("ready")
        down(NAME)


@test("back, but the kernel cannot bind it again, nor can we: told, and degraded")
def kernel_cannot_rebind():
    # The network device has outlived its parent (u_ether.c, gether_register_netdev).
    with reaches("UDC_REMOVED REBIND_FAILED"):
        up(kernel_function("ecm"), "--wait-host")
        goes()
        reached("ON UDC_REMOVED")
        comes()
        reached("UDC_REMOVED REBIND_FAILED")
        logged(f"its UDC {UDC} is back, but the kernel did not bind the gadget again")
        await_status(NAME, lambda g: g["state"] == "degraded" and g["problems"], "degraded for a reason")
        contains(status(NAME)[0]["problems"][-1]["text"], f"cannot bind the gadget to the UDC {UDC}: No such file")
        down(NAME)


@test("a UDC that does not have the gadget for a moment is left to the kernel")
def udc_briefly_without_gadget():
    sysfs, moment = pathlib.Path("/sys/class/udc", UDC), DIRECTORY / "moment"
    moment.mkdir()
    (moment / "function").write_text("")
    up(plain())
    # What the kernel shows while it adds or removes a UDC: no gadget, and no link to one. mount(8) would leave
    # something in /run.
    uevent = os.open(sysfs / "uevent", os.O_WRONLY)
    eq(libc.mount(os.fsencode(moment), os.fsencode(sysfs.resolve()), None, MS_BIND, None), 0, "mount")
    try:
        cells.TRACE.write_text("")
        os.write(uevent, b"change")
        os.close(uevent)
        time.sleep(1)
        for event in "REBIND_FAILED", "UNBOUND":
            ok(f"bus ON {event}\n" not in cells.TRACE.read_text(), event)
        eq(status(NAME)[0]["udc"], UDC)
    finally:
        eq(libc.umount(os.fsencode(sysfs.resolve())), 0, "umount")
    (sysfs / "uevent").write_text("change")
    reached("ON BOUND")
    becomes("ready")
    down(NAME)


@test("gone and back while the supervisor did not look")
def udc_gone_and_back_unseen():
    with reaches("ON REBIND_FAILED"):
        up(kernel_function("ecm"), udc=OTHER)
        supervisor = status(NAME)[0]["supervisor"]
        os.kill(supervisor, signal.SIGSTOP)
        goes(OTHER)
        comes(OTHER)
        os.kill(supervisor, signal.SIGCONT)
        reached("ON REBIND_FAILED")
        becomes("degraded")
        down(NAME)


@test("while it is removed: unbind; bind says what is missing; back without the gadget, of which it was told to let go")
def unbind_and_bind_without_udc():
    with reaches("UDC_REMOVED UNBIND"):
        up(plain())
        goes()
        reached("ON UDC_REMOVED")
        must(ffsctl("unbind", NAME))
        comes()
        time.sleep(1)
        eq(udc_file().read_text(), "\n")
        down(NAME)
    with reaches("UDC_REMOVED BIND", "UDC_REMOVED UNBOUND"):
        up(plain())
        goes()
        reached("ON UDC_REMOVED")
        contains(must(ffsctl("bind", NAME), 69).stderr, f"no UDC '{UDC}'")
        eq(udc_file().read_text(), UDC + "\n")
        write_udc("")
        contains(must(ffsctl("bind", NAME), 69).stderr, f"no UDC '{UDC}'")
        comes()
        reached("UDC_REMOVED UNBOUND")
        must(ffsctl("bind", NAME))
        becomes("ready")
        goes()
        reached("ON UDC_REMOVED")
        must(ffsctl("bind", NAME, OTHER))
        eq((udc_file().read_text(), status(NAME)[0]["state"]), (f"{OTHER}\n", "ready"))
        comes()
        down(NAME)


@test("while it is removed a worker fails for good: it is not on the bus when the UDC is back, until it serves again")
def worker_fails_without_udc():
    with reaches("UDC_REMOVED FAILED", "FAILED READY"):
        up(plain(**FRAGILE))
        goes()
        reached("ON UDC_REMOVED")
        end(times=2)
        becomes("failed")
        comes()
        time.sleep(1)
        eq(udc_file().read_text(), "\n")
        must(ffsctl("restart", NAME))
        becomes("ready")
        eq(udc_file().read_text(), UDC + "\n")
        down(NAME)


@test("another UDC that goes and comes wakes nobody up")
def other_udc_wakes_nobody():
    def wakeups():
        return harness.context_switches(status(NAME)[0]["supervisor"])

    up(plain(), "--wait-host")
    time.sleep(5)
    before = wakeups()
    for _ in range(3):
        goes(OTHER)
        comes(OTHER)
        time.sleep(1)
    eq(wakeups(), before)
    down(NAME)


# --- workers ---------------------------------------------------------------------------------------


@test("failed for good, as on_failed says; then unbind, or somebody puts it on the bus nevertheless")
def failed_then_unbound_or_bound():
    for event in ("UNBIND", "BOUND"):
        with reaches("ON FAILED", f"FAILED {event}"):
            up(plain(**FRAGILE))
            end(times=2)
            becomes("failed")
            if event == "UNBIND":
                must(ffsctl("unbind", NAME))
            else:
                write_udc(UDC)
                reached("FAILED BOUND")
                becomes("degraded")
            down(NAME)


@test("a bind that waits for the worker that had failed")
def bind_waits_for_failed_worker():
    with reaches("FAILED BIND"):
        up(gadget(NAME, gated()))
        end(times=2)
        becomes("failed")
        GATE.touch()
        restart = start("restart", NAME)
        await_status(NAME, lambda g: g["functions"][0]["worker"]["state"] == "starting", "starting")
        bind = start("bind", NAME)
        time.sleep(1)
        GATE.unlink()
        for command in (restart, bind):
            must(finish(command))
        becomes("ready")
        down(NAME)


def daemon(*words, extra=""):
    """A daemon that writes to `fifo` when it has started, and then waits for SIGUSR1."""
    path = DIRECTORY / f"{NAME}.conf"
    command = ["/usr/bin/python3", "-I", "-S", f"{SRC}/tests/lab/workers/ep0_daemon.py", "${mount}", *words]
    group = worker(exec=command, opens="ep0", restart_delay=0, restart_limit=0, start_timeout=1000)
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n'
                    f'functions = {{ own = {{ ffs = {{ }}; worker = {{ {group} }}; }}; {extra} }};\n')
    return path


def lost(fifo, **kwargs):
    """Brings up a gadget and kills its daemon. Returns the pid of the next daemon, which is not ready yet."""
    up_ = start("up", daemon("tell", fifo.path, "slow", **kwargs), "--udc", UDC)
    os.kill(fifo.wait(), 10)
    must(finish(up_))
    kill(status(NAME)[0]["functions"][0]["worker"]["pid"])
    reached("ON EP0_CLOSED")
    return fifo.wait()


@test("its daemon ends: off the bus with ep0, and on it again with the next one, or as it is told meanwhile")
def daemon_ends_and_returns():
    fifo = gadgets.Fifo()
    for event in ("READY", "BIND", "UNBIND"):
        with reaches("ON EP0_CLOSED", f"REBIND_DUE {event}"):
            pid = lost(fifo)
            command = start(event.lower(), NAME) if event != "READY" else None
            time.sleep(1)
            os.kill(pid, 10)
            if command:
                must(finish(command))
            becomes("unbound" if event == "UNBIND" else "ready")
            ok("another program" not in must(ffsctl("log", NAME)).stdout, "it was nobody else")
            down(NAME)


@test("its daemon has ended, and then another worker fails for good")
def daemon_ended_then_worker_fails():
    fifo = gadgets.Fifo("told2")
    settings = worker(exec=["/bin/sh", "-c", "echo >&$NOTIFY_FD; exec sleep 100000"], ready="fd", **FRAGILE)
    extra = f'other = {{ ffs = {{ interfaces = ( {{ endpoints = ( "bulk-in" ); }} ); }}; worker = {{ {settings} }}; }};'
    with reaches("REBIND_DUE FAILED", "FAILED READY"):
        pid = lost(fifo, extra=extra)
        end(1, 2)
        becomes("failed")
        os.kill(pid, 10)
        await_status(NAME, lambda g: g["functions"][0]["worker"]["state"] == "ready", "ready")
        eq(udc_file().read_text(), "\n")
        must(ffsctl("restart", NAME, "other"))
        becomes("ready")
        down(NAME)


def begins_again(pid):
    """Makes the daemon close its files and write new descriptors."""
    file = pathlib.Path(status(NAME)[0]["functions"][0]["mount"], "ep1")
    before = file.stat().st_ino
    os.kill(pid, signal.SIGUSR2)
    for _ in range(1000):
        if file.exists() and file.stat().st_ino != before:
            return
        time.sleep(0.01)
    ok(False, "no new descriptors")


@test("its daemon ends while the UDC is removed: both have to be back")
def daemon_ends_without_udc():
    fifo = gadgets.Fifo("told3")
    with reaches("UDC_REMOVED REBIND_FAILED", "REBIND_DUE READY"):
        up_ = start("up", daemon("tell", fifo.path, "slow"), "--udc", UDC)
        os.kill(fifo.wait(), 10)
        must(finish(up_))
        goes()
        reached("ON UDC_REMOVED")
        kill(status(NAME)[0]["functions"][0]["worker"]["pid"])
        pid = fifo.wait()
        comes()
        reached("UDC_REMOVED REBIND_FAILED")
        os.kill(pid, 10)
        becomes("ready")
        eq(udc_file().read_text(), UDC + "\n")
        goes()
        reached("ON UDC_REMOVED")
        begins_again(pid)
        comes()
        becomes("ready")
        down(NAME)


@test("its daemon begins again, and the UDC is removed, while the supervisor does not look: bound when it is back")
def daemon_begins_again_before_udc_goes():
    with reaches("ON UDC_REMOVED", "UDC_REMOVED EP0_CLOSED", "REBIND_DUE READY"):
        up(daemon())
        shown = status(NAME)[0]
        os.kill(shown["supervisor"], signal.SIGSTOP)
        begins_again(shown["functions"][0]["worker"]["pid"])
        goes()
        os.kill(shown["supervisor"], signal.SIGCONT)
        reached("ON UDC_REMOVED")
        comes()
        becomes("ready")
        eq(udc_file().read_text(), UDC + "\n")
        down(NAME)


@test("unbound, by whom is not known, as there is no inotify left: new descriptors show that it was the daemon")
def verdict_is_corrected():
    limit, fifo = pathlib.Path("/proc/sys/fs/inotify/max_user_instances"), gadgets.Fifo("told5")
    before = limit.read_text()
    with reaches("ON UNBOUND", "UNBOUND_EXTERNALLY EP0_CLOSED"):
        up_ = start("up", daemon("tell", fifo.path, "slow"), "--udc", UDC)
        pid = fifo.wait()
        limit.write_text("1")
        try:
            os.kill(pid, 10)
            must(finish(up_))
            write_udc("")
            reached("ON UNBOUND")
        finally:
            limit.write_text(before)
        begins_again(pid)
        becomes("ready")
        down(NAME)


@test("its daemon ends after somebody has taken it off: it stays off")
def daemon_ends_after_external_unbind():
    fifo = gadgets.Fifo("told4")
    up_ = start("up", daemon("tell", fifo.path, "slow"), "--udc", UDC)
    os.kill(fifo.wait(), 10)
    must(finish(up_))
    cells.TRACE.write_text("")
    write_udc("")
    reached("ON UNBOUND")
    kill(status(NAME)[0]["functions"][0]["worker"]["pid"])
    os.kill(fifo.wait(), 10)
    await_status(NAME, lambda g: g["functions"][0]["worker"]["state"] == "ready", "ready")
    time.sleep(1)
    eq(udc_file().read_text(), "\n")
    must(ffsctl("bind", NAME))
    becomes("ready")
    down(NAME)


test("every cell was reached")(BUS.is_walked)

tap.main()
