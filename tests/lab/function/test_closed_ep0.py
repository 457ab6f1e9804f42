#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab stock: no, with no_disconnect Linux without the patches hangs when a daemon opens ep0 again
# lab all: kernel=6.12,6.1 timeout=600
"""Daemons that close ep0 while they live: the kernel unbinds the gadget, ffsctl binds it again when they have written new
descriptors. What another program has unbound stays unbound."""

import contextlib
import os
import pathlib
import random
import signal
import subprocess
import time

import gadgets
import harness
import tap
from gadgets import DIRECTORY, await_log, await_state, await_status, finish, start, worker
from harness import down, ffsctl, must, status, up
from tap import contains, eq, ok, patience, rounds, test

NAME, UDC = "own", "dummy_udc.0"
OTHERS = "unbound by another program"
ECHO = ('echo = { ffs = { interfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } ); }; '
        'worker = { plugin = "loopback"; }; };')
HOST = pathlib.Path("/sys/bus/usb")

random.seed(os.environ.get("SOAK_SEED", "1"))
harness.leaves_nothing()


def daemon(*words, **settings):
    """Returns the path of a gadget file whose function "own" is the daemon."""
    return gadgets.ep0_daemon(NAME, *words, **settings)


def udc_file():
    return pathlib.Path(harness.CONFIGFS, NAME, "UDC")


def pid():
    return status(NAME)[0]["functions"][0]["worker"]["pid"]


def endpoint():
    """The inode of the endpoint file: another one for other descriptors; None: there are none."""
    try:
        return pathlib.Path(status(NAME)[0]["functions"][0]["mount"], "ep1").stat()
    except FileNotFoundError:
        return None


def answers(text=b"own"):
    eq(bytes(harness.device().ctrl_transfer(0xC1, 7, 0, 0, 8, timeout=round(patience(1000)))), text)


def await_descriptors(before=None):
    """Waits until there are descriptors that are not `before`."""
    def renewed(_):
        now = endpoint()
        return now and (not before or now.st_ino != before.st_ino)
    await_status(NAME, renewed, "renewed")


def serves(before=None):
    """Waits until the gadget is bound with descriptors that are not `before`, and its host is answered. Returns how many
    seconds after its descriptors it was bound."""
    await_descriptors(before)
    await_state(NAME, "ready")
    late = time.time() - endpoint().st_mtime
    ok(not before or late < tap.at_most(1), f"bound {late} s after the descriptors")
    must(ffsctl("wait", NAME, "--for", "configured", "--timeout", "10"))
    eq((udc_file().read_text(), status(NAME)[0]["problems"]), (UDC + "\n", []))
    answers()
    return late


def blames_nobody():
    ok(OTHERS not in gadgets.log(NAME), gadgets.log(NAME))


def unbound_by_others():
    await_log(NAME, OTHERS + "; ffsctl does not rebind it")
    time.sleep(2)
    shown, _ = status(NAME)
    eq((udc_file().read_text(), shown["state"]), ("\n", "unbound"))
    contains(shown["problems"][0]["text"], f"another program unbound it from its UDC {UDC}")


# --- it gives up its descriptors while it lives -------------------------------------------------


@test("restart and reload of one that closes its files and ends later: 0 means that it is bound again")
def closes_and_ends_later():
    for seconds in ("0.1", "1"):
        up(daemon("linger", seconds), "--wait-host")
        for command in ("restart", "reload"):
            if command == "reload":
                daemon("linger", seconds, env={"ANY": "new"})
            before = endpoint()
            must(ffsctl(command, NAME))
            eq(udc_file().read_text(), UDC + "\n")
            serves(before)
        blames_nobody()
        down(NAME)


@test("begins again in the same process, with and without no_disconnect, as root and as another user: bound again")
def begins_again():
    for no_disconnect in (False, True):
        for uid in (0, 2000):
            up(daemon(no_disconnect=no_disconnect, uid=uid), "--wait-host")
            before, first = pid(), endpoint()
            for _ in range(2):
                os.kill(before, signal.SIGUSR2)
                serves(first)
                first = endpoint()
            eq(pid(), before)
            blames_nobody()
            down(NAME)


@test("closes its files and writes no descriptors for long: degraded, bind and wait wait for them, others are not blamed")
def closes_for_long():
    up(daemon(), "--wait-host")
    os.kill(pid(), signal.SIGHUP)
    shown, _ = await_state(NAME, "degraded")
    eq((udc_file().read_text(), shown["functions"][0]["worker"]["state"]), ("\n", "ready"))
    contains(shown["problems"][0]["text"], "own: the daemon has closed its FunctionFS files and not written descriptors again")
    must(ffsctl("wait", NAME, "--timeout", "1"), 75)
    bind = start("bind", NAME)
    time.sleep(1)
    ok(bind.poll() is None, "bind does not wait")
    os.kill(pid(), signal.SIGUSR2)
    must(finish(bind))
    eq(udc_file().read_text(), UDC + "\n")
    serves()
    blames_nobody()
    down(NAME)


@test("a child serves, ends, and another one follows: bound again")
def child_ends():
    up(daemon("fork"), "--wait-host")
    before, parent = endpoint(), pid()
    child = int(subprocess.check_output(["pgrep", "-P", str(parent)]))
    os.kill(child, signal.SIGKILL)
    serves(before)
    eq(pid(), parent)
    must(ffsctl("restart", NAME))
    serves(before)
    blames_nobody()
    down(NAME)


@test("ready as soon as it is started: up, restart and bind still wait for the descriptors")
def ready_when_started():
    fifo = gadgets.Fifo()
    process = start("up", daemon("tell", fifo.path, "slow", ready="started"))
    slow = fifo.wait()
    eq(status(NAME)[0]["state"], "starting")
    os.kill(slow, signal.SIGUSR1)
    must(finish(process))
    process = start("restart", NAME)
    slow = fifo.wait()
    eq(udc_file().read_text(), "\n")
    os.kill(slow, signal.SIGUSR1)
    must(finish(process))
    serves()
    down(NAME)


@test("beside another function: that one sees one disconnect, and goes on")
def beside_another_function():
    up(daemon(beside=ECHO), "--wait-host")
    other = status(NAME)[0]["functions"][1]["worker"]["pid"]
    os.kill(pid(), signal.SIGUSR2)
    serves()
    eq(status(NAME)[0]["functions"][1]["worker"]["pid"], other)
    with gadgets.traffic(interface=1):
        pass
    eq(gadgets.log(NAME).count("rebound to"), 1)
    down(NAME)


@test("begins again while no supervisor runs: the next one binds it again")
def begins_again_without_supervisor():
    path = daemon()
    up(path, "--wait-host")
    daemon_pid, before = pid(), endpoint()
    time.sleep(1)
    harness.kill(status(NAME)[0]["supervisor"])
    os.kill(daemon_pid, signal.SIGUSR2)
    mount = pathlib.Path("/dev/ffs", NAME, "own/ep1")
    for _ in range(1000):
        if mount.exists() and mount.stat().st_ino != before.st_ino:
            break
        time.sleep(0.01)
    contains(up(path).stderr, gadgets.TAKEN_OVER)
    serves(before)
    eq(pid(), daemon_pid)
    down(NAME)


@test("two that begin again when the gadget is unbound, both slowly: they do not take turns, the gadget stays bound")
def two_that_reopen():
    def group(label):
        words = worker(exec=["/usr/bin/python3", "-I", "-S", gadgets.EP0_DAEMON, "${mount}", "reopen", "react", "0.3"], opens="ep0", user="root")
        return f"{label} = {{ ffs = {{ }}; worker = {{ {words} }}; }};"
    path = DIRECTORY / f"{NAME}.conf"
    path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n"
                    f'functions = {{ {group("own")} {group("other")} }};\n')
    up(path, "--wait-host")
    os.kill(pid(), signal.SIGUSR2)
    time.sleep(20)
    serves()
    rebinds = gadgets.log(NAME).count("rebound to")
    ok(rebinds <= 6, gadgets.log(NAME))
    time.sleep(20)
    eq(gadgets.log(NAME).count("rebound to"), rebinds)
    down(NAME)


@test("closes its files each time that it is bound: bound again about once a second, and not more often")
def flaps():
    up(daemon("flap"))
    time.sleep(20)
    rebinds = gadgets.log(NAME).count("rebound to")
    ok(20 <= rebinds <= 35, f"{rebinds} rebinds in 20 s")
    down(NAME)


@test("closes its files when the port is reset, as adbd does: bound again after each reset")
def closes_at_reset():
    for no_disconnect in (False, True):
        go_through(RESETS * 2, ("reset",), {"no_disconnect": no_disconnect})


@test("ends again and again, at once or after it has closed its files: bound as soon as the descriptors are written")
def ends_again_and_again():
    for words in ((), ("linger", "0.2")):
        up(daemon(*words), "--wait-host")
        for _ in range(rounds(2, 6)):
            before = endpoint()
            os.kill(pid(), signal.SIGTERM)
            late = serves(before)
            ok(late < tap.at_most(0.3), f"bound {late} s after the descriptors")
        blames_nobody()
        down(NAME)


# --- it has no endpoints: on Linux before 6.9 no file shows its descriptors ---------------------


def cpu_ticks(process):
    """Returns the processor time of the process, in 1/100 s."""
    return sum(int(n) for n in pathlib.Path(f"/proc/{process}/stat").read_text().rsplit(")", 1)[1].split()[11:13])


def bound_and_ready():
    must(ffsctl("wait", NAME, "--for", "configured", "--timeout", "10"))
    await_state(NAME, "ready")
    eq((udc_file().read_text(), status(NAME)[0]["problems"]), (UDC + "\n", []))
    answers()


@test("without endpoints: up, restart, a takeover, begins again, killed: bound again; unbound by others: stays unbound")
def without_endpoints():
    for no_disconnect in (False, True):
        path = daemon("bare", "reopen", no_disconnect=no_disconnect)
        up(path, "--wait-host")
        bound_and_ready()
        must(ffsctl("restart", NAME))
        bound_and_ready()
        for number in (signal.SIGUSR2, signal.SIGKILL):
            harness.kill(status(NAME)[0]["supervisor"])
            contains(up(path).stderr, gadgets.TAKEN_OVER)
            bound_and_ready()
            before = gadgets.log(NAME).count("rebound to")
            for n in range(1, rounds(2, 4)):
                os.kill(pid(), number)
                await_status(NAME, lambda _, n=n: gadgets.log(NAME).count("rebound to") >= before + n, "rebound")
                bound_and_ready()
        blames_nobody()
        udc_file().write_text("\n")
        unbound_by_others()
        must(ffsctl("bind", NAME))
        bound_and_ready()
        down(NAME)


@test("without endpoints: the descriptors alone are not enough, the strings are, however late the supervisor sees both")
def without_endpoints_step_by_step():
    fifo = gadgets.Fifo()
    process = start("up", daemon("bare", "pause", fifo.path))
    paused = fifo.wait()
    time.sleep(1)
    eq((status(NAME)[0]["state"], process.poll()), ("starting", None))
    supervisor = status(NAME)[0]["supervisor"]
    before = cpu_ticks(supervisor)
    time.sleep(1)
    ok(cpu_ticks(supervisor) - before <= 10, "the supervisor does not rest")
    for number in (signal.SIGUSR1, signal.SIGUSR2):
        os.kill(supervisor, signal.SIGSTOP)
        os.kill(paused, number)
        if number == signal.SIGUSR2:  # closes, begins again
            fifo.wait()
            os.kill(paused, signal.SIGUSR1)
        time.sleep(1)
        os.kill(supervisor, signal.SIGCONT)
        if process:
            must(finish(process))
            process = None
        bound_and_ready()
    down(NAME)


def descriptors_exist():
    """Waits until a daemon has written its descriptors, which only the kernel shows while no supervisor runs."""
    mount = pathlib.Path("/dev/ffs", NAME, "own")
    for _ in range(1000):
        if (mount / "ep1").exists():
            return
        time.sleep(0.01)
    raise AssertionError("no descriptors")


def closed_and_taken_over(what, *words, uid=0):
    bare = "bare" in words
    path = daemon(*words, uid=uid, beside=ECHO)
    up(path, "--wait-host")
    daemon_pid, before = pid(), endpoint()
    os.kill(daemon_pid, signal.SIGHUP)
    await_state(NAME, "degraded")
    other = gadgets.processes(NAME)[1]
    harness.kill(status(NAME)[0]["supervisor"])
    if what == "begun again meanwhile":
        os.kill(daemon_pid, signal.SIGUSR2)
        time.sleep(1) if bare else descriptors_exist()
    elif what == "ended meanwhile":
        os.kill(daemon_pid, signal.SIGKILL)
    contains(up(path).stderr, gadgets.TAKEN_OVER)
    unknown = bare and not pathlib.Path(harness.CONFIGFS, NAME, "functions/ffs.own-own/ready").exists()  # Linux before 6.9
    if what == "still closed" and not unknown:
        time.sleep(2)
        shown, _ = status(NAME)
        eq((shown["state"], udc_file().read_text()), ("degraded", "\n"))
        contains(shown["problems"][0]["text"], "own: the daemon has closed its FunctionFS files")
        os.kill(daemon_pid, signal.SIGUSR2)
    if bare:
        bound_and_ready()
    else:
        serves(before)
    eq(pid() == daemon_pid, what != "ended meanwhile" and not unknown)
    eq(gadgets.processes(NAME)[1], other)
    blames_nobody()
    down(NAME)


@test("closed when its supervisor dies, and still closed, begun again or ended when the next one takes over: bound again")
def supervisor_dies_while_closed():
    for what in "still closed", "begun again meanwhile", "ended meanwhile":
        closed_and_taken_over(what)
        if tap.EVERYTHING:
            closed_and_taken_over(what, uid=2000)
            closed_and_taken_over(what, "fork")
        closed_and_taken_over(what, "bare")


# --- somebody unbinds it ------------------------------------------------------------------------


@test("unbound by another program, and the daemon reopens at once when told so: it stays unbound until bind")
def reopens_on_unbind():
    for words in ((), ("reopen",)):
        up(daemon(*words), "--wait-host")
        for _ in range(rounds(3, 20)):
            udc_file().write_text("\n")
            unbound_by_others()
            must(ffsctl("restart", NAME))
            unbound_by_others()
            os.kill(pid(), signal.SIGUSR2)
            unbound_by_others()
            must(ffsctl("bind", NAME))
            serves()
        # Neither a failed write nor a bind by others is an unbind: the daemon is bound again after them
        subprocess.run(f"echo {UDC} >{udc_file()}", shell=True, check=False, stderr=subprocess.DEVNULL)
        # The shell's O_TRUNC is a change of the file. A supervisor that reads the file only after the daemon has closed its files takes
        # this for the cause: it could be
        time.sleep(0.1)
        before = endpoint()
        os.kill(pid(), signal.SIGUSR2)
        serves(before)
        udc_file().write_text("\n")
        unbound_by_others()
        udc_file().write_text(UDC)
        await_log(NAME, "bound again by another program")  # a supervisor that is later than the daemon does not see it
        await_state(NAME, "ready")
        before = endpoint()
        os.kill(pid(), signal.SIGUSR2)
        serves(before)
        down(NAME)


@test("unbound by another program while no supervisor runs: it stays unbound")
def unbound_without_supervisor():
    path = daemon()
    up(path, "--wait-host")
    time.sleep(1)
    harness.kill(status(NAME)[0]["supervisor"])
    udc_file().write_text("\n")
    up(path)
    unbound_by_others()
    down(NAME)


@test("unbound by ffsctl, and the daemon reopens at once when told so: it stays unbound until bind")
def reopens_on_ffsctl_unbind():
    up(daemon("reopen", "react", "0.03"), "--wait-host")
    for n in range(rounds(3, 20)):
        before = endpoint()
        must(ffsctl("unbind", NAME))
        # The kernel drops an UNBIND that has not been read when BIND comes
        gadgets.await_log_count(NAME, "event 1", n + 1)
        if random.random() < 0.5:
            await_descriptors(before)
            must(ffsctl("bind", NAME))
            eq(udc_file().read_text(), UDC + "\n")
        else:  # the daemon may close its files after this bind, so that the kernel unbinds the gadget once more
            must(ffsctl("bind", NAME))
        serves(before)
    must(ffsctl("unbind", NAME))
    time.sleep(2)
    eq((udc_file().read_text(), status(NAME)[0]["state"], status(NAME)[0]["problems"]), ("\n", "unbound", []))
    blames_nobody()
    down(NAME)


# --- everything that may happen, in any order ---------------------------------------------------


@contextlib.contextmanager
def device_may_go():
    """A daemon that closes its files at a reset takes the device from the host while the host uses it."""
    with contextlib.suppress(OSError):
        yield


def re_authorised():
    path = harness.usb_device() / "authorized"
    path.write_text("0")
    with device_may_go():
        path.write_text("1")


def driver_unbound():
    name = harness.usb_device().name
    (HOST / "drivers/usb/unbind").write_text(name)
    with device_may_go():
        (HOST / "drivers/usb/bind").write_text(name)


def port_reset():
    device = harness.device()
    with device_may_go():
        device.reset()


@contextlib.contextmanager
def reopening():
    """Waits until a daemon that reopens on FUNCTIONFS_UNBIND has done so: a bind before that drops the event."""
    before = endpoint()
    yield
    if "reopen" in CURRENT[0]:
        await_descriptors(before)


def udc_gone_and_back():
    with reopening():
        (harness.UDC_DRIVER / "unbind").write_text(UDC)
    time.sleep(random.choice((0, 0.01, 1)))
    (harness.UDC_DRIVER / "bind").write_text(UDC)


def reloaded():
    words, settings = CURRENT
    daemon(*words, env={"ANY": str(random.random())}, **settings)
    must(ffsctl("reload", NAME))


def bound_again():
    with reopening():
        must(ffsctl("unbind", NAME))
    must(ffsctl("bind", NAME))
    eq(udc_file().read_text(), UDC + "\n")


def off_and_on():
    with reopening():
        udc_file().write_text("\n")
    await_state(NAME, "unbound")
    must(ffsctl("bind", NAME))


CURRENT = ((), {})
HAPPENINGS = {
    "restart": lambda: must(ffsctl("restart", NAME)),
    "reload": reloaded,
    "SIGKILL": lambda: os.kill(pid(), signal.SIGKILL),
    "SIGTERM": lambda: os.kill(pid(), signal.SIGTERM),
    "again": lambda: os.kill(pid(), signal.SIGUSR2),
    "port reset": port_reset,
    "re-authorisation": re_authorised,
    "host's driver": driver_unbound,
    "UDC": udc_gone_and_back,
    "unbind and bind": bound_again,
    "another program": off_and_on,
}
RENEWS = "restart", "reload", "SIGKILL", "SIGTERM", "again"
RESETS = "port reset", "re-authorisation", "host's driver"
KINDS = {"plain": (), "ends later": ("linger", "0.5"), "reopens": ("reopen",), "forks": ("fork",),
         "ends later and reopens": ("linger", "0.2", "reopen"), "closes at resets": ("reset", "reopen")}


def go_through(names, words, settings):
    global CURRENT
    CURRENT = (words, settings)
    up(daemon(*words, **settings), "--wait-host")
    serves()
    for name in names:
        before = endpoint()
        try:
            HAPPENINGS[name]()
            serves(before if name in RENEWS or "reset" in words and name in RESETS else None)
        except BaseException:
            print(f"# {words} {settings}: {name} of {names}\n# " + gadgets.log(NAME).replace("\n", "\n# "), flush=True)
            raise
    down(NAME)


@test("each kind of daemon, user and mount option goes through everything: bound again each time",
      only_all="supervisor/what-a-daemon-unbound-is-taken-for-the-administrators: the tests above notice it, too")
def matrix():
    for words in KINDS.values():
        for no_disconnect in (False, True):
            for uid in (0, 2000):
                go_through(list(HAPPENINGS), words, {"no_disconnect": no_disconnect, "uid": uid})


@test("random sequences of these: bound again after each")
def random_sequences():
    for _ in range(rounds(1, 3, 20)):
        words, no_disconnect, uid = random.choice(list(KINDS.values())), random.random() < 0.5, random.choice((0, 2000))
        go_through(random.choices(list(HAPPENINGS), k=6), words, {"no_disconnect": no_disconnect, "uid": uid})


tap.main()
