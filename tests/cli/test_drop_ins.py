#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Drop-ins: which ones are read, from where, in which order, and who tells of them. What one does to
the file below it is in tests/unit/gadgetfile/test_drop_in.c, several directories with some in
tests/unit/gadgetfile/test_find.c."""

import json
import os
import pathlib
import subprocess
import tempfile

from paths import BUILD
import tap
from tap import contains, eq, ok, test

FFSCTL = os.path.join(BUILD, "ffsctl")
MAIN = """attrs = { idVendor = 0x1209; idProduct = 1; };
functions : { echo : { ffs : { interfaces = ( { endpoints = ( "bulk-in" ); } ); }; }; };
"""

world = tempfile.TemporaryDirectory()
top = pathlib.Path(world.name)
WORLD = ("--run-dir", top / "run", "--configfs", top / "config")


def ffsctl(*args, **kwargs):
    return subprocess.run([FFSCTL, *map(str, WORLD + args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", check=False, **kwargs)


def put(path, text=""):
    path = top / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text)
    return path


def form(path, *options):
    got = ffsctl(*options, "check", "--json", path)
    file = json.loads(got.stdout)["files"][0]
    ok(file["valid"], got.stdout)
    return file["form"], [str(pathlib.Path(p).relative_to(top)) for p in file["drop_ins"]]


@test("they are taken in the order of their names, and only files that end in .conf")
def in_order_of_names():
    put("a/g.conf", MAIN)
    put("a/g.conf.d/20-b.conf", 'name = "second"; max_speed = "high";')
    put("a/g.conf.d/10-a.conf", 'name = "first"; autostart = true;')
    put("a/g.conf.d/30-c.conf.bak", "nonsense")
    put("a/g.conf.d/.40-d.conf", "nonsense")
    put("a/g.conf.d/README", "nonsense")
    got, drop_ins = form(top / "a/g.conf")
    eq((got["name"], got["autostart"], got["max_speed"]), ("second", True, "high"))
    eq(drop_ins, ["a/g.conf.d/10-a.conf", "a/g.conf.d/20-b.conf"])


@test("check and list name them")
def check_and_list_name_them():
    got = ffsctl("check", top / "a/g.conf")
    eq(got.stderr.splitlines(), [f"{top}/a/g.conf: with {top}/a/g.conf.d/10-a.conf",
                                 f"{top}/a/g.conf: with {top}/a/g.conf.d/20-b.conf", f"{top}/a/g.conf: no errors"])
    line = next(line for line in ffsctl("--dir", top / "a", "list").stdout.splitlines() if str(top) in line)
    eq(line.split(None, 2), ["g", "down", f"{top}/a/g.conf, gadget second, {top}/a/g.conf.d/10-a.conf, "
                             f"{top}/a/g.conf.d/20-b.conf"])


@test("a scheme has its own, and each file only those of its name")
def only_of_own_name():
    put("b/g.scheme", MAIN)
    put("b/g.scheme.d/x.conf", "autostart = true;")
    put("b/g.conf.d/x.conf", "nonsense")
    put("b/other.conf.d/x.conf", "nonsense")
    got, drop_ins = form(top / "b/g.scheme")
    eq((got["autostart"], drop_ins), (True, ["b/g.scheme.d/x.conf"]))


@test("a path relative to where one is finds them, too")
def file_by_relative_path():
    for path in ("g.conf", "./g.conf"):
        got = ffsctl("check", path, cwd=top / "a")
        eq(got.stderr.splitlines()[0], f"{path}: with {path}.d/10-a.conf")


@test("a relative path in one is relative to it")
def relative_path_inside():
    put("c/g.conf", MAIN)
    put("c/g.conf.d/x.conf", '@include "sub/part.inc"\nstrings = ( { serialnumber = { from = "file:id"; }; } );\n')
    put("c/g.conf.d/sub/part.inc", 'name = "part";')
    put("c/g.conf.d/id", "17")
    got, _ = form(top / "c/g.conf")
    eq(got["name"], "part")
    eq(ffsctl("check", top / "c/g.conf").stderr.count("warning"), 0)
    (top / "c/g.conf.d/id").unlink()
    contains(ffsctl("check", top / "c/g.conf").stderr, f"{top}/c/g.conf.d/x.conf:2:39: warning: cannot read the "
             f"serial number from {top}/c/g.conf.d/id: No such file or directory")


@test("a link to /dev/null is none")
def link_to_dev_null():
    put("d/g.conf", MAIN)
    put("d/g.conf.d/20-x.conf", 'name = "x";')
    os.symlink("/dev/null", top / "d/g.conf.d/10-a.conf")
    got, drop_ins = form(top / "d/g.conf")
    eq((got["name"], drop_ins), ("x", ["d/g.conf.d/20-x.conf"]))


@test("one that cannot be used is an error that names it")
def unusable_one_is_named():
    put("e/g.conf", MAIN)
    os.mkdir(top / "e/g.conf.d")
    os.symlink("nowhere", top / "e/g.conf.d/a.conf")
    os.mkfifo(top / "e/g.conf.d/b.conf")
    got = ffsctl("check", "g.conf", cwd=top / "e")
    eq(got.returncode, 65)
    eq(got.stderr.splitlines(), ["g.conf: error: cannot read g.conf.d/a.conf: No such file or directory",
                                 "g.conf: error: cannot read g.conf.d/b.conf: not a regular file"])


@test("up sees them: a dry run plans what they say")
def up_dry_run():
    got = ffsctl("up", "--dry-run", "--no-bind", top / "a/g.conf")
    contains(got.stdout + got.stderr, "usb_gadget/second")


tap.main()
