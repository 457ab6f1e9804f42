#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain,sanitize
"""Every bad gadget file of tests/bad gets exactly the diagnostics that stand beside it.

With --update the .err files are written anew: read the difference before committing it."""

import functools
import glob
import json
import os
import subprocess
import sys

from paths import BUILD, SRC
import tap

FFSCTL = os.path.join(BUILD, "ffsctl")
BAD = os.path.join(SRC, "tests", "bad")
FILES = sorted(os.path.basename(f) for e in ("conf", "scheme") for f in glob.glob(os.path.join(BAD, "*." + e)))


SANITIZED = tap.sanitized()
FEWER = "gadgetfile/strings-of-an-unknown-language-leak: the other build has every file in every form, this one each eighth"


@functools.cache
def check(*args):
    """Messages have the path that was given: relative ones are the same everywhere."""
    return subprocess.run([FFSCTL, "check", *args], cwd=BAD, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, env=dict(os.environ, LC_ALL="C"), check=False)


def expected(name):
    return os.path.join(BAD, os.path.splitext(name)[0] + ".err")


def exact(name):
    got = check(name)
    with open(expected(name), "rb") as f:
        want = f.read()
    tap.eq(got.stderr.decode("utf-8", "replace"), want.decode("utf-8", "replace"), "diagnostics")
    tap.eq(got.returncode, 65, "exit status")
    tap.eq(got.stdout, b"", "standard output")


def same_in_other_forms(name):
    """What people, compilers' users and programs are told is the same."""
    words = check(name).stderr.decode("utf-8", "replace").splitlines()
    gcc = check("--format=gcc", name).stderr.decode("utf-8", "replace").splitlines()
    lines = []
    for line in words:
        if line.startswith("hint: "):
            lines[-1] += "; " + line[len("hint: "):]
        elif not line[:8].endswith("| "):
            lines.append(line)
    tap.eq(gcc, lines, "--format=gcc")
    problems = json.loads(check("--json", name).stdout)["problems"]
    lines = []
    for p in problems:
        place = p["file"] + (":%d:%d" % (p["line"], p["column"]) if "line" in p else "")
        lines.append("%s: %s: %s" % (place, p["severity"], p["text"]))
    tap.eq(lines, gcc, "--json")


if sys.argv[1:] == ["--update"]:
    for file in FILES:
        with open(expected(file), "wb") as out:
            out.write(check(file).stderr)
    sys.exit(0)

for n, file in enumerate(FILES):
    tap.test("%s gets its diagnostics" % file, file)(exact)
    tap.test("%s gets the same in every form" % file, file,
             only_all=FEWER if SANITIZED and n % 8 else None)(same_in_other_forms)


@tap.test("there are at least 150 bad files, many with more than one error")
def enough_bad_files():
    tap.ok(len(FILES) >= 150, "only %d bad files" % len(FILES))
    several = 0
    for name in FILES:
        with open(expected(name), "rb") as f:
            several += f.read().count(b": error: ") > 1
    tap.ok(several >= 75, "only %d of them with more than one error" % several)


@tap.test("no diagnostics without a bad file")
def every_diagnostic_has_its_file():
    there = {os.path.splitext(name)[0] for name in FILES}
    stray = [f for f in glob.glob(os.path.join(BAD, "*.err")) if os.path.basename(f)[:-4] not in there]
    tap.eq(stray, [])
    tap.eq(len(there), len(FILES), "two files with one name")


tap.main()
