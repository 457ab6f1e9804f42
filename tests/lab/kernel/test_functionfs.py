#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: kernel=6.12,6.1 timeout=180 build=plain
# lab: append=dummy_hcd.gadget_sg=1 timeout=180 build=plain
# lab: flavour=debug append=dummy_hcd.gadget_sg=1 timeout=200 build=plain parts=2
# lab: udc=dwc3 timeout=200 build=plain
# lab stock: no, it runs the selftests of the patches
# lab all: kernel=6.12,6.1 speed=super,high,full append=,dummy_hcd.gadget_sg=1 timeout=180 build=plain
# lab all: kernel=6.12,6.1 flavour=debug append=,dummy_hcd.gadget_sg=1 timeout=200 build=plain parts=2
# lab all: kernel=6.12,6.1 udc=dwc2,dwc2-ddma,dwc3 timeout=300 build=plain
# lab all: build=i386 append=,dummy_hcd.gadget_sg=1 timeout=180
"""The selftests of the kernel patches, on a UDC that supports scatterlists and on one that does not.

A selftest that is skipped without a known reason has failed, because the lab has everything that the selftests
need.
"""

import collections
import os
import pathlib
import re
import subprocess

import harness
import tap
from tap import eq, ok, test

PROGRAMS = sorted(pathlib.Path(os.environ["LAB_SELFTESTS"]).glob("test_*"))
SG = harness.has_scatterlists()
if not os.path.exists("/dev/udmabuf"):
    # Debian's 6.1 has no other source of DMABUFs
    subprocess.run(["modprobe", "vgem"], check=True)
# Without scatter-gather no DMABUF can be attached to a gadget
NEEDS_SG = {"test_dmabuf"}
SKIPS = collections.Counter()
# With KASAN freed objects cannot be counted; there kmemleak looks for what is leaked
SKIPS["test_io"] += os.environ["LAB_FLAVOUR"] == "debug"
if harness.LAB_UDC != "dummy":
    # Only dummy_hcd has parameters that complete requests late and reject ZLPs, and its limit of a segment
    SKIPS += collections.Counter(test_io=3, test_zlp=1, test_mmap=2, test_dmabuf=2)
# A kernel that only has FunctionFS, Loopback and SourceSink (lab/run --basic) has no obex, which deactivates the gadget, and
# no hid, whose response is queued when the gadget is unbound
if subprocess.run(["modprobe", "-n", "-q", "usb_f_obex"], check=False).returncode:
    SKIPS["test_descs"] += 2


@test("there are selftests")
def there_are_selftests():
    ok(len(PROGRAMS) >= 4, PROGRAMS)


def selftest(program):
    result = subprocess.run([program], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    total = re.search(r"^# Totals: pass:(\d+) fail:0 xfail:0 xpass:0 skip:(\d+) error:0$", result.stdout, re.M)
    ok(total and int(total[1]) > 0, f"exit {result.returncode}\n{result.stdout}")
    eq(int(total[2]), SKIPS[program.name], "skipped")
    eq(result.returncode, 0)


for path in PROGRAMS:
    if SG or path.name not in NEEDS_SG:
        test(path.name, path)(selftest)

tap.main()
