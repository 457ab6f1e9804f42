#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As test_corpus.py, for what follows from valid gadget files, which the target generates."""

import os

BUILD = os.environ.get("FFSCTL_BUILD", ".")
SRC = os.environ.get("FFSCTL_SRC", ".")
# Two seconds with sanitizers in lab/test, which the mutants do not need
RUNS = 500 if os.environ.get("LAB_TIER") == "1" else 2000

os.execv(os.path.join(BUILD, "tests", "fuzz", "fuzz_plan"),
         ["fuzz_plan", "--runs", str(RUNS), os.path.join(SRC, "tests/fuzz/corpus-plan")])
