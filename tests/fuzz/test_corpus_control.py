#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As test_corpus.py, for the control protocol."""

import os

BUILD = os.environ.get("FFSCTL_BUILD", ".")
SRC = os.environ.get("FFSCTL_SRC", ".")
# Three seconds with sanitizers. A message that the keeper's oracle did not know took 470 to 30,000 with 11 seeds.
RUNS = 50000

os.execv(os.path.join(BUILD, "tests", "fuzz", "fuzz_control"),
         ["fuzz_control", "--runs", str(RUNS), os.path.join(SRC, "tests/fuzz/corpus-control")])
