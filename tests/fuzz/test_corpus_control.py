#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As test_corpus.py, for the control protocol."""

import os

BUILD = os.environ.get("FFSCTL_BUILD", ".")
SRC = os.environ.get("FFSCTL_SRC", ".")

os.execv(os.path.join(BUILD, "tests", "fuzz", "fuzz_control"),
         ["fuzz_control", os.path.join(SRC, "tests/fuzz/corpus-control")])
