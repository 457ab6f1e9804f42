# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240 udcs=2
# lab all: kernel=6.12,6.1 timeout=240 udcs=2
"""Unusual times and surroundings: two commands at the same time, what a caller passes on to its children, and what
other programs do to the machine in the meantime."""

import contextlib
import fcntl
import json
import os
import pathlib
import shutil
import signal
import socket
import struct
import subprocess
import time

import gadgets
import harness
import tap
from gadgets import (LOOPBACK, Fifo, await_status, ends_before_it_is_read, finish, gadget, odd, start,
                     worker)
from harness import FFSCTL, down, ffsctl, kill, must, status, up, wait_dead
from tap import contains, eq, ok, patience, rounds, test

RUN = pathlib.Path("/run/ffsctl")
F_OFD_SETLK = 37  # <fcntl.h>; Python 3.11 has no name for it

harness.leaves_nothing()


def plain(name, functions=LOOPBACK):
    return gadget(name, functions, 'udc = "dummy_udc.0";')


def worker_of(name, label="echo"):
    return next(f["worker"] for f in status(name)[0]["functions"] if f["label"] == label)


# --- workers ---------------------------------------------------------------------------------------


@test("a program that cannot be started any more costs no one else: status and down work")
def unstartable_program_costs_nobody():
    program = gadgets.DIRECTORY / "program"
    shutil.copy("/bin/sleep", program)
    up(plain("lost", worker(exec=[str(program), "100000"], ready="started", restart_delay=0, restart_limit=0,
                            on_crash="hold")))
    program.unlink()
    kill(worker_of("lost")["pid"])
    after, code = await_status("lost", lambda g: g["functions"][0]["worker"]["state"] == "waiting",
                               "waiting")
    eq((after["state"], code), ("degraded", 1))
    contains(after["problems"][0]["text"], "it could not be started")
    down("lost")


@test("a worker that was ready ends before the gadget is up: that is no success")
def ready_worker_ends_before_up():
    go = Fifo("go")
    path = plain("half", {"quick": odd("ready", "tell", go.path, "exit", "3"),
                          "slow": worker(exec=["/bin/sh", "-c", "sleep 1; echo >&$NOTIFY_FD; exec sleep 1000"],
                                         ready="fd")})
    result = must(ffsctl("up", path), 76)
    contains(result.stderr, "quick")
    contains(result.stderr, "exit 3")
    eq(status("half"), (None, 3))


@test("a worker whose end is heard of before it is read that it was ready: it was ready")
def end_seen_before_ready():
    coming = ends_before_it_is_read("quick", "--udc", "dummy_udc.0")
    contains(must(finish(coming), 76).stderr,
             "the worker of 'echo' was ready, but ended before the gadget was up: exit 3")


@test("when a restart is answered, the status tells of it already")
def restart_answer_and_status_agree():
    up(plain("told", worker(exec=["sleep", "100000"], ready="started", restart_delay=1000, restart_max_delay=1000)))
    kill(worker_of("told")["pid"])
    await_status("told", lambda g: g["functions"][0]["worker"]["state"] == "waiting", "waiting")
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as control:
        control.connect(str(RUN / "told/control"))
        # Runs as soon as there is an answer, and before the supervisor can do anything more
        os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
        try:
            control.send(b'{"command": "restart"}')
            answer, shown = control.recv(4096), (RUN / "told/status").read_bytes()
        finally:
            os.sched_setscheduler(0, os.SCHED_OTHER, os.sched_param(0))
    eq(json.loads(answer)["exit"], 0)
    then = json.loads(shown)["functions"][0]["worker"]
    eq((then["state"], then["restarts"]), ("ready", 1))
    down("told")


@test("the keeper dies while a restart is awaited: restart says so")
def keeper_dies_during_restart():
    told = Fifo()
    up(plain("deaf", odd("deaf", "ready", "tell", told.path, "wait", stop_timeout=patience(3))))
    told.wait()
    restart = start("restart", "deaf")
    await_status("deaf", lambda g: g["functions"][0]["worker"]["state"] == "stopped", "stopping")
    kill(status("deaf")[0]["functions"][0]["keeper"])
    result = must(finish(restart, timeout=20), 76)
    contains(result.stderr, "the keeper of 'echo' has died")
    down("deaf")


@test("workers that do not want to stop are waited for together, not one after the other")
def stubborn_workers_stop_together():
    told = Fifo()
    names, each = ("a", "b", "c"), patience(1.5)
    path = plain("stubborn", {n: odd("deaf", "ready", "tell", told.path, "wait", stop_timeout=each) for n in names})
    up(path)
    for _ in names:
        told.wait()
    began = time.monotonic()
    down("stubborn")
    took = time.monotonic() - began
    ok(each <= took < 2 * each, f"{took:.1f} s")


@test("a keeper that dies while the gadget goes down is no failure of run")
def keeper_dies_during_down():
    told = Fifo()
    child = run_in_foreground(FFSCTL, "run", plain("late", odd("deaf", "ready", "tell", told.path, "wait",
                                                               stop_timeout=patience(1.5))))
    told.wait()
    child.terminate()
    await_status("late", lambda g: g["functions"][0]["worker"]["state"] == "stopped", "going down")
    kill(status("late")[0]["functions"][0]["keeper"])
    eq(child.wait(patience(30)), 0)
    child.stderr.close()


NOTIFY = ("import os, socket\n"
          "s = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)\n"
          "s.sendto(b'READY=1', os.environ['NOTIFY_SOCKET'])\n")


@test("who says READY=1 may have ended when the supervisor reads it")
def sender_of_ready_has_ended():
    # As a shell script does with systemd-notify, and so fast that the supervisor is still asleep.
    script = gadgets.DIRECTORY / "notify.py"
    script.write_text(NOTIFY)
    shell = (f"kill -STOP $PPID; /usr/bin/python3 -I -S {script}; "
             "kill -CONT $PPID; exec sleep 100000")
    up(plain("told", worker(exec=["/bin/sh", "-c", shell], ready="notify", start_timeout=patience(5),
                            user="root", privileges="keep")))
    down("told")


@test("a worker is given the default signal actions, whatever ffsctl was given")
def default_signal_actions():
    def ignore():
        for sig in (signal.SIGHUP, signal.SIGINT, signal.SIGUSR1, signal.SIGPIPE, signal.SIGCHLD):
            signal.signal(sig, signal.SIG_IGN)

    path = plain("signals", worker(exec=["/bin/sleep", "100000"], ready="started", restart_delay=0))
    must(subprocess.run([FFSCTL, "up", path], preexec_fn=ignore, restore_signals=False,
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    first = worker_of("signals")["pid"]
    shown = harness.proc_status(first)
    eq((shown["SigIgn"], shown["SigBlk"]), ("0000000000000000", "0000000000000000"))
    kill(first)  # and its end is noticed
    await_status("signals", lambda g: g["functions"][0]["worker"]["restarts"] == 1, "restarted")
    down("signals")


# --- what the caller hands down ----------------------------------------------------------------------


@test("up without 0, 1 and 2: the lock stays with the supervisor")
def up_without_stdio():
    path = plain("bare")
    subprocess.run(["/bin/sh", "-c", f"exec {FFSCTL} up {path} <&- >&- 2>&-"], check=True)
    now, code = status("bare")
    eq((now["state"], code), ("ready", 0))
    eq(pathlib.Path(f"/proc/{now['supervisor']}/comm").read_text(), "ffsctl\n")
    eq(os.readlink(f"/proc/{now['supervisor']}/fd/1"), "/dev/null")
    down("bare")


@test("up under a tight umask: what users are to read they can read")
def up_under_tight_umask():
    must(subprocess.run([FFSCTL, "up", plain("tight")], preexec_fn=lambda: os.umask(0o077) and None,
                        stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True))
    modes = {p: oct(os.stat(p).st_mode & 0o777) for p in
             ("/run/ffsctl", "/run/ffsctl/tight", "/run/ffsctl/tight/status", "/dev/ffs/tight")}
    eq(set(modes.values()), {"0o755", "0o644"}, str(modes))
    down("tight")


def run_in_foreground(*command, **kwargs):
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True, **kwargs)
    gadgets.read_lines_until(child.stderr, ": up on ")
    return child


@test("run as the last word of a script: a process that the script has started is not ours to end")
def run_ends_no_process_of_script():
    path = plain("script")
    pid = gadgets.DIRECTORY / "pid"
    child = run_in_foreground("/bin/sh", "-c", f"sleep 100000 & echo $! >{pid}; exec {FFSCTL} run {path}")
    other = int(pid.read_text())
    kill(worker_of("script")["pid"])
    await_status("script", lambda g: g["state"] == "ready" and g["functions"][0]["worker"]["restarts"] == 1,
                 "ready again")
    contains(pathlib.Path(f"/proc/{other}/stat").read_text(), "(sleep) S")
    child.terminate()
    eq(child.wait(patience(30)), 0)
    contains(pathlib.Path(f"/proc/{other}/stat").read_text(), "(sleep) S")
    kill(other)


@test("run goes on when nobody reads its words any more")
def run_without_reader():
    child = run_in_foreground(FFSCTL, "run", plain("pipe"), restore_signals=True)
    child.stderr.close()
    kill(worker_of("pipe")["pid"])
    await_status("pipe", lambda g: g["state"] == "ready" and g["functions"][0]["worker"]["restarts"] == 1,
                 "ready again")
    child.terminate()
    eq(child.wait(patience(30)), 0)


# --- two commands at once -----------------------------------------------------------------------------


@test("two gadgets come and go at the same time, again and again")
def two_gadgets_at_once():
    paths = [gadget(name, LOOPBACK) for name in ("one", "two")]
    for _ in range(rounds(8, 15, 25)):
        for command in (["up", "--no-bind"], ["down"]):
            for result in [finish(p) for p in [start(*command, path) for path in paths]]:
                must(result)
    # Not in step: one is always coming while the other goes.
    script = f"for i in $(seq {rounds(12, 20, 40)}); do {FFSCTL} -q up --no-bind $1 && {FFSCTL} -q down $1 || exit $?; done"
    both = [subprocess.Popen(["/bin/sh", "-c", script, "sh", path], stderr=subprocess.PIPE, text=True)
            for path in paths]
    for child in both:
        _, said = child.communicate(timeout=patience(100))
        eq((child.returncode, said), (0, ""))


@test("the same gadget comes and goes by two: each command succeeds or says who is in the way")
def same_gadget_by_two():
    path = gadget("same", LOOPBACK)
    script = (f"for i in $(seq {rounds(12, 20, 40)}); do {FFSCTL} -q $2 $1; r=$?; "
              "case $r in 0|73|75) ;; *) echo exit $r >&2; exit 1;; esac; done")
    both = [subprocess.Popen(["/bin/sh", "-c", script, "sh", path, command], stderr=subprocess.PIPE, text=True)
            for command in ("up --no-bind", "down", "down")]
    said = ""
    for child in both:
        text = child.communicate(timeout=patience(100))[1]
        said += text
        eq(child.returncode, 0, text)
    for line in said.splitlines():
        ok("another command works on 'same'" in line or "'same' was taken down before it was up" in line, line)
    down("same")


def going_down(name):
    told = Fifo()
    path = plain(name, odd("deaf", "ready", "tell", told.path, "wait", stop_timeout=patience(2)))
    up(path)
    told.wait()
    child = start("down", name)
    await_status(name, lambda g: g["functions"][0]["worker"]["state"] == "stopped", "going down")
    return path, child


@test("up while the same goes down does not say that it is up")
def up_during_down():
    path, child = going_down("leaving")
    supervisor = status("leaving")[0]["supervisor"]
    result = must(ffsctl("up", path), 73)
    contains(result.stderr, "another command works on 'leaving'")
    contains(result.stderr, f"(pid {supervisor})")
    must(finish(child))
    eq(status("leaving"), (None, 3))


@test("a second down waits for the first")
def second_down_waits():
    _, child = going_down("leaving")
    must(ffsctl("down", "leaving"))
    eq(status("leaving"), (None, 3))
    must(finish(child))


@contextlib.contextmanager
def owned(name, words):
    """Holds the lock of a gadget whose supervisor is dead, and writes `words` to the lock file."""
    with open(RUN / name / "lock", "r+") as lock:
        fcntl.fcntl(lock, F_OFD_SETLK, struct.pack("hhqqi4x", fcntl.F_WRLCK, 0, 0, 0, 0))
        lock.truncate(0)
        lock.write(words)
        lock.flush()
        yield


def orphan(name):
    """A gadget whose keepers do not wait for the next supervisor; test_adopt.py has those that do."""
    path = plain(name)
    up(path, "--hold", "0")
    gadget_, _ = status(name)
    kill(gadget_["supervisor"])
    wait_dead(gadget_["functions"][0]["keeper"])
    return path, gadget_["supervisor"]


@test("while another command clears what a dead supervisor has left, its last status is not the truth")
def status_during_cleanup():
    path, _ = orphan("stale")
    with owned("stale", f"{os.getpid()} down\n"):
        now, code = status("stale")
        eq((now["state"], code), ("degraded", 1))
        contains(now["problems"][0]["text"], f"'down' (pid {os.getpid()})")
        for command in ("up", "down"):
            result = must(ffsctl(command, path), 73)
            contains(result.stderr, f"another command works on 'stale': 'down' (pid {os.getpid()})")
    down("stale")


@test("the words of a dead owner are not taken for those of the new one")
def stale_words_of_dead_owner():
    path, supervisor = orphan("stale")
    with owned("stale", f"{supervisor} supervisor\n"):
        result = must(ffsctl("up", path), 73)
        contains(result.stderr, "another command works on 'stale'")
        ok(str(supervisor) not in result.stderr, result.stderr)
    down("stale")


@test("a user who holds the lock file open keeps nobody from working")
def lock_held_by_user():
    orphan("open")
    code = ("import fcntl, os, sys, struct\n"
            "os.setgid(65534); os.setuid(65534)\n"
            "try:\n"
            "    f = open('/run/ffsctl/open/lock')\n"
            f"    fcntl.fcntl(f, {F_OFD_SETLK}, struct.pack('hhqqi4x', fcntl.F_RDLCK, 0, 0, 0, 0))\n"
            "except PermissionError: pass\n"
            "print('there', flush=True); sys.stdin.read()\n")
    user = subprocess.Popen(["/usr/bin/python3", "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
    user.stdout.readline()
    down("open")
    user.communicate()


# --- what others do to the machine ----------------------------------------------------------------------


@test("a record that somebody has removed: up says so, and does not look for it for ever")
def record_removed():
    path = plain("robbed")
    up(path)
    os.unlink(RUN / "robbed/record")
    result = must(ffsctl("up", path, timeout=20), 73)
    contains(result.stderr, "record")
    down("robbed")


@test("a damaged status hides no other gadget")
def damaged_status():
    up(plain("good"))
    up(gadget("bad", LOOPBACK), "--no-bind")
    for text in ("", "{", "[]", '"x"', '{"functions": 1, "problems": {}, "state": 7}'):
        (RUN / "bad/status").write_text(text)
        listed = harness.document(ffsctl("status", "--json"))["gadgets"]
        eq([g["name"] for g in listed], ["bad", "good"])
        eq([g["state"] for g in listed], ["degraded", "ready"], text)
    down("good", "bad")


@test("a record that makes no sense ends down with a message, not with a signal")
def senseless_record():
    orphan("odd")
    record = RUN / "odd/record"
    good = record.read_text()
    steps = [s["do"] for s in json.loads(good)["plan"]]
    for op in sorted(set(steps)):
        for path in rounds(("", "/x"), ("", "x", "/", "/x")):
            for value in rounds((None, "x"), (None, "", "x", " ")):
                record.write_text(json.dumps({"plan": [{"n": 1, "do": op, "path": path, "value": value}]}))
                r = subprocess.run([FFSCTL, "down", "odd"], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE,
                                   text=True)
                ok(r.returncode >= 0, f"{op} {path!r} {value!r}: signal {-r.returncode}")
                RUN.joinpath("odd").mkdir(parents=True, exist_ok=True)
                (RUN / "odd/lock").touch()
    record.write_text(good)
    down("odd")


@test("gadget files in /run/ffsctl/gadget.d are no gadget")
def gadget_file_in_run_directory():
    (RUN / "gadget.d").mkdir(parents=True)
    try:
        result = must(ffsctl("status"))
        ok("gadget.d" not in result.stdout + result.stderr, result.stdout)
        down("--all")
    finally:
        (RUN / "gadget.d").rmdir()
        RUN.rmdir()


@test("names that would lead out of /run/ffsctl are refused")
def names_leading_out():
    up(plain("inside"))
    for name in ("..", ".", "", "a b", "-x"):
        for command in ("down", "status", "restart"):
            result = ffsctl(command, "--", name)
            eq(result.returncode, 4 if command == "status" else 64, f"{command} {name!r}")
            contains(result.stderr, "invalid gadget name")
    eq(status("inside")[1], 0)
    down("inside")


@test("a damaged gadget file goes down by its whole name")
def damaged_file_by_name():
    path = plain("with.dots")
    up(path)
    pathlib.Path(path).write_text("functions : {")
    down(path)
    eq(status("with.dots"), (None, 3))


@test("the UDC goes: status does not say ready")
def udc_goes_away():
    up(plain("lonely"))
    (harness.UDC_DRIVER / "unbind").write_text("dummy_udc.0")
    try:
        now, code = status("lonely")
        eq((now["state"], code), ("degraded", 1))
        contains(now["problems"][0]["text"], "dummy_udc.0 was removed")
    finally:
        down("lonely")
        (harness.UDC_DRIVER / "bind").write_text("dummy_udc.0")


tap.main()
