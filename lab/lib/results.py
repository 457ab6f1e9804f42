# SPDX-License-Identifier: GPL-2.0-or-later
"""Reads the TAP output of test programs, and counts and prints the results."""

import fnmatch
import json
import os
import re
import sys
import threading

import cache
from project import SRC


# A test that only --all runs prints its reason after this prefix (tests/lab/lib/tap.py)
ONLY_ALL = "# only --all: "


class Result:
    """The result of one test program."""

    def __init__(self, name):
        self.name = name
        self.tests = []  # (outcome, name, detail); the outcome is passed, failed or skipped
        self.output = ""
        self.seconds = 0.0
        self.profile = {}  # {boot, start, processor or total: seconds}
        self.took = []  # (seconds, name) of each test that prints its time
        self.only_all = {}  # {name: reason why only --all runs it}

    def add(self, outcome, name, detail=""):
        self.tests.append((outcome, name, detail))

    def count(self, outcome):
        return sum(t[0] == outcome for t in self.tests)


def parse_tap(result, text, status):
    """Parses TAP strictly: a program whose number of tests differs from its plan has failed."""
    plan, seen = None, 0
    for line in text.splitlines():
        m = re.fullmatch(r"1\.\.(\d+)(?:\s*#\s*(?:SKIP|skip)\S*\s*(.*))?", line.rstrip())
        if m:
            if plan is not None:
                result.add("failed", "plan", "two plans")
            plan = int(m.group(1))
            if plan == 0:
                result.add("skipped" if m.group(2) else "failed", "all", m.group(2) or "empty plan")
            continue
        m = re.match(r"(not )?ok\b\s*(\d+)?\s*(?:-\s*)?(.*)", line)
        if m:
            seen += 1
            name, _, directive = m.group(3).partition(" # ")
            if m.group(2) and int(m.group(2)) != seen:
                result.add("failed", "numbers", "test %s is the %dth" % (m.group(2), seen))
            if re.match(r"skip", directive, re.I) and not m.group(1):
                result.add("skipped", name, directive[4:].strip())
            else:
                result.add("failed" if m.group(1) else "passed", name)
        elif line.startswith("Bail out!"):
            result.add("failed", "bail out", line)
        elif seen and (m := re.fullmatch(r"# ([\d.]+) s", line)):
            result.took.append((float(m.group(1)), result.tests[-1][1]))
        elif seen and line.startswith(ONLY_ALL):
            result.only_all[result.tests[-1][1]] = line[len(ONLY_ALL):]
    if plan is None:
        result.add("failed", "plan", "no plan on stdout")
    elif plan != seen:
        result.add("failed", "plan", "%d tests of %d planned; the program ended with %d" % (seen, plan, status))
    if status != 0 and not result.count("failed"):
        result.add("failed", "exit status", "ended with %d" % status)


def expected_skips():
    """Returns the patterns of tests/expected-skips, which match `PROGRAM: TEST`. Each line of tests/expected-skips has a
    pattern, and after # the reason why the tests that match may be skipped."""
    path = os.path.join(SRC, "tests/expected-skips")
    if not os.path.exists(path):
        return []
    lines = (l.partition("#")[0].strip() for l in cache.read(path).decode().splitlines())
    return [l for l in lines if l]


def failures(output):
    """Returns a program's output without passed tests, so that a truncated log still has the failures."""
    lines, passed, skipping = [], 0, False
    for line in output.splitlines():
        if re.match(r"ok \d+(?!.*# SKIP)", line):
            passed, skipping = passed + 1, True
        elif not (skipping and line.startswith("#")):
            skipping = False
            lines.append(line)
    return lines + ["(%d that passed are left out)" % passed] * (passed > 0)


class Report:
    """Prints the result of each program when the program has ended."""

    def __init__(self, differences=None):
        """`differences`: what may fail or be skipped (differences.Differences)."""
        self.differences = differences
        self.total = {"passed": 0, "failed": 0, "skipped": 0}
        self.unexpected = 0
        self.skips = expected_skips()
        self.lock = threading.Lock()
        self.results = []

    def take(self, result):
        with self.lock:
            self.results.append(result)
            bad = []
            outdated = self.differences.out_of_date(result) if self.differences else []
            for row in outdated:
                result.add("failed", "table", "passes, against its row: %s" % row)
            for outcome, name, detail in result.tests:
                if outcome != "passed" and self.differences and self.differences.expected(result.name, name):
                    self.total["different"] = self.total.get("different", 0) + 1
                    continue
                self.total[outcome] += 1
                full = "%s: %s" % (result.name, name)
                if outcome == "failed":
                    bad.append("    failed: %s%s" % (name, " (%s)" % detail if detail else ""))
                elif outcome == "skipped" and not any(
                        fnmatch.fnmatchcase(full, s) for s in self.skips):
                    self.unexpected += 1
                    bad.append("    skipped, not in tests/expected-skips: %s (%s)" % (name, detail))
            if not result.tests and not result.seconds:
                return
            print("%-6s %4d  %s  %.1f s" % ("FAILED" if bad else "ok", len(result.tests), result.name,
                                            result.seconds))
            if bad:
                print("\n".join(bad))
                for line in failures(result.output):
                    print("    | " + line)
            sys.stdout.flush()

    def save(self, path):
        """Writes all results as JSON, for lab/compare."""
        with open(path, "w") as f:
            json.dump([{"program": r.name, "seconds": round(r.seconds, 3), "profile": r.profile,
                        "tests": [[outcome, name] for outcome, name, _ in r.tests], "took": r.took, "only_all": r.only_all}
                       for r in self.results], f)

    def finish(self):
        if self.unexpected:
            print("%d unexpected skips: the run has failed" % self.unexpected)
        different = self.total.pop("different", 0)
        if different:
            print("%d as in the table of differences" % different)
        print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % self.total, flush=True)
        nothing = not different and not any(self.total.values())
        return 1 if self.total["failed"] or self.unexpected or nothing else 0
