# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
"""Errors of the machine, of the gadget file, or because of the current state: each has a message that shows what to do
and the exit status of ffsctl(8), and leaves nothing behind."""

import contextlib
import ctypes
import os
import pathlib
import shutil
import signal
import subprocess
import tempfile

import gadgets
import harness
import tap
from gadgets import (LOOPBACK, ODD_WORKER, Fifo, await_state, finish, foreign, gadget, odd,
                     read_lines_until, start, worker)
from harness import (CONFIGFS, EXAMPLES, FFSCTL, document, down, ffsctl, kill, must, status, up,
                     wait_dead)
from tap import contains, eq, ok, patience, test

INTERRUPT = f"{EXAMPLES}/interrupt.conf"
UDC = "dummy_udc.0"

before = harness.leaves_nothing()


def run(*args):
    subprocess.run(args, check=True, stdin=subprocess.DEVNULL)


def refuses(code, sentence, *args, command="up"):
    """Checks that the command ends with this exit status. Its last line is the message, or its last two lines are the
    message and the hint."""
    result = must(ffsctl(command, *args), code)
    lines = sentence.splitlines()
    eq(result.stderr.splitlines()[-len(lines):], lines)
    eq(result.stdout, "")
    return result


def last(path, place, sentence):
    return f"{path}:{place}: error: {sentence}"


@contextlib.contextmanager
def unmounted(path):
    """Unmounts configfs during the block. Makes system calls, because programs such as mount(8) write to /run."""
    libc = ctypes.CDLL(None)
    ok(libc.umount2(path, 0) == 0, "umount2")
    try:
        yield
    finally:
        flags = 2 | 4 | 8  # MS_NOSUID, MS_NODEV, MS_NOEXEC
        ok(libc.mount(b"configfs", path, b"configfs", flags, None) == 0, "mount")


# --- UDCs --------------------------------------------------------------------------------------------


@contextlib.contextmanager
def no_udc():
    harness.udc_goes(UDC)
    try:
        yield
    finally:
        harness.udc_comes(UDC)


@test("no UDC")
def no_udc_at_all():
    hint = "load the controller's driver, and put the port in device mode: see 'ffsctl doctor'"
    with no_udc():
        refuses(69, f"ffsctl: no UDC\nhint: {hint}", INTERRUPT)
        refuses(69, f"ffsctl: no UDC 'dwc'\nhint: {hint}", INTERRUPT, "--udc", "dwc")
        up(INTERRUPT, "--no-bind")
        down("interrupt")


@test("a UDC of another name")
def no_udc_of_that_name():
    sentence = f"no UDC 'dwc'; this machine has {UDC} ({harness.UDC_DRIVER.name})"
    refuses(69, f"ffsctl: {sentence}", INTERRUPT, "--udc", "dwc")
    path = gadget("named", None, 'udc = "dwc";')
    refuses(69, last(path, "3:7", sentence), path)
    up(path, "--udc", UDC)
    down("named")


@test("a UDC that another gadget holds")
def udc_held_by_another_gadget():
    sentence = (f"ffsctl: the UDC {UDC} is held by gadget 'foreign'\nhint: take that down first, or name "
                "another UDC with --udc")
    with foreign():
        refuses(69, sentence, INTERRUPT)
        refuses(69, sentence, INTERRUPT, "--udc", UDC)
    up(LOOPBACK_CONF := f"{EXAMPLES}/loopback.conf")
    refuses(69, sentence.replace("foreign", "loopback"), INTERRUPT)
    down(LOOPBACK_CONF)


@test("a UDC that is taken between our look and the bind")
def udc_taken_before_bind():
    told = Fifo()
    front = start("up", gadget("slow", odd("tell", told.path, "wait")))
    pid = told.wait()
    with foreign():
        # The worker becomes ready now, and the bind is the next step.
        say_ready(pid)
        result = must(finish(front), 69)
    contains(result.stderr, f"cannot bind the gadget to the UDC {UDC}: Device or resource busy; "
                            "the UDC is held by gadget 'foreign'")


def say_ready(pid):
    """Sends READY=1 in the name of a worker that waits, like systemd-notify in a child process of the worker's
    session."""
    env = dict(word.split("=", 1) for word in
               pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0") if "=" in word)
    import socket
    import struct
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        # Root may send credentials of any user.
        s.sendmsg([b"READY=1"], [(socket.SOL_SOCKET, 2, struct.pack("iii", pid, 0, 0))], 0,
                  env["NOTIFY_SOCKET"])


@test("a UDC that comes while up waits for it")
def udc_comes_while_up_waits():
    with no_udc():
        front = start("up", INTERRUPT, "--wait-udc", "--udc", UDC)
        eq(read_lines_until(front.stderr, "waiting"),
           "ffsctl: interrupt: waiting for a UDC: no UDC 'dummy_udc.0'; load the controller's driver, and "
           "put the port in device mode: see 'ffsctl doctor'\n")
        eq(await_state("interrupt", "starting")[1], 1)
    result = must(finish(front))
    contains(result.stderr, f"interrupt: up on {UDC}")
    down("interrupt")


@test("a virtual UDC that comes while up waits for any is not taken")
def virtual_udc_is_not_taken():
    with no_udc():
        front = start("up", INTERRUPT, "--wait-udc=3")
        read_lines_until(front.stderr, "waiting for a UDC")
    result = must(finish(front), 75)
    eq(result.stderr.splitlines()[-1], "ffsctl: no UDC appeared within the time given")


@test("a UDC that does not come")
def udc_never_comes():
    with no_udc():
        refuses(75, "ffsctl: no UDC appeared within the time given", INTERRUPT, "--wait-udc=20")


# --- configfs, root, modules ---------------------------------------------------------------------------


@test("configfs is not mounted")
def configfs_not_mounted():
    with unmounted(b"/sys/kernel/config"):
        refuses(69, f"ffsctl: cannot make the gadget {CONFIGFS}/interrupt: No such file or directory; "
                    "configfs is not mounted\nhint: mount -t configfs none /sys/kernel/config", INTERRUPT)
        eq(status("interrupt"), (None, 3))
        contains(down("interrupt").stderr, "interrupt: is not up")
    before["mounts"] = harness.snapshot()["mounts"]  # another place in the list


@test("configfs is elsewhere")
def configfs_elsewhere():
    refuses(69, "ffsctl: cannot make the gadget /nowhere/usb_gadget/interrupt: No such file or directory; "
                "configfs is not mounted\nhint: mount -t configfs none /nowhere", "/nowhere", "up", INTERRUPT,
            command="--configfs")


def as_nobody(*args):
    """Runs ffsctl as the user nobody. Copies the program, because only root may be able to open the build tree."""
    program = gadgets.DIRECTORY / "ffsctl"
    if not program.exists():
        shutil.copy(FFSCTL, program)
    files = gadgets.DIRECTORY / "interrupt.conf"
    shutil.copy(INTERRUPT, files)
    command = ["setpriv", "--reuid", "65534", "--regid", "65534", "--clear-groups", str(program), *args]
    return subprocess.run(command, stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience(60))


@test("not root")
def caller_is_not_root():
    path = str(gadgets.DIRECTORY / "interrupt.conf")
    result = must(as_nobody("up", path), 77)
    eq(result.stderr.splitlines()[-2:], ["ffsctl: cannot create /run/ffsctl: Permission denied", "hint: this needs root"])
    must(as_nobody("check", path))
    must(as_nobody("up", "--dry-run", path))
    up(INTERRUPT)
    for command, tried in (("down", "take 'interrupt' down"),
                           ("restart", "reach the supervisor of 'interrupt'")):
        result = must(as_nobody(command, "interrupt"), 77)
        eq(result.stderr, f"ffsctl: cannot {tried}: Permission denied\nhint: this needs root\n")
    must(as_nobody("status", "interrupt"))
    must(as_nobody("down", "nothing"))
    kill(status("interrupt")[0]["supervisor"])
    must(as_nobody("status", "interrupt"), 1)
    result = must(as_nobody("down", "interrupt"), 77)
    contains(result.stderr, "this needs root")
    down("interrupt")


@test("the kernel has no FunctionFS")
def kernel_without_functionfs():
    modules = f"/lib/modules/{os.uname().release}"
    run("rmmod", "usb_f_fs")
    run("mount", "-n", "-t", "tmpfs", "none", modules)
    try:
        path = f"{CONFIGFS}/interrupt/functions/ffs.interrupt-meter"
        refuses(69, last(INTERRUPT, "15:3", f"cannot make the function {path}: No such file or directory; "
                                            "this kernel has no function 'ffs'\nhint: modprobe usb_f_fs"),
                INTERRUPT)
    finally:
        run("umount", "-n", modules)
        run("modprobe", "usb_f_fs")


# --- what a worker needs ---------------------------------------------------------------------------------


def refuses_worker(code, sentence, group, hint=None):
    path = gadget("x", group)
    result = must(ffsctl("up", path), code)
    lines = result.stderr.splitlines()
    if hint:
        eq(lines.pop(), f"hint: {hint}")
    line = lines[-2 if lines[-1].startswith("hint: it ran as the user id ") else -1]
    ok(line.startswith(path + ":6:"), f"it does not point at the worker: {line}")
    eq(line.split(": error: ", 1)[-1], sentence)
    eq(status("x"), (None, 3))
    return result


@test("more serial ports or targets than the kernel has: that is said, and not another gadget's name")
def too_many_serial_ports():
    path = gadgets.DIRECTORY / "x.conf"
    path.write_text('functions : { %s };\n' % " ".join('t%d : { type = "acm"; };' % n for n in range(9)))
    contains(must(ffsctl("up", path, "--no-bind"), 71).stderr,
             "acm.t8: Device or resource busy; the kernel has 8 serial ports for acm, gser and obex of all gadgets")
    path.write_text('functions : { %s };\n' % " ".join('t%d : { type = "tcm"; };' % n for n in range(2)))
    contains(must(ffsctl("up", path, "--no-bind"), 71).stderr,
             "tcm.t1: Device or resource busy; a system can have one function of type tcm\n")


@test("a gadget file in a directory whose name is not UTF-8")
def directory_name_not_utf8():
    directory = os.path.join(os.fsencode(gadgets.DIRECTORY), b"\xff")
    os.mkdir(directory)
    path = os.fsdecode(shutil.copy(os.fsencode(gadget("x", LOOPBACK)), directory))
    contains(must(ffsctl("up", path), 64).stderr, "the path of the gadget file of 'x' is not UTF-8\nhint: rename the file or its directory")
    eq(status("x"), (None, 3))
    shutil.rmtree(directory)


@test("a plugin that is not there")
def plugin_is_missing():
    where = f"{harness.BUILD}/src/plugins/nope.so"
    refuses_worker(69, f"cannot find plugin 'nope' ({where}): No such file or directory", worker(plugin="nope"))
    refuses_worker(69, "cannot find plugin '/nope.so' (/nope.so): No such file or directory",
                   worker(plugin="/nope.so"))


@test("a plugin that is none")
def plugin_is_no_plugin():
    bad = gadgets.DIRECTORY / "bad.so"
    bad.write_text("this is no ELF file")
    result = refuses_worker(76, f"the worker of 'echo' ({harness.BUILD}/ffsctl-worker) ended before it was "
                                "ready: exit 125", worker(plugin=str(bad)))
    contains(result.stderr, "bad.so")


@test("a program that is not there, or none")
def program_missing_or_none():
    refuses_worker(69, "cannot find the program 'nope' in PATH", worker(exec=["nope"]))
    refuses_worker(69, "cannot execute /nope: No such file or directory", worker(exec=["/nope"]))
    refuses_worker(69, "cannot execute /etc/passwd: Permission denied", worker(exec=["/etc/passwd"]),
                   "a script needs a first line such as #!/bin/sh")
    closed = gadgets.DIRECTORY / "closed"
    closed.mkdir(mode=0o700)
    script = closed / "script"
    script.write_text("#!/bin/sh\n")
    script.chmod(0o755)
    refuses(69, f"{gadgets.DIRECTORY}/x.conf:6:5: error: cannot execute {script}: Permission denied\n"
                "hint: the worker's user needs permission to execute the program, and to search each directory of its path",
            gadget("x", worker(exec=[str(script)])))
    bad = gadgets.DIRECTORY / "bad"
    bad.write_text("this is no program")
    bad.chmod(0o755)
    refuses_worker(69, f"cannot execute {bad}: Exec format error", worker(exec=[str(bad)]),
                   "a script needs a first line such as #!/bin/sh")


@test("a user, a group and a directory that are not there")
def user_group_directory_missing():
    sleep = ["/bin/sleep", "1000"]
    refuses_worker(69, "unknown user 'nope'", worker(exec=sleep, user="nope"))
    refuses_worker(69, "unknown group 'nope'", worker(exec=sleep, groups=["nope"]))
    refuses_worker(69, "cannot change to the directory of /bin/sleep: No such file or directory",
                   worker(exec=sleep, directory="/nope"))


@test("a worker that is never ready")
def worker_never_ready():
    refuses_worker(75, f"the worker of 'echo' ({ODD_WORKER}) did not get ready within 7.5 s (start_timeout)",
                   odd("wait", start_timeout=7.5))
    # This also ends a worker that ignores SIGTERM.
    refuses_worker(75, f"the worker of 'echo' ({ODD_WORKER}) did not get ready within 10 s (start_timeout)",
                   odd("deaf", "daemon", "naked-daemon", "wait"))


@test("a worker that ends before it is ready; what it has said is shown")
def worker_ends_before_ready():
    for words, how in ((["exit", 3], "exit 3"), (["exit", 0], "exit 0"), (["exit", 125], "exit 125"),
                       (["raise", 9], "signal 9 (Killed)")):
        refuses_worker(76, f"the worker of 'echo' ({ODD_WORKER}) ended before it was ready: {how}",
                       odd(*words))
    result = refuses_worker(76, f"the worker of 'echo' ({ODD_WORKER}) ended before it was ready: exit 1",
                            odd("dance"))
    contains(result.stderr, "odd_worker: what is 'dance'?\n")


@test("the whole of up takes too long")
def up_takes_too_long():
    path = gadget("x", odd("wait", start_timeout=1000))
    refuses(75, "ffsctl: 'x' did not come up within the time given (--timeout); the worker of 'echo' is not ready",
            path, "--timeout", 12)


# --- gadgets of others ------------------------------------------------------------------------------------


@test("a foreign gadget of the same name")
def foreign_gadget_of_same_name():
    with foreign("interrupt", bound=False):
        refuses(73, "ffsctl: the gadget 'interrupt' was not made by ffsctl\n"
                    "hint: 'ffsctl down --force interrupt' takes it down; "
                    "'ffsctl up --name' gives the new gadget another name", INTERRUPT)


@test("a foreign gadget beside ours, with functions that libusbgx does not know")
def foreign_gadget_with_unknown_functions():
    with foreign(bound=False) as top:
        (top / "idVendor").write_text("0xabcd")
        there = harness.tree(top)
        up(INTERRUPT)
        eq(status("interrupt")[1], 0)
        seen = document(must(ffsctl("status", "--json")))["gadgets"]
        eq([(g["name"], g["state"]) for g in seen], [("foreign", "foreign"), ("interrupt", "ready")])
        eq([f["type"] for f in seen[0]["functions"]], ["SourceSink"])
        down("--all")
        eq(harness.tree(top), there)
        eq((top / "idVendor").read_text(), "0xabcd\n")


@test("a foreign gadget that serves a host is not touched")
def foreign_gadget_serves_host():
    with foreign() as top:
        eq(must(ffsctl("status", "foreign"), 4).stdout.splitlines()[0].split(",")[0], f"foreign: foreign on {UDC}")
        refuses(73, "ffsctl: the gadget 'foreign' was not made by ffsctl\nhint: 'ffsctl down --force foreign' takes it down", "foreign",
                command="down")
        eq((top / "UDC").read_text().strip(), UDC)


# --- twice, and at once --------------------------------------------------------------------------------------


@test("whoever calls may have left SIGCHLD ignored: the exit code is ours all the same")
def caller_ignores_sigchld():
    def ignore():
        signal.signal(signal.SIGCHLD, signal.SIG_IGN)

    with tempfile.TemporaryDirectory() as top:
        pathlib.Path(top, "bad.conf").write_text("autostart = true; nonsense = 1; functions : { };\n")
        for code, words in ((65, ("up", f"{top}/bad.conf")), (65, ("--dir", top, "up", "--all"))):
            got = subprocess.run([FFSCTL, *words], capture_output=True, text=True, preexec_fn=ignore)
            contains(must(got, code).stderr, "unknown key 'nonsense'")


@test("up twice, down twice")
def up_twice_down_twice():
    up(INTERRUPT)
    pid = status("interrupt")[0]["supervisor"]
    contains(up(INTERRUPT).stderr, f"interrupt: up already on {UDC}")
    eq(status("interrupt")[0]["supervisor"], pid)
    refuses(73, f"ffsctl: a different gadget 'interrupt' is up\nhint: 'ffsctl reload --name interrupt {EXAMPLES}/loopback.conf' "
                "applies the gadget file", f"{EXAMPLES}/loopback.conf", "--name", "interrupt")
    refuses(73, "ffsctl: 'interrupt' is up already\nhint: take it down first", INTERRUPT, command="run")
    contains(down("interrupt").stderr, "interrupt: down")
    contains(down("interrupt").stderr, "interrupt: is not up")


@test("up twice, but not as it was")
def up_twice_with_changes():
    up(INTERRUPT, "--no-bind")
    refuses(73, "ffsctl: 'interrupt' is up but not bound\nhint: 'ffsctl bind interrupt' binds it", INTERRUPT)
    contains(up(INTERRUPT, "--no-bind").stderr, "interrupt: up already, not bound")
    down("interrupt")
    up(INTERRUPT)
    refuses(73, f"ffsctl: 'interrupt' is bound to {UDC}, not to other_udc\nhint: 'ffsctl unbind interrupt' unbinds it first",
            INTERRUPT, "--udc", "other_udc")
    contains(up(INTERRUPT, "--udc", UDC).stderr, f"interrupt: up already on {UDC}")
    down("interrupt")


@test("two ups at once: one wins, the other says who")
def two_ups_at_once():
    told = Fifo()
    path = gadget("slow", odd("tell", told.path, "wait"))
    front = start("up", path)
    told.wait()
    pid = status("slow")[0]["supervisor"]
    refuses(73, f"ffsctl: another command works on 'slow': 'up' (pid {pid})", path)
    refuses(73, f"ffsctl: another command works on 'slow': 'up' (pid {pid})", path, command="run")
    down("slow")
    result = must(finish(front), 75)
    eq(result.stderr.splitlines()[-1], "ffsctl: 'slow' was taken down before it was up")


@test("many ups at once, and many downs")
def many_ups_and_downs_at_once():
    for _ in range(5):
        fronts = [start("up", INTERRUPT) for _ in range(6)]
        results = [finish(front) for front in fronts]
        ok(set(r.returncode for r in results) <= {0, 73}, [r.stderr for r in results])
        eq(sum("interrupt: up on" in r.stderr for r in results), 1, "winners")
        for r in results:
            if r.returncode:
                contains(r.stderr, "another command works on 'interrupt': 'up' (pid ")
        eq(status("interrupt")[1], 0)
        fronts = [start("down", "interrupt") for _ in range(6)]
        results = [finish(front) for front in fronts]
        ok(set(r.returncode for r in results) <= {0, 73}, [r.stderr for r in results])
        ok(any(r.returncode == 0 for r in results))
        harness.check_same_snapshots(before, harness.snapshot())


@test("status at the same time hinders no command")
def status_meanwhile():
    for _ in range(10):
        up(INTERRUPT)
        supervisor = status("interrupt")[0]["supervisor"]
        kill(supervisor)
        others = [start("status") for _ in range(4)]
        down("interrupt")
        others += [start("status") for _ in range(4)]
        up(INTERRUPT)
        down("interrupt")
        for other in others:
            finish(other)


@test("Ctrl-C while up waits: nothing is left when it returns")
def ctrl_c_while_up_waits():
    told = Fifo()
    front = start("up", gadget("slow", odd("tell", told.path, "wait")))
    told.wait()
    front.send_signal(signal.SIGINT)
    result = must(finish(front), 75)
    eq(result.stderr.splitlines()[-1], "ffsctl: the command that waited for the gadget has ended")
    harness.check_same_snapshots(before, harness.snapshot())
    with no_udc():
        front = start("up", INTERRUPT, "--wait-udc")
        read_lines_until(front.stderr, "waiting for a UDC")
        front.send_signal(signal.SIGTERM)
        must(finish(front), 75)
        eq(status("interrupt"), (None, 3))


@test("SIGINT and SIGTERM just when up has started the supervisor: nothing is left when it returns")
def signal_at_fork():
    for name in ("INT", "TERM"):
        command = ["strace", "-o", "/dev/null", "-e", "trace=clone", "-e", f"inject=clone:signal={name}:when=1", FFSCTL, "up",
                   gadget("slow", odd("wait"))]
        result = must(subprocess.run(command, capture_output=True, text=True, check=False), 75)
        eq(result.stderr.splitlines()[-1], "ffsctl: the command that waited for the gadget has ended")
        harness.check_same_snapshots(before, harness.snapshot())


@test("a second Ctrl-C does not wait, and the rest goes on by itself")
def second_ctrl_c():
    told = Fifo()
    front = start("up", gadget("slow", odd("deaf", "tell", told.path, "wait", stop_timeout=60)))
    told.wait()
    supervisor = status("slow")[0]["supervisor"]
    front.send_signal(signal.SIGINT)
    await_state("slow", "degraded")  # going down
    front.send_signal(signal.SIGINT)
    eq(front.wait(patience(60)), -signal.SIGINT)
    wait_dead(supervisor)
    finish(front)


@test("somebody is in the mount: down names him, keeps its record, and works when he has gone")
def mount_in_use():
    up(INTERRUPT)
    child = subprocess.Popen(["sleep", "1000"], cwd="/dev/ffs/interrupt/meter")
    try:
        # A short time suffices, because the kernel must only have executed the program.
        sentence = (f"ffsctl: cannot unmount /dev/ffs/interrupt/meter: in use by sleep (pid {child.pid}); "
                    "also left: /dev/ffs/interrupt/meter\n"
                    "hint: stop these processes first; 'ffsctl down interrupt' removes what is left")
        refuses(71, sentence, "interrupt", command="down")
        eq(status("interrupt")[1], 1)
        refuses(71, sentence, "interrupt", command="down")
        refuses(71, sentence, INTERRUPT)
        eq(child.poll(), None, "the process that is not ours")
    finally:
        child.kill()
        child.wait()
    down("interrupt")


# --- run -----------------------------------------------------------------------------------------------


class Run:
    """A process `ffsctl run`, which waits for a UDC. It waits for a virtual UDC only if this UDC is named."""

    def __init__(self, path):
        self.process = start("run", path, "--udc", UDC)

    def until(self, text):
        return read_lines_until(self.process.stderr, text)

    def ends(self, code):
        out, err = self.process.communicate(timeout=patience(60))
        eq(self.process.returncode, code, err)
        return err


@test("run ends with 0 on TERM and INT, and nothing is left")
def run_ends_on_term_and_int():
    for sig in (signal.SIGTERM, signal.SIGINT):
        r = Run(INTERRUPT)
        r.until(f"interrupt: up on {UDC}")
        eq(status("interrupt")[0]["supervisor"], r.process.pid)
        r.process.send_signal(sig)
        r.ends(0)
        harness.check_same_snapshots(before, harness.snapshot())


@test("run ends with 76 when a keeper dies, removes nothing, and the next one starts anew")
def run_ends_when_keeper_dies():
    path = gadget("x", {"a": LOOPBACK, "b": None})
    r = Run(path)
    r.until("up on")
    now, _ = status("x")
    kill(now["functions"][1]["keeper"])
    said = r.ends(76)
    contains(said, "the keeper of 'b' has died, so the function does not work any more")
    gadget_, code = status("x")
    eq((gadget_["state"], code), ("degraded", 1))
    ok(os.path.ismount("/dev/ffs/x/a"))
    r = Run(path)
    r.until("x: clearing what a dead supervisor has left")
    r.until("up on")
    r.process.terminate()
    r.ends(0)


@test("run is killed: up clears and works")
def run_is_killed():
    r = Run(INTERRUPT)
    r.until("up on")
    r.process.kill()
    r.ends(-9)
    eq(status("interrupt")[1], 1)
    up(INTERRUPT)
    down("interrupt")


@test("run shows what workers print, and ends with 76 when one is never ready")
def run_shows_worker_output():
    path = gadget("x", odd("dance"))
    r = Run(path)
    said = r.ends(76)
    contains(said, "odd_worker: what is 'dance'?\n")
    contains(said, "ended before it was ready: exit 1")


@test("run waits for a UDC without being asked")
def run_waits_for_udc():
    with no_udc():
        r = Run(INTERRUPT)
        r.until("interrupt: waiting for a UDC: no UDC 'dummy_udc.0'")
    r.until("up on")
    r.process.terminate()
    r.ends(0)


@test("run is told to end while it waits")
def run_ended_while_waiting():
    with no_udc():
        r = Run(INTERRUPT)
        r.until("waiting for a UDC")
        r.process.terminate()
        r.ends(0)
        eq(status("interrupt"), (None, 3))


tap.main()
