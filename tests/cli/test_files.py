#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""What ffsctl has and finds without a kernel's help: its schemas, and the files in its directories."""

import json
import os
import pathlib
import subprocess
import tempfile

import jsonschema

from paths import BUILD, SRC
import tap
from tap import contains, eq, ok, test

FFSCTL = os.path.join(BUILD, "ffsctl")
SCHEMAS = sorted(pathlib.Path(SRC, "schemas").glob("*.schema.json"))
GOOD = """attrs = { idVendor = 0x1209; idProduct = 1; }; %s
functions : { echo : { ffs : { interfaces = ( { endpoints = ( "bulk-in" ); } ); }; }; };
"""

world = tempfile.TemporaryDirectory()
WORLD = ("--run-dir", os.path.join(world.name, "run"), "--configfs", os.path.join(world.name, "config"))
gadgets = pathlib.Path(world.name, "gadget.d")
gadgets.mkdir()


def ffsctl(*args):
    return subprocess.run([FFSCTL, *WORLD, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                          encoding="utf-8", check=False)


def here(text):
    """Of what `list` prints, the lines of this test's directory, as words."""
    return [line.split(None, 2) for line in text.splitlines() if str(gadgets) in line]


@test("schema prints every schema as it is in schemas/, with and without its suffix")
def prints_every_schema():
    ok(len(SCHEMAS) >= 8, "only %d" % len(SCHEMAS))
    for path in SCHEMAS:
        for name in (path.name, path.name[:-len(".schema.json")]):
            got = ffsctl("schema", name)
            eq((got.returncode, got.stderr), (0, ""), name)
            eq(got.stdout, path.read_text(encoding="utf-8"), name)


@test("schema alone prints that of gadget files, which takes what check --json has of one")
def schema_of_gadget_files():
    which = json.loads(ffsctl("schema").stdout)
    eq(which, json.loads(pathlib.Path(SRC, "schemas/gadget.schema.json").read_text(encoding="utf-8")))
    document = json.loads(ffsctl("check", "--json", os.path.join(SRC, "examples/loopback.conf")).stdout)
    jsonschema.Draft202012Validator(which).validate(document["files"][0]["form"])


@test("list has name, state and path of every file, sorted; what has errors is told so")
def list_every_file():
    for name, text in (("b.conf", GOOD % ""), ("a.scheme", GOOD % ""), ("broken.conf", "functions"),
                       ("other.conf", GOOD % 'name = "meter";'), (".hidden.conf", ""), ("no", ""), (".conf", ""),
                       ("notes.txt", "")):
        (gadgets / name).write_text(text)
    got = ffsctl("--dir", gadgets, "list")
    eq((got.returncode, got.stderr), (0, ""))
    eq(here(got.stdout), [["a", "down", f"{gadgets}/a.scheme"], ["b", "down", f"{gadgets}/b.conf"],
                          ["broken", "errors", f"{gadgets}/broken.conf"],
                          ["other", "down", f"{gadgets}/other.conf, gadget meter"]])


@test("list names what up would take: .conf before .scheme")
def list_prefers_conf():
    (gadgets / "a.conf").write_text(GOOD % "")
    eq(here(ffsctl("--dir", gadgets, "list").stdout)[0], ["a", "down", f"{gadgets}/a.conf"])
    contains(ffsctl("--dir", gadgets, "check", "a").stderr, f"{gadgets}/a.conf: no errors")


@test("list describes each file: the first sentence of its comment, or the product string")
def list_describes_files():
    described = pathlib.Path(world.name, "described")
    described.mkdir()
    long = "word " * 40
    for name, start, more, description in (
        ("a", "# SPDX-License-Identifier: MIT\n#\n# Two lines of\n# one sentence. And another.\n", "", "Two lines of one sentence"),
        ("b", "# Copyright x\n\n// A drive: it has a medium.\n", "", "A drive"),
        ("c", "# `ffsctl up c`: what\tit\033 does\n", "", "what\tit? does"),
        ("d", "", 'strings = ( { product = "A Meter"; } );', "A Meter"),
        ("e", "", "", None),
        ("f", "#\n", "", None),
        ("g", f"# {long}\n", "", long.strip()),
        ("lengthy-name", "# Version 1.2 of it; the last\n", "", "Version 1.2 of it"),
        ("z", "# Not read\n", "nonsense", "Not read"),
    ):
        (described / f"{name}.conf").write_text(start + GOOD % more)
        files = {f["name"]: f for f in valid(ffsctl("--dir", described, "list", "--json"), "list")["files"]}
        found = files[name]
        eq((found["file"], found["description"]), (f"{described}/{name}.conf", description), name)
        eq((found["state"], found["gadget"]), ("errors", None) if name == "z" else ("down", name))
    lines = [line.rstrip() for line in ffsctl("--dir", described, "list").stdout.splitlines()]
    at = lines.index(f"a             down    {described}/a.conf")
    eq(lines[at + 1], "              Two lines of one sentence")
    at = lines.index(f"g             down    {described}/g.conf")
    eq(lines[at + 1].strip(), long.strip(), "a long description, which only a terminal gets shortened (test_hints)")
    eq(lines[at + 2], f"lengthy-name  down    {described}/lengthy-name.conf")


@test("list of a directory that is not there is no error")
def list_of_missing_directory():
    got = ffsctl("--dir", gadgets / "none", "list")
    eq((got.returncode, here(got.stdout)), (0, []))


def valid(got, name):
    """The document on stdout, which is valid against the schema of this name."""
    document = json.loads(got.stdout)
    store = {p.name: json.loads(p.read_text(encoding="utf-8")) for p in SCHEMAS}
    schema = store[f"{name}.schema.json"]
    jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", schema, store=store)).validate(document)
    return document


@test("wait and export: the documents are valid when they fail")
def documents_of_failures():
    for command, schema, code in (("wait", "output", 69), ("export", "export", 66)):
        got = ffsctl(command, "x", "--json")
        eq((got.returncode, got.stderr, [e["exit"] for e in valid(got, schema)["errors"]]), (code, "", [code]), command)


@test("udc: the document is valid, also where there is no UDC")
def udc_document():
    got = ffsctl("udc", "--json")
    document = valid(got, "udc")
    eq((got.returncode, got.stderr), (0, ""))
    eq(bool(document["hints"]), not document["udcs"], "hints")


tap.main()
