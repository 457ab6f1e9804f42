#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As test_corpus.py, for blobs."""

import os

BUILD = os.environ.get("FFSCTL_BUILD", ".")
SRC = os.environ.get("FFSCTL_SRC", ".")
# One second with sanitizers in lab/test, which the mutants do not need
RUNS = 15000 if os.environ.get("LAB_TIER") == "1" else 100000

os.execv(os.path.join(BUILD, "tests", "fuzz", "fuzz_blob"),
         ["fuzz_blob", "--runs", str(RUNS), os.path.join(SRC, "tests/fuzz/corpus-blob")])
