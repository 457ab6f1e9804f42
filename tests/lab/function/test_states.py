#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=high timeout=240
# lab all: kernel=6.12,6.1 speed=high timeout=240
"""Every cell of two state tables on a real kernel: the states of a worker (src/function/worker.c), and the states of a
function's link (src/functionfs/link_state.c). Supervisor and keeper write each use of a cell to a trace file."""

import json
import os
import pathlib
import re
import signal
import time

import aio
import cells
import harness
import tap
from gadgets import DIRECTORY, await_status, ends_before_it_is_read, finish, gadget, odd, session, start, worker
from ptrace import hangs_when_killed
from harness import CLEAR_FEATURE, PORT_POWER, SET_FEATURE, SRC, down, ffsctl, hub_port, kill, must, status
from tap import eq, ok, test

harness.leaves_nothing()


def link_cells():
    text = pathlib.Path(SRC, "src/functionfs/link_state.c").read_text()
    return {(state, event) for event in re.findall(r'\{ "(\w+)",\s+FFSCTL_EVENT_', text)
            for state in ("unbound", "bound", "enabled", "suspended")}


WORKER = cells.Table("worker", cells.of_source("src/function/worker.c", "static const action actions[", "WORKER_", "WORKER_EV_"))
LINK = cells.Table("link", link_cells())


def up(path, *words):
    return harness.up(path, "--udc", "dummy_udc.0", *words)


def state(name="life", function=0):
    return status(name)[0]["functions"][function]["worker"]["state"]


def becomes(wanted, function=0):
    await_status("life", lambda g: g["functions"][function]["worker"]["state"] == wanted, wanted)


def pid(function=0):
    return status("life")[0]["functions"][function]["worker"]["pid"]


# --- a worker's life ----------------------------------------------------------------------------

LONG = {"restart_delay": 1000, "restart_max_delay": 1000}


@test("worker: start, ready, stop")
def worker_start_ready_stop():
    with WORKER.reaches("STOPPED START", "STARTING READY", "READY STOP", "STOPPING DIED", "STOPPING EXIT"):
        up(gadget("life", odd("ready", "notify", "stop")))
        down("life")


@test("worker: its end, the time of the restart; a restart and a stop before that time")
def worker_waits_for_restart():
    with WORKER.reaches("READY DIED", "ENDING EXIT", "WAITING TIMER"):
        up(gadget("life", odd("ready", "notify", "wait")))
        kill(pid())
        time.sleep(1)  # who looks without a pause keeps User-Mode Linux' timers from their turn
        await_status("life", lambda g: g["functions"][0]["worker"]["restarts"] == 1, "restarted")
        down("life")
    with WORKER.reaches("WAITING RESTART", "WAITING STOP"):
        up(gadget("life", odd("ready", "notify", "wait", **LONG)))
        kill(pid())
        becomes("waiting")
        must(ffsctl("restart", "life"))
        kill(pid())
        becomes("waiting")
        down("life")


SLOW = DIRECTORY / "slow"


def slow(**settings):
    """A worker that is ready at once, unless the file exists."""
    return worker(exec=["/bin/sh", "-c", f"test -e {SLOW} || echo >&$NOTIFY_FD; exec sleep 100000"], ready="fd",
                  **{"restart_delay": 0, "restart_limit": 0, **settings})


@test("worker: never ready; its end, a stop and a restart before it is")
def worker_never_ready():
    up(gadget("life", slow(start_timeout=2)))
    with WORKER.reaches("STARTING TIMER", "STARTING DIED"):
        SLOW.touch()
        kill(pid())
        becomes("starting")
        time.sleep(2)
        await_status("life", lambda g: g["functions"][0]["worker"]["restarts"] == 2, "killed for it")
    with WORKER.reaches("STARTING STOP"):
        becomes("starting")
        down("life")
    SLOW.unlink()
    up(gadget("life", slow(start_timeout=1000)))
    with WORKER.reaches("STARTING RESTART"):
        SLOW.touch()
        kill(pid())
        becomes("starting")
        command = start("restart", "life")
        await_status("life", lambda g: "STARTING RESTART" in cells.TRACE.read_text(), "restarted")
        down("life")
        ok(finish(command).returncode != 0, "it is ready")
    SLOW.unlink()


def leaves_process(command):
    """Its child does not end for a while, and meanwhile the command comes; what it returns, once it goes on."""
    first = pid()
    child = next(p for p in session(first) if p != first)
    with hangs_when_killed(child):
        kill(first)
        becomes("stopped")
        done = command()
    return done


@test("worker: what it has started does not end; a stop, a restart, a READY that was on its way, and what it serves goes")
def worker_leaves_processes():
    def up_again():
        up(gadget("life", odd("children", "ready", "notify", "wait")))

    def until_traced(cell, *words):
        command = start(*words)
        await_status("life", lambda g: cell in cells.TRACE.read_text(), cell)
        return command

    up_again()
    with WORKER.reaches("ENDING RESTART"):
        must(finish(leaves_process(lambda: until_traced("ENDING RESTART", "restart", "life"))))
        down("life")
    up_again()
    with WORKER.reaches("ENDING STOP"):
        must(finish(leaves_process(lambda: until_traced("ENDING STOP", "down", "life"))))
    path = DIRECTORY / "life.conf"
    two = worker(exec=["/bin/sh", "-c", "sleep 100000 & exec sleep 100000"])
    path.write_text(f'attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};\nfunctions : {{ a : {{ type = "ecm"; '
                    f'worker = {{ {two} }}; }}; }};\n')
    up(path)
    await_status("life", lambda g: len(session(pid())) == 2, "two of it")
    with WORKER.reaches("ENDING REMOVED"):
        must(finish(leaves_process(lambda: until_traced("ENDING REMOVED", "unbind", "life"))))
        becomes("pending")
        down("life")


@test("worker: its end is heard of first, and then that it was ready")
def worker_end_before_ready_message():
    with WORKER.reaches("ENDING READY"):
        must(finish(ends_before_it_is_read("life", "--udc", "dummy_udc.0")), 76)


@test("worker: deaf; told to stop, and to restart, while it should be stopping")
def worker_ignores_stop():
    with WORKER.reaches("STOPPING TIMER"):
        up(gadget("life", odd("deaf", "ready", "notify", "wait", stop_timeout=1)))
        down("life")
    with WORKER.reaches("STOPPING RESTART", "STOPPING STOP"):
        up(gadget("life", odd("deaf", "ready", "notify", "wait", stop_timeout=20)))
        first = start("restart", "life")
        becomes("stopped")
        second = start("restart", "life")
        await_status("life", lambda g: "STOPPING RESTART" in cells.TRACE.read_text(), "asked twice")
        kill(status("life")[0]["functions"][0]["keeper"])  # all workers are to go then
        await_status("life", lambda g: g["state"] == "failed", "failed")
        for command in (first, second):
            ok(finish(command).returncode != 0, "it was restarted")
        down("life")


ENDING = DIRECTORY / "ending"


def ends_when_told(code, **settings):
    return worker(exec=["/bin/sh", "-c", f"read line < {ENDING}; exit {code}"], ready="started", on_failed="stall", **settings)


@test("worker: failed for good, and done, each with an endpoint to halt; stop and restart of such")
def worker_failed_or_done():
    os.mkfifo(ENDING)

    def ends_with_data(ending, code, settings):
        """Another program has data for the host, which does not take it: the kernel refuses to halt the endpoint."""
        up(gadget("life", ends_when_told(code, **settings)), "--wait-host")
        requests = aio.Requests("/dev/ffs/life/echo/ep2", aio.IOCB_CMD_PWRITE)
        requests.submit(1, bytes(1024))
        ENDING.write_text("end\n")
        becomes(ending.lower())
        await_status("life", lambda g: f"{ending} TIMER" in cells.TRACE.read_text(), "halting")
        return requests

    for ending, settings, code in (("FAILED", {}, 125), ("DONE", {"restart": "on-failure"}, 0)):
        with WORKER.reaches(f"{ending} TIMER", f"{ending} STOP"):
            ends_with_data(ending, code, settings).close()
            down("life")
        with WORKER.reaches(f"{ending} RESTART"):
            ends_with_data(ending, code, settings).close()
            must(ffsctl("restart", "life"))
            down("life")


@test("worker: it is asked whether it is alive")
def worker_pinged():
    with WORKER.reaches("READY TIMER", "READY RESTART"):
        up(gadget("life", worker(plugin="loopback", watchdog=2)))
        time.sleep(3)
        must(ffsctl("restart", "life"))
        down("life")


def forget_restarts():
    """Leaves of the status file what supervisors up to 0.2.0 wrote: not when a worker is due."""
    path = pathlib.Path("/run/ffsctl/life/status")
    state = json.loads(path.read_text())
    for function in state["functions"]:
        function.pop("restart_history", None)
    path.write_text(json.dumps(state))


@test("worker: what was waiting when its supervisor of 0.2.0 died is started by the next one")
def worker_started_by_next_supervisor():
    path = gadget("life", odd("ready", "notify", "wait", **LONG))
    up(path)
    kill(pid())
    becomes("waiting")
    with WORKER.reaches("STOPPED RESTART"):
        kill(status("life")[0]["supervisor"])
        forget_restarts()
        up(path)
        becomes("ready")
    down("life")


def at_kernel_functions():
    path = DIRECTORY / "life.conf"
    sleep = ["/bin/sleep", "100000"]
    groups = {"a": worker(exec=sleep), "b": worker(exec=sleep, ready="notify", start_timeout=1000),
              "c": worker(exec=["/bin/true"], restart="never")}
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions = {\n' + "".join(
        f'{label} = {{ type = "ecm"; worker = {{ {group} }}; }};\n' for label, group in groups.items()) + "};\n")
    return path


@test("worker: its kernel device appears and is removed, in each state that handles it")
def worker_device_comes_and_goes():
    with WORKER.reaches("PENDING RESTART", "PENDING APPEARED", "READY REMOVED", "STARTING REMOVED", "DONE REMOVED", "PENDING STOP"):
        harness.up(at_kernel_functions(), "--no-bind")
        eq([state(function=n) for n in range(3)], ["pending"] * 3)
        must(ffsctl("restart", "life"))
        must(ffsctl("bind", "life", "--udc", "dummy_udc.0"))
        for n, word in enumerate(("ready", "starting", "done")):
            becomes(word, n)
        must(ffsctl("unbind", "life"))
        for n in range(3):
            becomes("pending", n)
        down("life")


# --- a function's link ----------------------------------------------------------------------------


def configure(value):
    (harness.usb_device() / "bConfigurationValue").write_text(str(value))


def bind():
    pathlib.Path(harness.CONFIGFS, "life/UDC").write_text("dummy_udc.0\n")


def configured(what):
    with harness.configured():
        what()


HOST = {
    "bound": bind,
    "bound, configured": lambda: configured(bind),
    "unbound": lambda: pathlib.Path(harness.CONFIGFS, "life/UDC").write_text("\n"),
    "configured": lambda: configure(1),
    "deconfigured": lambda: configure(0),
    "suspended": harness.suspend_hub_port,
    "resumed": harness.resume_hub_port,
    "pulled": lambda: hub_port(CLEAR_FEATURE, PORT_POWER),
    "plugged": lambda: configured(lambda: hub_port(SET_FEATURE, PORT_POWER)),
}

# What is done to a gadget that is configured, while the keeper looks; then what while it does not, of which
# the kernel keeps only the last for it; and the cells that this reaches.
WALKS = [
    # Taken off the bus as it is, it is suspended first (dummy_hcd.c, dummy_pullup).
    ([], ["deconfigured", "unbound"], ["unbound bind", "bound enable", "enabled unbind"]),
    ([], ["deconfigured", "unbound", "bound"], ["enabled bind"]),
    ([], ["deconfigured", "configured"], ["enabled enable"]),
    ([], ["suspended", "resumed"], ["enabled resume"]),
    (["deconfigured"], ["unbound"], ["enabled disable", "bound unbind"]),
    (["deconfigured"], ["unbound", "bound"], ["bound bind"]),
    (["deconfigured"], ["configured", "deconfigured"], ["bound disable"]),
    (["deconfigured"], ["configured", "suspended", "pulled"], ["bound suspend"]),
    (["deconfigured"], ["configured", "suspended", "resumed", "pulled"], ["bound resume"]),
    (["suspended"], ["resumed"], ["enabled suspend", "suspended resume"]),
    (["suspended"], ["unbound"], ["suspended unbind"]),
    (["suspended"], ["unbound", "bound"], ["suspended bind"]),
    (["suspended"], ["pulled"], ["suspended disable"]),
    (["suspended"], ["pulled", "plugged"], ["suspended enable"]),
    (["suspended"], ["pulled", "plugged", "suspended", "pulled"], ["suspended suspend"]),
    (["unbound"], ["bound, configured"], ["unbound enable"]),
    (["unbound"], ["bound, configured", "deconfigured"], ["unbound disable"]),
    (["unbound"], ["bound, configured", "deconfigured", "unbound"], ["unbound unbind"]),
    (["unbound"], ["bound, configured", "suspended", "unbound"], ["unbound suspend"]),
    (["unbound"], ["bound, configured", "suspended", "resumed", "unbound"], ["unbound resume"]),
]


def walk(seen, unseen, wanted):
    with LINK.reaches(*wanted):
        up(gadget("life", {"echo": None}), "--wait-host")
        keeper = status("life")[0]["functions"][0]["keeper"]
        for step in seen:
            HOST[step]()
            time.sleep(0.01)
        os.kill(keeper, signal.SIGSTOP)
        for step in unseen:
            HOST[step]()
            time.sleep(0.01)  # a UDC is suspended when the bus has been idle for 3 ms (USB 2.0, 7.1.7.6)
        os.kill(keeper, signal.SIGCONT)
        time.sleep(0.01)
        if "pulled" == unseen[-1]:
            hub_port(SET_FEATURE, PORT_POWER)
        down("life")


for seen_, unseen_, cells_ in WALKS:
    test(f"link: {', '.join(seen_) or 'configured'}; unseen: {', '.join(unseen_)}", seen_, unseen_, cells_)(walk)


test("every cell of both tables was reached")(lambda: (WORKER.is_walked(), LINK.is_walked()))

tap.main()
