#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""Features of the gadget file whose effects only a running gadget shows: functions inside a configuration, drop-ins,
serial numbers and addresses of the machine, and entries of `tree`."""

import os
import pathlib

import gadgets
import harness
import identity
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
    eq(serial("hashed", "machine-id"), identity.serial_number(bytes.fromhex(ID)))


@test("the serial number is the first line of a file")
def serial_from_file():
    write("number", "A-0017\nnot this\n")
    eq(serial("filed", "file:number"), "A-0017")


NETWORK = IDS + """
functions = {
  a = { type = "ecm"; attrs = { dev_addr = { from = "%s"; }; host_addr = { from = "%s"; }; qmult = 7; }; };
  b = { type = "ecm"; attrs = { dev_addr = { from = "%s"; }; host_addr = { from = "%s"; }; }; };
};
"""


ENDS = [(function, end) for function in ("ecm.a", "ecm.b") for end in ("dev_addr", "host_addr")]


def addresses(name):
    return {place: (CONFIGFS / name / "functions" / "/".join(place)).read_text().strip("\0\n") for place in ENDS}


def expected(name, key):
    return {place: identity.address(name, *place, key) for place in ENDS}


@test("addresses are made of the board, the gadget, the function and the end, and none is that of another")
def addresses_from_sources():
    MACHINE_ID.write_text(ID + "\n")
    write("number", "B-0017 %s\nnot this\n" % ("x" * 70))
    seen = []
    for name, source, key in (("net1", "machine-id", bytes.fromhex(ID)), ("net2", "machine-id", bytes.fromhex(ID)),
                              ("net1", "file:number", b"B-0017 " + b"x" * 70)):
        path = write(name + ".conf", NETWORK % ((source,) * 4))
        for _ in range(2):  # the same after each start
            up(path)
            eq(addresses(name), expected(name, key), name)
            ok(ID not in must(ffsctl("status", name, "--json")).stdout, "the machine's id")
            down(name)
        seen += expected(name, key).values()
    eq(len(set(seen)), len(seen), "addresses that differ")
    ok(all(int(one[:2], 16) & 3 == 2 for one in seen), "locally administered, of one interface")


@test("reload, export and descriptors know an address of the board")
def commands_know_addresses():
    MACHINE_ID.write_text(ID + "\n")
    key = bytes.fromhex(ID)
    path = write("net.conf", NETWORK % (("machine-id",) * 4))
    up(path)
    before = addresses("net")
    contains(must(ffsctl("reload", "net")).stderr, "net: unchanged")
    contains(must(ffsctl("export", "net")).stdout, 'dev_addr : { from = "machine-id"; }')
    contains(must(ffsctl("descriptors", path)).stdout,
             '"%s" (from machine-id of this machine)' % before["ecm.a", "host_addr"].replace(":", "").upper())
    path.write_text(path.read_text().replace('{ from = "machine-id"; }; qmult', '"02:00:00:00:00:05"; qmult'))
    must(ffsctl("reload", "net"))
    eq(addresses("net"), expected("net", key) | {("ecm.a", "host_addr"): "02:00:00:00:00:05"})
    exported = must(ffsctl("export", "net")).stdout
    contains(exported, 'host_addr = "02:00:00:00:00:05"')
    path.write_text(NETWORK % (("machine-id",) * 4))
    must(ffsctl("reload", "net"))
    eq(addresses("net"), before)
    down("net")


@test("no source of an address is an error at its place, and nothing is left")
def missing_address_source_is_an_error():
    write("empty", "")
    for text, source, why in (("uninitialized\n", "machine-id", "does not contain a machine id"),
                              ("", "device-tree", "this machine has no device tree"),
                              ("", "file:empty", "its first line is empty"),
                              ("", "file:nowhere", "nowhere: No such file or directory")):
        MACHINE_ID.write_text(text)
        path = write("none.conf", IDS + 'functions = { f = { type = "ncm"; attrs = {\n dev_addr = { from = "%s"; }; }; }; };\n'
                     % source)
        got = must(ffsctl("up", path), 69)
        contains(got.stderr, f"{path}:3:2: error: ")
        contains(got.stderr, why)
        contains(must(ffsctl("check", "--here", path), 69).stderr, why)
        eq(list(CONFIGFS.iterdir()), [])


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


CAMERA = IDS + """strings = ( { product = "Camera"; } );
functions = { f = { type = "acm"; }; };
tree = ( %s );
"""
FRONT = '{ path = "strings/0x409/front/s"; value = "%s"; }'


@test("tree of the gadget: strings that no key has are made, reloaded, exported and removed")
def tree_of_gadget():
    if os.environ["LAB_KERNEL"] == "6.1":  # it has no such strings
        contains(must(ffsctl("up", write("camera.conf", CAMERA % FRONT % "a")), 71).stderr, "this kernel has no such directory")
        return
    path, language = write("camera.conf", CAMERA % FRONT % "Front"), CONFIGFS / "camera/strings/0x409"
    with harness.configured():
        up(path)
    eq((language / "front/s").read_text(), "Front\n")
    exported = must(ffsctl("export", "camera")).stdout
    contains(exported, 'tree = ( { path = "strings/0x409/front/s"; value = "Front"; } );')
    contains(must(ffsctl("reload", "camera")).stderr, "camera: unchanged")
    write("camera.conf", CAMERA % f"{FRONT % 'Back'}, {{ path = \"strings/0x409/more\"; }}")
    with harness.configured():
        must(ffsctl("reload", "camera"))
    eq(((language / "front/s").read_text(), (language / "more").is_dir()), ("Back\n", True))
    write("camera.conf", CAMERA % "")
    with harness.configured():
        must(ffsctl("reload", "camera"))
    eq(([p.name for p in language.iterdir() if p.is_dir()], (language / "product").read_text()), ([], "Camera\n"))
    down("camera")
    must(ffsctl("up", "--no-bind", write("camera.conf", exported)))
    eq((language / "front/s").read_text(), "Front\n")
    down("camera")


@test("an entry of a tree that this kernel does not take is an error at its place, and nothing is left")
def tree_errors_at_their_place():
    functions, configs = 'functions = { f = { type = "acm";%s }; };\n', 'configs = ( { functions = ( "f" );%s } );\n'
    for n, (entry, code, why) in enumerate((('{ path = "future"; value = 1; }', 69, "this kernel has no such attribute"),
                                            ('{ path = "future/a"; value = [ 1, 2 ]; }', 71, "this kernel has no such directory"),
                                            ('{ path = "future"; }', 71, "this kernel has no such directory"))):
        tree = f"\ntree = ( \n  {entry} );"
        texts = (functions % tree + configs % "", functions % "" + configs % tree, functions % "" + configs % "" + tree)
        for text in texts if tap.rounds(1, 3) > 1 else texts[n:n + 1]:
            path = write("none.conf", IDS + text)
            line = next(n for n, line in enumerate(path.read_text().splitlines(), 1) if line.startswith(f"  {entry}"))
            error = must(ffsctl("up", path), code).stderr
            contains(error, f"{path}:{line}:3: error: cannot ")
            contains(error, why)
            eq(list(CONFIGFS.iterdir()), [])


tap.main()
