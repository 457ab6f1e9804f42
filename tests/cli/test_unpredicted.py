#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""All that `descriptors` does not predict has a row in tests/unpredicted with the place in the kernel, and each row has
something: in generated gadget files with each type of function, for each kernel and speed."""

import fnmatch
import json
import os
import pathlib
import subprocess
import tempfile

from paths import BUILD, SRC
import generated_files
import tap
from tap import eq, ok, test

TABLE = os.path.join(SRC, "tests", "unpredicted")
TYPES = ["ffs", "acm", "gser", "obex", "ecm", "eem", "ncm", "rndis", "geth", "phonet", "mass_storage", "hid", "printer",
         "Loopback", "SourceSink", "tcm", "uvc", "midi", "midi2", "uac1", "uac2", "uac1_legacy"]
SEED, FILES = 1, 6
# Rows that few generated files have: {type: file}
FEW = {
    "ffs": 'functions : { f : { type = "ffs"; }; };',
    "gser": 'functions : { f : { type = "gser"; }; }; configs = ( { attrs : { bmAttributes = 0xe0; }; functions = ( "f" ); } );',
    "midi2": 'functions : { f : { type = "midi2"; attrs : { endpoints = ( { blocks = ( { direction = 2; },'
             ' { first_group = 1; num_groups = 3; midi1_first_group = 1; midi1_num_groups = 2; } ); } ); }; }; };',
}
HAS_SUBTYPE = {0x10, 0x24, 0x25}

tmp = tempfile.TemporaryDirectory()


def rows():
    """Yields the words of each row: type of the function, descriptor, first and last byte, or "maybe"."""
    with open(TABLE, encoding="utf-8") as f:
        for line in f:
            words, _, reason = line.partition("# ")
            if line.startswith("#"):
                continue
            place, _, why = reason.strip().partition(": ")
            ok(why and place.rpartition(":")[2].isdigit(), f"a row without a place or reason: {line}")
            yield tuple(words.split())


def matches(row, found):
    function, descriptor, where = found
    if not fnmatch.fnmatch(function, row[0]) or descriptor != row[1]:
        return False
    if "maybe" in (where, row[2]):
        return where == row[2]
    first, _, last = row[2].partition("-")
    return int(first) <= where <= int(last or first)


def unpredicted(path, kernel):
    """Yields what is not predicted: type of the function, descriptor, byte or "maybe"."""
    got = subprocess.run([os.path.join(BUILD, "ffsctl"), "descriptors", "--json", "--kernel", kernel, path], check=True,
                         stdout=subprocess.PIPE, stderr=subprocess.DEVNULL)
    for speed in json.loads(got.stdout)["speeds"]:
        for one in [*speed["device"], *speed["bos"], *(d for c in speed["configurations"] for d in c["descriptors"])]:
            raw, certain = bytes.fromhex(one["bytes"]), bytes.fromhex(one["certain"])
            strings = {string["offset"] for string in one["strings"]}
            name = f"{raw[1]:02x}" + (f"/{raw[2]:02x}" if raw[1] in HAS_SUBTYPE else "")
            for at in [*(["maybe"] if one["maybe"] else []),
                       *(n for n, mask in enumerate(certain) if mask != 0xff and n not in strings)]:
                yield one["function"], name, at


def all_unpredicted():
    found = set()
    for kind in TYPES:
        image = pathlib.Path(tmp.name, "disk.img")
        image.write_bytes(bytes(1 << 20))
        paths = [path for _, path in generated_files.write(SEED, FILES, os.path.join(tmp.name, kind), image, [kind])]
        if kind in FEW:
            paths.append(pathlib.Path(tmp.name, f"{kind}.conf"))
            paths[-1].write_text(FEW[kind])
        for path in paths:
            for kernel in ("6.1", "6.12"):
                found |= {(kind if function else "-", name, at) for function, name, at in unpredicted(path, kernel)}
    return found


@test("what is not predicted has a row with its reason, and each row has something")
def table():
    known, found = list(rows()), all_unpredicted()
    eq(sorted(map(str, (f for f in found if not any(matches(row, f) for row in known)))), [], "without a row")
    eq([row for row in known if not any(matches(row, f) for f in found)], [], "rows that have nothing")


tap.main()
