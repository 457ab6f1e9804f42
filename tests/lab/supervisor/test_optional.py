#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
"""Optional functions: the gadget comes up, or comes back, without a function whose worker is not ready, and takes it in
again when it is. Each disconnect that the host sees is counted: a serial console beside the function loses the host once
when the function fails, and once when it is back."""

import contextlib
import os
import pathlib
import re
import signal
import socket
import subprocess
import time

import gadgets
import harness
import ptrace
import tap
from gadgets import DIRECTORY, TAKEN_OVER, await_state, await_status, worker
from harness import SRC, down, ffsctl, kill, must, status, up
from tap import contains, eq, ok, rounds, test

DAEMON = f"{SRC}/tests/lab/workers/ep0_daemon.py"
BROKEN, HANGS = DIRECTORY / "broken", DIRECTORY / "hangs"  # while they exist, a worker that starts fails, or hangs
NAME = "phone"
HEALTHY = {"restart_delay": 0, "restart_limit": 0}
RETRIED = {"restart_delay": 1, "restart_max_delay": 1, "restart_limit": 0}

harness.leaves_nothing()
harness.load_host_drivers()

WORKS = ["/bin/sh", "-c", "echo >&$NOTIFY_FD; exec sleep 100000"]


def script(then):
    return ["/bin/sh", "-c", f"test -e {BROKEN} && exit 3; test -e {HANGS} && exec sleep 100000; exec {then}"]


def daemon(*words, **settings):
    """The text of an optional function whose worker opens ep0 itself."""
    group = worker(exec=script(f"/usr/bin/python3 -I -S {DAEMON} $0 {' '.join(words)}") + ["${mount}"], opens="ep0", **settings)
    return f"own = {{ ffs = {{ }}; optional = true; worker = {{ {group} }}; }};"


def endpoints(label="own", **settings):
    """The text of an optional function whose worker gets open endpoints."""
    group = worker(**{"exec": script("sh -c 'echo >&$NOTIFY_FD; exec sleep 100000'"), "ready": "fd", **settings})
    return (f'{label} = {{ ffs = {{ interfaces = ( {{ endpoints = ( "bulk-in" ); }} ); }}; '
            f"optional = true; worker = {{ {group} }}; }};")


def write(*functions, serial=True, extra=""):
    path = DIRECTORY / f"{NAME}.conf"
    text = "".join(functions) + ('serial = { type = "acm"; };' if serial else "")
    path.write_text(f"attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};\nfunctions = {{ {text} }};\n{extra}")
    return str(path)


def shown(label="own"):
    gadget = status(NAME)[0]
    return next(f for f in gadget["functions"] if f["label"] == label)


def interfaces():
    """Returns the number of interfaces of each configuration that the host has read."""
    data, found = harness.descriptors(), []
    while data:
        if data[1] == 2:
            found.append(data[4])
        data = data[data[0]:]
    return found


def number():
    """Returns the number of the device on its bus, which is larger by one after each enumeration."""
    return int((harness.usb_device() / "devnum").read_text())


@contextlib.contextmanager
def disconnects(expected):
    """Checks how often the host loses the gadget: how often it is enumerated anew, and how often it is bound again."""
    before, binds = number(), gadgets.log(NAME).count("rebound to")
    yield
    eq((number() - before, gadgets.log(NAME).count("rebound to") - binds), (expected, expected))


def found_by_host(*expected):
    harness.await_devices(lambda: len(harness.host_devices()) == 1)
    must(ffsctl("wait", NAME, "--for", "configured"))
    eq(interfaces(), list(expected))


def log_has(*words):
    text = must(ffsctl("log", NAME)).stdout
    for word in words:
        contains(text, word)


@contextlib.contextmanager
def flag(path):
    path.touch()
    path.chmod(0o644)
    try:
        yield
    finally:
        path.unlink(missing_ok=True)


def serial_works():
    ends = [gadgets.raw_terminal(path) for path in ("/dev/ttyGS0", "/dev/ttyACM0")]
    try:
        for reader, writer in (ends, ends[::-1]):
            os.write(writer, b"hello\n")
            eq(gadgets.read_until(reader, b"\n"), b"hello\n")
    finally:
        for fd in ends:
            os.close(fd)


def leaves_out(label="own"):
    gadget, code = await_status(NAME, lambda g: next(f for f in g["functions"] if f["label"] == label)["left_out"]
                                and not g["problems"][0]["text"].startswith("cannot"), "left out")
    eq((gadget["state"], code), ("degraded", 1))
    return gadget


# --- up -------------------------------------------------------------------------------------------


@test("up: comes up without a daemon that fails, says so, and takes it in when it is ready")
def up_without():
    with flag(BROKEN):
        got = up(write(daemon()), "--wait-host")
        contains(got.stderr, "own: left out of the gadget (optional): its worker has ended: exit 3")
        gadget, code = status(NAME)
        eq((gadget["state"], code), ("degraded", 1))
        contains(shown()["left_out"], "exit 3")
        contains(" ".join(p["text"] for p in gadget["problems"]), "own: left out of the gadget (optional)")
        contains(must(ffsctl("export", NAME)).stdout, "optional = true;")
        found_by_host(2)
        serial_works()
        with disconnects(1):
            with harness.configured():
                BROKEN.unlink()
            await_state(NAME, "ready")
    found_by_host(3)
    eq(shown()["left_out"], None)
    log_has("own: taken into the gadget again")
    down(NAME)


@test("up waits for an optional worker that starts: at most start_timeout, and at most --timeout")
def up_waits_for_start():
    for settings, words, seconds in (({"start_timeout": 2}, (), 2), ({"start_timeout": 100}, ("--timeout", "3"), 3)):
        with flag(HANGS):
            began = time.monotonic()
            got = up(write(daemon(**settings)), *words)
            took = time.monotonic() - began
            ok(seconds <= took <= tap.at_most(seconds + 1), f"{took} s")
            contains(got.stderr, "own: left out of the gadget (optional)")
        down(NAME)
    with harness.configured():
        up(write(daemon()))
    eq((status(NAME)[0]["state"], interfaces()), ("ready", [3]))
    down(NAME)


@test("up fails if no function is left, and with an optional function that is not to be started")
def up_without_any():
    with flag(BROKEN):
        got = must(ffsctl("up", write(daemon(), endpoints("other"), serial=False)), 76)
        contains(got.stderr, "the worker of 'own' has failed: exit 3")


@test("up: the kernel binds no gadget with a function that needs too much: it comes up without it")
def up_without_refused():
    got = up(write(daemon("greedy")), "--wait-host")
    contains(got.stderr, "own: left out of the gadget (optional): cannot bind the gadget")
    found_by_host(2)
    before = number()
    got = must(ffsctl("restart", NAME, "own"), 69)  # a new worker is tried once
    contains(got.stderr, "cannot bind the gadget")
    leaves_out()
    found_by_host(2)
    ok(number() > before, "it was not tried")
    with disconnects(0):  # and the refusal outlives the supervisor
        kill(status(NAME)[0]["supervisor"])
        contains(up(write(daemon("greedy"))).stderr, TAKEN_OVER)
        leaves_out()
    down(NAME)


# --- while the gadget is up -----------------------------------------------------------------------


@test("a healthy daemon that dies is bound again together with the others: one disconnect")
def dies_and_returns():
    up(write(daemon(**HEALTHY)), "--wait-host")
    with disconnects(1):
        with harness.configured():
            kill(shown()["worker"]["pid"])
        await_state(NAME, "ready")
        found_by_host(3)
    ok("left out" not in gadgets.log(NAME), gadgets.log(NAME))
    down(NAME)


@test("a daemon that fails for good costs the serial console one disconnect, and one when it is back")
def fails_and_returns():
    up(write(daemon(restart_delay=0, restart_limit=1)), "--wait-host")
    with flag(BROKEN):
        with disconnects(1):
            with harness.configured():
                kill(shown()["worker"]["pid"])
            eq(leaves_out()["functions"][0]["worker"]["state"], "failed")
            found_by_host(2)
            serial_works()
        with disconnects(0):
            contains(must(ffsctl("restart", NAME, "own"), 76).stderr, "the worker of 'own' has failed: exit 3")
            contains(must(ffsctl("wait", NAME, "--for", "ready"), 76).stderr, "the worker of 'own' has failed")
            serial_works()
    with disconnects(1):
        with harness.configured():
            must(ffsctl("restart", NAME, "own"))
        await_state(NAME, "ready")
        found_by_host(3)
    serial_works()
    down(NAME)


@test("a daemon that restarts after a delay, or hangs, is not awaited for longer than a second")
def is_not_awaited():
    for settings, path in (({"restart_delay": 500, "restart_max_delay": 500}, None), (HEALTHY, HANGS)):
        up(write(daemon(**settings, start_timeout=1000)), "--wait-host")
        with flag(path) if path else contextlib.nullcontext(), disconnects(1):
            began = time.monotonic()
            with harness.configured():
                kill(shown()["worker"]["pid"])
            ok(time.monotonic() - began <= tap.at_most(2), f"{time.monotonic() - began} s")
            leaves_out()
            found_by_host(2)
        with disconnects(1), harness.configured():
            must(ffsctl("restart", NAME, "own"))
        await_state(NAME, "ready")
        down(NAME)


@test("a worker with open endpoints: stalled it stays, with on_failed = \"unbind\" only it is left out")
def open_endpoints():
    once = {"restart_delay": 0, "restart_limit": 1}
    for settings, count in ((once, 0), ({**once, "on_failed": "unbind"}, 1)):
        up(write(endpoints(**settings)), "--wait-host")
        with flag(BROKEN), disconnects(count):
            with harness.configured() if count else contextlib.nullcontext():
                kill(shown()["worker"]["pid"])
            await_status(NAME, lambda g: g["functions"][0]["worker"]["state"] == "failed", "failed")
            eq(bool(shown()["left_out"]), bool(count))
            found_by_host(3 - count)
            serial_works()
        with disconnects(count), harness.configured() if count else contextlib.nullcontext():
            must(ffsctl("restart", NAME, "own"))
        eq(status(NAME)[0]["state"], "ready")
        down(NAME)


@test("a gadget without any function that works is unbound until one works")
def none_is_left():
    up(write(daemon(**RETRIED), endpoints("other"), serial=False), "--wait-host")
    with flag(BROKEN):
        kill(shown("other")["worker"]["pid"])
        kill(shown()["worker"]["pid"])
        await_status(NAME, lambda g: not pathlib.Path(harness.CONFIGFS, NAME, "UDC").read_text().strip(), "unbound")
        with harness.configured():
            BROKEN.unlink()
    await_state(NAME, "ready")
    found_by_host(2)
    down(NAME)


@test("while another worker is being restarted nothing is taken in: that would take all from the host for as long")
def waits_for_others():
    slow = worker(exec=WORKS, ready="fd", restart_delay=1000, restart_max_delay=1000)
    required = f'echo = {{ ffs = {{ interfaces = ( {{ endpoints = ( "bulk-in" ); }} ); }}; worker = {{ {slow} }}; }};'
    with flag(BROKEN):
        up(write(daemon(restart_delay=1000, restart_max_delay=1000), required), "--wait-host")
    with disconnects(0):
        kill(shown("echo")["worker"]["pid"])
        await_status(NAME, lambda g: g["functions"][1]["worker"]["state"] == "waiting", "waiting")
        must(ffsctl("restart", NAME, "own"))
        eq(shown()["left_out"], "it is taken in when the other workers are ready")
        serial_works()
    with disconnects(1), harness.configured():
        must(ffsctl("restart", NAME, "echo"))
    await_state(NAME, "ready")
    found_by_host(4)
    down(NAME)


@test("a daemon that closes its files at each bind is left out soon, and the others keep the host")
def closes_again_and_again():
    up(write(daemon("flap")), "--wait-host")
    contains(leaves_out()["functions"][0]["left_out"], "closes its FunctionFS files again and again")
    found_by_host(2)
    with disconnects(0):
        serial_works()
    ok(gadgets.log(NAME).count("rebound to") <= 8, gadgets.log(NAME))
    down(NAME)


# --- configurations, commands, UDC ------------------------------------------------------------------

TWO = 'configs = ( {{ id = 1; functions = [ {} ]; }}, {{ id = 2; functions = [ {} ]; }}, ' \
      '{{ id = 3; functions = [ "serial" ]; }} );'


@test("it is left out of every configuration; one that would be empty is left out, too")
def configurations():
    for first, second, without, complete in (('"own", "serial"', '"serial", "own"', (2, 2, 2), (3, 3, 2)),
                                             ('"own"', '"serial"', (2, 2), (1, 2, 2))):
        path = write(daemon(), extra=TWO.format(first, second))
        with flag(BROKEN):
            up(path, "--wait-host")
            found_by_host(*without)
            shown_tree = harness.configfs(NAME)
            with harness.configured():
                BROKEN.unlink()
        await_state(NAME, "ready")
        found_by_host(*complete)
        made = harness.configfs(NAME)
        ok(made != shown_tree, "nothing has changed")
        down(NAME)
        up(path, "--wait-host")
        eq(harness.configfs(NAME), made)
        down(NAME)


@test("unbind and bind: the links change with the bind, and only then")
def unbind_and_bind():
    up(write(daemon(**RETRIED)), "--wait-host")
    must(ffsctl("unbind", NAME))
    with flag(BROKEN):
        kill(shown()["worker"]["pid"])
        with harness.configured():
            must(ffsctl("bind", NAME))
        leaves_out()
        found_by_host(2)
        must(ffsctl("unbind", NAME))
    await_status(NAME, lambda g: g["functions"][0]["worker"]["state"] == "ready", "ready")
    eq(pathlib.Path(harness.CONFIGFS, NAME, "UDC").read_text().strip(), "")
    with harness.configured():
        must(ffsctl("bind", NAME))
    await_state(NAME, "ready")
    found_by_host(3)
    down(NAME)
    with flag(BROKEN):  # --no-bind: bind chooses
        up(write(daemon(**RETRIED)), "--no-bind")
        with harness.configured():
            must(ffsctl("bind", NAME))
        found_by_host(2)
        down(NAME)


@test("the UDC is removed and comes back: the gadget without the function, and with it")
def udc_removed():
    up(write(daemon(**RETRIED)), "--wait-host")
    with flag(BROKEN):
        harness.udc_goes()
        kill(shown()["worker"]["pid"])
        with harness.configured():
            harness.udc_comes()
        leaves_out()
        found_by_host(2)
        harness.udc_goes()
        BROKEN.unlink()
        await_status(NAME, lambda g: g["functions"][0]["worker"]["state"] == "ready", "ready")
    with harness.configured():
        harness.udc_comes()
    await_state(NAME, "ready")
    found_by_host(3)
    down(NAME)


# --- reload, takeover, re-exec ----------------------------------------------------------------------


@test("reload and re-exec, and another supervisor: the function stays out without a disconnect")
def stays_left_out():
    path = write(daemon(**RETRIED))
    with flag(BROKEN):
        up(path, "--wait-host")
        with disconnects(0):
            changes = must(ffsctl("reload", NAME, "--dry-run", "--json")).stdout
            ok('"do"' not in changes, changes)
            must(ffsctl("reload", NAME))
            must(ffsctl("reexec", NAME))
            kill(status(NAME)[0]["supervisor"])
            contains(up(path).stderr, TAKEN_OVER)
            leaves_out()
            serial_works()
        with disconnects(1), harness.configured():
            BROKEN.unlink()
    await_state(NAME, "ready")
    found_by_host(3)
    down(NAME)


@test("reload: changes without the function, and with a worker that works it is taken in")
def reload_left_out():
    with flag(BROKEN):
        up(write(daemon(restart_delay=1000, restart_max_delay=1000)), "--wait-host")
        with harness.configured():
            must(ffsctl("reload", write(daemon(restart_delay=1000, restart_max_delay=1000), endpoints("other", exec=WORKS))))
        found_by_host(3)
        leaves_out()
    with harness.configured():
        must(ffsctl("reload", write(daemon(env={"NAME": "new"}))))
    await_state(NAME, "ready")
    found_by_host(3)
    down(NAME)


@test("reload makes a function optional whose daemon has failed: the gadget comes back without it")
def reload_to_optional():
    fragile = daemon(restart_delay=0, restart_limit=1)
    up(write(fragile.replace("optional = true; ", "")), "--wait-host")
    with flag(BROKEN):
        kill(shown()["worker"]["pid"])
        await_state(NAME, "failed")
        contains(gadgets.log(NAME), "the daemon of 'own' has failed")
        ok("on_failed" not in gadgets.log(NAME), gadgets.log(NAME))
        with harness.configured():
            must(ffsctl("reload", write(fragile)))
        leaves_out()
        found_by_host(2)
        serial_works()
    down(NAME)


@test("the supervisor is killed before and after each change of the links: up makes the gadget again")
def killed_while_links_change():
    path = write(daemon(**RETRIED), endpoints("other", exec=WORKS))
    for n in range(1, rounds(2, 6) + 1):
        for when in ("before", "after"):
            up(path, "--wait-host", fault=f"reload-kill-{when}={n}")
            supervisor = status(NAME)[0]["supervisor"]
            with flag(BROKEN):
                kill(shown()["worker"]["pid"])
                if n <= 5:
                    harness.wait_dead(supervisor)
            with harness.configured() if n <= 5 else contextlib.nullcontext():
                up(path)
            await_state(NAME, "ready")
            found_by_host(4)
            down(NAME)

# --- the keeper -------------------------------------------------------------------------------------


def kill_keeper(label="own"):
    kill(shown(label)["keeper"])


def shut_down_sockets(pid):
    """Shuts down the sockets of another process: their peers read end of file."""
    pidfd = os.pidfd_open(pid)
    for fd, target in harness.open_files(pid).items():
        if target.startswith("socket:"):
            with socket.socket(fileno=ptrace.pidfd_getfd(pidfd, fd)) as copy:
                copy.shutdown(socket.SHUT_RDWR)
    os.close(pidfd)


@test("a dead keeper costs the serial console one disconnect; one more if the worker then fails, until it is back")
def keeper_dies():
    path = write(endpoints(restart_delay=0, restart_limit=2))
    up(path, "--wait-host")
    before = shown()
    with disconnects(1):
        with harness.configured():
            kill_keeper()
        await_state(NAME, "ready")
        found_by_host(3)
    ok(all(a != b for a, b in ((shown()["keeper"], before["keeper"]), (shown()["worker"]["pid"], before["worker"]["pid"]))),
       "keeper and worker are the same")
    log_has("own: its keeper has died: restarting keeper and worker")
    # The supervisor unbinds the gadget, unless the worker's files are closed before: then the kernel has done it
    ok(re.search(r"own: the gadget is unbound, because the keeper has died|unbound by the kernel, because a keeper has died", gadgets.log(NAME)),
       gadgets.log(NAME))
    with disconnects(0):  # the new keeper waits for the next supervisor, too
        kill(status(NAME)[0]["supervisor"])
        contains(up(path).stderr, TAKEN_OVER)
        serial_works()
    with flag(BROKEN):
        with disconnects(1):
            with harness.configured():
                kill_keeper()
            contains(leaves_out()["functions"][0]["left_out"], "its worker has failed: exit 3")
            found_by_host(2)
            serial_works()
        with disconnects(0):  # the next keeper is not missed, and a gadget without it is taken over as well
            kill_keeper()
            await_status(NAME, lambda g: "its keeper has died" in g["functions"][0]["left_out"], "without a keeper")
            kill(status(NAME)[0]["supervisor"])
            contains(up(path).stderr, TAKEN_OVER)
            must(ffsctl("reload", NAME))
            leaves_out()
        must(ffsctl("unbind", NAME))
        with harness.configured():
            must(ffsctl("bind", NAME))
    with disconnects(1), harness.configured():
        must(ffsctl("restart", NAME))
    await_state(NAME, "ready")
    found_by_host(3)
    down(NAME)


@test("a keeper dies while another program has a file of the function open, so that the kernel unbinds nothing: ffsctl does")
def keeper_dies_with_open_file():
    for worker_dies_too in (False, True):  # so that the supervisor learns of both deaths at once
        up(write(endpoints(**HEALTHY)), "--wait-host")
        fd = os.open(f"/dev/ffs/{NAME}/own/ep1", os.O_RDWR | os.O_NONBLOCK)
        with disconnects(1):
            with harness.configured():
                if worker_dies_too:
                    supervisor, worker, keeper = status(NAME)[0]["supervisor"], shown()["worker"]["pid"], shown()["keeper"]
                    os.kill(supervisor, signal.SIGSTOP)
                    kill(worker)
                    kill(keeper)
                    os.kill(supervisor, signal.SIGCONT)
                else:
                    kill_keeper()
            found_by_host(2)
            log_has("own: the gadget is unbound, because the keeper has died", "own: left out of the gadget (optional): its keeper has died")
        os.close(fd)
        await_state(NAME, "ready")
        found_by_host(3)
        down(NAME)


@test("a keeper that was taken over, and ends slowly: another one is started when it has ended, with one disconnect")
def keeper_ends_slowly():
    path = write(endpoints(**HEALTHY))
    up(path, "--wait-host")
    kill(status(NAME)[0]["supervisor"])
    contains(up(path).stderr, TAKEN_OVER)
    before = shown()
    with disconnects(1):
        with harness.configured():
            with ptrace.hangs_when_killed(before["keeper"]):
                # The order in which the kernel closes the files of a process that ends: its sockets before ep0
                shut_down_sockets(before["keeper"])
                os.waitid(os.P_PID, before["keeper"], os.WSTOPPED | os.WNOWAIT)  # the supervisor has killed it
                eq((shown()["keeper"], shown()["worker"]["pid"]), (before["keeper"], before["worker"]["pid"]))
        await_state(NAME, "ready")
        found_by_host(3)
    log_has("own: its keeper has died: restarting keeper and worker")
    down(NAME)


@test("a keeper that dies with its supervisor: the gadget is taken over, with one disconnect")
def keeper_dies_with_supervisor():
    path = write(endpoints(**HEALTHY))
    up(path, "--wait-host")
    now = status(NAME)[0]
    os.kill(now["supervisor"], signal.SIGSTOP)
    kill(shown()["keeper"])
    kill(now["supervisor"])
    with harness.configured():
        contains(up(path).stderr, TAKEN_OVER)
    await_state(NAME, "ready")
    found_by_host(3)
    serial_works()
    down(NAME)


@test("a keeper dies while the gadget comes up: it is up without the function, or with it")
def keeper_dies_during_up():
    for remove in (False, True):
        with flag(HANGS):
            going = gadgets.start("up", write(endpoints(restart_delay=0, restart_limit=0, start_timeout=2)))
            await_status(NAME, lambda g: g and g["functions"] and g["functions"][0]["worker"]
                         and g["functions"][0]["worker"]["state"] == "starting", "starting")
            if remove:
                HANGS.unlink()
            with harness.configured():
                kill_keeper()
            must(gadgets.finish(going))
            found_by_host(3 if remove else 2)
            serial_works()
            down(NAME)


def awaits(fifo):
    """The text of a function whose worker is ready when somebody writes to the FIFO. A reload that adds it waits for it,
    while the gadget is not bound."""
    text = worker(exec=["/bin/sh", "-c", f"read line < {fifo.path}; echo >&$NOTIFY_FD; exec sleep 100000"], ready="fd",
                  user="root", start_timeout=1000)
    return f'other = {{ ffs = {{ interfaces = ( {{ endpoints = ( "bulk-in" ); }} ); }}; worker = {{ {text} }}; }};'


@test("a keeper dies while a reload has unbound the gadget, whether it is then reverted or not: the gadget goes on")
def keeper_dies_during_reload():
    for words, code in ((("--timeout", "1000"), 0), (("--timeout", "2"), 75)):
        fragile, fifo = endpoints(restart_delay=1000, restart_max_delay=1000), gadgets.Fifo()
        up(write(fragile), "--wait-host")
        going = gadgets.start("reload", write(fragile, awaits(fifo)), *words)
        await_state(NAME, "starting")
        with harness.configured():
            kill_keeper()
            await_status(NAME, lambda g: g["functions"][0]["worker"]["state"] == "waiting", "waiting")
            if code == 0:
                pathlib.Path(fifo.path).write_text("go\n")
            must(gadgets.finish(going), code)
        leaves_out()
        found_by_host(2 if code else 3)
        serial_works()
        with harness.configured():
            must(ffsctl("restart", NAME, "own"))
        await_state(NAME, "ready")
        found_by_host(3 if code else 4)
        down(NAME)


@test("another program unbinds the gadget whose optional function has lost its keeper: it stays unbound")
def unbound_by_others_without_keeper():
    up(write(endpoints(restart_delay=0, restart_limit=1)), "--wait-host")
    with flag(BROKEN):
        with harness.configured():
            kill_keeper()
        leaves_out()
        found_by_host(2)
        pathlib.Path(harness.CONFIGFS, NAME, "UDC").write_text("\n")
        gadgets.await_log(NAME, "unbound by another program; ffsctl does not rebind it")
    with harness.configured():
        must(ffsctl("bind", NAME))
    down(NAME)


@test("a daemon that dies while a reload has unbound the gadget: it comes back without the daemon")
def daemon_dies_during_reload():
    fragile = daemon("die", restart_delay=1000, restart_max_delay=1000)
    up(write(fragile), "--wait-host")
    fifo = gadgets.Fifo()
    going = gadgets.start("reload", write(fragile, awaits(fifo)))
    await_status(NAME, lambda g: g["functions"][0]["worker"]["state"] == "waiting", "waiting")
    with harness.configured():
        pathlib.Path(fifo.path).write_text("go\n")
        must(gadgets.finish(going))
    leaves_out()
    found_by_host(3)
    serial_works()
    down(NAME)


# --- what another program removes -------------------------------------------------------------------


def unmount(label="own"):
    """Unmounts FunctionFS lazily: otherwise the files that keeper and daemon have open prevent it."""
    must(subprocess.run(["umount", "-n", "-l", shown(label)["mount"]], stdout=-1, stderr=-1))


def problems():
    return " ".join(problem["text"] for problem in status(NAME)[0]["problems"])


@test("FunctionFS is unmounted: the next worker mounts it again, and the function is taken in again; nothing is left by down")
def mounted_again():
    # Without a delay, a daemon may be ready within the second that the gadget waits for it, or not
    for function, count in ((daemon(**RETRIED), 2), (endpoints(**HEALTHY), 1)):
        up(write(function), "--wait-host")
        with disconnects(0):
            unmount()
            contains(problems(), f"FunctionFS was unmounted from /dev/ffs/{NAME}/own: the next start of its worker mounts it again, "
                                 f"see 'ffsctl restart {NAME} own'")
            serial_works()
        with disconnects(count):
            with harness.configured():
                kill(shown()["worker"]["pid"])
            await_state(NAME, "ready")
            found_by_host(3)
        serial_works()
        log_has(f"own: FunctionFS is mounted again on /dev/ffs/{NAME}/own: another program had unmounted it")
        unmount()
        with harness.configured():
            must(ffsctl("restart", NAME, "own"))
        await_state(NAME, "ready")
        eq(problems(), "")
        down(NAME)


@test("while a process has a file of the unmounted FunctionFS open, the function is left out, with the reason",
      only_all="function/an-unmounted-function-keeps-its-keeper: mounted_again notices it")
def mount_is_held():
    for function in (daemon(**RETRIED), endpoints(**{**RETRIED, "on_failed": "unbind"})):
        up(write(function), "--wait-host")
        fd = os.open(shown()["mount"], os.O_RDONLY | os.O_DIRECTORY)
        unmount()
        with disconnects(1), harness.configured():
            kill(shown()["worker"]["pid"])
            leaves_out()
        gadgets.await_log(NAME, "a process still has a file of it open")
        serial_works()
        with disconnects(1), harness.configured():
            os.close(fd)
        await_state(NAME, "ready")
        found_by_host(3)
        down(NAME)


@test("without optional: a daemon is bound again, and endpoints that the keeper serves need down and up, as the error says",
      only_all="function/an-unmounted-function-keeps-its-keeper: mounted_again notices it")
def required_is_unmounted():
    up(write(daemon(**HEALTHY).replace("optional = true; ", "")), "--wait-host")
    unmount()
    with disconnects(1), harness.configured():
        kill(shown()["worker"]["pid"])
    await_state(NAME, "ready")
    found_by_host(3)
    down(NAME)
    path = write(endpoints(restart_delay=0, restart_limit=1).replace("optional = true; ", ""))
    up(path, "--wait-host")
    unmount()
    contains(problems(), f"FunctionFS was unmounted from /dev/ffs/{NAME}/own: take the gadget down, then up")
    with disconnects(0):
        kill(shown()["worker"]["pid"])
        await_status(NAME, lambda g: g["functions"][0]["worker"]["state"] == "failed", "failed")
        log_has(f"another program has unmounted FunctionFS from /dev/ffs/{NAME}/own", "take the gadget down, then up")
        serial_works()
    down(NAME)
    up(path, "--wait-host")
    down(NAME)


@test("the link of the key device is removed: the next worker finds it again")
def link_is_made_again():
    link = pathlib.Path("/dev/ffsctl-lab-own")
    program = f"sh -c 'test -e {link} || exit 4; echo >&$NOTIFY_FD; exec sleep 100000'"
    function = endpoints(exec=script(program), **HEALTHY).replace("ffs = {", f'ffs = {{ device = "{link}";')
    for text in (function, function.replace("optional = true; ", "")):
        up(write(text), "--wait-host")
        with disconnects(0):
            link.unlink()
            kill(shown()["worker"]["pid"])
            await_state(NAME, "ready")
            eq(os.readlink(link), f"/dev/ffs/{NAME}/own/ep1")
            log_has(f"own: the link {link} is made again: another program had removed it")
        down(NAME)
        eq(link.is_symlink(), False)


@test("the device file of a kernel function is removed: the gadget stays, and status says what its worker waits for")
def device_file_is_removed():
    text = worker(exec=["/bin/sh", "-c", "trap '' HUP; exec 3<>${device}; echo >&$NOTIFY_FD; exec sleep 100000"], ready="fd", restart_delay=0, start="bound")
    up(write(daemon(**HEALTHY), f'getty = {{ type = "acm"; worker = {{ {text} }}; }};', serial=False), "--wait-host")
    node = pathlib.Path(shown("getty")["device"])
    away = node.with_suffix(".away")
    # The terminal controls the shell, which therefore ignores that it is hung up
    await_state(NAME, "ready")
    with disconnects(0):
        # ffsctl looks for the file at each event of the gadget, and stops the worker if it is missing. Here the worker ends first
        supervisor, pid = status(NAME)[0]["supervisor"], shown("getty")["worker"]["pid"]
        os.kill(supervisor, signal.SIGSTOP)
        node.rename(away)
        kill(pid)
        os.kill(supervisor, signal.SIGCONT)
        await_status(NAME, lambda g: g["functions"][1]["worker"]["state"] == "pending", "pending")
        eq((problems(), status(NAME)[0]["state"]),
           (f"getty: its worker waits for {node}, which does not exist; when it is back, 'ffsctl restart {NAME} getty' starts "
            "the worker", "degraded"))
        command = ffsctl("restart", NAME, "getty")
        eq((command.returncode, command.stderr),
           (69, f"ffsctl: cannot start the worker of 'getty': its device file {node} does not exist\n"
            f"hint: when it is back, 'ffsctl restart {NAME} getty' starts the worker\n"))
        away.rename(node)
        eq(must(ffsctl("restart", NAME, "getty")).stderr, f"ffsctl: {NAME}: getty ready again\n")
        await_state(NAME, "ready")
    must(ffsctl("unbind", NAME))
    for arguments, first in (("getty",), ""), ((), f"ffsctl: {NAME}: ready again\n"):
        eq(must(ffsctl("restart", NAME, *arguments)).stderr, f"{first}ffsctl: {NAME}: getty starts when the gadget is bound\n")
    down(NAME)


tap.main()
