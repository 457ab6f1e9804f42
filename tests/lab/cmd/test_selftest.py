#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=120
# lab: udc=dwc2 timeout=120
# lab all: kernel=6.12,6.1 speed=full,high
"""`selftest` tests a UDC with and without a host and ffsbench, writes a report without what identifies the board, and puts
back what was there: at the end, after a signal, and after SIGKILL."""

import contextlib
import os
import pathlib
import pty
import re
import signal
import subprocess

import gadgets
import harness
import tap
from gadgets import LOOPBACK, await_state, gadget
from harness import FFSBENCH, FFSCTL, ffsctl, kill, must, status, up
from tap import contains, eq, ok, test

UDC, = sorted(p.name for p in pathlib.Path("/sys/class/udc").iterdir())
REPORT = gadgets.DIRECTORY / "report.txt"
OURS = "ffsctl-selftest"


@tap.cleanup
def remove_report():
    REPORT.unlink(missing_ok=True)
    ffsctl("down", "x")


harness.leaves_nothing()


def selftest(*args, code=0):
    """Runs selftest without a terminal; returns its messages, and the lines of its report."""
    result = must(ffsctl("selftest", "--output", REPORT, *args, timeout=300), code)
    return result.stderr, REPORT.read_text().splitlines() if REPORT.exists() else []


def outcomes(report):
    """Returns {step: outcome} of a report."""
    found = {}
    for line in report[report.index("Results"):]:
        match = re.match(r"(passed|failed|not possible|not seen)\s+(\S+(?: [a-z]+)?) ", line)
        if match:
            found[match[2].strip()] = match[1]
    return found


@contextlib.contextmanager
def bench():
    """Runs ffsbench selftest on the host meanwhile; it must succeed."""
    child = subprocess.Popen([FFSBENCH, "selftest", "--wait", "60"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, text=True)
    try:
        yield
        must(gadgets.finish(child))
    finally:
        child.kill()
        child.wait()


def own_gadget():
    """Brings a gadget of the user up, which the end of the test takes down; returns its status."""
    up(gadget("x", LOOPBACK), "--wait-host")
    return status("x")[0]


HOST_TESTS = ("lengths", "zlp", "halt", "messages", "rate")


@test("with a host and ffsbench: every step of the basics and of an engine passes, and the report has them")
def with_ffsbench():
    with bench():
        said, report = selftest("--only", "basics", "--only", "copy", "--only", "acm")
    eq(outcomes(report), {"enumeration": "passed", "restart": "passed", "rebind": "passed", "cable": "not possible",
                          "copy": "passed", "acm": "passed", **{f"copy {t}": "passed" for t in HOST_TESTS}}, said)
    text = "\n".join(report)
    contains(text, f"\nUDC          {UDC}, driver ")
    contains(text, "\n10 passed, 0 failed, 1 not possible, 0 not seen\n")
    contains(text, "configured by the host at ")
    ok(all(len(line) < 80 for line in report), "a line is too long")


@test("every engine and every type of kernel function: none fails", only_all="cmd/selftest-function-is-not-awaited: a minute")
def everything():
    with bench():
        said, report = selftest()
    found = outcomes(report)
    eq({step for step, outcome in found.items() if outcome not in ("passed", "not possible")}, set(), said)
    eq((found["copy"], found["acm"], found["hid"], found["obex"]), ("passed", "passed", "passed", "not possible"))


@test("without ffsbench: what needs it is not possible, and the second engine does not wait again")
def without_ffsbench():
    _, report = selftest("--only", "mmap", "--only", "copy", "--wait-ffsbench", "1")
    found = outcomes(report)
    eq({found[f"copy {t}"] for t in HOST_TESTS}, {"not possible"})
    eq(found["copy"], "passed")
    contains("\n".join(report), "'ffsbench selftest' did not")


@test("--ask: the user is asked to unplug the cable, and the disconnect and the return of the host are seen")
def pulls_cable():
    child = gadgets.start("selftest", "--only", "basics", "--ask", "--output", REPORT)
    gadgets.read_lines_until(child.stderr, "unplug the USB cable now")
    gadgets.unconfigure()
    gadgets.read_lines_until(child.stderr, "plug the USB cable in again")
    (harness.usb_device() / "bConfigurationValue").write_text("1")
    must(gadgets.finish(child))
    eq(outcomes(REPORT.read_text().splitlines())["cable"], "passed")


@test("without a host: gadgets are bound, and nothing that needs a host fails")
def without_host():
    with gadgets.no_host():
        _, report = selftest("--only", "basics", "--only", "copy", "--only", "acm", "--wait-host", "1")
    eq(outcomes(report), {"enumeration": "not possible", "copy": "not possible", "acm": "passed"})
    contains("\n".join(report), "no host is connected")


@test("a gadget that is up is refused without --unbind, and bound again at the end, with the same worker")
def restores_gadget():
    before = own_gadget()
    result = must(ffsctl("selftest", "--only", "basics", "--output", REPORT), 73)
    eq(result.stderr.splitlines(), [f"ffsctl: cannot test {UDC}: gadget 'x' is bound to it",
                                    "hint: --unbind unbinds it for the time of the test"])
    ok(not REPORT.exists(), "a report of nothing")
    eq(status("x")[0]["udc"], UDC)
    said, report = selftest("--only", "basics", "--unbind")
    eq(outcomes(report)["rebind"], "passed")
    contains(said, f"x: bound to {UDC} again\n")
    after = status("x")[0]
    eq((after["udc"], after["functions"][0]["worker"]["pid"], after["supervisor"]),
       (UDC, before["functions"][0]["worker"]["pid"], before["supervisor"]))


@test("at a terminal it asks before it unbinds a gadget, and does nothing after another answer than yes")
def asks():
    own_gadget()
    for answer, code in ((b"n\n", 73), (b"\n", 73), (b"y\n", 0)):
        ours, theirs = pty.openpty()
        child = subprocess.Popen([FFSCTL, "selftest", "--only", "basics", "--output", REPORT], stdin=theirs, stdout=theirs,
                                 stderr=theirs)
        os.close(theirs)
        said = gadgets.read_until(ours, b"[y/N] ")
        contains(said, b"The gadget 'x' is bound to")
        os.write(ours, answer)
        with contextlib.suppress(OSError):  # EIO: the terminal is closed at the end
            while os.read(ours, 4096):
                pass
        os.close(ours)
        eq((child.wait(), REPORT.exists(), status("x")[0]["udc"]), (code, code == 0, UDC))


@test("a gadget of another program is refused, and stays")
def refuses_foreign():
    with gadgets.foreign("theirs") as top:
        result = must(ffsctl("selftest", "--unbind", "--output", REPORT), 73)
        contains(result.stderr, f"cannot test {UDC}: gadget 'theirs' is bound to it\n")
        eq((top / "UDC").read_text().strip(), UDC)


def begin():
    """Starts a selftest that waits for ffsbench when its gadget is up."""
    return gadgets.start("selftest", "--only", "copy", "--unbind", "--wait-ffsbench", "1000", "--output", REPORT)


def start():
    """Starts a selftest, and waits until its gadget is up."""
    child = begin()
    await_state(OURS, "ready")
    return child


def start_unaware():
    """Starts a selftest, and waits until its gadget is up; stops the process of its round, which does not know this yet."""
    child = begin()
    round_pid = gadgets.await_child(child.pid)
    gadgets.stop_while_coming_up(round_pid)
    await_state(OURS, "ready")
    return child, round_pid


@test("SIGTERM: the gadget that was there is bound again, and there is a report of what was done")
def interrupted():
    own_gadget()
    child = start()
    child.send_signal(signal.SIGTERM)
    must(gadgets.finish(child), 75)
    eq((status("x")[0]["udc"], status(OURS)[0]), (UDC, None))
    contains(REPORT.read_text(), "; interrupted")


@test("SIGTERM and SIGKILL while the round waits for its gadget: the round ends, too")
def interrupted_while_coming_up():
    for sig in (signal.SIGTERM, signal.SIGKILL):
        child, round_pid = start_unaware()
        child.send_signal(sig)
        while sig == signal.SIGKILL and child.poll() is None:
            os.sched_yield()
        # The round's signal is pending before it continues: selftest sends it after SIGTERM, the kernel after SIGKILL
        pending = 0
        while not pending & 1 << signal.SIGTERM - 1:
            pending = int(harness.proc_status(round_pid)["ShdPnd"], 16)
        os.kill(round_pid, signal.SIGCONT)
        must(gadgets.finish(child), 75 if sig == signal.SIGTERM else -sig)
        if sig == signal.SIGTERM:
            eq(outcomes(REPORT.read_text().splitlines()), {"copy": "not seen"})
        selftest("--restore")
        REPORT.unlink(missing_ok=True)


@test("SIGKILL: status says what to do, --restore does it, and so does the next selftest")
def killed():
    own_gadget()
    for command in (("--restore",), ("--only", "basics", "--unbind")):
        child = start()
        kill(child.pid)
        gadgets.finish(child)
        eq(status("x")[0]["state"], "unbound")
        contains(must(ffsctl("status"), 1).stderr, "a selftest was killed: 'ffsctl selftest --restore' binds 'x' again\n")
        said, _ = selftest(*command)
        contains(said, f"an earlier selftest was killed: putting right what it has left\nffsctl: x: bound to {UDC} again\n")
        eq((status("x")[0]["udc"], status(OURS)[0]), (UDC, None))
        eq(ffsctl("status").stderr, "")
        REPORT.unlink(missing_ok=True)


@test("a second selftest is refused while one runs")
def one_at_a_time():
    child = start()
    contains(must(ffsctl("selftest", "--output", REPORT), 73).stderr, "another selftest is running\n")
    child.send_signal(signal.SIGTERM)
    must(gadgets.finish(child), 75)


@test("a file is never overwritten, and that is known before anything is done")
def never_overwrites():
    REPORT.write_text("mine")
    result = must(ffsctl("selftest", "--only", "basics", "--output", REPORT), 73)
    eq(result.stderr.splitlines(), [f"ffsctl: cannot write the report {REPORT}: File exists",
                                    "hint: choose another file with --output"])
    eq(REPORT.read_text(), "mine")


@test("the report has neither the host name nor a MAC address")
def no_secrets():
    subprocess.run(["hostname", "acm"], check=True)
    try:
        _, report = selftest("--only", "ecm", "--only", "acm")
    finally:
        subprocess.run(["hostname", "lab"], check=True)
    text = "\n".join(report)
    ok(not re.search("([0-9a-f]{2}:){5}[0-9a-f]{2}", text, re.I), text)
    contains(text, "<host name>")
    ok(" acm " not in text, text)


tap.main()
