#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""As test_corpus.py, for the verdicts on blobs."""

import os

BUILD = os.environ.get("FFSCTL_BUILD", ".")
SRC = os.environ.get("FFSCTL_SRC", ".")

os.execv(os.path.join(BUILD, "tests", "fuzz", "fuzz_verdict"),
         ["fuzz_verdict", os.path.join(SRC, "tests/fuzz/corpus-verdict")])
