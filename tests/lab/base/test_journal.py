# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""If stderr is systemd's journal, `run` writes journal entries with fields, and the output of a worker has its own
identifier. The test provides the journal."""

import contextlib
import os
import pathlib
import socket
import struct
import subprocess

import gadgets
import harness
import tap
from gadgets import SLOW, await_state, gadget, worker
from harness import FFSCTL, down, ffsctl, kill, must, status
from tap import contains, eq, patience, test

DIRECTORY = pathlib.Path("/run/systemd/journal")
DIRECTORY.mkdir(parents=True)
harness.leaves_nothing()

ERROR, WARNING, INFO = "3", "4", "6"


def parse(packet):
    """Returns the fields of a journal entry."""
    fields = {}
    while packet:
        line, _, packet = packet.partition(b"\n")
        name, is_text, value = line.partition(b"=")
        if not is_text:
            (length,) = struct.unpack_from("<Q", packet)
            value, packet = packet[8:8 + length], packet[8 + length + 1:]
        fields[name.decode()] = value.decode()
    return fields


class Journal:
    def __init__(self):
        self.entries = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.entries.bind(str(DIRECTORY / "socket"))
        self.streams = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.streams.bind(str(DIRECTORY / "stdout"))
        self.streams.listen()
        for s in (self.entries, self.streams):
            s.settimeout(patience(60))

    def entry(self):
        return parse(self.entries.recv(1 << 20))

    def entry_with(self, message):
        """Returns the next entry whose message contains this text."""
        while message not in (entry := self.entry())["MESSAGE"]:
            pass
        return entry

    def stream(self):
        """The next one: what it says of itself, and a file of what comes then."""
        connection = self.streams.accept()[0]
        connection.settimeout(patience(60))
        file = connection.makefile("r")
        connection.close()
        return [file.readline().rstrip("\n") for _ in range(7)], file


@contextlib.contextmanager
def journal():
    try:
        yield Journal()
    finally:
        for path in DIRECTORY.iterdir():
            path.unlink()


@contextlib.contextmanager
def running(path, is_journal=True, command="run"):
    """Runs `ffsctl run` (or `up`) with a stderr that is the journal, or only similar to the journal."""
    ours, theirs = socket.socketpair()
    st = os.fstat(theirs.fileno())
    env = dict(os.environ, JOURNAL_STREAM=f"{st.st_dev}:{st.st_ino + (not is_journal)}")
    child = subprocess.Popen([FFSCTL, command, "--udc", "dummy_udc.0", path], stderr=theirs, env=env)
    theirs.close()
    ours.settimeout(patience(60))
    try:
        yield child, ours.makefile("r")
    finally:
        child.terminate()
        child.wait(patience(60))
        ours.close()


TALKS = worker(exec=["/bin/sh", "-c", "echo what it prints >&2; exec sleep 100000"], ready="started",
               restart_delay=1000, restart_max_delay=1000)


@test("what happens to a gadget and its functions: message, priority, identifier and whose it is")
def entries_say_what_happened_to_whom():
    with journal() as j, running(gadget("flow", TALKS)) as (child, stderr):
        entry = j.entry_with("echo: worker ready (pid ")
        eq({**entry, "MESSAGE": ""}, {"MESSAGE": "", "PRIORITY": INFO, "SYSLOG_IDENTIFIER": "ffsctl",
                                      "FFSCTL_GADGET": "flow", "FFSCTL_FUNCTION": "echo"})
        eq(j.entry(), {"MESSAGE": "flow: up on dummy_udc.0", "PRIORITY": INFO, "SYSLOG_IDENTIFIER": "ffsctl",
                       "FFSCTL_GADGET": "flow"})
        head, said = j.stream()
        eq(head, ["flow/echo", "", INFO, "0", "0", "0", "0"])
        eq(said.readline(), "what it prints\n")
        kill(status("flow")[0]["functions"][0]["worker"]["pid"])
        entry = j.entry_with("flow: echo: worker ended: signal 9")
        eq((entry["PRIORITY"], entry["FFSCTL_FUNCTION"]), (WARNING, "echo"))
        child.terminate()
        eq(child.wait(patience(60)), 0)
        # (A sanitizer may print a message.)
        eq([line for line in stderr if "ffsctl" in line or "prints" in line], [], "what came on stderr")


@test("an error is one, of that gadget")
def error_is_one_entry():
    path = gadget("flow", worker(exec=["/bin/sh", "-c", "exit 3"], ready="notify"))
    with journal() as j, running(path) as (child, stderr):
        eq(child.wait(patience(60)), 76)
        entry = j.entry_with("worker")
        while entry["PRIORITY"] != ERROR:
            entry = j.entry()
        eq((entry["FFSCTL_GADGET"], entry["SYSLOG_IDENTIFIER"]), ("flow", "ffsctl"))


@test("what has several lines is one entry, and makes no field")
def several_lines_are_one_entry():
    with journal() as j, running("/no\nFFSCTL_GADGET=such/file.conf") as (child, stderr):
        eq(child.wait(patience(60)), 66)
        entry = j.entry()
        contains(entry.pop("MESSAGE"), "/no\nFFSCTL_GADGET=such/file.conf")
        eq(entry, {"PRIORITY": ERROR, "SYSLOG_IDENTIFIER": "ffsctl"})


@test("another stderr than the journal's: all goes there")
def stderr_is_not_the_journal():
    with journal() as j, running(gadget("flow", TALKS), is_journal=False) as (child, stderr):
        said = ""
        while "flow: up on" not in said or "what it prints" not in said:
            said += stderr.readline()
        contains(said, "ffsctl: flow: echo: worker ready")
        j.entries.setblocking(False)
        tap.raises(BlockingIOError, j.entry)


@test("a journal that does not answer: all goes to stderr, and the gadget works")
def silent_journal_falls_back_to_stderr():
    with running(gadget("flow", TALKS)) as (child, stderr):
        said = ""
        while "ffsctl: flow: up on" not in said or "what it prints" not in said:
            said += stderr.readline()
        await_state("flow", "ready")


@test("a journal whose socket is full does not stop the supervisor")
def full_journal_socket_stops_nobody():
    with journal() as j, running(gadget("flow", SLOW)) as (child, stderr):
        j.entry_with("flow: up on")
        j.entries.setblocking(False)
        other = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        other.setblocking(False)
        with contextlib.suppress(BlockingIOError):
            while True:
                other.sendto(b"MESSAGE=full\n", str(DIRECTORY / "socket"))
        kill(status("flow")[0]["functions"][0]["worker"]["pid"])
        gadgets.read_lines_until(stderr, "worker ended")
        eq(gadgets.await_worker("flow", "waiting")["worker"]["restarts"], 0)


@test("`up` says so there as well; what comes later is in 'ffsctl log'")
def up_says_so_in_the_journal():
    with journal() as j, running(gadget("flow", SLOW), command="up") as (child, stderr):
        eq(child.wait(patience(60)), 0)
        eq(j.entry(), {"MESSAGE": "flow: up on dummy_udc.0", "PRIORITY": INFO, "SYSLOG_IDENTIFIER": "ffsctl",
                       "FFSCTL_GADGET": "flow"})
        gadgets.leave_without_worker("flow")
        contains(must(ffsctl("log", "flow")).stdout, "echo: worker ended: signal 9")
        down("flow")
        j.entries.setblocking(False)
        tap.raises(BlockingIOError, j.entry)


tap.main()
