#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""`run` as a service manager uses it: in the foreground, ended by SIGTERM to one process or to all processes."""

import contextlib
import os
import pathlib
import select
import signal
import socket
import subprocess
import time

import gadgets
import tap
from gadgets import read_lines_until
from harness import EXAMPLES, FFSCTL, must, check_same_snapshots, snapshot, status
from tap import contains, eq, ok, patience, test


def run(*args):
    """Starts `ffsctl run`; returns when it reports that the gadget is up, with its output before that."""
    # A virtual UDC is waited for only by name.
    child = subprocess.Popen([FFSCTL, "run", "--udc", "dummy_udc.0", *args], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    said = ""
    for line in child.stderr:
        said += line
        if ": up on " in line:
            return child, said
    raise AssertionError(f"exit {child.wait()}: {said}")


def end(child):
    _, rest = child.communicate(timeout=patience(30))
    return child.returncode, rest


def everybody(gadget):
    function = gadget["functions"][0]
    return [function["worker"]["pid"], function["keeper"], gadget["supervisor"]]


for who in ("the supervisor alone", "everybody, the workers first", "everybody, the supervisor first"):

    @test(f"TERM to {who} ends it with 0 and nothing left", who)
    def term_ends_it(who):
        before = snapshot()
        child, _ = run(f"{EXAMPLES}/loopback.conf")
        gadget, code = status("loopback")
        eq((gadget["state"], code), ("ready", 0))
        pids = everybody(gadget)
        eq(pids[2], child.pid, "the supervisor")
        if who == "the supervisor alone":
            pids = pids[2:]
        elif who.endswith("supervisor first"):
            pids.reverse()
        for pid in pids:
            # Once the supervisor has it, the others may end before it is their turn
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGTERM)
        eq(end(child)[0], 0, "exit status")
        check_same_snapshots(before, snapshot())


@test("a terminal's Ctrl-C, which goes to the whole process group, does the same")
def terminal_ctrl_c():
    before = snapshot()
    child = subprocess.Popen([FFSCTL, "run", "--udc", "dummy_udc.0", f"{EXAMPLES}/loopback.conf"], stdin=subprocess.DEVNULL,
                             stderr=subprocess.PIPE, text=True, start_new_session=True)
    read_lines_until(child.stderr, ": up on ")
    os.killpg(child.pid, signal.SIGINT)
    eq(end(child)[0], 0, "exit status")
    check_same_snapshots(before, snapshot())


@test("HUP reloads: the file that has changed, has not, is wrong, was removed, and is good again")
def hup_reloads():
    text = pathlib.Path(EXAMPLES, "loopback.conf").read_text()
    path = gadgets.DIRECTORY / "loopback.conf"
    path.write_text(text)
    child, _ = run(path)
    before = everybody(status("loopback")[0])

    def hup(words):
        os.kill(child.pid, signal.SIGHUP)
        return read_lines_until(child.stderr, words)

    hup("loopback: the gadget file has not changed")
    path.write_text(text + 'max_speed = "high";\n')
    hup("loopback: reloaded with a rebind: 3 changes")
    eq(everybody(status("loopback")[0]), before)
    path.write_text(text + "nonsense = 1;\nmax_speed = 7;\n")
    said = hup("not reloaded: ")
    for part in ("loopback.conf:", "error: unknown key 'nonsense'", "has 2 errors; 'ffsctl check "):
        contains(said, part)
    path.unlink()
    contains(hup("not reloaded: "), "No such file or directory")
    eq((everybody(status("loopback")[0]), status("loopback")[1]), (before, 0))
    path.write_text(text)
    hup("reloaded with a rebind: 3 changes")
    eq(everybody(status("loopback")[0]), before)
    os.kill(child.pid, signal.SIGTERM)
    eq(end(child)[0], 0, "exit status")


@test("HUP before the supervisor handles signals, when others see its lock already, does not end `run`")
def hup_at_the_lock():
    path = gadgets.gadget("x", gadgets.LOOPBACK)
    child = subprocess.Popen(["strace", "-o", "/dev/null", "-e", "trace=epoll_create1", "-e", "inject=epoll_create1:signal=HUP:when=1",
                              FFSCTL, "run", "--udc", "none", path], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    read_lines_until(child.stderr, "waiting for a UDC")  # before that, nothing has been made, and SIGTERM ends it at once
    os.kill(status("x")[0]["supervisor"], signal.SIGTERM)
    eq(end(child)[0], 0, "exit status")


@test("HUP before the gadget is up: when it is")
def hup_before_up():
    path = gadgets.gadget("x", gadgets.LOOPBACK)
    child = subprocess.Popen([FFSCTL, "run", "--udc", "none", path], stdin=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    read_lines_until(child.stderr, "waiting for a UDC")  # before that, nothing has been made, and SIGTERM ends it at once
    os.kill(child.pid, signal.SIGHUP)
    eq(status("x")[0]["state"], "starting")
    os.kill(child.pid, signal.SIGTERM)
    eq(end(child)[0], 0, "exit status")


@test("a service manager is told by NOTIFY_SOCKET: status, ready, stopping, and WATCHDOG=1 as it asks for")
def notify_socket():
    path = gadgets.gadget("x", gadgets.worker(plugin="loopback", restart_delay=0))
    for kind in ("a path", "an abstract name"):
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
            name = str(gadgets.DIRECTORY / "notify") if kind == "a path" else "@ffsctl-test"
            s.bind(name.replace("@", "\0"))
            s.settimeout(patience(30))

            def until(words):
                said = ""
                while words not in said:
                    said = s.recv(4096).decode()
                return said

            child = subprocess.Popen([FFSCTL, "run", "--udc", "dummy_udc.0", path], stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                     env={**os.environ, "NOTIFY_SOCKET": name, "WATCHDOG_USEC": "400000"})
            eq(until("READY=1"), "READY=1\nSTATUS=x: ready on dummy_udc.0")
            worker = status("x")[0]["functions"][0]["worker"]["pid"]
            os.kill(worker, signal.SIGKILL)
            until("READY=1\nSTATUS=x: degraded")
            until("READY=1\nSTATUS=x: ready on dummy_udc.0")
            for _ in range(3):
                eq(until("WATCHDOG"), "WATCHDOG=1")
            # Type=notify-reload: both words, whatever comes of it
            good = pathlib.Path(path).read_text()
            for text in (good, good + "nonsense = 1;\n", good + 'max_speed = "high";\n', good):
                pathlib.Path(path).write_text(text)
                began = time.monotonic_ns() // 1000
                child.send_signal(signal.SIGHUP)
                said = until("RELOADING=1\n")
                clock = int(said.split("MONOTONIC_USEC=")[1].split("\n")[0])
                ok(began <= clock <= time.monotonic_ns() // 1000, (began, said))
                until("READY=1\n")
            must(subprocess.run([FFSCTL, "unbind", "x"], capture_output=True, text=True))
            until("STATUS=x: unbound")
            child.terminate()
            until("STOPPING=1\n")
            eq(child.wait(patience(30)), 0)
        pathlib.Path(name).unlink(missing_ok=True)


@test("--notify-fd: one newline when it is up, not before, and then nobody has the descriptor any more")
def notify_fd():
    told = gadgets.Fifo()
    path = gadgets.gadget("x", gadgets.odd("tell", told.path, "raise", int(signal.SIGSTOP), "notify", "wait"))
    ours, theirs = os.pipe()
    child = subprocess.Popen([FFSCTL, "run", "--udc", "dummy_udc.0", "--notify-fd", str(theirs), path],
                             stdin=subprocess.DEVNULL, stderr=subprocess.DEVNULL, pass_fds=[theirs])
    os.close(theirs)
    worker = told.wait()
    eq(status("x")[0]["state"], "starting")
    eq(select.select([ours], [], [], 0)[0], [], "what there is to read")
    gadgets.continue_stopped_worker(worker)
    with open(ours, "rb") as f:
        eq(f.read(), b"\n")
    eq(status("x")[0]["state"], "ready")
    child.terminate()
    eq(child.wait(patience(30)), 0)


@test("a keeper's death is exit 76; the next command clears what is left")
def keeper_death():
    before = snapshot()
    child, _ = run(f"{EXAMPLES}/loopback.conf")
    gadget, _ = status("loopback")
    os.kill(gadget["functions"][0]["keeper"], signal.SIGKILL)
    code, said = end(child)
    eq(code, 76, "exit status")
    ok("the keeper of 'echo' has died" in said, said)
    gadget, code = status("loopback")
    eq((gadget["state"], code), ("degraded", 1))
    must(subprocess.run([FFSCTL, "down", "loopback"], stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True))
    check_same_snapshots(before, snapshot())


tap.main()
