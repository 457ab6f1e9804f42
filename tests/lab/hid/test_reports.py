#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12,6.1 timeout=300
"""hid_report_check() (src/hid/check_report.h) has an error for exactly those descriptors that Linux refuses as a host.

They are given to the kernel's parser by /dev/uhid. Each error of the table of rules must have been found. SOAK_SEED repeats
the descriptors of a failure, or has others.
"""

import os
import re
import subprocess

import harness
import tap
from harness import must
from tap import contains, eq, ok, rounds, test

DIFF = f"{harness.BUILD}/tests/lab/hid/uhid_diff"
SEED = os.environ.get("SOAK_SEED", "1")
DESCRIPTORS = rounds(1000, 5000, 100000)

for module in ("hid_generic", "uhid"):
    must(subprocess.run(["modprobe", module], capture_output=True, text=True))
harness.leaves_nothing()


def diff(*args):
    return subprocess.run([DIFF, "-s", SEED, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


@test(f"{DESCRIPTORS} descriptors by uhid, no disagreement, each error seen")
def no_disagreement():
    result = diff("-n", str(DESCRIPTORS))
    print(result.stdout)
    eq(result.returncode, 0, result.stdout)
    compared, refused = map(int, re.search(r"(\d+) descriptors compared, (\d+) of them refused", result.stdout).groups())
    ok(compared > 0.95 * DESCRIPTORS, result.stdout)
    ok(0.3 < refused / compared < 0.7, result.stdout)
    eq(re.findall(r"rule (\d+) \(error\): 0$", result.stdout, re.M), ["0"], "the empty descriptor is the only error not seen")


@test("a disagreement is noticed")
def disagreement_is_noticed():
    result = diff("-n", "20", "-r")
    eq(result.returncode, 1, result.stdout)
    contains(result.stdout, "DISAGREEMENT: seed ")


tap.main()
