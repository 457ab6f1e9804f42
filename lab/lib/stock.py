# SPDX-License-Identifier: GPL-2.0-or-later
"""lab/test --stock: each program of the lab on kernels without the patches of kernel/patches.

tests/stock-differences has the tests that fail or are skipped there, each row with the feature that is missing and a reason.
Any other failure fails the run. A row whose tests pass fails it, too: the row, and doc/stock.md, are out of date.
"""

import fnmatch
import os
import re

import cache

TABLE = "tests/stock-differences"
ROW = re.compile(r"(\S+ \[[^]]+\]): (.+?)  # ([^:]+): (.+)")


class Bad(Exception):
    """An error in the table."""


class Row:
    """A row of the table: the tests that match `test` (a pattern) in the programs that match `program` differ, because
    `feature` is missing."""

    def __init__(self, line):
        m = ROW.fullmatch(line)
        if not m:
            raise Bad("%s: not 'PROGRAM [WORDS]: TEST  # FEATURE: REASON': %s" % (TABLE, line))
        self.program, self.test, self.feature, self.reason = m.groups()
        self.text = "%s: %s" % (self.program, self.test)
        # [ and ] are no character class
        self.pattern = re.compile(fnmatch.translate(self.program.replace("[", "\0")).replace("\0", r"\["))

    def of(self, program):
        return bool(self.pattern.match(program))

    def matches(self, program, test):
        return self.of(program) and fnmatch.fnmatchcase(test, self.test)


def read_rows(path):
    """Returns the rows of a table."""
    lines = (l.strip() for l in cache.read(path).decode().splitlines())
    return [Row(l) for l in lines if l and l[0] != "#"]


class Differences:
    """The table, and which of its rows were needed."""

    def __init__(self, path):
        self.rows = read_rows(path)

    def expected(self, program, test):
        """Returns whether this test may fail, or be skipped. `program` has the name of a Result, behind which those of
        selected functions may stand."""
        name = program[:program.rfind("]") + 1]
        return any(row.matches(name, test) for row in self.rows)

    def out_of_date(self, result):
        """Returns the rows of a program none of whose tests failed or was skipped. If only some tests ran, a row of
        others is not out of date."""
        if not result.name.endswith("]"):
            return []
        differs = [name for outcome, name, _ in result.tests if outcome != "passed"]
        return [row.text for row in self.rows
                if row.of(result.name) and not any(row.matches(result.name, name) for name in differs)]


def combinations(found):
    """Returns one combination of a program for each kernel, with its parts: the first of the normal flavour and the plain
    build, if there is one without parameters of the patched dummy_hcd. `found`: those of lab/test --all."""
    usable = [v for v in found if v["flavour"] == "normal" and v["build"] == "plain"]
    usable.sort(key=lambda v: "dummy_hcd." in v["append"])
    chosen, out = {}, []
    for v in usable:
        same = {k: x for k, x in v.items() if k != "part"}
        if chosen.setdefault(v["kernel"], same) == same:
            out.append({**v, "stock": True})
    return out


def table(src):
    return os.path.join(src, TABLE)
