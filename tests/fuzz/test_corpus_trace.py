#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As test_corpus.py, for the kernel's trace of a host's requests."""

import os

BUILD = os.environ.get("FFSCTL_BUILD", ".")
SRC = os.environ.get("FFSCTL_SRC", ".")
# One second with sanitizers
RUNS = 2000

os.execv(os.path.join(BUILD, "tests", "fuzz", "fuzz_trace"),
         ["fuzz_trace", "--runs", str(RUNS), os.path.join(SRC, "tests/fuzz/corpus-trace")])
