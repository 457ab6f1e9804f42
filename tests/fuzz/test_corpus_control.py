#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As test_corpus.py, for the control protocol."""

import os

BUILD = os.environ.get("FFSCTL_BUILD", ".")
SRC = os.environ.get("FFSCTL_SRC", ".")
# Three seconds with sanitizers in lab/test. With 11 seeds, 470 to 30,000 runs found a message that control_keeper.c did not
# know.
RUNS = 30000 if os.environ.get("LAB_TIER") == "1" else 100000

os.execv(os.path.join(BUILD, "tests", "fuzz", "fuzz_control"),
         ["fuzz_control", "--runs", str(RUNS), os.path.join(SRC, "tests/fuzz/corpus-control")])
