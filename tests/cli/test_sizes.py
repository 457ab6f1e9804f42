#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: build=plain
"""doc/sizes.md: no choice of configure has grown."""

import os
import subprocess
import tempfile

import paths
from tap import main, ok, test


@test("no size in doc/sizes.md has grown; if one must grow, packaging/sizes DIRECTORY writes the table")
def sizes():
    with tempfile.TemporaryDirectory(prefix="ffsctl-sizes-", dir=os.environ.get("LAB_BUILDS_TMP")) as directory:
        result = subprocess.run([f"{paths.SRC}/packaging/sizes", "--check", directory], stdin=subprocess.DEVNULL, text=True,
                                stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
        ok(result.returncode == 0, result.stdout[-4000:])


main()
