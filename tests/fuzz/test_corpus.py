#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Runs the fuzz target of gadget files on its corpus, and on inputs generated from it."""

import os
import sys

BUILD = os.environ.get("FFSCTL_BUILD", ".")
SRC = os.environ.get("FFSCTL_SRC", ".")
DIRS = ("tests/fuzz/corpus-gadgetfile", "tests/bad", "tests/bad/include", "tests/bad/drop-ins.conf.d", "tests/good",
        "tests/good/drop-ins.conf.d", "tests/schemes", "examples", "gadget.d")
# Two seconds with sanitizers
RUNS = 8000

os.execv(os.path.join(BUILD, "tests", "fuzz", "fuzz_gadgetfile"),
         ["fuzz_gadgetfile", "--runs", str(RUNS)] + [os.path.join(SRC, d) for d in DIRS])
