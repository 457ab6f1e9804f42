# SPDX-License-Identifier: GPL-2.0-or-later
"""The files of the source tree, without those that a build in it has made."""

import glob
import os
import re

SRC = os.path.abspath(os.environ.get("FFSCTL_SRC", os.path.join(os.path.dirname(os.path.abspath(__file__)), "..")))
# Directories of builds, and of what `make` and `make html` write
PRODUCTS = re.compile(r"^(?:build[^/]*|installed|html)/")
GENERATED = "/* Made by "  # how a source begins that a script of the build writes


def read(path):
    with open(os.path.join(SRC, path), encoding="utf-8") as f:
        return f.read()


def is_generated(path):
    with open(os.path.join(SRC, path), "rb") as f:
        return f.read(len(GENERATED)) == GENERATED.encode()


def files(*patterns):
    """Returns the sorted paths, relative to the tree, of what the patterns match."""
    found = {os.path.relpath(path, SRC) for pattern in patterns for path in glob.glob(os.path.join(SRC, pattern), recursive=True)}
    return sorted(path for path in found if not PRODUCTS.match(path) and not (path.endswith((".c", ".h")) and is_generated(path)))
