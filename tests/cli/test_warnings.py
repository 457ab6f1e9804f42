#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What is legal but unwise is warned about, at its place, and what resembles it is not."""

import os
import subprocess
import tempfile

from paths import BUILD
import tap
from tap import eq, test

FFSCTL = os.path.join(BUILD, "ffsctl")
IDS = "attrs = { idVendor = 0x1209; idProduct = 1; };\n"
ACM = 'functions = { a = { type = "acm"; }; };\n'

tmp = tempfile.TemporaryDirectory()


def warnings(text, *options):
    """Each warning as LINE:COLUMN: TEXT, or TEXT; the file is g.conf."""
    with open(os.path.join(tmp.name, "g.conf"), "w", encoding="utf-8") as f:
        f.write(text)
    got = subprocess.run([FFSCTL, "check", "--format=gcc", *options, "g.conf"], cwd=tmp.name, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, encoding="utf-8", check=False)
    eq(got.returncode, 0, "exit status\n" + got.stderr)
    lines = [line[len("g.conf:"):].strip() for line in got.stderr.splitlines() if ": warning: " in line]
    return [line.replace("warning: ", "", 1) for line in lines]


def ffs(label, *endpoints, more=""):
    return '  %s = { ffs = { %s interfaces = ( { endpoints = ( %s ); } ); }; };\n' % (
        label, more, ", ".join('"%s"' % e for e in endpoints))


@test("ids for tests that nobody has asked for")
def ids_for_tests():
    eq(warnings(ACM), ["no ids are set in 'attrs': 1d6b:0104 is used, which is for tests only"])
    eq(warnings(ACM + "attrs = { bDeviceClass = 0; };\n"),
       ["2:1: no ids are set in 'attrs': 1d6b:0104 is used, which is for tests only"])
    eq(warnings(ACM + "attrs = { idVendor = 0x1d6b; };\n"),
       ["2:1: no 'idProduct' is set: 0x0104 is used, which is for tests only"])
    eq(warnings(ACM + "attrs = { idProduct = 1; };\n"),
       ["2:1: no 'idVendor' is set: 0x1d6b is used, which is for tests only"])
    eq(warnings(ACM + "attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n"), [], "who writes them knows them")


@test("functions without descriptors for SuperSpeed, unless that is what the file says")
def no_superspeed_descriptors():
    slow = "functions = {\n" + ffs("s", "bulk-in", more='speeds = [ "full", "high" ];') + "};\n"
    words = "'max_speed' is lowered to \"high\": function '%s' has no descriptors above it"
    eq(warnings(IDS + slow), ["3:3: " + words % "s"])
    eq(warnings(IDS + slow + 'max_speed = "super";\n'), ["5:13: " + words % "s"])
    eq(warnings(IDS + slow + 'max_speed = "high";\n'), [])
    for type_ in ("phonet", "uac1", "uac1_legacy"):
        eq(warnings(IDS + 'functions = { s = { type = "%s"; }; };\n' % type_), ["2:15: " + words % "s"], type_)
    # nothing above SuperSpeed is not worth a warning
    eq(warnings(IDS + 'functions = { s = { type = "midi"; }; };\n'), [])


@test("RNDIS that is not the first function of a configuration")
def rndis_not_first():
    both = 'functions = {\n  a = { type = "acm"; };\n  r = { type = "rndis"; };\n};\n'
    words = "function 'r' is not the first of configuration %d: Windows supports RNDIS only as the first function"
    eq(warnings(IDS + both), ["4:3: " + words % 1])
    eq(warnings(IDS + both + 'configs = ( { functions = ( "r", "a" ); }, { functions = ( "r" ); } );\n'), [])
    eq(warnings(IDS + both + 'configs = ( { functions = ( "r" ); }, { functions = ( "a", "r" ); } );\n'),
       ["4:3: " + words % 2])
    eq(warnings(IDS + 'configs = ( { functions = (\n  { function = { type = "acm"; instance = "0"; }; },\n'
                '  { function = { type = "rndis"; instance = "r"; }; } ); } );\n'),
       ["4:5: " + (words % 1).replace("'r'", "'rndis_r'")])


@test("more endpoints than the UDC is known to have, where it is named")
def too_many_endpoints():
    many = "functions = {\n" + "".join(ffs("f%d" % i, *["bulk-in"] * 8) for i in range(3)) + (
        '  a = { type = "acm"; }; m = { type = "mass_storage"; }; n = { type = "ncm"; };\n};\n')
    words = "the gadget needs at least 32 endpoints besides ep0, but a UDC of %s has 30"
    for driver in ("dummy_udc", "usbip-vudc"):
        eq(warnings(IDS + many + 'udc = { driver = "%s"; };\n' % driver), ["8:7: " + words % driver])
    eq(warnings(IDS + many + 'udc = { driver = "dwc2"; };\n'), [], "it depends on the hardware")
    serial = "functions = { a = { type = \"acm\"; }; };\n"
    eq(warnings(IDS + serial + 'udc = { driver = "max3420-udc"; };\n'), [], "three, and three are needed")
    eq(warnings(IDS + serial.replace("}; };", '}; s = { type = "gser"; }; };') + 'udc = { driver = "max3420-udc"; };\n'),
       ["3:7: the gadget needs at least 5 endpoints besides ep0, but a UDC of max3420-udc has 3"])
    eq(warnings(IDS + many), [], "no UDC is named")
    few = 'configs = ( { functions = ( "f0", "f1", "f2", "a" ); }, { functions = ( "m", "n" ); } );\n'
    eq(warnings(IDS + many + few + 'udc = { driver = "dummy_udc"; };\n'), [], "not in one configuration")


@test("a worker that keeps all of root's powers")
def worker_keeps_privileges():
    text = "functions = {\n  f = { ffs = { interfaces = ( { endpoints = ( \"bulk-in\" ); } ); };\n" \
           '    worker = { exec = [ "/bin/sh" ]; user = "root"; privileges = "%s"; };\n  };\n};\n'
    eq(warnings(IDS + text % "keep"), ["4:66: with \"keep\" the worker has all of root's privileges"])
    eq(warnings(IDS + text % "drop"), [])


@test("obex, with which no host sees the gadget")
def obex_hides_gadget():
    eq(warnings(IDS + 'max_speed = "high";\nfunctions = { o = { type = "obex"; }; };\n'),
       ["3:15: the gadget will not connect to a host: the kernel's obex function keeps it disconnected until a host "
        "configures it (f_obex.c)"])


tap.main()
