#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=super,high,full virtual-time timeout=180
# lab: kernel=6.12 flavour=debug virtual-time timeout=200
"""The selftests of the kernel patch set, on a UDC that takes scatterlists and on one that does not.

What is skipped without cause has failed: here everything is there that they need.
"""

import os
import pathlib
import re
import subprocess

import tap
from tap import eq, ok, test

PROGRAMS = sorted(pathlib.Path(os.environ["LAB_SELFTESTS"]).glob("test_*"))
PARAMETERS = {"super": ["is_super_speed=1"], "high": [], "full": ["is_high_speed=0"]}[os.environ["LAB_SPEED"]]
# Without scatter-gather no DMABUF can be attached to a gadget
NEEDS_SG = {"test_dmabuf"}
# With KASAN freed objects cannot be counted; there kmemleak looks for what is leaked
SKIPS = {"test_io": 1} if os.environ["LAB_FLAVOUR"] == "debug" else {}


def udc(sg):
    subprocess.run(["rmmod", "dummy_hcd"], check=True)
    subprocess.run(["modprobe", "dummy_hcd", *PARAMETERS, f"gadget_sg={sg:d}"], check=True)


@test("there are selftests")
def _():
    ok(len(PROGRAMS) >= 4, PROGRAMS)


def selftest(program, sg):
    udc(sg)
    result = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    total = re.search(r"^# Totals: pass:(\d+) fail:0 xfail:0 xpass:0 skip:(\d+) error:0$", result.stdout, re.M)
    ok(total and int(total[1]) > 0, f"exit {result.returncode}\n{result.stdout}")
    eq(int(total[2]), SKIPS.get(program.name, 0), "skipped")
    eq(result.returncode, 0)


for path in PROGRAMS:
    for with_sg in (False, True):
        if with_sg or path.name not in NEEDS_SG:
            test(f"{path.name}{', with scatter-gather' if with_sg else ''}", path, with_sg)(selftest)

tap.main()
