# SPDX-License-Identifier: GPL-2.0-or-later
"""lab/test --stock and --udc: each program of the lab once on each kernel, where some tests cannot pass: without the patches of
kernel/patches, or with the kernel's driver of a board's UDC on a model of its hardware (lab/udc).

A table has the tests that fail or are skipped there, each row with a subject and a reason. The subject is the feature of
doc/stock.md that is missing, or what the UDC's driver or its model does otherwise than dummy_hcd. Any other failure fails the run.
A row whose tests pass fails it, too: the row is out of date.
"""

import fnmatch
import re

import cache

STOCK, UDC = "tests/stock-differences", "tests/udc-differences"
ROW = re.compile(r"(\S+ \[[^]]+\]): (.+?)  # ([^:]+): (.+)")


class Bad(Exception):
    """An error in the table."""


class Row:
    """A row of a table: the tests that match `test` (a pattern) in the programs that match `program` differ, because of
    `subject`."""

    def __init__(self, line, table):
        m = ROW.fullmatch(line)
        if not m:
            raise Bad("%s: not 'PROGRAM [WORDS]: TEST  # SUBJECT: REASON': %s" % (table, line))
        self.program, self.test, self.subject, self.reason = m.groups()
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
    return [Row(l, path) for l in lines if l and l[0] != "#"]


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


def first_of_each_kernel(usable):
    """Returns one combination of a program for each kernel, with its parts."""
    chosen, out = {}, []
    for v in usable:
        same = {k: x for k, x in v.items() if k != "part"}
        if chosen.setdefault(v["kernel"], same) == same:
            out.append(v)
    return out


def of_normal_flavour(found):
    return [v for v in found if v["flavour"] == "normal" and v["build"] == "plain"]


def stock_combinations(found):
    """Returns the combinations of a program for --stock, those without parameters of the patched dummy_hcd if there are any.
    `found`: those of lab/test --all."""
    usable = sorted(of_normal_flavour(found), key=lambda v: "dummy_hcd." in v["append"])
    return [{**v, "stock": True} for v in first_of_each_kernel(usable)]


def udc_combinations(found, udc):
    """Returns the combinations of a program for --udc, at high speed instead of SuperSpeed, which the models lack."""
    usable = [v for v in of_normal_flavour(found) if "stock" not in v and "dummy_hcd." not in v["append"]]
    usable.sort(key=lambda v: (v["udc"] != udc, v["udcs"] != "1", v["vudcs"] != "0"))
    return [{**v, "udc": udc, "speed": v["speed"].replace("super", "high")} for v in first_of_each_kernel(usable)]
