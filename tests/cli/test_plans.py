#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""Every command that needs no kernel does its work with generated gadget files (tests/fuzz/gadget_files.h), in which what is
optional is there or not. What follows from them in one process: tests/fuzz/fuzz_plan.c; on a kernel:
tests/lab/gadgetfile/test_generated_gadgets.py."""

import json
import os
import pathlib
import subprocess
import tempfile

from paths import BUILD
import generated_files
import tap

FFSCTL = os.path.join(BUILD, "ffsctl")
FILES = 40
DIRECTORY = tempfile.TemporaryDirectory()


def ffsctl(*args):
    got = subprocess.run([FFSCTL, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                         env=dict(os.environ, LC_ALL="C"), check=False)
    tap.eq(got.returncode, 0, f"exit status of {' '.join(map(str, args))}: {got.stderr}")
    return got.stdout


def plan(path):
    return json.loads(ffsctl("up", "--dry-run", "--json", path))["gadgets"][0]["plan"]


def work(path):
    ffsctl("check", path)
    json.loads(ffsctl("check", "--json", path))
    ffsctl("up", "--dry-run", path)
    ffsctl("descriptors", path)
    json.loads(ffsctl("descriptors", "--json", path))
    tap.eq([f["state"] for f in json.loads(ffsctl("--dir", path.parent, "list", "--json"))["files"]], ["down"])
    before = plan(path)
    for text in (path, *path.parent.glob("gen.conf.d/*.conf")):
        generated_files.move_groups_to_includes(text)
    tap.eq(plan(path), before, "the plan with @include")


def files():
    medium = pathlib.Path(DIRECTORY.name) / "disk.img"
    medium.write_bytes(bytes(4096))
    yield from generated_files.write(1, FILES, DIRECTORY.name, medium)


for n, file in files():
    tap.test(f"file {n}", file)(work)


tap.main()
