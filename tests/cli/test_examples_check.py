#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The examples are clean for every command that reads a file, on a machine without any UDC, and
what those commands print as JSON is valid: plans and errors. The rest is in the lab
(tests/lab/cmd/test_documents.py)."""

import glob
import os
import re
import tempfile

from paths import SRC
import identity
import tap
import tree
import valid
from harness import document, ffsctl, must
from tap import contains, eq, ok, test

EXAMPLES = [os.path.join(SRC, path) for path in tree.files("examples/**/*.conf", "gadget.d/*.conf")]
# The plugin beside that one is its reader's to build: test_install.py does, and runs it.
EXAMPLES = [path for path in EXAMPLES if "plugin-template" not in path]
BAD = sorted(glob.glob(os.path.join(SRC, "tests", "bad", "*.conf")))
# Neither the state nor the gadgets of this machine take part
world = tempfile.TemporaryDirectory()
WORLD = ("--run-dir", os.path.join(world.name, "run"), "--configfs", os.path.join(world.name, "config"))


def clean(path):
    result = must(ffsctl("check", path))
    eq(result.stdout, "", "stdout")
    # About an image that users must create
    images = () if os.path.exists("/var/lib/ffsctl/storage.img") else ("storage.conf", "composite.conf")
    warnings = 1 if os.path.basename(path) in images else 0
    warnings += identity.warnings_without_machine_id(path)
    last = f", {warnings} warning" + "s" * (warnings > 1) if warnings else ""
    eq(result.stderr.splitlines()[-1], f"{path}: no errors{last}", "last line")
    # A note is all that may be said besides
    eq(len(re.findall(r": (?:warning|error): ", result.stderr)), warnings, result.stderr)


def plan(path):
    """--dry-run in words and as JSON are the same plan, and change nothing."""
    words = must(ffsctl(*WORLD, "up", "--dry-run", "--no-bind", path)).stdout.splitlines()
    gadget, = document(must(ffsctl(*WORLD, "up", "--dry-run", "--no-bind", "--json", path)))["gadgets"]
    eq((gadget["name"], gadget["file"], gadget["state"]), (os.path.basename(path)[:-5], path, "down"))
    lines = []
    width = max(len(step["do"]) for step in gadget["plan"])
    for n, step in enumerate(gadget["plan"], 1):
        eq(step["n"], n, "number of the step")
        line = "%3d %-*s  %s" % (n, width, step["do"], step["path"])
        line += " = " + step["value"] if step["value"] is not None else ""
        line += "  [undo: %s]" % step["undo"] if step["undo"] is not None else ""
        lines.append(line)
    eq(words, lines, "the plan in words")
    same = document(must(ffsctl(*WORLD, "run", "--dry-run", "--no-bind", "--json", path)))["gadgets"][0]["plan"]
    eq(same, gadget["plan"], "the plan of run")
    eq(os.listdir(world.name), [], "files")


for example in EXAMPLES:
    test("check %s" % os.path.relpath(example, SRC), example)(clean)
    test("up --dry-run %s" % os.path.relpath(example, SRC), example)(plan)


def failed(code, *args):
    """The JSON document of a failure has what the words say, and the code that the command has."""
    words = must(ffsctl(*WORLD, *args), code).stderr
    result = must(ffsctl(*WORLD, *args, "--json"), code)
    eq(result.stderr, "", "stderr beside --json")
    doc = document(result)
    ok(doc["errors"], "no error in the document")
    error = doc["errors"][0]
    eq(error["exit"], code, "exit code in the document")
    return words, doc, error


@test("no file: 66")
def missing_file():
    for command in ("up", "run"):
        words, _, error = failed(66, command, "/nonexistent/x.conf")
        eq(words, f"ffsctl: {error['text']}\n")
        eq((error["path"], error["errno"]), ("/nonexistent/x.conf", 2))
        words, _, error = failed(66, command, "nonexistent-name")
        contains(words, "gadget.d")


@test("a file with errors: 65, with all of them")
def file_with_errors():
    for path in BAD[::tap.rounds(8, 1)]:
        words, doc, _ = failed(65, "up", path)
        told = [p for p in doc["problems"] if p["severity"] == "error"]
        eq(len(told), len(re.findall(r": error: ", words)), f"errors of {path}")
        ok(told, path)


@test("no UDC: the plan, and why up would fail now")
def machine_without_udc():
    path = EXAMPLES[0]
    if os.path.isdir("/sys/class/udc") and os.listdir("/sys/class/udc"):
        tap.skip("this machine has a UDC")
    result = must(ffsctl(*WORLD, "up", "--dry-run", path))
    contains(result.stderr, "'up' would fail now: no UDC")
    eq(result.stdout.splitlines()[-1].split()[1], "bind", "last step")


@test("nothing is up: status and down")
def nothing_is_up():
    eq(document(must(ffsctl(*WORLD, "status", "--json")))["gadgets"], [])
    gadget, = document(must(ffsctl(*WORLD, "status", "nothing", "--json"), 3))["gadgets"]
    eq((gadget["name"], gadget["state"]), ("nothing", "down"))
    for args in (("nothing",), ("--all",)):
        document(must(ffsctl(*WORLD, "down", *args, "--json")))
    eq(must(ffsctl(*WORLD, "status", EXAMPLES[0]), 3).stdout, f"{os.path.basename(EXAMPLES[0])[:-5]}: down\n")


@test("a file means its gadget's name; of one that is bad or gone status cannot tell")
def file_means_its_gadget():
    gadget, = document(must(ffsctl(*WORLD, "status", EXAMPLES[0], "--json"), 3))["gadgets"]
    eq(gadget["name"], os.path.basename(EXAMPLES[0])[:-5])
    for path in (BAD[0], "/nonexistent/some-name.conf"):
        eq(document(must(ffsctl(*WORLD, "status", path, "--json"), 4))["gadgets"], [])


@test("the harness sees an invalid document")
def harness_sees_invalid_document():
    good = must(ffsctl(*WORLD, "status", "nothing", "--json"), 3)
    document(good)
    for wrong in ('"state": "up"', '"state": 3'):
        bad = type(good)(good.args, 0, good.stdout.replace('"state": "down"', wrong), "")
        tap.raises(valid.Invalid, document, bad)


tap.main()
