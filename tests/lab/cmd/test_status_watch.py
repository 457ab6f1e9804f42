# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""`status --watch` prints one line for each change to a pipe, and one document for each change with --json. On a
terminal it redraws the status in place, with the data rate of each endpoint."""

import contextlib
import fcntl
import json
import os
import pathlib
import pty
import select
import signal
import struct
import subprocess
import termios
import time

import gadgets
import harness
import tap
from gadgets import LOOPBACK, SLOW, gadget, odd
from harness import FFSCTL, document, down, ffsctl, kill, must, status, up
from tap import contains, eq, ok, patience, test

terminals = []


@tap.cleanup
def end_terminals():
    while terminals:
        os.kill(terminals[-1].pid, signal.SIGKILL)
        terminals[-1].wait()


harness.leaves_nothing()

LEAVE = b"\x1b[?7h\x1b[?25h\x1b[?1049l"


class Reader:
    """Reads the output of a command from a descriptor."""

    def __init__(self, fd):
        self.fd, self.rest = fd, b""

    def _more(self, what):
        if not select.select([self.fd], [], [], 600)[0]:
            raise AssertionError(f"no {what} in {self.rest!r}")
        data = b""
        with contextlib.suppress(OSError):  # the other end of the terminal is closed
            data = os.read(self.fd, 65536)
        if not data:
            raise AssertionError(f"it ended without {what}: {self.rest!r}")
        self.rest += data

    def until(self, what):
        """Returns all data up to the end of this text, and removes it."""
        while what not in self.rest:
            self._more(what)
        before, _, self.rest = self.rest.partition(what)
        return before + what

    def line(self):
        return self.until(b"\n").decode().rstrip("\n")

    def line_with(self, *parts):
        """Returns the next line that has all these parts."""
        while True:
            line = self.line()
            if all(part in line for part in parts):
                return line


@contextlib.contextmanager
def watching(*args):
    child = subprocess.Popen([FFSCTL, "status", "--watch", *args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE)
    try:
        yield Reader(child.stdout.fileno()), child
    finally:
        child.kill()
        child.wait()
        child.stdout.close()


@test("on a pipe: a line for each change, whoever made it, and none without one")
def line_per_change():
    path = gadget("flow", SLOW)
    with watching() as (said, child):
        up(path)
        line = said.line_with("flow: ready on dummy_udc.0, ", "; echo: worker ready (pid ")
        pid = status("flow")[0]["functions"][0]["worker"]["pid"]
        contains(line, f"(pid {pid})")
        pathlib.Path(harness.CONFIGFS, "flow/UDC").write_text("\n")
        contains(said.line_with("flow: unbound;"), "error: another program unbound it from its UDC dummy_udc.0")
        must(ffsctl("bind", "flow"))
        said.line_with("flow: ready on dummy_udc.0, ")
        kill(pid)
        contains(said.line_with("flow: degraded on ", "worker waiting"), "last ended by signal 9 (Killed)")
        must(ffsctl("restart", "flow"))
        said.line_with("flow: ready on ", "1 restart,")
        kill(status("flow")[0]["supervisor"])
        contains(said.line_with("flow: degraded on "), "its supervisor has ended; its workers continue")
        up(path)
        said.line_with("flow: ready on ")
        down("flow")
        said.line_with("flow: down")
        with gadgets.foreign(bound=False):
            eq(said.line(), "foreign: foreign")
        eq(said.line(), "foreign: down")
        up(path)
        said.line_with("flow: ready on ")
        down("flow")
        said.line_with("flow: down")
        eq(said.rest, b"")
        child.terminate()
        eq(child.wait(), 0)


@test("of one gadget: what happens to others is not told, and 'down' is a state like others")
def watches_one_gadget_only():
    with watching("flow") as (said, _):
        eq(said.line(), "flow: down")
        up(gadget("other", None), "--no-bind")
        down("other")
        up(gadget("flow", None), "--no-bind")
        said.line_with("flow: unbound")
        down("flow")
        said.line_with("flow: down")


@test("--json: a document in each line, valid")
def json_line_per_document():
    with watching("--json") as (said, _):
        eq(json.loads(said.line())["gadgets"], [])
        up(gadget("flow", LOOPBACK), "--no-bind")
        shown = []
        while not shown or shown[0]["state"] != "unbound":
            shown = document(subprocess.CompletedProcess([], 0, said.line()))["gadgets"]
        eq(shown, [status("flow")[0]])
        down("flow")
        while document(subprocess.CompletedProcess([], 0, said.line()))["gadgets"]:
            pass


@test("it ends when nobody reads it any more")
def ends_with_its_reader():
    read, write = os.pipe()
    child = subprocess.Popen([FFSCTL, "status", "--watch"], stdout=write)
    os.close(write)
    os.close(read)
    eq(child.wait(patience(60)), 0)


@test("a day without a change: it does not run")
def idle_day_runs_nothing():
    def switches():
        return harness.context_switches(child.pid)

    tap.needs_virtual_time()
    up(gadget("flow", None), "--no-bind")
    with watching() as (said, child):
        said.line_with("flow: unbound")
        time.sleep(10)
        before = switches()
        time.sleep(86400)
        eq(switches(), before)
    down("flow")


# --- a terminal -----------------------------------------------------------------------------------


class Terminal(Reader):
    """The command on a new terminal with `rows` rows."""

    def __init__(self, *args, rows=24, term="xterm"):
        self.pid, fd = pty.fork()
        if self.pid == 0:
            os.environ["TERM"] = term
            os.execv(FFSCTL, [FFSCTL, "status", "--watch", *args])
        super().__init__(fd)
        self.resize(rows)
        terminals.append(self)

    def resize(self, rows):
        fcntl.ioctl(self.fd, termios.TIOCSWINSZ, struct.pack("HHHH", rows, 80, 0, 0))

    def wait(self):
        """Waits for the end of the command; returns its exit status."""
        terminals.remove(self)
        _, code = os.waitpid(self.pid, 0)
        os.close(self.fd)
        return os.waitstatus_to_exitcode(code)

    def interrupt(self):
        """Sends Ctrl-C, and returns the output until the end of the command."""
        os.write(self.fd, b"\x03")
        return self.until(LEAVE)


@test("on a terminal: drawn in place, cut where it ends, and as it was after Ctrl-C")
def redraws_terminal_in_place():
    up(gadget("flow", {"a": SLOW, "b": None, "c": None}), "--no-bind")
    t = Terminal()
    settings = termios.tcgetattr(t.fd)
    contains(t.until(b"flow: unbound\x1b[K\r\n"), b"\x1b[?1049h")
    contains(t.until(b"\x1b[J"), b"  c              ffs.flow-c on /dev/ffs/flow/c\x1b[K\r\n")
    t.resize(4)
    while (lines := t.until(b"\x1b[J").count(b"\r\n")) == 4:  # drawn before it has learned of the size
        pass
    eq(lines, 3)
    t.resize(24)
    must(ffsctl("bind", "flow"))
    t.until(b"\x1b[Hflow: ready on dummy_udc.0, ")
    kill(status("flow")[0]["supervisor"])
    t.until(b"its supervisor has ended")
    down("flow")
    t.until(b"\x1b[Hno gadget is up\x1b[K\r\n\x1b[J")
    eq(termios.tcgetattr(t.fd), settings)
    t.interrupt()
    eq((t.rest, t.wait()), (b"", 0))


@test("Ctrl-Z gives the terminal back, and after it all is drawn again")
def ctrl_z_gives_terminal_back():
    t = Terminal()
    t.until(b"no gadget is up")
    os.write(t.fd, b"\x1a")
    t.until(LEAVE)
    os.waitpid(t.pid, os.WUNTRACED)
    os.kill(t.pid, signal.SIGCONT)
    contains(t.until(b"no gadget is up"), b"\x1b[?1049h")
    t.interrupt()
    eq(t.wait(), 0)


@test("a terminal that cannot be drawn on gets lines")
def dumb_terminal_gets_lines():
    t = Terminal(term="dumb")
    up(gadget("flow", None), "--no-bind")
    ok(b"\x1b" not in t.until(b"flow: unbound"))
    os.kill(t.pid, signal.SIGTERM)
    eq(t.wait(), 0)
    down("flow")


@test("rates: what the worker says it has moved, each second; 0 when it moves no more")
def shows_rates():
    up(gadget("flow", odd("ready", "traffic", 1500000, 20, "wait")))
    t = Terminal()
    t.until(b"ep1 out 1.5 MB/s, ep2 in 3.0 MB/s")
    t.until(b"ep1 out 0 B/s, ep2 in 0 B/s")
    t.interrupt()
    eq(t.wait(), 0)
    eq([e["bytes"] for e in status("flow")[0]["functions"][0]["endpoints"]], [30000000, 60000000])
    down("flow")


tap.main()
