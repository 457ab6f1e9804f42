#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: append=dummy_hcd.gadget_sg=1 timeout=200 build=plain
# lab stock: no, it runs the selftests of the patches
# lab all: kernel=6.12,6.1 append=,dummy_hcd.gadget_sg=1 timeout=200 build=plain
# lab all: kernel=6.12 speed=full timeout=200 build=plain
# lab all: kernel=6.12,6.1 udc=dwc2,dwc2-ddma,dwc3 timeout=200 build=plain
# lab all: kernel=6.12,6.1 flavour=debug append=dummy_hcd.gadget_sg=1 timeout=200 build=plain
# lab all: kernel=6.12,6.1 flavour=debug udc=dwc2,dwc2-ddma,dwc3 timeout=300 build=plain
"""The stress program of the kernel patches: a small part of what lab/soak runs.

If a boot in the debug flavour finds a fault, the kernel reports it, and lab/run fails.
"""

import collections
import os
import re
import subprocess

import harness
import tap
from tap import eq, ok, test

STRESS = os.path.join(os.environ["LAB_SELFTESTS"], "stress")
SG = harness.has_scatterlists()
DEBUG = os.environ["LAB_FLAVOUR"] == "debug"
OPERATIONS = 4000 if DEBUG else 12000
# Without scatter-gather no DMABUF can be attached to a gadget
NEEDS_SG = {"attach", "detach", "transfer"}


def stress(*args):
    result = subprocess.run([STRESS, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    eq(result.returncode, 0, result.stdout[-4000:])
    return result.stdout


@test("everything happens, nothing goes wrong, and what arrives is right")
def everything_happens_nothing_breaks():
    out = stress("-s", "1", "-n", str(OPERATIONS))
    total = re.search(r"^# (\d+) operations, (\d+) blocks to the host, (\d+) from it$", out, re.M)
    ok(total, out)
    done = {m[1]: int(m[2] or 0) for m in re.finditer(r"^# (\w+):(?: (\d+) done)?", out, re.M)}
    never = {name for name, n in done.items() if n == 0} - (set() if SG else NEEDS_SG)
    # umount must never work
    eq(never, {"umount"}, "what was never done")
    ok(int(total[1]) >= OPERATIONS, total[0])
    ok(int(total[2]) > OPERATIONS // 20 and int(total[3]) > OPERATIONS // 20, total[0])


def plans(out):
    """Returns the operations of each actor: {(epoch, place, generation, thread): [operation]}."""
    found = collections.defaultdict(list)
    for m in re.finditer(r"^# (\d+)\.(\d+)\.(\d+)\.(\d+) (\w+ .*)$", out, re.M):
        found[m[1], m[2], m[3], m[4]].append(m[5])
    return found


def agree(a, b):
    """Whether the actors that both have do the same, up to where the first of the two ends."""
    ok(set(a) & set(b), "no actor in common")
    return all(x == y for key in set(a) & set(b) for x, y in zip(a[key], b[key]))


@test("a seed does the same again, another one does not")
def seed_repeats():
    first, again, other = (plans(stress("-v", "-s", seed, "-n", "1000")) for seed in ("7", "7", "8"))
    ok(agree(first, again), "other operations with the same seed")
    ok(not agree(first, other), "the same operations with another seed")


@test("an epoch can be looked at alone")
def single_epoch():
    whole, alone = (plans(stress("-v", "-s", "7", "-n", n, *more)) for n, more in (("3000", ()), ("1", ("-e", "1"))))
    eq({key[0] for key in alone}, {"1"})
    ok("1" in {key[0] for key in whole}, "no second epoch")
    ok(agree(whole, alone), "other operations than in the whole")


tap.main()
