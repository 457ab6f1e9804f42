# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the project with one set of options, completely or some goals of make. Prints the directory, which
has src/ and a directory for each set.

  build-project.py SET [GOAL...]
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import project  # noqa: E402

# stdout only gets the directory
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
try:
    project.copy_tree()
    project.build(sys.argv[1], goals=sys.argv[2:])
except project.Error as e:
    sys.exit("lab: %s" % e)
print(project.WORK, file=answer)
