# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
# lab all: build=release timeout=240
# lab all: build=musl,i386 timeout=240
"""When a worker is restarted, when it has failed permanently, and what the host sees in the meantime. The tests use
virtual time, so waiting takes no real time."""

import os
import pathlib
import re
import threading
import time

import gadgets
import harness
import tap
import usb.core
import usb.util
from gadgets import AT_ONCE, DIRECTORY, LOOPBACK, ODD_WORKER, Fifo, await_state, await_status, finish, gadget, log, odd, start, worker
from harness import CONFIGFS, devnums, down, endpoints, ffsctl, kill, must, status, up
from tap import contains, eq, ok, rounds, test

EPIPE = 32
SECOND_FOR_PYTHON = tap.at_most(1.0)  # what a loaded machine may add to a delay: the clock counts work

before = harness.leaves_nothing()


def delays(text):
    return [float(d) for d in re.findall(r"worker restarts in (\S+) s", text)]


def worker_of(name="x", label="echo"):
    gadget_, _ = status(name)
    return next(f["worker"] for f in gadget_["functions"] if f["label"] == label)


def udc_of(name="x"):
    return pathlib.Path(CONFIGFS, name, "UDC").read_text().strip()


def await_worker(state, name="x"):
    await_status(name, lambda g: g["functions"][0]["worker"]["state"] == state, f"with a worker {state}")
    return worker_of(name)


# --- delays and limits ---------------------------------------------------------------------------------


@test("a worker that dies at once restarts after 1, 2, 4, 8, 16 s, then it has failed")
def delays_double_until_failed():
    began = time.monotonic()
    up(gadget("x", odd("notify", "bound", "exit", "1")))
    await_worker("waiting")
    time.sleep(40)
    now, code = status("x")
    eq((now["state"], code), ("failed", 1))
    eq(delays(log()), [1, 2, 4, 8, 16])
    contains(log(), "echo: worker failed: it ended too often (restart_limit, restart_window)")
    contains(log(), "unbound because a worker failed (on_failed)")
    eq(worker_of(), {**worker_of(), "state": "failed", "restarts": 5, "last_exit": "exit 1", "pid": None})
    contains(now["problems"][0]["text"], "echo: the worker has failed: exit 1")
    eq(udc_of(), "", "UDC")
    ok(time.monotonic() - began > 31)
    down("x")


@test("each delay is as long as it is said to be")
def delays_are_exact():
    told = Fifo()
    up(gadget("x", odd("tell", told.path, "notify", "bound", "exit", "1", restart_delay=1.5, restart_max_delay=6,
                       restart_limit=6)))
    told.wait()
    for delay in (1.5, 3, 6, 6, 6, 6):
        began = time.monotonic()
        told.wait()
        took = time.monotonic() - began
        ok(delay - 0.2 <= took <= delay + SECOND_FOR_PYTHON, f"{took:.2f} s, not {delay:g} s")
    await_state("x", "failed")
    eq(delays(log()), [1.5, 3, 6, 6, 6, 6])
    down("x")


@test("restart_limit counts only what lies in restart_window")
def limit_counts_within_window():
    told = Fifo()
    up(gadget("x", odd("tell", told.path, "notify", "bound", "exit", "1", restart_delay=4, restart_max_delay=4,
                       restart_limit=2, restart_window=5)))
    for _ in range(12):
        told.wait()
    ok(status("x")[0]["state"] in ("ready", "degraded"))
    down("x")


@test("restart_limit = 0 is no limit, restart_delay = 0 is at once")
def no_limit_and_no_delay():
    told = Fifo()
    up(gadget("x", odd("tell", told.path, "notify", "bound", "exit", "1", restart_delay=0, restart_limit=0)))
    for _ in range(20):
        told.wait()
    eq(delays(log()), [])
    down("x")


@test("who has served 10 s is restarted at once, who has not waits, and the doubling begins anew")
def ten_good_seconds_reset_delay():
    up(gadget("x", worker(plugin="loopback", restart_delay=2, restart_limit=0)))
    for served, delay in ((3, [2]), (3, [2, 4]), (11, [2, 4]), (3, [2, 4, 2]), (11, [2, 4, 2])):
        time.sleep(served)
        pid = worker_of()["pid"]
        began = time.monotonic()
        kill(pid)
        await_status("x", lambda g: (w := g["functions"][0]["worker"])["pid"] != pid and w["state"] != "stopped",
                     "waiting, or with the next worker")
        if worker_of()["state"] == "waiting":
            time.sleep(delay[-1])
        await_state("x", "ready")
        eq(delays(log()), delay, f"delays after {served} s of service")
        if served > 10:
            ok(time.monotonic() - began < SECOND_FOR_PYTHON)
    down("x")


# --- restart = ... ----------------------------------------------------------------------------------------


@test("restart = never: done, whatever its end was, and the gadget stays")
def policy_never():
    for end in (("exit", 0), ("exit", 1), ("raise", 9)):
        up(gadget("x", odd("notify", "bound", *end, restart="never")))
        eq(await_worker("done")["restarts"], 0)
        eq(udc_of(), "dummy_udc.0")
        down("x")


@test("restart = on-failure: 0 is done, anything else restarts")
def policy_on_failure():
    up(gadget("x", odd("notify", "bound", "exit", 0, restart="on-failure")))
    eq(await_worker("done")["last_exit"], "exit 0")
    down("x")
    for end in (("exit", 1), ("raise", 15)):
        up(gadget("x", odd("notify", "bound", *end, restart="on-failure")))
        await_worker("waiting")
        eq(delays(log())[:1], [1])  # the log may have the delays of the next ends, too
        down("x")


@test("restart = always: 0 restarts, too")
def policy_always():
    up(gadget("x", odd("notify", "bound", "exit", 0)))
    eq(await_worker("waiting")["last_exit"], "exit 0")
    down("x")


@test("exit 125: do not restart me, whatever the policy says")
def exit_125_is_final():
    for policy in ("always", "on-failure", "never"):
        up(gadget("x", odd("notify", "bound", "exit", 125, restart=policy)))
        await_state("x", "failed")
        eq(worker_of()["state"], "failed")
        contains(log(), "echo: worker failed: it asked not to be restarted (exit 125)")
        eq(udc_of(), "")
        down("x")


@test("a worker that is not ready after a restart is killed and counts as one that died")
def not_ready_after_restart():
    flag = gadgets.DIRECTORY / "flag"
    flag.unlink(missing_ok=True)
    told = Fifo()
    script = f"echo $$ >{told.path}; test -e {flag} && exec sleep 1000; {ODD_WORKER} notify wait"
    up(gadget("x", worker(exec=["/bin/sh", "-c", script], ready="notify", start_timeout=2, restart_limit=2)))
    flag.touch()
    kill(told.wait())
    shown, _ = await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "starting", "starting")
    eq((shown["state"], shown["problems"]), ("degraded", [
        {"severity": "warning", "text": "echo: the worker is not ready yet: signal 9 (Killed)"}]))
    time.sleep(30)
    eq(status("x")[0]["state"], "failed")
    contains(log(), "echo: the worker was not ready within 2 s: killed")
    contains(log(), "echo: worker ended: signal 9 (Killed) (never ready)")
    down("x")


# --- on_failed ---------------------------------------------------------------------------------------------


@test("on_failed: with another function in the gadget it stays on the bus, the failed one is halted")
def on_failed_beside_other_functions():
    up(gadget("x", {"good": LOOPBACK, "bad": odd("notify", "tell", (told := Fifo()).path, "wait",
                                                 restart_limit=1, restart_delay=0)}), "--wait-host")
    numbers = devnums()
    traffic = gadgets.Traffic(0)
    kill(told.wait())
    kill(told.wait())
    await_status("x", lambda g: g["functions"][1]["worker"]["state"] == "failed", "with a failed worker")
    eq(status("x")[0]["state"], "degraded")
    eq(status("x")[1], 1)
    eq(udc_of(), "dummy_udc.0")
    traffic.more(5)
    eq(raised(lambda: endpoints(traffic.device, 1)[0].write(b"x", timeout=1000)), EPIPE)
    eq(devnums(), numbers)
    traffic.end()
    down("x")


@test("on_failed = unbind: the whole gadget goes off the bus; stall: it stays")
def on_failed_unbind_or_stall():
    flag = gadgets.DIRECTORY / "flag"
    for policy, functions, state, udc in (
            ("unbind", lambda bad: {"bad": bad, "good": LOOPBACK}, "failed", ""),
            ("stall", lambda bad: bad, "degraded", "dummy_udc.0")):
        flag.unlink(missing_ok=True)
        up(gadget("x", functions(fragile(flag, on_failed=policy, restart_delay=0))))
        flag.touch()
        kill(status("x")[0]["functions"][0]["worker"]["pid"])
        await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "failed", "with a failed worker")
        eq((status("x")[0]["state"], udc_of()), (state, udc))
        down("x")


# --- restart and down -----------------------------------------------------------------------------------------


def fragile(flag, **settings):
    """A worker that fails while the file `flag` exists."""
    script = f"test -e {flag} && exit 125; exec {ODD_WORKER} notify echo stop"
    return worker(exec=["/bin/sh", "-c", script], ready="notify", **settings)


@test("the command restart: a new worker, no disconnect; what was before does not count any more")
def restart_command_starts_new_worker():
    up(gadget("x", {"a": LOOPBACK, "b": LOOPBACK}), "--wait-host")
    numbers, traffic = devnums(), gadgets.Traffic(0)
    first = {label: worker_of(label=label)["pid"] for label in "ab"}
    contains(must(ffsctl("restart", "x", "b")).stderr, "x: b ready again")
    eq(worker_of(label="a")["pid"], first["a"])
    ok(worker_of(label="b")["pid"] != first["b"])
    for _ in range(rounds(3, 10)):
        must(ffsctl("restart", "x"))
        eq(status("x")[1], 0)
        traffic.more(3)
    eq(devnums(), numbers)
    traffic.end()
    result = must(ffsctl("restart", "x", "c"), 64)
    eq(result.stderr, "ffsctl: no such function with a worker in the gadget\n")
    down("x")
    result = must(ffsctl("restart", "x"), 69)
    contains(result.stderr, "'x' is not up\nhint: see 'ffsctl status'")


@test("restart starts a failed worker again, and the gadget is bound again")
def restart_command_revives_failed():
    flag = gadgets.DIRECTORY / "flag"
    flag.unlink(missing_ok=True)
    up(gadget("x", fragile(flag)), "--wait-host")
    flag.touch()
    kill(worker_of()["pid"])
    time.sleep(2)
    await_state("x", "failed")
    eq(udc_of(), "")
    result = must(ffsctl("restart", "x"), 76)
    eq(result.stderr, "ffsctl: the worker of 'echo' has failed: exit 125\n")
    eq(status("x")[0]["state"], "failed")
    flag.unlink()
    must(ffsctl("restart", "x"))
    await_state("x", "ready")
    eq(udc_of(), "dummy_udc.0")
    up(gadget("x", fragile(flag)), "--wait-host")
    traffic = gadgets.Traffic()
    traffic.more(3)
    traffic.end()
    down("x")


@test("the command restart does not wait for a delay")
def restart_command_skips_delay():
    flag = gadgets.DIRECTORY / "flag"
    flag.unlink(missing_ok=True)
    up(gadget("x", worker(plugin="loopback", restart_delay=1000, restart_max_delay=1000)))
    kill(worker_of()["pid"])
    await_worker("waiting")
    began = time.monotonic()
    must(ffsctl("restart", "x"))
    ok(time.monotonic() - began < tap.at_most(10))
    eq(status("x")[1], 0)
    down("x")


@test("stop_timeout: who does not stop is killed then")
def stop_timeout_kills():
    up(gadget("x", odd("deaf", "notify", "wait", stop_timeout=3)))
    began = time.monotonic()
    must(ffsctl("restart", "x"))
    ok(3 <= time.monotonic() - began < 3 + 2 * SECOND_FOR_PYTHON)
    contains(log(), "echo: the worker did not stop within 3 s: killed")
    began = time.monotonic()
    down("x")
    ok(3 <= time.monotonic() - began < 3 + SECOND_FOR_PYTHON)
    up(gadget("x", odd("notify", "wait", stop_timeout=1000)))  # SIGTERM ends it
    began = time.monotonic()
    down("x")
    ok(time.monotonic() - began < SECOND_FOR_PYTHON)


@test("down while a worker waits for its restart, and while it starts")
def down_during_restart():
    up(gadget("x", odd("notify", "bound", "exit", 1, restart_delay=1000, restart_max_delay=1000)))
    await_worker("waiting")
    down("x")
    harness.check_same_snapshots(before, harness.snapshot())
    told = Fifo()
    flag = gadgets.DIRECTORY / "flag"
    flag.unlink(missing_ok=True)
    script = f"echo $$ >{told.path}; test -e {flag} && exec sleep 1000; {ODD_WORKER} notify wait"
    up(gadget("x", worker(exec=["/bin/sh", "-c", script], ready="notify", restart_delay=0, start_timeout=1000)))
    flag.touch()
    kill(told.wait())
    told.wait()
    front = start("restart", "x")
    down("x")
    # 69: `down` was faster than `restart`
    result = finish(front)
    ok(result.returncode in (69, 71, 73, 76), f"exit {result.returncode}: {result.stderr}")


# --- what the host meets ------------------------------------------------------------------------------------


def raised(function):
    """Calls the function; returns the errno of the USB error that it raises; None if it raises none."""
    try:
        function()
    except usb.core.USBError as e:
        return e.errno
    return None


class Transfer(threading.Thread):
    """A transfer in a thread, which waits."""

    def __init__(self, function, *args):
        super().__init__(daemon=True)
        self.function, self.args, self.result, self.errno = function, args, None, None
        self.start()

    def run(self):
        try:
            self.result = self.function(*self.args, timeout=100000)
        except usb.core.USBError as e:
            self.errno = e.errno

    def outcome(self):
        self.join(100)
        ok(not self.is_alive(), "the transfer does not end")
        return self.errno or self.result


def halted():
    """Returns the times at which the endpoints of the first function were halted."""
    return [e["halted"] for e in status("x")[0]["functions"][0]["endpoints"]]


def kill_and_await():
    """Kills the worker, and waits for the next one."""
    pid = worker_of()["pid"]
    kill(pid)
    await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "ready" and
                 g["functions"][0]["worker"]["pid"] != pid, "ready again")


def first_waits_second_echoes(on_crash):
    flag = gadgets.DIRECTORY / "anybody" / "second"
    flag.parent.mkdir(exist_ok=True)
    flag.parent.chmod(0o777)  # the worker makes this file
    flag.unlink(missing_ok=True)
    script = f"test -e {flag} && exec {ODD_WORKER} notify echo stop; touch {flag}; exec {ODD_WORKER} notify wait"
    return worker(exec=["/bin/sh", "-c", script], ready="notify", on_crash=on_crash, restart_delay=0)


def pending(path):
    """Yields a device on which an OUT and an IN transfer wait, and the worker that makes them wait."""
    up(path, "--wait-host")
    device = harness.device()
    device.set_configuration()
    out, in_ = endpoints(device)
    pid = worker_of()["pid"]
    return device, Transfer(out.write, b"cut" * 1000), Transfer(in_.read, 4096), pid


@test("on_crash = stall: transfers that a worker's end cuts end in an error, those after it work")
def on_crash_stall():
    device, out, in_, pid = pending(gadget("x", first_waits_second_echoes("stall")))
    kill(pid)
    eq((out.outcome(), in_.outcome()), (EPIPE, EPIPE))
    await_status("x", lambda g: g["state"] == "ready" and g["functions"][0]["worker"]["pid"] != pid, "ready")
    for endpoint in endpoints(device):
        device.clear_halt(endpoint.bEndpointAddress)
    endpoints(device)[0].write(b"whole", timeout=5000)
    eq(bytes(endpoints(device)[1].read(4096, timeout=5000)), b"whole")
    down("x")


@test("on_crash = hold: they go on with the next worker")
def on_crash_hold():
    device, out, in_, pid = pending(gadget("x", first_waits_second_echoes("hold")))
    kill(pid)
    eq(out.outcome(), 3000)
    eq(bytes(in_.outcome()), b"cut" * 1000)
    down("x")


@test("a planned restart halts nothing that is idle: transfers that wait go on with the next worker")
def planned_restart_halts_nothing():
    for taken_over in (False, True):
        path = gadget("x", first_waits_second_echoes("stall"))
        device, out, in_, pid = pending(path)
        if taken_over:  # the supervisor is not the worker's parent, and learns no exit status
            kill(status("x")[0]["supervisor"])
            up(path)
        must(ffsctl("restart", "x"))
        eq(out.outcome(), 3000)
        eq(bytes(in_.outcome()), b"cut" * 1000)
        eq(halted(), [None, None])
        eq("halted" in log(), False, "a halt in the log")
        down("x")


@test("nor does a reload, and 20 restarts between the messages of a host that never clears a halt")
def idle_endpoints_are_never_halted():
    path = gadget("x", LOOPBACK)
    up(path, "--wait-host")
    device = harness.device()
    device.set_configuration()
    out, in_ = endpoints(device)
    for n in range(20):
        message = b"%d" % n * 1500
        out.write(message, timeout=5000)
        eq(bytes(in_.read(8192, timeout=5000)), message)
        if n % 2:
            gadget("x", worker(plugin="loopback", io={"depth": 2 + n}))
            must(ffsctl("reload", "x"))
        else:
            must(ffsctl("restart", "x"))
    eq(halted(), [None, None])
    down("x")


# Reports what it cuts: it writes a message that the host reads only in part, or reads half of one
CUTS = DIRECTORY / "cuts.py"
CUTS.write_text("""
import sys
from ffsctl_worker import Worker

worker = Worker()

def write():
    while True:
        worker.ins[0].send(bytes(100000))

def receive():
    for message in worker.outs[0].messages():
        pass

worker.run({"write": write, "receive": receive}[sys.argv[1]])
""")


def cutting(what, **settings):
    return worker(exec=["/usr/bin/python3", str(CUTS), what], ready="notify", **settings)


@test("a planned restart in the middle of a transfer halts that endpoint alone")
def planned_restart_in_a_transfer():
    for what, endpoint in (("write", 1), ("receive", 0)):
        up(gadget("x", cutting(what)), "--wait-host")
        device = harness.device()
        device.set_configuration()
        out, in_ = endpoints(device)
        if endpoint:
            in_.read(4096, timeout=5000)
        else:
            out.write(bytes(65536), timeout=5000)  # the end of the message is missing
            time.sleep(1)
        must(ffsctl("restart", "x"))
        eq([bool(h) for h in halted()], [endpoint == 0, endpoint == 1])
        eq(raised(lambda: [lambda: out.write(b"more", timeout=5000), lambda: in_.read(4096, timeout=5000)][endpoint]()), EPIPE)
        down("x")
    # The plugin: its echo was not read
    up(gadget("x", LOOPBACK), "--wait-host")
    device = harness.device()
    device.set_configuration()
    out, in_ = endpoints(device)
    out.write(bytes(3000), timeout=5000)
    time.sleep(1)
    must(ffsctl("restart", "x"))
    eq([bool(h) for h in halted()], [False, True])
    eq(raised(lambda: in_.read(4096, timeout=5000)), EPIPE)
    down("x")


if harness.REPORTS_CUT_READS and os.environ["LAB_MODULES"] != "stock":
    @test("a planned restart of a plugin in the middle of a message of the host halts the OUT endpoint")
    def planned_restart_in_a_message():
        up(gadget("x", LOOPBACK), "--wait-host")
        device = harness.device()
        device.set_configuration()
        out, in_ = endpoints(device)
        for packets in 1, 3:
            out.write(bytes(packets * 1024), timeout=5000)
            must(ffsctl("restart", "x"))
            eq([bool(h) for h in halted()], [True, False])
            eq(raised(lambda: out.write(b"the rest", timeout=5000)), EPIPE)
            device.clear_halt(out.bEndpointAddress)
            out.write(b"whole", timeout=5000)
            eq(bytes(in_.read(4096, timeout=5000)), b"whole")
        down("x")


@test("a worker that must be killed, or ends with an error when it is asked to, may have cut anything")
def killed_stop_halts_everything():
    for settings in ({"exec": ["/bin/sh", "-c", "trap '' TERM; while :; do sleep 1000; done"], "stop_timeout": 1},
                     {"exec": ["/bin/sh", "-c", "trap 'exit 3' TERM; while :; do sleep 0.1; done"]}):
        up(gadget("x", worker(ready="started", **settings)), "--wait-host")
        must(ffsctl("restart", "x"))
        ok(all(halted()), f"not halted: {halted()}")
        down("x")


@test("halts are in status and log, until a transfer is seen or the host enables the function")
def halts_are_shown():
    began = int(time.time())
    path = gadget("x", worker(plugin="loopback", **AT_ONCE))
    up(path, "--wait-host")
    device = harness.device()
    device.set_configuration()
    kill_and_await()
    contains(log(), "echo: halted until the host clears it (on_crash): ep1-out, ep2-in")
    ok(all(began <= h <= time.time() for h in halted()), f"halted at {halted()}")
    (problem,) = status("x")[0]["problems"]
    ok(re.fullmatch(r"echo: halted at \S+ \S+, and no transfer was seen since: ep1, ep2", problem["text"]), problem)
    eq(status("x")[1], 0)
    contains(ffsctl("status", "x").stdout, "no transfer was seen since: ep1, ep2")
    time.sleep(100)  # nothing ends the note but what was seen
    kill(status("x")[0]["supervisor"])
    up(path)
    ok(all(halted()), f"the next supervisor does not know: {halted()}")
    out, in_ = endpoints(device)
    device.clear_halt(out.bEndpointAddress)
    # dummy_hcd takes a short packet before the host asks for it: the request of the IN endpoint ends, but it is still halted
    out.write(b"in the FIFO", timeout=5000)
    moved = [11, 11 if harness.LAB_UDC == "dummy" else 0]
    await_status("x", lambda g: [e["bytes"] for e in g["functions"][0]["endpoints"]] == moved, "with some traffic")
    eq([bool(h) for h in halted()], [False, True])
    device.clear_halt(in_.bEndpointAddress)
    in_.read(4096, timeout=5000)
    out.write(bytes(3000), timeout=5000)
    in_.read(4096, timeout=5000)
    await_status("x", lambda g: not g["problems"], "without a halt")
    kill_and_await()
    ok(all(halted()))
    usb.util.dispose_resources(device)
    device.set_configuration()
    await_status("x", lambda g: not g["problems"], "without a halt")
    down("x")


@test("on_crash = reconnect: one disconnect, and the host finds working endpoints")
def on_crash_reconnect():
    up(gadget("x", worker(plugin="loopback", on_crash="reconnect", **AT_ONCE)), "--wait-host")
    for _ in range(3):
        numbers = devnums()
        with harness.configured():
            kill_and_await()
        await_state("x", "ready")
        eq({hub: int(devnums()[hub]) - int(number) for hub, number in numbers.items()}, {hub: int("-" in hub) for hub in numbers})
        device = harness.device()
        device.set_configuration()
        out, in_ = endpoints(device)
        out.write(b"whole", timeout=5000)
        eq(bytes(in_.read(4096, timeout=5000)), b"whole")
    eq(halted(), [None, None])
    contains(log(), "echo: unbound so that the host connects anew (on_crash)\n")
    contains(log(), "rebound to dummy_udc.0")
    # Nothing is cut: no disconnect
    numbers = devnums()
    must(ffsctl("restart", "x"))
    eq(devnums(), numbers)
    down("x")
    # Nothing follows a worker that is done: the host sees halts, and no device without a worker
    up(gadget("x", odd("notify", "wait", on_crash="reconnect", restart="never")), "--wait-host")
    numbers = devnums()
    kill(worker_of()["pid"])
    await_worker("done")
    ok(all(halted()), f"not halted: {halted()}")
    eq(devnums(), numbers)
    down("x")


@test("the end of a worker that is done halts as well")
def halt_after_end():
    told = Fifo()
    device, out, in_, pid = pending(gadget("x", odd("notify", "tell", told.path, "wait", restart="never")))
    kill(pid)
    eq((out.outcome(), in_.outcome()), (EPIPE, EPIPE))
    # Once the host has cleared the halt it waits: nobody serves it.
    for endpoint in endpoints(device):
        device.clear_halt(endpoint.bEndpointAddress)
    ok(raised(lambda: endpoints(device)[1].read(64, timeout=200)) == 110, "a read does not just wait")
    down("x")


tap.main()
