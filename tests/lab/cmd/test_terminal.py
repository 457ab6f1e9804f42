# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""Output of a program in the foreground: to a terminal, which belongs to root, and to readers that do not read."""

import contextlib
import fcntl
import os
import pty
import select
import subprocess

import gadgets
import harness
import tap
from gadgets import gadget, odd, worker
from harness import FFSCTL, ffsctl, must, status
from tap import contains, eq, ok, patience, test

harness.leaves_nothing()

RED = r"printf '\033[31mred\n'"
FULL = 1031  # F_SETPIPE_SZ


@contextlib.contextmanager
def running(path, **streams):
    """Starts `ffsctl run` with a gadget file; yields when the gadget is ready."""
    with subprocess.Popen([FFSCTL, "run", "--udc", "dummy_udc.0", path], start_new_session=True, **streams) as p:
        try:
            gadgets.await_state("x", "ready")
            yield p
        finally:
            p.terminate()
            p.wait(patience(60))


class Terminal:
    """A terminal: `ours` is the end of the test, `theirs` is the end for a program."""

    def __init__(self):
        self.ours, self.theirs = pty.openpty()
        self.seen = b""

    def read_until(self, words):
        while words not in self.seen:
            ok(select.select([self.ours], [], [], patience(60))[0], f"no {words} in {self.seen}")
            self.seen += os.read(self.ours, 4096)

    def streams(self):
        return {name: self.theirs for name in ("stdin", "stdout", "stderr")}

    def close(self):
        os.close(self.ours)
        os.close(self.theirs)


@test("run on a terminal: no worker has that terminal, and what a worker prints there is only text")
def worker_has_no_terminal():
    terminal = Terminal()
    name = os.ttyname(terminal.theirs)
    path = gadget("x", worker(exec=["/bin/sh", "-c", f"{RED}; exec sleep 100000"], ready="started"))
    with running(path, **terminal.streams()):
        pid = status("x")[0]["functions"][0]["worker"]["pid"]
        ok(name not in (held := harness.open_files(pid)).values(), held)
        terminal.read_until(b"?[31mred")
        eq(b"\033" in terminal.seen, False, "control characters")
    terminal.close()


@test("up that fails: what its worker has printed is only text")
def failed_up_prints_plain_text():
    path = gadget("x", worker(exec=["/bin/sh", "-c", f"{RED}; exit 3"], ready="notify"))
    result = must(ffsctl("up", path), 76)
    contains(result.stderr, "?[31mred")
    eq("\033" in result.stderr, False, "control characters")


def still_answers():
    """Restarts the worker so often that the messages fill any buffer. The supervisor must still answer."""
    before = status("x")[0]["functions"][0]["worker"]["pid"]
    for _ in range(100):
        must(ffsctl("restart", "x"))
    ok(status("x")[0]["functions"][0]["worker"]["pid"] != before, "the same worker")


@test("run with a pipe that nobody reads: the gadget goes on, and what was lost is counted")
def run_without_reader_goes_on():
    read, write = os.pipe()
    size = fcntl.fcntl(write, FULL, 4096)
    with running(gadget("x", odd("ready", "wait", restart_limit=0)), stdin=subprocess.DEVNULL, stderr=write):
        os.set_blocking(write, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(write, bytes(1))
        os.set_blocking(write, True)
        still_answers()
        os.set_blocking(read, False)
        with contextlib.suppress(BlockingIOError):
            while os.read(read, size):
                pass
        must(ffsctl("restart", "x"))
        os.set_blocking(read, True)
        contains(os.read(read, size).decode(), " bytes of output: stderr was blocked\n")
    os.close(read)
    os.close(write)


@test("run on a terminal that is stopped (Ctrl-S): the gadget goes on")
def run_on_stopped_terminal_goes_on():
    terminal = Terminal()
    with running(gadget("x", odd("ready", "wait", restart_limit=0)), **terminal.streams()):
        terminal.read_until(b"up on dummy_udc.0")
        os.write(terminal.ours, b"\x13")
        still_answers()
        os.write(terminal.ours, b"\x11")
        must(ffsctl("restart", "x"))
        terminal.read_until(b"bytes of output: stderr was blocked")
    terminal.close()


tap.main()
