#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2 timeout=240 real-time
# lab all: kernel=6.12,6.1 udcs=2 timeout=240 real-time
"""`unbind` unbinds a gadget and `bind` binds it again; everything else of the gadget stays. If a process is killed in
between, `down` removes everything."""

import contextlib
import json
import os
import pathlib
import signal
import socket
import subprocess
import threading

import gadgets
import harness
import tap
from gadgets import FRAGILE, LOOPBACK, SLOW, await_status, fail_for_good, finish, gadget, leave_without_worker, start, worker
from harness import bench, configured, device, document, down, ffsctl, kill, must, status, up, wait_dead
from ptrace import stopped_before_opening
from tap import contains, eq, ok, patience, test

harness.leaves_nothing()

FIRST, SECOND = "dummy_udc.0", "dummy_udc.1"


def bound(name):
    return pathlib.Path(harness.CONFIGFS, name, "UDC").read_text().strip()


def plain(name="x", functions=LOOPBACK, udc=FIRST):
    return gadget(name, functions, f'udc = "{udc}";' if udc else "")


def pids(shown):
    return [(f["keeper"], f["worker"]["pid"]) for f in shown["functions"]]


@test("off the bus and on it again: the host sees it go and come, the workers stay and serve")
def unbind_and_bind():
    up(plain(), "--wait-host")
    before = status("x")[0]
    eq(must(ffsctl("unbind", "x")).stderr, "ffsctl: x: unbound\n")
    eq(bound("x"), "")
    ok(harness.await_devices(lambda: not harness.host_devices()), "the host still has it")
    shown, code = status("x")
    eq((shown["state"], code, shown["udc"], shown["udc_state"], shown["problems"]), ("unbound", 1, None, None, []))
    eq((pids(shown), shown["supervisor"]), (pids(before), before["supervisor"]))
    with configured():
        eq(must(ffsctl("bind", "x")).stderr, f"ffsctl: x: bound to {FIRST}\n")
    shown, code = status("x")
    eq((shown["state"], code, shown["udc"], shown["problems"]), ("ready", 0, FIRST, []))
    eq(pids(shown), pids(before))
    bench("loop", "--bytes", "1M", "--quiet")
    down("x")


@test("the harness waits for the new device, not for a late uevent of the one before")
def harness_waits_for_new_device():
    up(plain(), "--wait-host")
    here, = harness.host_devices()
    with configured():
        pathlib.Path("/sys/bus/usb/devices", here, "uevent").write_text("bind")  # sends it once more
        must(ffsctl("unbind", "x"))
        must(ffsctl("bind", "x"))
    bench("loop", "--bytes", "1M", "--quiet")
    down("x")


@test("what is so already is said, and no error")
def already_so_is_no_error():
    up(plain())
    eq(must(ffsctl("bind", "x")).stderr, f"ffsctl: x: bound already to {FIRST}\n")
    must(ffsctl("unbind", "x"))
    eq(must(ffsctl("unbind", "x")).stderr, "ffsctl: x: is not bound\n")
    eq(must(ffsctl("-q", "bind", "x")).stderr, "")
    down("x")


@test("what up --no-bind leaves can be bound, by file as well; down takes it off the bus")
def after_up_no_bind():
    path = plain()
    up(path, "--no-bind")
    with configured():
        must(ffsctl("bind", path))
    eq(status("x")[0]["state"], "ready")
    bench("loop", "--bytes", "1M", "--quiet")
    down("x")


@test("up of what is unbound names bind; up of what was bound again is up already")
def up_of_unbound_gadget():
    path = plain()
    up(path)
    must(ffsctl("unbind", "x"))
    contains(must(ffsctl("up", path), 73).stderr, "'ffsctl bind x'")
    must(ffsctl("bind", "x"))
    contains(up(path).stderr, "up already")
    down("x")


@test("another UDC: only after unbind; the next bind takes it again")
def other_udc_after_unbind():
    up(plain())
    eq(must(ffsctl("bind", "x", SECOND), 73).stderr,
       f"ffsctl: 'x' is bound to {FIRST}, not to {SECOND}\nhint: 'ffsctl unbind x' unbinds it first\n")
    last = FIRST
    for words in ((SECOND,), (), ("--udc", FIRST), ()):
        must(ffsctl("unbind", "x"))
        must(ffsctl("bind", "x", *words))
        last = words[-1] if words else last
        eq((bound("x"), status("x")[0]["udc"]), (last, last))
    down("x")


@test("on another UDC than that of --udc: reexec, and restart where the supervisor has died, go on there")
def other_udc_survives_reexec():
    up(plain(udc=None), "--udc", FIRST)
    must(ffsctl("unbind", "x"))
    must(ffsctl("bind", "x", SECOND))
    before = pids(status("x")[0])
    must(ffsctl("reexec", "x"))
    kill(status("x")[0]["supervisor"])
    contains(must(ffsctl("restart", "x")).stderr, gadgets.TAKEN_OVER)
    shown, code = status("x")
    eq((bound("x"), shown["udc"], code), (SECOND, SECOND, 0))
    eq(pids(shown)[0][0], before[0][0])
    down("x")


@test("a UDC that is held, or not there: 69, and the gadget stays as it is")
def udc_held_or_missing():
    up(plain())
    up(plain("y", udc=SECOND))
    must(ffsctl("unbind", "x"))
    contains(must(ffsctl("bind", "x", SECOND), 69).stderr, f"the UDC {SECOND} is held by gadget 'y'")
    contains(must(ffsctl("bind", "x", "none.0"), 69).stderr, "no UDC 'none.0'")
    eq(status("x")[0]["state"], "unbound")
    must(ffsctl("bind", "x", FIRST))
    down("x", "y")


@test("a name that is no text: 64")
def name_is_no_text():
    up(plain(), "--no-bind")
    for words in (("bind", "x", b"\xff"), ("restart", "x", b"\xff")):
        got = subprocess.run([harness.FFSCTL, *words], capture_output=True, text=True)
        contains(must(got, 64).stderr, "not UTF-8")
    down("x")


@test("what is not up cannot be bound: 69")
def gadget_is_not_up():
    for command in ("bind", "unbind"):
        eq(must(ffsctl(command, "x"), 69).stderr,
           "ffsctl: 'x' is not up\nhint: see 'ffsctl status'\n")


@test("taken off the bus by somebody else: that is told, and bind brings it back")
def unbound_externally_bind_restores():
    up(plain())
    pathlib.Path(harness.CONFIGFS, "x", "UDC").write_text("\n")
    shown, _ = status("x")
    eq((shown["state"], len(shown["problems"])), ("unbound", 1))
    must(ffsctl("bind", "x"))
    eq((bound("x"), status("x")[0]["state"], status("x")[0]["problems"]), (FIRST, "ready", []))
    down("x")


@test("taken off by somebody else: bind puts it where it was, not where it had been before")
def bind_restores_last_udc():
    up(plain(udc=None), "--udc", FIRST)
    must(ffsctl("unbind", "x"))
    must(ffsctl("bind", "x", SECOND))
    pathlib.Path(harness.CONFIGFS, "x", "UDC").write_text("\n")
    must(ffsctl("bind", "x"))
    eq((bound("x"), status("x")[0]["udc"]), (SECOND, SECOND))
    down("x")


@test("bound by somebody else: 73, until unbind")
def bound_externally_needs_unbind():
    up(plain(), "--no-bind")
    pathlib.Path(harness.CONFIGFS, "x", "UDC").write_text(SECOND)
    contains(must(ffsctl("bind", "x"), 73).stderr, f"another program has bound 'x' to {SECOND}\nhint: 'ffsctl unbind x'")
    must(ffsctl("unbind", "x"))
    eq(bound("x"), "")
    must(ffsctl("bind", "x"))
    eq(status("x")[0]["state"], "ready")
    down("x")


def completed(*words):
    return [line.split("\t") for line in must(ffsctl("completion", "--words", "--", *words)).stdout.splitlines()]


@test("completion knows gadgets, functions and UDCs")
def completion_offers_names():
    up(plain())
    with gadgets.foreign("theirs", bound=False):
        for command in ("bind", "unbind", "wait", "restart", "down"):
            eq(completed(command, ""), [["x", "ready"]], command)
        eq(completed("status", ""), [["theirs", "foreign"], ["x", "ready"]])
    eq(completed("restart", "x", ""), [["echo", "ffs"]])
    udcs = [[FIRST, "gadget 'x'"], [SECOND, harness.UDC_DRIVER.name]]
    eq(completed("bind", "x", ""), udcs)
    eq(completed("up", "--udc", ""), udcs)
    eq(completed("--run-dir", "/none", "--configfs", "/none", "status", ""), [])
    down("x")


# --- workers ----------------------------------------------------------------------------------------

def without_worker():
    """Brings up the gadget `x` unbound, and kills its worker, which waits to be restarted."""
    up(plain(functions=SLOW), "--no-bind")
    leave_without_worker("x")


def ask(**command):
    """Sends a command like ffsctl. The supervisor handles it before all later messages."""
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.settimeout(patience(60))
    client.connect("/run/ffsctl/x/control")
    client.send(json.dumps(command).encode())
    return client


def answer(client):
    with client:
        return json.loads(client.recv(65536))


@test("bind waits for a worker that is being restarted")
def waits_for_restarting_worker():
    without_worker()
    binding, heard = start("bind", "x"), ask(command="bind")
    must(ffsctl("wait", "x", "--timeout", "0"), 75)
    eq(bound("x"), "")
    must(ffsctl("restart", "x"))
    eq(answer(heard), {"exit": 0, "changed": True, "udc": FIRST})
    must(finish(binding))
    eq((bound("x"), status("x")[0]["state"]), (FIRST, "ready"))
    down("x")


@test("a bind to another UDC than one that waits: 73; to the same or any: both are bound there")
def two_binds_at_once():
    without_worker()
    heard = ask(command="bind", udc=SECOND)
    contains(must(ffsctl("bind", "x", FIRST), 73).stderr,
             f"cannot bind 'x' to {FIRST}: an earlier 'bind' to {SECOND} still waits for workers\nhint: 'ffsctl unbind x'")
    others = [ask(command="bind"), ask(command="bind", udc=SECOND)]
    must(ffsctl("restart", "x"))
    for client in (heard, *others):
        eq(answer(client), {"exit": 0, "changed": True, "udc": SECOND})
    eq(bound("x"), SECOND)
    down("x")


@test("a bind that is ended while it waits binds nothing later; another one goes on")
def ended_bind_binds_nothing():
    for others in (0, 1):
        without_worker()
        binding, *rest = [ask(command="bind", udc=FIRST) for _ in range(1 + others)]
        binding.close()
        must(ffsctl("restart", "x"))
        for client in rest:
            eq(answer(client)["exit"], 0)
        eq((bound("x"), status("x")[0]["state"]), (FIRST, "ready") if others else ("", "unbound"))
        down("x")


@test("a bind that is ended binds nothing, also when the supervisor learns of the end and of a restart at once")
def ended_bind_and_restart():
    without_worker()
    supervisor = status("x")[0]["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)
    ask(command="bind", udc=FIRST).close()
    restarting = ask(command="restart")
    os.kill(supervisor, signal.SIGCONT)
    eq(answer(restarting)["exit"], 0)
    eq((bound("x"), status("x")[0]["state"]), ("", "unbound"))
    down("x")


@test("unbind ends a bind that waits: 75")
def unbind_ends_waiting_bind():
    without_worker()
    binding = start("bind", "x")
    # Until the supervisor has heard of it there is nothing to take back
    while "is not bound" in must(ffsctl("unbind", "x")).stderr:
        ok(binding.poll() is None, "bind has ended")
    contains(must(finish(binding), 75).stderr, "'unbind' was requested before 'x' was bound")
    must(ffsctl("restart", "x"))
    eq((bound("x"), status("x")[0]["state"]), ("", "unbound"))
    down("x")


@test("a worker that has failed for good: 76, and restart is named")
def worker_failed_for_good():
    up(plain(functions=FRAGILE), "--no-bind")
    fail_for_good("x")
    contains(must(ffsctl("bind", "x"), 76).stderr, "'ffsctl restart x'")
    must(ffsctl("restart", "x"))
    must(ffsctl("bind", "x"))
    eq(status("x")[0]["state"], "ready")
    down("x")


@test("taken off the bus as on_failed says: unbind keeps it off when the worker is back, until bind")
def on_failed_then_unbind():
    up(plain(functions=FRAGILE))
    fail_for_good("x")
    eq((bound("x"), status("x")[0]["state"]), ("", "failed"))
    must(ffsctl("unbind", "x"))
    must(ffsctl("restart", "x"))
    eq((bound("x"), status("x")[0]["state"]), ("", "unbound"))
    must(ffsctl("bind", "x"))
    eq((bound("x"), status("x")[0]["state"]), (FIRST, "ready"))
    down("x")


@test("taken off the bus as on_failed says, and its UDC is taken when the worker is back: restart and status say why")
def on_failed_udc_taken():
    why = f"cannot bind the gadget to the UDC {FIRST}: Device or resource busy"
    up(plain(functions=FRAGILE))
    fail_for_good("x")
    with gadgets.foreign("theirs"):
        for _ in range(2):
            contains(must(ffsctl("restart", "x"), 69).stderr, why)
        shown, _ = status("x")
        eq((bound("x"), shown["state"], len(shown["problems"])), ("", "failed", 1))
        eq(shown["functions"][0]["worker"]["state"], "ready")
        contains(shown["problems"][0]["text"], why)
    must(ffsctl("restart", "x"))
    shown, _ = status("x")
    eq((bound("x"), shown["state"], shown["problems"]), (FIRST, "ready", []))
    down("x")


@test("taken off the bus as on_failed says: restart of another function is 76, as the failed one keeps it off")
def on_failed_restart_of_other_function():
    up(plain(functions={"good": LOOPBACK, "bad": FRAGILE + 'on_failed = "unbind"; '}))
    shown = status("x")[0]
    kill(shown["functions"][1]["worker"]["pid"])
    shown, _ = await_status("x", lambda g: g["functions"][1]["worker"]["restarts"] and
                            g["functions"][1]["worker"]["state"] == "ready", "ready again")
    kill(shown["functions"][1]["worker"]["pid"])
    await_status("x", lambda g: g["functions"][1]["worker"]["state"] == "failed", "failed")
    contains(must(ffsctl("restart", "x", "good"), 76).stderr, "the worker of 'bad' has failed: signal 9 (Killed)\n"
             "hint: 'ffsctl restart x' starts it again")
    eq((bound("x"), status("x")[0]["functions"][0]["worker"]["restarts"]), ("", 1))
    must(ffsctl("restart", "x"))
    eq((bound("x"), status("x")[0]["state"]), (FIRST, "ready"))
    down("x")


@test("restart of what is off the bus by unbind, or by another program, leaves it there: 0")
def restart_leaves_it_unbound():
    up(plain())
    must(ffsctl("unbind", "x"))
    must(ffsctl("restart", "x"))
    eq((bound("x"), status("x")[0]["state"]), ("", "unbound"))
    must(ffsctl("bind", "x"))
    pathlib.Path(harness.CONFIGFS, "x", "UDC").write_text("\n")
    await_status("x", lambda g: g["state"] == "unbound", "unbound")
    must(ffsctl("restart", "x"))
    eq(bound("x"), "")
    down("x")


@test("taken off by another program while the supervisor looks whether it is on: it leaves it there")
def unbound_while_supervisor_looks():
    up(plain())
    udc = pathlib.Path("/sys/class/udc", FIRST)
    # A UDC that seems to be a new one makes the supervisor look.
    news = next(udc.resolve().parent.parent.glob("gadget.*/uevent"))
    with stopped_before_opening(status("x")[0]["supervisor"], str(udc / "function"), lambda: news.write_text("add")):
        pathlib.Path(harness.CONFIGFS, "x", "UDC").write_text("\n")
    await_status("x", lambda g: g["state"] == "unbound", "unbound")
    eq(bound("x"), "")
    ok("rebound" not in ffsctl("log", "x").stdout, "rebound")
    down("x")


@test("unbound through the driver core when bind has just answered: it stays off")
def unbound_right_after_answer():
    up(plain())
    must(ffsctl("unbind", "x"))
    udc, binding = pathlib.Path("/sys/class/udc", FIRST), []
    # First to see whether the UDC is free, then whether the gadget is on it.
    with stopped_before_opening(status("x")[0]["supervisor"], str(udc / "function"), lambda: binding.append(start("bind", "x")), 2):
        must(finish(binding[0]))
        device = os.path.basename(os.readlink(udc / "gadget"))
        pathlib.Path("/sys/bus/gadget/drivers/configfs-gadget.x/unbind").write_text(device)
    await_status("x", lambda g: g["state"] == "unbound", "unbound")
    ok("rebound" not in ffsctl("log", "x").stdout, "rebound")
    eq((udc / "function").read_text(), "")
    down("x")


@test("taken off the bus as on_failed says: on it again with the worker, though another one is done")
def on_failed_other_function_done():
    up(plain(functions={"done": worker(exec=["/bin/sleep", "100000"], ready="started", restart="never"),
                        "echo": FRAGILE + 'on_failed = "unbind"; '}))
    done, fragile = [f["worker"]["pid"] for f in status("x")[0]["functions"]]
    kill(done)
    kill(fragile)
    shown, _ = await_status("x", lambda g: g["functions"][1]["worker"]["restarts"] and
                            g["functions"][1]["worker"]["state"] == "ready", "ready again")
    kill(shown["functions"][1]["worker"]["pid"])
    await_status("x", lambda g: [f["worker"]["state"] for f in g["functions"]] == ["done", "failed"], "failed")
    eq(bound("x"), "")
    must(ffsctl("restart", "x", "echo"))
    eq((bound("x"), status("x")[0]["state"]), (FIRST, "ready"))
    down("x")


# --- in between -------------------------------------------------------------------------------------


@test("status in between is ready or unbound, and nobody is blamed")
def status_in_between():
    up(plain())
    done, wrong = threading.Event(), []

    def look():
        while not done.is_set():
            shown, _ = status("x")
            if shown["state"] not in ("ready", "unbound") or shown["problems"]:
                wrong.append((shown["state"], shown["problems"], shown))

    thread = threading.Thread(target=look)
    thread.start()
    try:
        for _ in range(20):
            must(ffsctl("unbind", "x"))
            eq(status("x")[0]["state"], "unbound")
            must(ffsctl("bind", "x"))
            eq(status("x")[0]["state"], "ready")
    finally:
        done.set()
        thread.join()
    eq(wrong, [])
    down("x")


def steps(path):
    return document(must(ffsctl("up", "--dry-run", "--json", path)))["gadgets"][0]["plan"]


def killed(fault, *args):
    """Kills the supervisor during this command. The command reports this, and `down` removes what is left."""
    path = plain()
    n = len(steps(path))
    up(path, *args, fault=fault % n)
    supervisor = status("x")[0]["supervisor"]
    last = "bind" if args else "unbind"
    contains(must(ffsctl(last, "x"), 71).stderr, "the supervisor of 'x' ended before it replied")
    wait_dead(supervisor)
    shown, code = status("x")
    eq((shown["state"], shown["supervisor"], code), ("degraded", None, 1))
    contains(down("x").stderr, "cleared what it left")


test("killed before it binds", "kill-before=%d", "--no-bind")(killed)
test("killed after it has bound", "kill-after=%d", "--no-bind")(killed)
test("killed before it unbinds", "undo-kill-before=%d")(killed)
test("killed after it has unbound", "undo-kill-after=%d")(killed)


@test("a record that cannot be written: 74, and nothing is bound that it does not have")
def record_cannot_be_written():
    os.makedirs("/run/ffsctl")
    must(subprocess.run(["mount", "-n", "-t", "tmpfs", "-o", "size=1m", "none", "/run/ffsctl"], stdout=-1, stderr=-1))
    try:
        up(plain(), "--no-bind")
        full = os.open("/run/ffsctl/full", os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while True:
                os.write(full, bytes(4096))
        for _ in range(2):
            contains(must(ffsctl("bind", "x"), 74).stderr, "No space left on device")
            eq((bound("x"), status("x")[0]["state"]), ("", "unbound"))
        os.ftruncate(full, 0)
        must(ffsctl("bind", "x"))
        eq(json.loads(pathlib.Path("/run/ffsctl/x/record").read_text())["plan"][-1]["do"], "bind")
    finally:
        os.ftruncate(full, 0)
        os.close(full)
        os.unlink("/run/ffsctl/full")
        ffsctl("down", "x")
        must(subprocess.run(["umount", "-n", "/run/ffsctl"], stdout=-1, stderr=-1))
        os.rmdir("/run/ffsctl")


@test("a bind that the kernel refuses: 71 and why; it stays unbound, and goes down")
def kernel_refuses_bind():
    path = plain()
    up(path, "--no-bind", fault=f"fail={len(steps(path))}:5")
    contains(must(ffsctl("bind", "x"), 71).stderr, "Input/output error")
    shown, _ = status("x")
    eq((shown["state"], shown["udc"], bound("x")), ("unbound", None, ""))
    down("x")


@test("an unbind that the kernel refuses: 71 and why; it stays as it is")
def kernel_refuses_unbind():
    path = plain()
    up(path, "--wait-host", fault=f"undo-fail={len(steps(path))}:5")
    contains(must(ffsctl("unbind", "x"), 71).stderr, "Input/output error")
    shown, _ = status("x")
    eq((shown["state"], shown["udc"], bound("x"), shown["udc_state"]), ("ready", FIRST, FIRST, "configured"))
    must(ffsctl("wait", "x", "--for", "configured", "--timeout", "10"))
    must(ffsctl("down", "x"), 71)  # the planted fault, once more; the next one is without it
    down("x")


tap.main()
