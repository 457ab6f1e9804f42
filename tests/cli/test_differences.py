#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
"""lab/test --stock and --udc: their tables of differences, and doc/stock.md, which has the same features as that of --stock."""

import contextlib
import io
import os
import pathlib
import re
import tempfile

from paths import SRC
import differences as tables
import programs
import results
import run
import tap
from tap import eq, ok, raises, test

TABLE = os.path.join(SRC, tables.STOCK)
DOCUMENT = pathlib.Path(SRC, "doc/stock.md").read_text(encoding="utf-8")
# Features that no test misses: ffsctl does without them in silence, as the document says, or has a test for both cases
UNNOTICED = {"dmabuf status", "sessions", "tracepoint", "tracepoints of control requests", "wIndex"}
KERNELS = ("6.1", "6.12")
ROW = "tests/lab/x/test_x.py [6.12 *stock]: b*  # zlp: no file has it"


def document_rows():
    """Returns {feature: [its state on 6.1, 6.12 and 6.18]} of the document."""
    section = DOCUMENT.partition("## Features\n")[2].partition("\n## ")[0]
    lines = [line.strip("| ").split(" | ") for line in section.splitlines() if line.startswith("| ")]
    return {line[0]: line[1:4] for line in lines[1:]}


@test("each feature of the table is one of doc/stock.md, and each one there is in the table, or goes unnoticed")
def same_features():
    used = {row.subject for row in tables.read_rows(TABLE)}
    eq(sorted(used | UNNOTICED), sorted(document_rows()))
    eq(used & UNNOTICED, set())


@test("a feature is missing in the table on the kernels on which the document says so")
def same_kernels():
    found = {feature: set() for feature in document_rows()}
    programs.SRC = SRC
    for program in programs.lab_programs(False, on_stock=True):
        for row in tables.read_rows(TABLE):
            if row.of(program.name):
                found[row.subject].add(program.combination["kernel"])
    for feature, states in document_rows().items():
        lacking = {kernel for kernel, state in zip(KERNELS, states) if state == "no"}
        eq((feature, sorted(found[feature])), (feature, [] if feature in UNNOTICED else sorted(lacking)))


@test("each row is for a program that runs")
def programs_exist():
    programs.SRC = SRC
    for table, options in ((tables.STOCK, [{"on_stock": True}]), (tables.UDC, [{"udc": udc} for udc in run.MODELS])):
        names = [p.name for which in options for p in programs.lab_programs(False, **which) if not p.left_out]
        eq([row.text for row in tables.read_rows(os.path.join(SRC, table)) if not any(row.of(name) for name in names)], [])


@test("each row for a UDC names the function of the driver, or says that the model or dummy_hcd is the reason")
def subjects_of_udcs():
    rows = tables.read_rows(os.path.join(SRC, tables.UDC))
    eq([row.text for row in rows if not re.fullmatch(r"dwc[23]_\w+\(\)|__dwc3_\w+\(\)|the model|dummy_hcd|two UDCs", row.subject)], [])


def differences(*rows):
    with tempfile.NamedTemporaryFile("w") as f:
        f.write("\n".join(("# a comment", "", *rows)))
        f.flush()
        return tables.Differences(f.name)


def report(outcomes, name="tests/lab/x/test_x.py [6.12 super stock]", row=ROW):
    """Returns the exit status of a run in which the tests of one program have these outcomes."""
    r = results.Report(differences(row))
    r.skips = []
    result = results.Result(name)
    for test_name, outcome in outcomes.items():
        result.add(outcome, test_name)
    with contextlib.redirect_stdout(io.StringIO()):  # which is for TAP
        r.take(result)
        return r.finish()


@test("what is in the table may fail or be skipped, and nothing else")
def outcomes():
    eq(report({"a": "passed", "b1": "failed"}), 0)
    eq(report({"a": "passed", "b1": "skipped"}), 0)
    eq(report({"a": "failed", "b1": "failed"}), 1)
    eq(report({"a": "skipped", "b1": "failed"}), 1)
    eq(report({"b1": "failed"}, name="tests/lab/x/test_x.py [6.1 super stock]"), 1)


@test("a row whose tests pass fails the run, but not if only other tests were selected")
def out_of_date():
    eq(report({"a": "passed", "b1": "passed"}), 1)
    eq(report({"a": "passed"}), 1)
    eq(report({"a": "passed"}, name="tests/lab/x/test_x.py [6.12 super stock] a"), 0)
    eq(report({"b1": "failed"}, name="tests/lab/x/test_x.py [6.12 super stock] b1"), 0)


@test("a row without feature or reason is an error")
def bad_rows():
    for row in ("tests/lab/x/test_x.py [6.12 super stock]: b", "tests/lab/x/test_x.py: b  # zlp: why",
                "tests/lab/x/test_x.py [6.12 super stock]: b  # why"):
        raises(tables.Bad, differences, row)


@test("each program runs once on each kernel, with its parts, and without the parameters of the patched dummy_hcd if it can")
def combinations():
    found = [p for p in programs.lab_programs(False, on_stock=True) if not p.left_out]
    keys = [(re.sub(r" \[.*", "", p.name), p.combination["kernel"], p.combination["part"]) for p in found]
    eq(sorted(set(keys)), sorted(keys))
    ok(all("--stock" in p.args and " stock" in p.name for p in found))
    eq([p.name for p in found if "dummy_hcd" in p.combination["append"] and "camera" not in p.name], [])
    everything = {os.path.relpath(path, SRC) for path in map(str, pathlib.Path(SRC, "tests/lab").glob("[!_]*/test_*"))}
    left_out = {path for path in everything if re.search("^# lab stock: no, .{10}", pathlib.Path(SRC, path).read_text(), re.M)}
    eq(everything - {key[0] for key in keys} - left_out, set())


@test("with --udc each program runs once on each kernel, at a speed that the model has, unless it says why not")
def udc_combinations():
    found = list(programs.lab_programs(False, udc="dwc3"))
    keys = [(re.sub(r" \[.*", "", p.name), p.combination["kernel"], p.combination["part"]) for p in found]
    eq(sorted(set(keys)), sorted(keys))
    ok(all(p.combination["udc"] == "dwc3" and p.combination["speed"] in ("full", "high") for p in found))
    eq([p.name for p in found if "dummy_hcd" in p.combination["append"] or "stock" in p.combination], [])
    eq([p.name for p in found if p.left_out and len(p.left_out) < 10], [])


tap.main()
