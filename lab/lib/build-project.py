# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the project with one set of options of ./configure. Prints the path of the work directory, which has src/ and
one build directory for each set.

  build-project.py SET [TARGET...]

SET is the name of a set in BUILDS of project.py. TARGETs are targets of make; without them everything is built.
"""

import os
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import project  # noqa: E402

# Only the path of the directory is printed on stdout
answer = os.fdopen(os.dup(1), "w")
os.dup2(2, 1)
try:
    project.copy_tree()
    project.build(sys.argv[1], goals=sys.argv[2:])
except project.Error as e:
    sys.exit("lab: %s" % e)
print(project.WORK, file=answer)
