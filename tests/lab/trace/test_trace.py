#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=high timeout=120
# lab all: kernel=6.12,6.1 speed=full,high,super timeout=240
# lab stock: no, unpatched kernels are traced by probes, which User-Mode Linux does not have
"""`ffsctl trace` prints each request of the host with its answer, and says which system the host is and what failed."""

import contextlib
import errno
import json
import os
import pathlib
import re
import signal
import struct

import usb.core

import gadgets
import harness
import replay
import tap
import valid
from gadgets import LOOPBACK, gadget
from harness import down, ffsctl, must, up
from tap import contains, eq, ok, raises, test
from traces import tracing

harness.leaves_nothing()

LINUX = "Linux, as also Android and ChromeOS are"
SPEED = os.environ["LAB_SPEED"]
TRACEFS = pathlib.Path("/sys/kernel/tracing")


class KernelLog:
    """What the kernel logs from now on."""

    def __enter__(self):
        self.fd = os.open("/dev/kmsg", os.O_RDONLY)
        os.lseek(self.fd, 0, os.SEEK_END)
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def read_until(self, text):
        while text not in os.read(self.fd, 8192).decode():
            pass


def vendor_request(interface=0, length=8, timeout=1000):
    return bytes(harness.device().ctrl_transfer(0xC1, 7, 0, interface, length, round(harness.patience(1) * timeout)))


@test("a Linux host configures a gadget: each request with its answer, up to SET_CONFIGURATION")
def linux():
    with tracing("--json", "x") as found:
        up(gadget("x", LOOPBACK), "--wait-host")
    [trace] = found
    contains(trace.result.stderr, "no gadget is bound yet")
    # dwc2_hsotg_irq() does not call usb_gadget_udc_reset()
    eq(bool(trace.events("reset")), not harness.LAB_UDC.startswith("dwc2"), trace.text)
    requests = trace.requests()
    contains(requests, ("GET_DESCRIPTOR device, 18 bytes", "answered", 18))
    eq(requests[-1], ("SET_CONFIGURATION 1", "answered", 0))
    device = [d["data"] for d in trace.events("request") if d["words"] == "GET_DESCRIPTOR device, 18 bytes"]
    eq(device[-1], harness.descriptors()[:18].hex())
    configuration = harness.descriptors()[18:]
    all_of_it = f"GET_DESCRIPTOR configuration 0, {len(configuration)} bytes"
    eq([d["data"] for d in trace.events("request") if d["words"] == all_of_it][-1], configuration.hex())
    conclusion = trace.conclusion()
    eq(trace.hosts(), [LINUX])
    eq((conclusion["configuration"], conclusion["failed"]), (1, []))
    eq(conclusion["requests"], len(requests))
    down("x")


@test("the host is known by what it asks: Windows, macOS and Android, as they are replayed")
def replayed_hosts():
    up(gadget("x", LOOPBACK), "--wait-host")
    for host, words in (("windows-7", "Windows"), ("windows-10", "Windows"), ("macos", "macOS or iOS"),
                        ("android", LINUX)):
        with tracing("--json", "x") as found:
            said = replay.play(host)
        conclusion = found[0].conclusion()
        eq(found[0].hosts()[-1], words, conclusion)
        requests = found[0].requests()
        # What the replay has sent is in the trace in the same order, between requests of the kernel
        rest = iter(requests)
        for line in said:
            if match := re.fullmatch(r"(GET_DESCRIPTOR \S+).*, (\d+) bytes: (stalled|(\d+) bytes)", line):
                name, length, _, actual = match.groups()
                ok(any(words.startswith(name) and words.endswith(f", {length} bytes") and
                       (outcome == "answered" and n == int(actual) if actual else outcome == "stalled")
                       for words, outcome, n in rest), f"{host}: {line}: {requests}")
        eq(conclusion["failed"], [], "what hosts expect to be stalled is no failure")
    down("x")


@test("people read it: times, words, what a stall means, and a conclusion")
def text():
    up(gadget("x", LOOPBACK), "--wait-host")
    with tracing() as found:
        replay.play("windows-10")
        raises(usb.core.USBError, vendor_request)
    lines = found[0].text
    contains(lines, "GET_DESCRIPTOR string 0xee (Microsoft OS), 18 bytes: stalled (no Microsoft OS descriptors; Windows asks once for a "
                    "device and remembers)\n")
    ok(re.search(r"^ +\d+\.\d{6}  GET_DESCRIPTOR device, \d+ bytes: 18 bytes: 1d6b:0104, USB ", lines, re.M), lines)
    contains(lines, 'GET_DESCRIPTOR string 2, 255 bytes: 4 bytes: "x"\n')
    contains(lines, "  host: probably Windows: it asked for string 0xee, the Microsoft OS descriptors\n")
    failed = "vendor request 0x07, wValue 0x0000, wIndex 0x0000 of interface 0 'echo', 8 bytes: stalled"
    contains(lines, f"  failed: {failed}\n")
    ok(re.search(rf"^ +\d+\.\d{{6}}  {re.escape(failed)}$", lines, re.M), lines)
    contains(lines, "  configured: configuration 1\n")
    contains(lines, "  note: it got no Microsoft OS descriptors, without which Windows has drivers for few functions ")
    contains(found[0].result.stderr, "tracing x on dummy_udc.0 (configured)\n")
    down("x")


@test("a program that does not answer is named, and one that does")
def programs():
    up(gadgets.ep0_daemon("x"), "--wait-host")
    daemon = harness.status("x")[0]["functions"][0]["worker"]["pid"]
    with tracing("--json", "x") as found:
        answer = vendor_request()
        os.kill(daemon, signal.SIGSTOP)
        raises(usb.core.USBError, lambda: vendor_request(timeout=500))
        harness.device().get_active_configuration()
        usb_strings = harness.device().ctrl_transfer(0x80, 6, 0x0300, 0, 255)
        ok(len(usb_strings) == 4, usb_strings)
        os.kill(daemon, signal.SIGCONT)
    requests = [r for r in found[0].requests() if r[0].startswith("vendor")]
    words = "vendor request 0x07, wValue 0x0000, wIndex 0x0000 of interface 0 'own', 8 bytes"
    eq([r[:2] for r in requests], [(words, "answered"), (words, "unanswered")])
    eq(next(d["data"] for d in found[0].events("request") if d["words"] == words), answer.hex())
    eq(found[0].conclusion()["failed"], [{"words": words, "outcome": "unanswered", "count": 1}])
    down("x")


@test("another gadget on the same UDC has a conclusion of its own, and the first one's stands where it ends")
def one_after_the_other():
    with tracing() as found:
        up(gadget("x", LOOPBACK), "--wait-host")
        raises(usb.core.USBError, vendor_request)
        down("x")
        up(gadget("y", LOOPBACK), "--wait-host")
    first, second = found[0].text.split("\ny: ")
    first, later = first.split("\nx: ")[-1], second
    contains(first, "  configured: until the host reset the gadget or was disconnected\n")
    contains(first, "  failed: vendor request 0x07")
    ok("failed" not in later, later)
    contains(later, "  configured: configuration 1\n")
    down("y")


@test("a host that reads the descriptors and selects no configuration: what is likely, and the last request")
def not_configured():
    for bus in gadgets.buses():
        (bus / "authorized_default").write_text("0")
    try:
        with tracing("x") as found:
            up(gadget("x", LOOPBACK))
            harness.await_devices(lambda: harness.usb_devices(idVendor="1d6b", idProduct="0104"))
    finally:
        for bus in gadgets.buses():
            (bus / "authorized_default").write_text("1")
    contains(found[0].text, "  not configured: it has read the configuration and not selected it: it does not allow "
                            "the device, or has not the power (bMaxPower is ")
    ok(re.search(r"^  last request: GET_DESCRIPTOR .*: \d+ bytes", found[0].text, re.M), found[0].text)
    down("x")


@contextlib.contextmanager
def mounted_tracefs():
    """ffsctl needs no mount of tracefs, but the test does, to look into it."""
    is_mounted = (TRACEFS / "instances").exists()
    if not is_mounted:
        gadgets.sh(f"mount -n -t tracefs none {TRACEFS}")
    yield
    if not is_mounted:
        gadgets.sh(f"umount -n {TRACEFS}")


def left():
    probes = TRACEFS / "kprobe_events"
    return [*(TRACEFS / "instances").iterdir(), *(probes.read_text().splitlines() if probes.exists() else ())]


@test("a gadget without a configuration for the host's speed, and one that no host sees")
def nothing_to_configure():
    if SPEED != "full":
        with KernelLog() as kernel_log, tracing("--json", "x") as found:
            must(ffsctl("up", gadgets.ep0_daemon("x", "speeds", "1")))
            kernel_log.read_until("can't read configurations")
        eq(found[0].conclusion()["not_configured_because"],
           f"the device has 0 configurations: a function has no descriptors for the speed of this host, {SPEED}-speed")
        down("x")
    with gadgets.no_host(), tracing("x") as found:
        up(gadget("x", LOOPBACK))
    contains(found[0].text, "x: 0 requests, 0 resets\n  not configured: it asked nothing: no host is connected ('ffsctl doctor' may find why)")
    down("x")


@test("one trace at a time; a killed one leaves its instance to the next, which removes it; nothing stays in tracefs")
def leftovers():
    with mounted_tracefs():
        check_leftovers()


def check_leftovers():
    eq(left(), [])
    process = gadgets.start("trace")
    gadgets.read_lines_until(process.stderr, "tracing")
    ok(left(), "it has an instance")
    refused = ffsctl("trace")
    eq((refused.returncode, refused.stderr), (75, "ffsctl: cannot trace: another 'ffsctl trace' runs\n"))
    process.kill()
    process.communicate()
    ok(left(), "left by SIGKILL")
    with tracing():
        pass
    eq(left(), [])


def blocks(data):
    """Returns (type, body) of each block of a file of pcapng."""
    found, at = [], 0
    while at < len(data):
        kind, size = struct.unpack_from("<II", data, at)
        eq(struct.unpack_from("<I", data, at + size - 4)[0], size)
        found.append((kind, data[at + 8:at + size - 4]))
        at += size
    return found


@test("-w writes a file for Wireshark: each request as it would be in a capture of usbmon")
def capture():
    path = gadgets.DIRECTORY / "x.pcapng"
    with tracing("--json", "-w", path, "x") as found:
        up(gadget("x", LOOPBACK), "--wait-host")
    requests = found[0].events("request")
    (section, _), (interface, link), *packets = blocks(path.read_bytes())
    eq((section, interface, struct.unpack_from("<H", link)[0]), (0x0A0D0D0A, 1, 220))
    eq(len(packets), 2 * len(requests))
    for request, (submitted, completed) in zip(requests, zip(packets[::2], packets[1::2])):
        s, c = submitted[1][20:], completed[1][20:]
        eq((chr(s[8]), chr(c[8]), s[9], s[40:48].hex()), ("S", "C", 2, request["setup"]))
        status = -errno.EPIPE if request["outcome"] == "stalled" else 0
        eq(struct.unpack_from("<iII", c, 28), (status, request["length"], len(request["data"]) // 2))
        eq(c[64:64 + len(request["data"]) // 2].hex(), request["data"])
    eq(path.stat().st_mode & 0o777, 0o600)
    down("x")


@test("suspend, resume and disconnect are lines between the requests")
def bus():
    if SPEED == "super":
        return  # hub_port() knows the hub of high speed
    up(gadget("x", LOOPBACK), "--wait-host")
    with tracing("--json", "x") as found:
        harness.suspend_hub_port()
        gadgets.await_log("x", "suspended by the host")
        harness.resume_hub_port()
        gadgets.await_log("x", "resumed by the host")
        must(ffsctl("unbind", "x"))
    events = [d["event"] for d in found[0].documents if d["event"] not in ("request", "conclusion")]
    eq((events[:2], events[-1]), (["suspend", "resume"], "disconnect"), events)  # dummy_hcd suspends before it disconnects
    down("x")


@test("it ends with its reader, and after --timeout; one that cannot begin leaves the file of -w alone")
def ends():
    result = harness.ffsctl("trace", "--timeout", "0.2")
    eq(result.returncode, 0)
    process = gadgets.start("trace")
    gadgets.read_lines_until(process.stderr, "tracing")
    refused = ffsctl("trace", "--json", "-w", gadgets.DIRECTORY / "no.pcapng")
    eq((refused.returncode, len(refused.stdout.splitlines())), (75, 1))
    ok(not (gadgets.DIRECTORY / "no.pcapng").exists(), "no file")
    valid.validator("trace")(json.loads(refused.stdout))
    process.stdout.close()
    eq(process.wait(harness.patience(10)), 0)
    process.stderr.close()


tap.main()
