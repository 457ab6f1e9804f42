#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1
# lab all: kernel=6.12,6.1 vudcs=1
"""Why a gadget could not be bound: the kernel returns EBUSY for every reason, and logs the real one. After each
failure nothing is left."""

import errno
import os
import pathlib
import signal

import gadgets
import harness
import kernel_functions
import tap
from harness import document, ffsctl, must
from tap import contains, eq, ok, test

OLD = os.environ["LAB_KERNEL"] == "6.1"
PAIR = 'ffs : { interfaces = ( { endpoints = ( "bulk-in", "bulk-out" ); } ); };'

harness.leaves_nothing()
# As Debian and others have it: the log is only for processes with CAP_SYSLOG
pathlib.Path("/proc/sys/kernel/dmesg_restrict").write_text("1")


def refused(functions, errno, *says, exit=69, line=None, udc="dummy_udc.0"):
    """Checks that a gadget cannot be bound, and that the message has these words."""
    path = gadgets.DIRECTORY / "x.conf"
    path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : {\n%s\n};\n" % functions)
    result = must(ffsctl("up", path, "--udc", udc, "--json"), exit)
    error, = document(result)["errors"]
    eq((error["errno"], error["line"]), (errno, line), error["text"])
    for words in (f"cannot bind the gadget to the UDC {udc}: ", *says):
        contains(error["text"], words)
    ok("held by" not in error["text"] and "busy" not in error["text"], error["text"])


def several(n, group):
    return "\n".join("f%d : { %s };" % (i, group) for i in range(n))


@test("too few endpoints for FunctionFS: 524, and how many it takes")
def too_few_endpoints_functionfs():
    refused(several(16, PAIR), 524, "Not supported by this UDC (error 524); this UDC has no free endpoint",
            "needs 16 IN and 16 OUT endpoints besides ep0")


@test("`up` warns before it binds a gadget that needs more endpoints than the driver of the UDC has")
def warns_of_too_few_endpoints():
    path = gadgets.DIRECTORY / "x.conf"
    words = "ffsctl: x: configuration 1 needs 16 IN and 16 OUT endpoints besides endpoint 0, but a UDC of %s has %s\n"
    for udc, has in ("dummy_udc.0", ("dummy_udc", "12 IN and 12 OUT")), ("usbip-vudc.0", ("usbip-vudc", "15 IN and 15 OUT")):
        for n, said in (16, [words % has]), (2, []):
            path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : {\n%s\n};\n" % several(n, PAIR))
            lines = must(ffsctl("up", path, "--udc", udc), 69 if said else 0).stderr.splitlines(keepends=True)
            eq([line for line in lines if "configuration 1 needs" in line], said)
            if not said:
                harness.down("x")


@test("the UDC has as many endpoints as the table of drivers says: the largest gadget that fits is bound, and no larger one")
def table_of_drivers_is_right():
    path = gadgets.DIRECTORY / "x.conf"
    for endpoints, fits in (9 * ["bulk-in"] + 3 * ["interrupt-in"] + 12 * ["bulk-out"], True), (10 * ["bulk-in"], False), \
                           (13 * ["bulk-out"], False), (10 * ["interrupt-in"] + 3 * ["bulk-in"], False):
        path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : { f : { ffs : { interfaces = ( { endpoints = "
                        "( %s ); } ); }; }; };\n" % ", ".join(f'"{word}"' for word in endpoints))
        said = must(ffsctl("up", path, "--udc", "dummy_udc.0"), 0 if fits else 69).stderr
        eq("configuration 1 needs" in said, not fits, said)
        if fits:
            harness.down("x")


@test("too few endpoints for functions of the kernel's: ENODEV, and how many it takes")
def too_few_endpoints_kernel_functions():
    refused(several(8, 'type = "acm";'), errno.ENODEV, "No such device; most likely this UDC has no free endpoint",
            "needs 16 IN and 8 OUT endpoints besides ep0")


@test("too few endpoints for drives: 524, and the kernel's own words")
def too_few_endpoints_drives():
    refused(several(16, 'type = "mass_storage";'), 524, "needs 16 IN and 16 OUT endpoints",
            'the kernel logged: "unable to autoconfigure all endpoints"')


@test("an isochronous endpoint where the UDC has none")
def no_isochronous_endpoint():
    refused('f : { ffs : { interfaces = ( { alternates = ( { endpoints = ( { type = "iso"; direction = "in";'
            ' max_packet = 64; } ); } ); } ); }; };', 524, "needs 1 IN and 0 OUT endpoints besides ep0, isochronous ones among")
    if not OLD:  # without sound in the lab
        refused('f : { type = "uac2"; attrs : { p_chmask = 0; }; };', errno.ENODEV,
                "needs at least 0 IN and 1 OUT endpoints", "isochronous ones among them")


@test("a FunctionFS function without descriptors")
def functionfs_without_descriptors():
    refused('mine : { type = "ffs"; };', errno.ENODEV, "the function 'mine' has no descriptors yet", line=3)


@test("a tcm function without a target")
def tcm_without_target():
    kernel_functions.needs_function("tcm")
    refused('disks : { type = "tcm"; };', errno.ENODEV, "'disks' has no enabled target", line=3)


@test("`bind` says the same, and the gadget stays as it was")
def bind_says_the_same():
    path = gadgets.DIRECTORY / "x.conf"
    path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : {\n%s\n};\n" % several(16, PAIR))
    must(ffsctl("up", path, "--no-bind"))
    contains(must(ffsctl("bind", "x", "dummy_udc.0"), 69).stderr, "needs 16 IN")
    eq(harness.status("x")[0]["state"], "unbound")
    harness.down("x")


@test("a UDC that somebody else has taken meanwhile: who")
def udc_taken_meanwhile():
    told = gadgets.Fifo()
    path = gadgets.gadget("x", gadgets.odd("tell", told.path, "raise", int(signal.SIGSTOP), "notify", "wait"))
    coming = gadgets.start("up", path, "--udc", "dummy_udc.0")
    pid = told.wait()
    while harness.stat_of(pid)[1][0] != "T":
        os.sched_yield()
    with gadgets.foreign():
        os.kill(pid, signal.SIGCONT)
        contains(must(gadgets.finish(coming), 69).stderr,
                 "the UDC dummy_udc.0: Device or resource busy; the UDC is held by gadget 'foreign'")


@test("a log that cannot be read: it says where to look")
def unreadable_kernel_log():
    kmsg = pathlib.Path("/dev/kmsg")
    kmsg.rename("/dev/kmsg.away")
    try:
        path = gadgets.DIRECTORY / "x.conf"
        path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : {\n%s\n};\n" % several(16, PAIR))
        said = must(ffsctl("up", path, "--udc", "dummy_udc.0"), 69).stderr
        contains(said, "nothing holds the UDC")
        contains(said, "cannot be read\nhint: look for 'failed to start' in dmesg")
    finally:
        pathlib.Path("/dev/kmsg.away").rename(kmsg)


@test("a medium that is too small, or missing")
def medium_too_small():
    medium = gadgets.DIRECTORY / "empty.img"
    medium.write_bytes(b"")
    path = gadgets.DIRECTORY / "x.conf"
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : { d : { type = "mass_storage";\n'
                    f'attrs : {{ luns = ( {{ file = "{medium}"; }} ); }}; }}; }};\n')
    said = must(ffsctl("up", path, "--udc", "dummy_udc.0"), 71).stderr
    contains(said, "x.conf:3:")
    contains(said, "Too small (error 525); a medium has at least 512 bytes")
    medium.unlink()
    said = must(ffsctl("up", path, "--udc", "dummy_udc.0"), 71).stderr
    contains(said, "No such file or directory; the drive's medium does not exist\n"
                   f"hint: create {medium}, or remove 'file': then the drive has no medium\n")


tap.main()
