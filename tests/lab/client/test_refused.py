#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab:
# lab: stock
# lab all: kernel=6.12,6.1
# lab all: kernel=6.12,6.1 stock
"""What shows that a host has configured a gadget, and why one could not. Without the patch "set the state after the
configuration" the kernel sets the UDC's state to "configured" before it enables the functions, and leaves it there if that
fails: then the host is refused ("can't set config"). Each test runs on both kernels, and its result is the same."""

import struct

import gadgets
import harness
import tap
from gadgets import DIRECTORY, await_log, odd, worker
from harness import SRC, down, ffsctl, must, status, up
from tap import contains, eq, ok, test

DAEMON, NAME = f"{SRC}/tests/lab/workers/ep0_daemon.py", "own"
ECHO = 'ffs = { %sinterfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } ); }; worker = { plugin = "loopback"; };'
REFUSED = "can't set config #1, error -32"
SPEED_HINT = "set max_speed = \"high\", or 'speeds' of 'own', if the daemon writes no descriptors for super-speed"
ENDPOINT_HINT = "correct the endpoint descriptors (wMaxPacketSize) that the daemon of 'own' writes for super-speed"

harness.leaves_nothing()


def file(functions, extra=""):
    path = DIRECTORY / f"{NAME}.conf"
    path.write_text(f"attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};\n{extra}\n"
                    "functions = {\n%s\n};\n" % "\n".join(f"  {label} = {{ {text} }};" for label, text in functions.items()))
    return path


def daemon(*words):
    """Returns the text of a function whose daemon writes descriptors as ep0_daemon.py's words say."""
    group = worker(exec=["/usr/bin/python3", "-I", "-S", DAEMON, "${mount}", *words], opens="ep0", user="0")
    return f"ffs = {{ }}; worker = {{ {group} }};"


def is_refused(path, *messages, hint):
    """The host is refused: nothing says that it has configured the gadget, and the kernel's messages are quoted."""
    result = must(ffsctl("up", path, "--wait-host=3"), 75)
    ok("configured by the host" not in result.stderr and "UDC reports" not in result.stderr, result.stderr)
    contains(result.stderr, "no host has configured the gadget within 3 s, and it stays up; the kernel logged \"")
    waited = must(ffsctl("wait", NAME, "--for", "configured", "--timeout", "0.1"), 75)
    shown, _ = status(NAME)
    eq((shown["state"], shown["configured_by"]), ("ready", None))
    ok(shown["udc_state"] != "configured", shown["udc_state"])
    [problem] = shown["problems"]
    await_log(NAME, "no host can configure the gadget: the kernel logged \"")
    log = gadgets.log(NAME)
    for text in (result.stderr, waited.stderr, problem["text"], log):
        for message in (*messages, hint):
            contains(text, message)
    eq(log.count("no host can configure"), 1)
    down(NAME)


@test("a daemon whose endpoints the UDC refuses, alone, before and after another function: the host's error is quoted")
def refused_endpoints():
    wrong, echo = daemon("packet", "200"), ECHO % ""
    for functions in ({"own": wrong}, {"own": wrong, "echo": echo}, {"echo": echo, "own": wrong},
                      {"own": wrong, "line": 'type = "acm";'}, {"line": 'type = "acm";', "own": wrong}):
        is_refused(file(functions), REFUSED, hint=ENDPOINT_HINT)


@test("a daemon without descriptors for the speed: max_speed and `speeds` are advised, and help")
def daemon_lacks_speed():
    slow = daemon("speeds", "2")
    is_refused(file({"own": slow}), "no configurations", hint=SPEED_HINT)
    is_refused(file({"own": slow, "echo": ECHO % ""}), "doesn't hold the descriptors for current speed", REFUSED,
               hint=SPEED_HINT)
    for cure in ({"own": slow}, 'max_speed = "high";'), ({"own": slow.replace("{ }", '{ speeds = ( "full", "high" ); }')}, ""):
        contains(up(file(*cure), "--wait-host").stderr, "own: configured, as the UDC reports\n")
        eq(status(NAME)[0]["problems"], [])
        down(NAME)


@test("a function without descriptors for a lower speed: `speeds` is advised, and helps")
def function_lacks_speed():
    is_refused(file({"echo": ECHO % 'speeds = ( "super" ); '}, 'max_speed = "high";'), "no configurations",
               hint="add \"high\" to 'speeds' of 'echo'")
    up(file({"echo": ECHO % 'speeds = ( "super", "high", "full" ); '}, 'max_speed = "high";'), "--wait-host")
    down(NAME)


@test("descriptors of a file that the UDC refuses: the file is named")
def refused_blob():
    body = bytes((9, 4, 0, 0, 1, 0xFF, 0, 0, 0)) + struct.pack("<BBBBHBBBBBH", 7, 5, 0x81, 2, 512, 0, 6, 0x30, 0, 0, 0)
    (DIRECTORY / "wrong.descriptors").write_bytes(struct.pack("<IIII", 3, 16 + len(body), 4, 3) + body)
    (DIRECTORY / "wrong.strings").write_bytes(struct.pack("<IIII", 2, 16, 0, 0))
    blob = 'ffs = { blob = { descriptors = "wrong.descriptors"; strings = "wrong.strings"; }; }; worker = { %s };' % odd("notify", "wait")
    is_refused(file({"own": blob}), REFUSED,
               hint="correct the endpoint descriptors (wMaxPacketSize) for super-speed in 'blob' of 'own'")


@test("it is shown whether functions or only the UDC report the host")
def evidence_is_shown():
    cases = (({"own": daemon()}, "udc"), ({"line": 'type = "acm";'}, "udc"), ({"echo": ECHO % ""}, "functions"),
             ({"own": daemon(), "echo": ECHO % ""}, "functions"), ({"line": 'type = "acm";', "echo": ECHO % ""}, "functions"))
    for functions, evidence in cases:
        only_udc = evidence == "udc"
        contains(up(file(functions), "--wait-host").stderr,
                 "own: configured, as the UDC reports\n" if only_udc else "own: configured by the host\n")
        eq(must(ffsctl("wait", NAME, "--for", "configured")).stderr,
           "ffsctl: own: configured%s\n" % (", as the UDC reports" if only_udc else ""))
        shown, _ = status(NAME)
        eq((shown["configured_by"], shown["udc_state"], shown["problems"]), (evidence, "configured", []))
        eq(must(ffsctl("status", NAME, "-o", "configured_by")).stdout, evidence + "\n")
        ok(must(ffsctl("status", NAME)).stdout.splitlines()[0].endswith(
            ", configured, super-speed" + " (as the UDC reports)" * only_udc))
        down(NAME)


@test("a host that was refused configures the gadget after a reload: the old messages are not shown any more")
def cured_by_reload():
    must(ffsctl("up", file({"own": daemon("packet", "200")}), "--wait-host=1"), 75)
    file({"own": daemon()})
    must(ffsctl("reload", NAME))
    must(ffsctl("wait", NAME, "--for", "configured", "--timeout", "10"))
    eq((status(NAME)[0]["configured_by"], status(NAME)[0]["problems"]), ("udc", []))
    down(NAME)


@test("of two configurations, the functions of the one that the host has selected show it")
def two_configurations():
    both = ('configs = ( { functions = ( "first", "both" ); }, { functions = ( "second", "both" ); } );')
    up(file({"first": ECHO % "", "second": ECHO % "", "both": ECHO % ""}, both), "--wait-host")
    device = harness.device()
    for number in (1, 2, 1):
        device.set_configuration(number)
        must(ffsctl("wait", NAME, "--for", "configured", "--timeout", "10"))
        eq(status(NAME)[0]["configured_by"], "functions")
    down(NAME)


@test("the next supervisor of a host that was refused does not believe the UDC")
def takeover_of_refused():
    path = file({"own": daemon("packet", "200"), "line": 'type = "acm";'})
    must(ffsctl("up", path, "--hold=30", "--wait-host=1"), 75)
    harness.kill(status(NAME)[0]["supervisor"])
    must(ffsctl("up", path, "--wait-host=1"), 75)
    eq(status(NAME)[0]["configured_by"], None)
    down(NAME)


tap.main()
