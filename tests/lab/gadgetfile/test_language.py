#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""Features of the gadget file whose effects only a running gadget shows: functions inside a configuration, drop-ins,
and serial numbers of the machine."""

import hashlib
import hmac
import pathlib

import gadgets
import harness
import tap
from harness import down, ffsctl, must, status, up
from tap import contains, eq, ok, test

harness.leaves_nothing()

IDS = "attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n"
CONFIGFS = pathlib.Path(harness.CONFIGFS)
MACHINE_ID = pathlib.Path("/etc/machine-id")
ID = "0123456789abcdef0123456789abcdef"


def write(name, text):
    path = gadgets.DIRECTORY / name
    path.parent.mkdir(exist_ok=True)
    path.write_text(text)
    return path


@test("a function inside a configuration is made, linked under its name, and served")
def function_inside_configuration():
    path = write("inline.conf", IDS + """
functions = { console = { type = "acm"; }; };
configs = ( { functions = (
    { name = "net"; function = { type = "ecm"; instance = "usb0"; attrs = { qmult = 7; }; }; }, "console",
    { function = { instance = "lab-inline"; worker = { plugin = "loopback"; };
                   ffs = { interfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } ); }; }; } ); } );
""")
    with harness.configured():
        up(path)
    top = CONFIGFS / "inline"
    eq(sorted(p.name for p in (top / "configs/c.1").iterdir() if p.is_symlink()),
       ["acm.console", "ffs.lab-inline", "net"])
    eq((top / "functions/ecm.usb0/qmult").read_text().strip(), "7")
    got, code = status("inline")
    eq((code, [(f["label"], f["instance"]) for f in got["functions"]]),
       (0, [("console", "console"), ("ecm_usb0", "usb0"), ("ffs_lab-inline", "lab-inline")]))
    interfaces = harness.device().configurations()[0]
    eq([i.bInterfaceClass for i in interfaces], [2, 10, 10, 2, 10, 255], "in the order of the configuration")
    must(ffsctl("restart", "inline", "ffs_lab-inline"))
    down("inline")


@test("what drop-ins say is what comes up, and another 'up' knows the difference")
def drop_ins_decide():
    path = write("dropped.conf", IDS + 'strings = ( { product = "a"; serialnumber = "1"; } );\n'
                 'functions = { f = { type = "ecm"; attrs = { qmult = 7; }; }; };\n')
    write("dropped.conf.d/10-a.conf", 'functions = { f = { attrs = { qmult = 8; }; }; g = { type = "acm"; }; };')
    write("dropped.conf.d/20-b.conf", 'strings = ( { product = "b"; } ); functions = { f = { attrs = { qmult = 9; }; }; };')
    up(path)
    top = CONFIGFS / "dropped"
    eq((top / "functions/ecm.f/qmult").read_text().strip(), "9")
    ok((top / "functions/acm.g").is_dir(), "no acm.g")
    eq((top / "strings/0x409/product").read_text().strip(), "b")
    eq((top / "strings/0x409/serialnumber").read_text().strip(), "")
    must(ffsctl("up", path))
    (gadgets.DIRECTORY / "dropped.conf.d/20-b.conf").unlink()
    contains(must(ffsctl("up", path), 73).stderr, "a different gadget")
    down("dropped")


def serial(name, origin):
    path = write(name + ".conf", IDS + 'strings = ( { serialnumber = { from = "%s"; }; } );\n' % origin +
                 'functions = { f = { type = "acm"; }; };\n')
    with harness.configured():
        up(path)
    number = harness.device().serial_number
    for command in (("up", "--dry-run", "--no-bind", path), ("status", name, "--json"), ("check", path)):
        got = must(ffsctl(*command))
        ok(ID not in got.stdout + got.stderr, f"the machine's id is in {command}")
    down(name)
    return number


@test("the serial number is made of the machine's id, which stays here")
def serial_from_machine_id():
    MACHINE_ID.write_text(ID + "\n")
    want = hmac.new(bytes.fromhex(ID), b"ffsctl serial number", hashlib.sha256).hexdigest()[:32].upper()
    eq(serial("hashed", "machine-id"), want)


@test("the serial number is the first line of a file")
def serial_from_file():
    write("number", "A-0017\nnot this\n")
    eq(serial("filed", "file:number"), "A-0017")


@test("no serial number is an error at its place, and nothing is left")
def missing_serial_is_an_error():
    for text, origin, why in (("uninitialized\n", "machine-id", "does not contain a machine id"),
                              ("0" * 32 + "\n", "machine-id", "does not contain a machine id"),
                              ("", "device-tree", "this machine has no device tree"),
                              ("", "file:nowhere", "nowhere: No such file or directory")):
        MACHINE_ID.write_text(text)
        path = write("none.conf", IDS + 'functions = { f = { type = "acm"; }; };\n'
                     'strings = ( { serialnumber = { from = "%s"; }; } );\n' % origin)
        got = must(ffsctl("up", path), 69)
        contains(got.stderr, f"{path}:3:39: error: ")
        contains(got.stderr, why)
        contains(must(ffsctl("check", "--here", path), 69).stderr, why)
        eq(list(CONFIGFS.iterdir()), [])


tap.main()
