# SPDX-License-Identifier: GPL-2.0-or-later
"""Where sources and build are, and where Python finds the modules of tests/lab/lib, lab/lib and
tests. A test of this directory imports it before those, and then runs with `make check`, with lab/test, and by itself, in
the directory of a build."""

import os
import re
import sys

SRC = os.path.abspath(os.environ.get("FFSCTL_SRC", os.path.join(os.path.dirname(__file__), "..", "..")))
BUILD = os.path.abspath(os.environ.get("FFSCTL_BUILD", "."))
os.environ.update(FFSCTL_SRC=SRC, FFSCTL_BUILD=BUILD)  # which the modules read
sys.path[:0] = [os.path.join(SRC, "tests", "lab", "lib"), os.path.join(SRC, "lab", "lib"), os.path.join(SRC, "tests")]

with open(os.path.join(SRC, "configure.ac"), encoding="utf-8") as file:
    VERSION = re.search(r"^AC_INIT\(\[ffsctl\], \[(.*)\]\)", file.read(), re.M)[1]
