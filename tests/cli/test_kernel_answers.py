#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""kernel/functions.md, "After the write", says what the kernel makes of each key of a gadget file, with its line: no key lacks
an answer, and no answer a key. What the kernel changes, cuts, ignores or refuses, `ffsctl check` reports as the table says."""

import json
import os
import re
import subprocess
import tempfile

from paths import BUILD, SRC
import tap
from tap import eq, test

FFSCTL = os.path.join(BUILD, "ffsctl")
HEADING = "## After the write\n"
ANSWERS = ("uses", "changes", "cuts", "ignores", "refuses")
REPORTED = ("error", "warning", "note")
DONE = (*REPORTED, "handled", "machine", "same", "-")
SOURCE = r"(?:[\w/]+\.[ch]|" + "|".join(("cf", "co", "ue", "uec", "us", "ms", "sc", "uvcc")) + r"):\d+(?:-\d+)?"

with open(os.path.join(SRC, "kernel", "functions.md"), encoding="utf-8") as opened:
    DOCUMENT = opened.read()
with open(os.path.join(SRC, "schemas", "gadget.schema.json"), encoding="utf-8") as opened:
    SCHEMA = json.load(opened)

tmp = tempfile.TemporaryDirectory()
os.chdir(tmp.name)


# --- the keys ---

def groups_in(schema):
    """The groups that a value can be, or can be a list of."""
    for form in schema.get("anyOf", [schema]):
        if "properties" in form:
            yield form
        for inner in (form.get("items"), form.get("additionalProperties")):
            if isinstance(inner, dict):
                yield from groups_in(inner)


def keys_of(group, prefix=""):
    """The keys of a group that end in the kernel: a group itself does not, unless it can also be a text."""
    for name, schema in group.get("properties", {}).items():
        inner = [key for form in groups_in(schema) for key in keys_of(form, f"{prefix}{name}.")]
        if not inner or any(form.get("type") == "string" for form in schema.get("anyOf", [schema])):
            yield prefix + name
        yield from (key for key in inner if not key.endswith(".from"))  # where ffsctl takes an address or number from


def keys_of_table(schema):
    """{(type, key)} of the table of keys, of which the schema is made."""
    top = schema["properties"]
    function = top["functions"]["additionalProperties"]
    config = top["configs"]["items"]["properties"]
    groups = {"gadget": top["attrs"], "strings": top["strings"], "webusb": top["webusb"], "os_descs": top["os_descs"],
              "config": config["attrs"], "config strings": config["strings"],
              "function os_descs": function["properties"]["os_descs"]}
    for branch in function["allOf"]:
        groups[branch["if"]["properties"]["type"]["const"]] = branch["then"]["properties"]["attrs"]
    return {(name, key) for name, group in groups.items() for form in groups_in(group) for key in keys_of(form)}


# --- the answers ---

def answers(document):
    """(types, keys, answer, where, example, done) of each row."""
    part = document.partition(HEADING)[2].partition("\n## ")[0]
    for row in re.findall(r"^\|(.*)\|$", part, re.M)[2:]:
        types, keys, answer, where, example, done = (cell.strip() for cell in row.split("|"))
        yield types.split(", "), re.findall(r"`([^`]+)`", keys), answer, where, example.strip("`"), done


def differences(schema, document):
    """Keys without an answer, and answers without a key."""
    keys = keys_of_table(schema)
    answered = {(type_, key) for types, names, *_ in answers(document) for type_ in types for key in names}
    return ([f"no answer: {t} {k}" for t, k in sorted(keys - answered)]
            + [f"no key: {t} {k}" for t, k in sorted(answered - keys)])


@test("each key has an answer, and each answer a key")
def keys_have_answers():
    eq(differences(SCHEMA, DOCUMENT), [])
    eq(len(keys_of_table(SCHEMA)) > 200, True, "keys")


@test("a key without an answer is found, and an answer without a key")
def planted():
    row = next(line for line in DOCUMENT.splitlines() if line.startswith("| printer | `q_len`"))
    rows = [line + "\n" for line in DOCUMENT.splitlines() if line.startswith("| printer | `q_len`")]
    without = DOCUMENT
    for line in rows:
        without = without.replace(line, "")
    eq(differences(SCHEMA, without), ["no answer: printer q_len"])
    eq(differences(SCHEMA, DOCUMENT.replace(row, row.replace("q_len", "q_length") + "\n" + row, 1)), ["no key: printer q_length"])
    eq(differences(SCHEMA, DOCUMENT.replace("| midi2 | `endpoints.blocks.direction`", "| midi2 | `endpoints.blocks.way`")),
       ["no answer: midi2 endpoints.blocks.direction", "no key: midi2 endpoints.blocks.way"])


@test("an answer has one of the words, a line of the kernel's source, and what ffsctl does")
def rows_are_whole():
    seen = {}
    for types, keys, answer, where, example, done in answers(DOCUMENT):
        row = f"{types} {keys}: {answer}"
        word = re.match(r"\w+", answer).group()
        eq(word in ANSWERS, True, row)
        eq(re.sub(SOURCE, "", where).strip(", "), "", row)
        eq(bool(re.search(SOURCE, where)), True, row)
        eq(done in DONE, True, row)
        eq(bool(example), done in REPORTED, "an example: " + row)
        eq(done != "-" or word == "uses", True, row)
        for key in ((t, k) for t in types for k in keys):
            seen.setdefault(key, []).append(word)
    eq([key for key, words in seen.items() if len(words) > 1 and set(words) == {"uses"}], [], "answered twice")


# --- the examples ---

ACM = 'functions = { f = { type = "acm"; }; };\n'
IDS = 'attrs = { idVendor = 0x1209; idProduct = 1; bDeviceClass = "misc"; bDeviceSubClass = 2; bDeviceProtocol = 1; %s };\n'
GROUPS = {
    "gadget": IDS + ACM,
    "strings": IDS % "" + 'strings = ( { %s } );\n' + ACM,
    "webusb": IDS % "" + 'webusb = { %s };\n' + ACM,
    "os_descs": IDS % "" + 'os_descs = { %s };\n' + ACM,
    "config": IDS % "" + ACM + 'configs = ( { attrs = { %s }; functions = ( "f" ); } );\n',
    "config strings": IDS % "" + ACM + 'configs = ( { strings = ( { %s } ); functions = ( "f" ); } );\n',
    "function os_descs": IDS % "" + 'functions = { f = { type = "ncm"; os_descs = ( { %s } ); }; };\n',
}
UVC = 'formats = ( { type = "yuyv"; %s frames = ( { width = 640; height = 360; %s } ); } );'
# What a type needs beside the example
NEEDED = {"hid": 'report_desc = "keyboard"; %s', "uvc": "%s " + UVC % ("", "")}


def gadget(type_, example):
    """A gadget file with an example."""
    speed = re.match(r'max_speed = "\w+"; ', example)
    speed = speed.group() if speed else ""
    example = re.sub(r"\{(\d+)\}", lambda m: "x" * int(m.group(1)), example[len(speed):])
    speed = speed or 'max_speed = "high"; '
    if type_ in GROUPS:
        return speed + GROUPS[type_] % example
    needed = NEEDED.get(type_, "%s")
    for word, place in (("FORMAT ", UVC % ("%s", "")), ("FRAME ", UVC % ("", "%s"))):
        if example.startswith(word):
            needed, example = place, example[len(word):]
    serial = 'strings = ( { serialnumber = "0123456789AB"; } );\n' if type_ == "mass_storage" else ""
    return speed + IDS % "" + serial + 'functions = { f = { type = "%s"; attrs = { %s }; }; };\n' % (type_, needed % example)


def messages(text):
    """(kind, text) of all that `check` reports."""
    with open("g.conf", "w", encoding="utf-8") as f:
        f.write(text)
    got = subprocess.run([FFSCTL, "check", "-v", "--format=gcc", "g.conf"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         encoding="utf-8", check=False)
    return set(re.findall(r"^[^ ]+: (error|warning|note): (.*)$", got.stderr, re.M))


def examples():
    for types, keys, _, _, example, done in answers(DOCUMENT):
        for type_ in types if example else ():
            for key in keys if "KEY" in example else keys[:1]:
                yield type_, example.replace("KEY", key.split(".")[-1]), done


@test("ffsctl reports each example as the table says")
def reported():
    with open("MEDIUM", "wb") as f:
        f.truncate(3 << 30)
    wrong, without = [], {}
    for type_, example, done in examples():
        speed = example[:example.find(";") + 2] if example.startswith("max_speed") else ""
        if (type_, speed) not in without:
            without[type_, speed] = messages(gadget(type_, speed))
        kinds = {kind for kind, _ in messages(gadget(type_, example)) - without[type_, speed]}
        if kinds != {done}:
            wrong.append(f"{type_}: {example} {done}, not {kinds}")
    eq("\n".join(wrong), "")


tap.main()
