# SPDX-License-Identifier: GPL-2.0-or-later
"""Plugins as a stranger builds them: one compiler call against the header alone. What they declare
comes out of ffsctl-worker --describe, and what cannot be used is refused with a sentence."""

import json
import os
import re
import subprocess
import sys
import tempfile

import jsonschema

SRC = os.environ.get("FFSCTL_SRC", ".")
BUILD = os.environ.get("FFSCTL_BUILD", ".")
sys.path.insert(0, os.path.join(SRC, "tests/lab"))
from tap import contains, eq, main, test

WORKER = os.path.join(BUILD, "ffsctl-worker")
HEAD = '#include <ffsctl/plugin.h>\n'
TABLE = HEAD + 'FFSCTL_PLUGIN = { %s, .name = "x", .summary = "s", .mode = FFSCTL_MODE_STREAM, %s };\n'
GOOD = "FFSCTL_PLUGIN_HEAD"
tmp = tempfile.TemporaryDirectory()


def man_example(page):
    """The last literal block of a page that is a C file."""
    with open(os.path.join(SRC, "man", page)) as f:
        blocks = re.findall(r"^\.Bd -literal\n(.*?)^\.Ed", f.read(), re.S | re.M)
    return [b for b in blocks if "#include" in b][-1].replace("\\en", "\\n")


def build(source):
    """Compiles as ffsctl-plugin(3) says; the header is the only thing of ours it may find."""
    with tempfile.TemporaryDirectory() as include:
        os.symlink(os.path.abspath(os.path.join(SRC, "include/ffsctl")), include + "/ffsctl")
        d = tempfile.mkdtemp(dir=tmp.name)
        with open(d + "/x.c", "w") as f:
            f.write(source)
        subprocess.run(["cc", "-Wall", "-Werror", "-shared", "-fPIC", "-o", "x.so", "x.c"], cwd=d,
                       env={"PATH": os.environ["PATH"], "CPATH": include}, check=True)
    return d + "/x.so"


def describe(plugin):
    p = subprocess.run([WORKER, "--describe", plugin], capture_output=True, text=True)
    return p.returncode, p.stdout, p.stderr


def good(plugin):
    status, out, err = describe(plugin)
    eq((status, err), (0, ""))
    value = json.loads(out)
    with open(os.path.join(SRC, "schemas/plugin.schema.json")) as f:
        jsonschema.Draft202012Validator(json.load(f)).validate(value)
    return value["plugin"]


def bad(source, text):
    status, out, err = describe(build(source))
    eq((status, out), (125, ""), err)
    contains(err, text)
    eq(err.count("\n"), 1, "lines on stderr")


@test("loopback says what it is")
def _():
    p = good(os.path.join(BUILD, "src/plugins/loopback.so"))
    eq((p["name"], p["mode"], p["needs"], p["options"]), ("loopback", "message", [], []))
    eq((p["size"], p["depth"], p["out_length"]), (65536, 8, 0))


@test("the example of ffsctl-plugin(3) is a plugin")
def _():
    source = man_example("ffsctl-plugin.3")
    p = good(build(source))
    eq((p["name"], p["mode"]), ("count", "message"))
    # "A plugin of 30 lines is possible"
    eq(len([l for l in source.splitlines() if l.strip(" \t{}")]) <= 35, True)


@test("a plugin needs no symbol from anyone but the C library")
def _():
    out = subprocess.run(["nm", "-D", "--undefined-only", build(man_example("ffsctl-plugin.3"))],
                         capture_output=True, text=True, check=True).stdout
    ours = [l for l in out.split() if "ffsctl" in l or "stream_" in l]
    eq(ours, [])


@test("options, needs and defaults come out as they were declared")
def _():
    options = """static const char *const few[] = { "a", "b", 0 };
static const struct ffsctl_option o[] = {
	{ .name = "s", .type = FFSCTL_OPTION_STRING, .choices = few, .default_value = "a" },
	{ .name = "i", .type = FFSCTL_OPTION_INT, .required = 1, .min = -5, .max = 5, .doc = "int" },
	{ .name = "z", .type = FFSCTL_OPTION_SIZE, .default_value = "64K" }, { 0 } };
"""
    table = TABLE % (GOOD, ".options = o, .needs = FFSCTL_NEED_NETWORK | FFSCTL_NEED_FILES, "
                           ".transfer_size = 512, .depth = 2, .out_length = 256")
    p = good(build(HEAD + options + table))
    eq(p["needs"], ["network", "files"])
    eq((p["size"], p["depth"], p["out_length"]), (512, 2, 256))
    eq(p["options"], [
        {"name": "s", "type": "string", "required": False, "default": "a", "doc": "",
         "choices": ["a", "b"]},
        {"name": "i", "type": "int", "required": True, "default": None, "doc": "int", "min": -5,
         "max": 5},
        {"name": "z", "type": "size", "required": False, "default": "64K", "doc": ""},
    ])


@test("a table that is shorter than ours counts as zero behind its end")
def _():
    size = ".version = 1, .size = __builtin_offsetof(struct ffsctl_plugin, transfer_size)"
    p = good(build(TABLE % (size, ".transfer_size = 4096, .depth = 99")))
    eq((p["size"], p["depth"]), (65536, 8))


@test("what is no plugin, or one of another version, is refused with a sentence")
def _():
    bad("int x;", "it has no symbol ffsctl_plugin")
    bad(TABLE % (".version = 2, .size = sizeof(struct ffsctl_plugin)", ""),
        "was built for version 2 of the plugin interface, this ffsctl-worker has version 1; build it again")
    bad(TABLE % (".version = 1, .size = 8", ""), "is too short: 8 bytes")
    bad(HEAD + "FFSCTL_PLUGIN = { FFSCTL_PLUGIN_HEAD, .summary = \"s\" };", "does not say its name")
    bad(HEAD + 'FFSCTL_PLUGIN = { FFSCTL_PLUGIN_HEAD, .name = "x", .summary = "s" };',
        "neither stream nor message mode")
    bad(HEAD + 'static const struct ffsctl_option o[] = { { .name = "s", .type = 99 }, { 0 } };\n'
        + TABLE % (GOOD, ".options = o"), "has the unknown type 99")
    status, _, err = describe("/nowhere.so")
    eq(status, 125)
    contains(err, "cannot load plugin /nowhere.so")


main()
