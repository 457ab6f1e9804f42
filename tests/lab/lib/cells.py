# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks which cells of the state tables a test has used. Supervisor and keeper write each use of a cell to a trace
file (src/base/trace.h)."""

import contextlib
import os
import pathlib
import re

import gadgets
from harness import SRC
from tap import eq, ok

TRACE = gadgets.open_file("trace")
os.environ["FFSCTL_TEST_TRACE"] = str(TRACE)


def of_source(path, begin, row, cell):
    """Returns the names of the cells of a table in the source that are not empty, as in the trace file. `row` and
    `cell`: prefixes of the enumerators in brackets in the source."""
    text = pathlib.Path(SRC, path).read_text()
    text = text[text.index(begin):]
    text = text[text.index("= {"):text.index("\n};\n")]
    return {(state, event) for state, words in re.findall(r"\[%s(\w+)\] = \{(.*?)\n\t\}" % row, text, re.S)
            for event in re.findall(r"\[%s(\w+)\]" % cell, words)}


class Table:
    def __init__(self, name, cells):
        self.name, self.cells, self.reached = name, cells, set()

    @contextlib.contextmanager
    def reaches(self, *cells):
        """Checks that the block uses these cells, such as "READY EXIT". The table must have them."""
        wanted = {tuple(cell.split()) for cell in cells}
        ok(wanted <= self.cells, f"the table has no {wanted - self.cells}")
        TRACE.write_text("")
        yield
        for line in TRACE.read_text().splitlines():
            name, state, event = line.split()
            if name == self.name:
                self.reached.add((state, event))
        ok(wanted <= self.reached, f"not reached: {wanted - self.reached}, but\n{TRACE.read_text()}")

    def is_walked(self):
        ok(len(self.cells) > 20, f"{self.name}: only {len(self.cells)} cells were found")
        eq(sorted(self.cells - self.reached), [], self.name)
        empty = sorted(self.reached - self.cells)
        print(f"{self.name}: {len(self.cells)} cells; of those with nothing to do, too: {empty}")
