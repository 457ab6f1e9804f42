# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks which cells of the state tables a test has used. A cell is what a table has for one state and one event.
Each time that the supervisor or the keeper looks up a cell in its table, it writes the cell's state and event to a trace
file (src/base/test_environment.h)."""

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
    """Reads a state table from its source file. Returns the set of the cells that are not empty, as (state, event), with
    the names that the trace file uses. `begin`: text where the table begins. `row` and `cell`: prefixes of the names of
    states and events in the source, which the trace file leaves out."""
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
        """Checks that the supervisor or the keeper has looked up these cells, such as "READY EXIT" (state and event), in the
        body of this `with` statement or of an earlier one. Fails unless the table has all of these cells."""
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
