#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2 timeout=240
# lab all: kernel=6.12,6.1 udcs=2 timeout=240
"""`reload` of a gadget that is not bound: while its UDC is missing, and after a failure of a worker. The gadget becomes what
its file says, or stays unchanged after a failure. It is bound when the UDC appears again, and when its workers are ready;
`reload` says which of these happened. The UDC may also go while a gadget comes up, by `up`, `run` or a switch."""

import contextlib
import os
import pathlib
import signal
import time

import gadgets
import harness
import tap
from gadgets import LOOPBACK, SLOW, await_state, await_status, finish, gadget, odd, read_lines_until, start, worker
from harness import device, document, down, ffsctl, kill, must, status
from tap import contains, eq, ok, test

UDC, OTHER = "dummy_udc.0", "dummy_udc.1"
TOP = pathlib.Path(harness.CONFIGFS, "x")
RECORD = pathlib.Path("/run/ffsctl/x/record")
SLEEP = worker(exec=["/bin/sleep", "100000"], ready="started")

harness.leaves_nothing()


@tap.cleanup
def udcs_come_back():
    for udc in UDC, OTHER:
        if not pathlib.Path("/sys/class/udc", udc).exists():
            comes(udc)


def goes(udc=UDC):
    (harness.UDC_DRIVER / "unbind").write_text(udc)


def comes(udc=UDC):
    (harness.UDC_DRIVER / "bind").write_text(udc)


def write(product="new", functions=LOOPBACK, udc=None):
    path = gadget("x", functions, f'udc = "{udc}";' if udc else "")
    text = pathlib.Path(path).read_text()
    pathlib.Path(path).write_text(text.replace('product = "x"', f'product = "{product}"'))
    return path


def up(functions=LOOPBACK):
    with harness.configured():
        harness.up(write("old", functions), "--udc", UDC)


def has_gone():
    goes()
    await_state("x", "degraded")
    time.sleep(1)  # a host that has not seen it go would not look at it anew


def reload(code=0):
    return must(ffsctl("reload", "x"), code).stderr


def log():
    return must(ffsctl("log", "x")).stdout


def bound():
    return (TOP / "UDC").read_text().strip()


def pids():
    return gadgets.processes("x")


def waits():
    """Checks that the gadget exists, and is unbound because its UDC is missing."""
    shown, code = await_status("x", lambda g: g["problems"] and g["state"] == "degraded", "degraded")
    eq([(p["severity"], p["text"]) for p in shown["problems"]], [("error", f"its UDC {UDC} was removed")])
    eq((code, shown["udc"], shown["udc_state"], bound()), (1, None, None, ""))


def is_back(product, udc=UDC):
    with harness.configured():
        comes()
    await_state("x", "ready")
    shown, code = status("x")
    eq((shown["state"], code, shown["udc"], shown["problems"], bound()), ("ready", 0, udc, [], udc))
    eq(device().product, product)


def unbound_by_reload():
    """Reloads a gadget while its UDC is missing."""
    up()
    has_gone()
    write()
    reload()


BACK = f"the gadget is bound again when its UDC {UDC} is back"


@test("the UDC is not there: the gadget is what its file says, and on the bus when the UDC is back")
def becomes_its_file():
    up()
    before = pids()
    has_gone()
    write()
    eq(reload(), f"ffsctl: x: reloaded; {BACK}\n")
    contains(log(), f"reloaded: 3 changes; {BACK}")
    waits()
    is_back("new")
    contains(log(), "rebound to")
    eq(pids(), before)
    contains(reload(), "unchanged")
    down("x")


def stopped(fifo):
    """A worker that stops itself, and becomes ready after SIGCONT."""
    return odd("tell", fifo.path, "raise", int(signal.SIGSTOP), "notify", "wait")


@test("the UDC goes, and perhaps comes back, while a reload is under way")
def udc_goes_during_reload():
    for back in (False, True):
        fifo = gadgets.Fifo()
        up({"a": LOOPBACK})
        write(functions={"a": LOOPBACK, "b": stopped(fifo)})
        going = start("reload", "x")
        pid = fifo.wait()
        goes()
        if back:
            comes()
        gadgets.continue_stopped_worker(pid)
        said = must(finish(going)).stderr
        if back:
            contains(said, "reloaded with a rebind")
            await_state("x", "ready")
        else:
            contains(said, f"reloaded; {BACK}")
            waits()
            is_back("new")
        eq(len(status("x")[0]["functions"]), 2)
        down("x")


@test("it fails while the UDC is not there: the old gadget is back, and on the bus when the UDC is")
def fails_without_udc():
    for during in (False, True):
        fifo = gadgets.Fifo()
        up({"a": LOOPBACK})
        before = pids()
        if not during:
            has_gone()
        write(functions={"a": LOOPBACK, "b": odd("tell", fifo.path, "raise", int(signal.SIGSTOP), "exit", 3)})
        going = start("reload", "x")
        pid = fifo.wait()
        if during:
            goes()
        gadgets.continue_stopped_worker(pid)
        said = must(finish(going), 76).stderr
        contains(said, "the worker of 'b'")
        contains(said, f"; 'x' is as it was before the reload; {BACK}")
        waits()
        eq(pids(), before)
        time.sleep(1)
        is_back("old")
        down("x")


@test("the way back fails for another reason as well: broken, as with a UDC")
def way_back_fails():
    harness.up(write("old"), "--udc", UDC, fault="reload-fail=3:28,back-fail=2:28")
    has_gone()
    path = pathlib.Path(write("new"))
    path.write_text(path.read_text().replace("0x0104;", "0x0104; bcdDevice = 0x0777;"))
    contains(reload(71), "not all steps could be undone")
    contains(status("x")[0]["problems"][0]["text"], "not all steps could be undone")
    down("x")


@test("a reload that needs no rebind is done as well")
def without_rebind():
    up()
    has_gone()
    write("old", SLEEP)
    eq(reload(), f"ffsctl: x: reloaded; {BACK}\n")
    eq(status("x")[0]["state"], "degraded")
    is_back("old")
    down("x")


@test("a file that names a UDC which is there: the gadget is on that one")
def file_names_other_udc():
    for again in (False, True):
        up()
        has_gone()
        if again:
            write("between")
            reload()
        write(udc=OTHER)
        with harness.configured():
            eq(reload(), "ffsctl: x: reloaded with a rebind\n")
        eq((bound(), status("x")[0]["state"], device().product), (OTHER, "ready", "new"))
        ok("is back" not in log().replace(BACK, ""), log())
        comes()
        time.sleep(1)
        eq((bound(), status("x")[0]["state"]), (OTHER, "ready"))
        down("x")


@test("another reload before the UDC is back, with a rebind and without")
def second_reload():
    unbound_by_reload()
    write("newer")
    contains(reload(), BACK)
    write("newer", SLEEP)
    contains(reload(), BACK)
    waits()
    is_back("newer")
    down("x")


@test("meanwhile: bind says what is missing, restart restarts, unbind keeps it off, down takes it down")
def commands_meanwhile():
    unbound_by_reload()
    contains(must(ffsctl("bind", "x"), 69).stderr, f"no UDC '{UDC}'")
    before = pids()
    must(ffsctl("restart", "x"))
    ok(pids()[0][1] != before[0][1], "the worker is the same")
    waits()
    must(ffsctl("wait", "x", "--timeout", "0"), 75)
    must(ffsctl("unbind", "x"))
    eq((status("x")[0]["state"], status("x")[0]["problems"]), ("unbound", []))
    comes()
    time.sleep(1)
    eq((bound(), status("x")[0]["state"]), ("", "unbound"))
    must(ffsctl("bind", "x"))
    eq((bound(), status("x")[0]["state"]), (UDC, "ready"))
    down("x")
    unbound_by_reload()
    must(ffsctl("bind", "x", OTHER))
    eq((bound(), status("x")[0]["state"]), (OTHER, "ready"))
    down("x")
    comes()
    unbound_by_reload()
    down("x")


@test("meanwhile a worker fails for good: it is not on the bus when the UDC is back")
def worker_fails_meanwhile():
    up(gadgets.FRAGILE + 'on_failed = "unbind"; ')
    has_gone()
    write(functions=gadgets.FRAGILE + 'on_failed = "unbind"; ')
    reload()
    gadgets.fail_for_good("x")
    await_state("x", "failed")
    comes()
    time.sleep(1)
    eq(bound(), "")
    must(ffsctl("restart", "x"))
    eq((bound(), status("x")[0]["state"]), (UDC, "ready"))
    down("x")


@contextlib.contextmanager
def quiet():
    """Checks that nothing happens during the block: the record is not written, and nothing is logged."""
    before = os.stat(RECORD).st_ino, log()
    yield
    eq((os.stat(RECORD).st_ino, log()), before)


def uevents():
    for _ in range(5):
        goes(OTHER)
        comes(OTHER)
        time.sleep(0.1)


@test("until the UDC is back nothing is tried")
def nothing_is_tried_meanwhile():
    unbound_by_reload()
    with quiet():
        uevents()
        waits()
    must(ffsctl("reexec", "x"))  # from now on it gets the uevents of all UDCs
    await_status("x", lambda _: log().count(f"its UDC {UDC} was removed") == 2, "saying so again")
    with quiet():
        uevents()
        waits()
    eq(log().count(f"its UDC {UDC} was removed"), 2, "once by each supervisor")
    is_back("new")
    down("x")


@test("reexec, and a supervisor that dies: the next one binds it, also when the UDC came back meanwhile")
def reexec_and_takeover_meanwhile():
    for meanwhile in (False, True):
        unbound_by_reload()
        before = pids()
        must(ffsctl("reexec", "x"))
        waits()
        kill(status("x")[0]["supervisor"])
        if meanwhile:
            comes()
        contains(must(ffsctl("restart", "x")).stderr, gadgets.TAKEN_OVER)
        eq([keeper for keeper, _ in pids()], [keeper for keeper, _ in before])
        if meanwhile:
            await_state("x", "ready")
            eq(bound(), UDC)
        else:
            waits()
            is_back("new")
        down("x")


# --- after a failure ----------------------------------------------------------------------------------

DUE = "the gadget is bound again when its workers are ready"
BREAKS = gadgets.FRAGILE + 'on_failed = "unbind"; '


def worker_of(label):
    return next(f["worker"] for f in status("x")[0]["functions"] if f["label"] == label)


def up_and_failed(**functions):
    """Brings up a gadget whose function `a` fails permanently, so that it is unbound."""
    up({"a": BREAKS, **functions})
    gadgets.fail_for_good("x")
    await_state("x", "failed")
    eq(bound(), "")


@test("a worker has failed: reload says that it binds the gadget, in text, JSON and log")
def reload_binds_after_failure():
    up_and_failed()
    write(functions={"a": LOOPBACK})
    contains(ffsctl("reload", "x", "--dry-run").stderr, "needs no rebind: the gadget is not bound")
    with harness.configured():
        eq(reload(), "ffsctl: x: reloaded with a rebind\n")
    eq((bound(), device().product), (UDC, "new"))
    contains(log(), f"changes; {DUE}\n")
    contains(log(), "rebound to dummy_udc.0")
    ok("without a rebind" not in log(), log())
    write(functions={"a": SLEEP})
    eq(document(must(ffsctl("reload", "x", "--json")))["gadgets"][0]["rebound"], False)
    down("x")
    up_and_failed()
    write(functions={"a": LOOPBACK})
    eq(document(must(ffsctl("reload", "x", "--json")))["gadgets"][0]["rebound"], True)
    down("x")


@test("a worker has failed: reload says that the gadget awaits another worker, or that another one has failed, too")
def reload_with_another_worker():
    up_and_failed(b=SLOW)
    kill(worker_of("b")["pid"])
    await_status("x", lambda _: worker_of("b")["state"] == "waiting", "waiting")
    write(functions={"a": LOOPBACK, "b": SLOW})
    eq(reload(), f"ffsctl: x: reloaded; {DUE}\n")
    eq(bound(), "")
    must(ffsctl("restart", "x", "b"))
    eq(bound(), UDC)
    down("x")
    up_and_failed(b=BREAKS)
    for _ in range(2):
        await_status("x", lambda _: worker_of("b")["state"] == "ready", "ready")
        kill(worker_of("b")["pid"])
    await_status("x", lambda _: worker_of("b")["state"] == "failed", "failed")
    write(functions={"a": LOOPBACK, "b": BREAKS})
    contains(reload(76), "the worker of 'b' has failed: signal 9 (Killed); the gadget file was applied")
    eq(bound(), "")
    down("x")


@test("a worker has failed, and the bind at the end of a reload fails, too: so does reload")
def bind_after_reload_fails():
    up_and_failed()
    with gadgets.foreign():
        write(functions={"a": LOOPBACK})
        contains(reload(69), "the UDC is held by gadget 'foreign'; the gadget file was applied")
        eq(bound(), "")
        ok("without a rebind" not in log(), log())
    down("x")


# --- up, run and switch -------------------------------------------------------------------------------

FIRST_BIND = f"the gadget is bound when its UDC {UDC} is back"
FIFO = gadgets.Fifo("up")
DAEMON = f"{harness.SRC}/tests/lab/workers/ep0_daemon.py"


def comes_up(path, command="up", back=False):
    """Brings a gadget up whose worker stops itself; removes the UDC before the worker continues. Returns the process of
    `run`, or what `up` has said."""
    process = start(command, path, "--udc", UDC)
    pid = FIFO.wait()
    goes()
    if back:
        comes()
    gadgets.continue_stopped_worker(pid)
    return process if command == "run" else must(finish(process)).stderr


@test("the UDC goes, and perhaps comes back, while `up` waits for a worker")
def udc_goes_during_up():
    eq(comes_up(write("new", stopped(FIFO))), f"ffsctl: x: up; {FIRST_BIND}\n")
    gadgets.await_log("x", f"up; {FIRST_BIND}\n")
    waits()
    with quiet():
        uevents()
        waits()
    eq(must(ffsctl("up", gadgets.DIRECTORY / "x.conf")).stderr, f"ffsctl: x: up already; {FIRST_BIND}\n")
    is_back("new")
    contains(log(), f"rebound to {UDC}")
    goes()
    await_state("x", "degraded")
    is_back("new")
    down("x")
    with harness.configured():
        eq(comes_up(write("new", stopped(FIFO)), back=True), f"ffsctl: x: up on {UDC}\n")
    must(ffsctl("wait", "x"))
    eq((status("x")[0]["state"], bound()), ("ready", UDC))
    down("x")


@test("the UDC goes while `run` waits for a worker, or for the descriptors of a daemon")
def udc_goes_during_run():
    process = comes_up(write("new", stopped(FIFO)), "run")
    waits()
    read_lines_until(process.stderr, f"ffsctl: x: up; {FIRST_BIND}\n")
    is_back("new")
    down("x")
    must(finish(process))
    group = worker(exec=["/usr/bin/python3", "-I", "-S", DAEMON, "${mount}", "slow", "tell", FIFO.path], opens="ep0")
    path = pathlib.Path(write("new"))
    path.write_text(path.read_text().split("functions")[0] +
                    "functions = { own = { ffs = { }; worker = { %s }; }; };\n" % group)
    process = start("run", path, "--udc", UDC)
    pid = FIFO.wait()
    goes()
    os.kill(pid, signal.SIGUSR1)
    waits()
    is_back("new")
    eq(bytes(device().ctrl_transfer(0xC1, 7, 0, 0, 8)), b"own")
    process.terminate()
    must(finish(process))


def run_with_stops(stops, *filters):
    """Starts `run`, which stops itself at system calls, and calls each function of `stops` while it is stopped."""
    return gadgets.start_with_stops(["run", write("new", LOOPBACK), "--udc", UDC], stops, *filters)


@test("the UDC goes before `run` mounts FunctionFS, or when it has begun to bind the gadget")
def udc_goes_between_steps():
    for filters in (("-e", "inject=mount:signal=STOP:when=1"),
                    ("-P", TOP / "UDC", "-e", "inject=openat:signal=STOP:when=1")):
        process = run_with_stops([goes], *filters)
        waits()
        is_back("new")
        down("x")
        contains(must(finish(process)).stderr, f"ffsctl: x: up; {FIRST_BIND}\n")


@test("the UDC does not exist only while `run` binds the gadget: it is bound all the same")
def udc_is_gone_during_bind():
    with harness.configured():
        process = run_with_stops([goes, comes], "-P", TOP / "UDC", "-e", "inject=openat,write:signal=STOP:when=1")
    await_state("x", "ready")
    eq(bound(), UDC)
    down("x")
    contains(must(finish(process)).stderr, f"ffsctl: x: up on {UDC}\n")


@test("the UDC is back, but another gadget has it: `up` does not say that it is bound")
def udc_is_of_another_gadget():
    with gadgets.foreign(bound=False) as top:
        process = start("up", write("new", stopped(FIFO)), "--udc", UDC)
        pid = FIFO.wait()
        goes()
        comes()
        (top / "UDC").write_text(UDC)
        gadgets.continue_stopped_worker(pid)
        contains(must(finish(process), 69).stderr, "held by gadget 'foreign'")
    eq(status("x"), (None, 3))


def optional_pair(end):
    """Writes the file of a gadget with a function, and an optional one whose worker becomes ready or ends."""
    words = ("notify", "wait") if end == "ready" else ("exit", 3)
    path = pathlib.Path(write("new", {"a": LOOPBACK, "b": odd("tell", FIFO.path, "raise", int(signal.SIGSTOP), *words)}))
    text = path.read_text()
    path.write_text(text.replace("b : {", "b : { optional = true;"))
    return path


@test("the UDC goes while an optional function is awaited: the gadget has it, or has it not, when the UDC is back")
def udc_goes_before_optional_function():
    for end, state in (("ready", "ready"), ("exit", "degraded")):
        contains(comes_up(optional_pair(end)), f"x: up; {FIRST_BIND}\n")
        eq(bound(), "")
        with harness.configured():
            comes()
        await_status("x", lambda g: g["udc"] == UDC and g["state"] == state, state)
        eq((bound(), bool(status("x")[0]["functions"][1]["left_out"])), (UDC, state == "degraded"))
        down("x")


@test("a gadget that came up without its UDC is taken over, reloaded, bound to another UDC, unbound, taken down")
def commands_after_up_without_udc():
    comes_up(write("new", stopped(FIFO)))
    before = pids()
    must(ffsctl("reexec", "x"))
    waits()
    kill(status("x")[0]["supervisor"])
    said = must(ffsctl("up", gadgets.DIRECTORY / "x.conf", "--udc", UDC)).stderr
    contains(said, gadgets.TAKEN_OVER)
    contains(said, f"ffsctl: x: up; {FIRST_BIND}\n")
    gadgets.await_log("x", f"taken over; up; {FIRST_BIND}\n")
    eq(pids(), before)
    waits()
    write("newer")
    contains(reload(), BACK)
    waits()
    must(ffsctl("bind", "x", OTHER))
    eq((bound(), status("x")[0]["state"]), (OTHER, "ready"))
    down("x")
    comes()
    comes_up(write("new", stopped(FIFO)))
    must(ffsctl("unbind", "x"))
    comes()
    time.sleep(1)
    eq((bound(), status("x")[0]["state"]), ("", "unbound"))
    down("x")
    comes_up(write("new", stopped(FIFO)))
    down("x")
    comes()


@test("the UDC goes before or during a switch: the other gadget waits for it, or after a failure the first one")
def udc_goes_during_switch():
    for before in (True, False):
        for works in (True, False):
            ends = ("notify", "wait") if works else ("exit", 3)
            gadget("y", odd("tell", FIFO.path, "raise", int(signal.SIGSTOP), *ends))
            first = odd("notify", "tell", FIFO.path, "raise", int(signal.SIGSTOP), "switch", "y", "wait")
            must(ffsctl("up", gadget("x", first, 'switch_to = [ "y" ];'), "--udc", UDC))
            pid = FIFO.wait()
            if before:
                has_gone()
            gadgets.continue_stopped_worker(pid)
            pid = FIFO.wait()
            if not before:
                goes()
            gadgets.continue_stopped_worker(pid)
            name = "y" if works else "x"
            if not works:
                FIFO.wait()  # the first gadget is back
            shown, _ = await_status(name, lambda g: g and g["problems"] and g["state"] == "degraded", "degraded")
            contains(str(shown["problems"]), f"its UDC {UDC} was removed")
            with harness.configured():
                comes()
            await_state(name, "ready")
            down(name)


tap.main()
