#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As test_corpus.py, for what follows from valid gadget files, which the target generates."""

import os

BUILD = os.environ.get("FFSCTL_BUILD", ".")
SRC = os.environ.get("FFSCTL_SRC", ".")
# Four seconds with sanitizers
RUNS = 1000

os.execv(os.path.join(BUILD, "tests", "fuzz", "fuzz_plan"),
         ["fuzz_plan", "--runs", str(RUNS), os.path.join(SRC, "tests/fuzz/corpus-plan")])
