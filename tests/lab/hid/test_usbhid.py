#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12,6.1 timeout=300
# lab stock: no, f_hid's last response is freed while it is queued (kernel/README.md)
"""hid_report_check() (src/hid/check_report.h) has an error for exactly those descriptors that Linux refuses as a host, if they
come from the bus: a gadget with functions of type hid, and usbhid on the host.

test_reports does the same by /dev/uhid, much faster. Here the descriptors have reports of up to 16384 bytes, which uhid does
not take. SOAK_SEED repeats the descriptors of a failure, or has others.
"""

import contextlib
import os
import pathlib
import re
import subprocess

import harness
import tap
from harness import must
from tap import eq, ok, rounds, test

DIFF = f"{harness.BUILD}/tests/lab/hid/uhid_diff"
SEED = os.environ.get("SOAK_SEED", "1")
DESCRIPTORS = rounds(100, 400, 2000)
FUNCTIONS = 4  # HIDG_MINORS in f_hid.c
LONGEST = 4095  # bytes that a text attribute of configfs takes (SIMPLE_ATTR_SIZE)
CONSOLE = pathlib.Path("/proc/sys/kernel/printk")

for module in ("usbhid", "hid_generic"):
    must(subprocess.run(["modprobe", module], capture_output=True, text=True))
harness.leaves_nothing()


def generated():
    """Returns [(descriptor, whether there is an error)]."""
    result = must(subprocess.run([DIFF, "-s", SEED, "-n", str(DESCRIPTORS), "-p"], capture_output=True, text=True))
    found = re.findall(r"^(refused|taken) ([0-9a-f]*)$", result.stdout, re.M)
    return [(bytes.fromhex(text), word == "refused") for word, text in found if len(text) <= 2 * LONGEST]


@contextlib.contextmanager
def gadget(descriptors):
    """Makes a gadget with a hid function for each descriptor, and waits until the host has bound drivers to all."""
    top = pathlib.Path(harness.CONFIGFS, "hid")
    functions = [top / f"functions/hid.{n}" for n in range(len(descriptors))]
    links = [top / f"configs/c.1/{n}" for n in range(len(descriptors))]
    before = harness.host_devices()
    (top / "configs/c.1").mkdir(parents=True)
    (top / "idVendor").write_text("0x1d6b")
    (top / "idProduct").write_text("0x0104")
    for function, link, descriptor in zip(functions, links, descriptors):
        function.mkdir()
        (function / "report_length").write_text("8")
        (function / "report_desc").write_bytes(descriptor)
        link.symlink_to(function)
    try:
        with harness.configured():
            (top / "UDC").write_text("dummy_udc.0")
        yield
    finally:
        if (top / "UDC").read_text().strip():
            (top / "UDC").write_text("\n")
        for path in links:
            path.unlink()
        for path in (top / "configs/c.1", *functions, top):
            path.rmdir()
        harness.host_lets_go(before)


def read_log(log):
    """Returns the records of the kernel's log since the last call."""
    records = []
    with contextlib.suppress(BlockingIOError):
        while True:
            records.append(os.read(log, 8192).decode(errors="replace"))
    return records


def taken(number, log):
    """Returns whether the host's kernel has taken the descriptor of an interface. hid-generic leaves a device for which the
    kernel has nothing to offer, but has parsed its descriptor before."""
    devices = list(pathlib.Path("/sys/bus/usb/devices").glob(f"*:1.{number}/0003:1D6B:0104.*"))
    return any((device / "driver").exists() or any(device.name in line and "device has no listeners" in line for line in log)
               for device in devices)


def disagreements(descriptors):
    """Returns the descriptors, of (descriptor, whether there is an error), about which the host does not agree."""
    log = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    os.lseek(log, 0, os.SEEK_END)
    found = []
    try:
        for first in range(0, len(descriptors), FUNCTIONS):
            group = descriptors[first:first + FUNCTIONS]
            with gadget([descriptor for descriptor, _ in group]):
                lines = read_log(log)
                found += [(d.hex(), "taken" if has_error else "refused", lines)
                          for number, (d, has_error) in enumerate(group) if taken(number, lines) == has_error]
    finally:
        os.close(log)
    return found


@test(f"{DESCRIPTORS} descriptors by usbhid, no disagreement")
def no_disagreement():
    descriptors = [(b"", True), *generated()]
    refused = sum(has_error for _, has_error in descriptors)
    print(f"# {len(descriptors)} descriptors, {refused} of them refused")
    ok(len(descriptors) > 0.95 * DESCRIPTORS, "few descriptors")
    ok(0.3 < refused / len(descriptors) < 0.7, f"{refused} refused")
    eq(disagreements(descriptors), [], f"seed {SEED}")


@test("a disagreement is noticed")
def disagreement_is_noticed():
    reversed_ = [(descriptor, not has_error) for descriptor, has_error in generated()[:FUNCTIONS]]
    eq([found[0] for found in disagreements(reversed_)], [descriptor.hex() for descriptor, _ in reversed_])


# Each refused descriptor is a line of the kernel's log. Only for the lab.
CONSOLE.write_text("1")
tap.main()
