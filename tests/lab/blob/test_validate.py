#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=180 build=plain
# lab: kernel=6.1 stock timeout=180 build=plain
# lab all: kernel=6.12,6.1 timeout=180 build=plain
# lab all: kernel=6.12,6.1 stock timeout=180 build=plain
# lab all: kernel=6.12,6.1 flavour=debug timeout=120 build=plain
"""ffs_validate_as_kernel() (src/blob/validate_blob.h) predicts the result of write().

The test compares both for many sessions of valid and mutated descriptors and strings; lab/soak runs many more
(lab/README.md). It lists the branches of the parser: each must have been taken and not taken. With KASAN and
kmemleak there are fewer sessions, and each refusal is followed by a close (-c: a refused blob may leak an eventfd).
"""

import ctypes
import errno
import os
import re
import subprocess

import harness
import tap
from tap import contains, eq, ok, rounds, test

DIFF = f"{harness.BUILD}/tests/lab/blob/validate_diff"
KERNEL = f"{os.environ['LAB_KERNEL']}-{os.environ['LAB_MODULES']}"
DEBUG = os.environ["LAB_FLAVOUR"] == "debug"
SESSIONS = 5000 if DEBUG else rounds(20000, 50000, 100000)
SEED = os.environ.get("SOAK_SEED", "1")

HEAD = bytes.fromhex("03000000 19000000 01000000 01000000")
INTERFACE = bytes.fromhex("09 04 00 00 00 ff 00 00 00")
STRINGS = bytes.fromhex("02000000 10000000 00000000 00000000")

harness.leaves_nothing()


def diff(*args):
    return subprocess.run([DIFF, *args], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)


@test(f"{SESSIONS} sessions, no disagreement" + ("" if DEBUG else ", every branch from both sides"),
      only_all=DEBUG and "blob/associations-count-from-0: the same sessions, and more, have a test without debugging")
def no_disagreement():
    result = diff("-k", KERNEL, "-s", SEED, "-n", str(SESSIONS), "-c" if DEBUG else "-b")
    print(result.stdout)
    eq(result.returncode, 0, result.stdout)
    contains(result.stdout, f"seed {SEED}, sessions 0 to {SESSIONS - 1}\n")
    share = re.search(r"^# taken: .*, all of \d+ \((\d+\.\d) %\)", result.stdout, re.M)
    ok(share and 100 / 3 <= float(share[1]) <= 80, result.stdout)


@test("the result of another kernel is noticed")
def other_kernel_is_noticed():
    other = "6.12-patched" if os.environ["LAB_KERNEL"] == "6.1" else "6.1-stock"
    result = diff("-k", other, "-s", SEED, "-n", "5000")
    eq(result.returncode, 1, result.stdout)
    contains(result.stdout, f"DISAGREEMENT: seed {SEED}, session ")
    contains(result.stdout, f"again:       validate_diff -k {other} -s {SEED} -f ")


class Instance:
    """Makes a FunctionFS instance without ffsctl, and opens its ep0."""

    def __enter__(self):
        self.gadget, self.path = f"{harness.CONFIGFS}/by_hand", "/run/by_hand"
        for path in (self.gadget, f"{self.gadget}/functions/ffs.by_hand", self.path):
            os.mkdir(path)
        subprocess.run(["mount", "-n", "-t", "functionfs", "by_hand", self.path], check=True)
        self.ep0 = os.open(f"{self.path}/ep0", os.O_RDWR)
        return self

    def __exit__(self, *_):
        os.close(self.ep0)
        subprocess.run(["umount", "-n", self.path], check=True)
        for path in (self.path, f"{self.gadget}/functions/ffs.by_hand", self.gadget):
            os.rmdir(path)

    def write(self, data):
        """Returns the result of write(): the number of bytes, or the name of the errno."""
        try:
            return os.write(self.ep0, data)
        except OSError as e:
            return errno.errorcode[e.errno]


@test("what is taken is taken whole, and an active instance takes no blob")
def taken_whole_or_not_at_all():
    with Instance() as i:
        eq(i.write(b""), "EINVAL")
        eq(i.write(HEAD + INTERFACE), 25)
        eq(i.write(STRINGS), 16)
        eq(i.write(HEAD + INTERFACE), "ESRCH")


@test("a buffer that is not there")
def buffer_that_is_not_there():
    libc = ctypes.CDLL(None, use_errno=True)
    with Instance() as i:
        eq(libc.write(i.ep0, ctypes.c_void_p(8), 25), -1)
        eq(errno.errorcode[ctypes.get_errno()], "EFAULT")
        # the kernel does not read it
        eq(libc.write(i.ep0, ctypes.c_void_p(8), 15), -1)
        eq(errno.errorcode[ctypes.get_errno()], "EINVAL")


tap.main()
