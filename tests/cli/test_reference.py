#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON Schema and the manual's key reference are those of the table of keys, the reference says everything once,
the configuration of workers has the engines of that table, and the schema of `status --json` has the members of the
tables in src/rundir/status.h.

With --update they are made so: `make update-reference`."""

import json
import os
import re
import subprocess
import sys

from paths import BUILD, SRC

SCHEMA = os.path.join(SRC, "schemas", "gadget.schema.json")
WORKER_CONFIG = os.path.join(SRC, "schemas", "worker-config.schema.json")
OUTPUT = os.path.join(SRC, "schemas", "output.schema.json")
MANUAL = os.path.join(SRC, "man", "ffsctl-gadget.5")
BEGIN = '.\\" The key reference is made from the table of keys: make update-reference\n'
END = '.\\" End of the key reference\n'


def made(what):
    return subprocess.run([os.path.join(BUILD, "gadgetfile-reference"), what], check=True,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def manual_with_reference():
    text = read(MANUAL)
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + BEGIN + made("man") + END + after


def engines(schema):
    """The values of the key `engine`, wherever the schema has it."""
    if isinstance(schema, list):
        schema = dict(enumerate(schema))
    if not isinstance(schema, dict):
        return None
    return schema["engine"]["enum"] if "engine" in schema else next(filter(None, map(engines, schema.values())), None)


def worker_config_with_engines():
    words = json.dumps(engines(json.loads(made("schema"))))
    text, n = re.subn(r'("engine": \{"enum": )\[.*?\]', lambda match: match[1] + words, read(WORKER_CONFIG))
    assert n == 1, f"{n} lists of engines"
    return text


def words_of_status(table):
    return re.findall(r'"(\w+)"', read(os.path.join(SRC, "src/rundir/status.c")).split(f" {table}[")[1].split("};")[0])


def members_of_status(table):
    """{member: its schema}, of a table of src/rundir/status.h."""
    schemas = {
        "NAME": {"type": "string"}, "TEXT": {"$ref": "#/$defs/text"}, "PID": {"$ref": "#/$defs/pid"},
        "TIME": {"type": ["integer", "null"], "description": "seconds since the epoch"},
        "COUNT": {"type": "integer", "minimum": 0}, "BYTES": {"type": ["integer", "null"], "minimum": 0},
        "FLAG": {"type": "boolean"}, "OBJECT": {"type": ["object", "null"]},
        "GADGET_STATE": {"enum": words_of_status("gadget_state_in_status_words")},
        "WORKER_STATE": {"enum": words_of_status("worker_state_in_status_words")},
    }
    rows = re.search(rf"#define {table}\(M\)(.*?)\n\n", read(os.path.join(SRC, "src/rundir/status.h")), re.DOTALL)[1]
    return {name: schemas[type_] for type_, name in re.findall(r"\bM\((\w+), (\w+)\)", rows)}


def with_members(text, name, required, optional):
    """The schema with these members of an object. Others stay as they are, and so does what the schema adds to a
    member: a description, a narrower limit, a list of words."""
    before, old_required, between, old, after = re.fullmatch(
        rf'(.*?\n    "{name}": \{{\n.*?"required": )(\[.*?\])(.*?"properties": \{{\n)(.*?)(\n      \}}\n.*)', text, re.DOTALL).groups()
    old = json.loads("{" + old + "}")
    members = {**required, **optional}
    for member, schema in members.items():
        fixed = {"type", "$ref", *schema} if "enum" in schema else {"type", "$ref"}
        members[member] = {**schema, **{key: value for key, value in old.get(member, {}).items() if key not in fixed}}
    names = [*required, *(name for name in json.loads(old_required) if name not in members)]
    members.update((name, schema) for name, schema in old.items() if name not in members)
    lines = [f"        {json.dumps(member)}: {json.dumps(schema)}" for member, schema in members.items()]
    return before + json.dumps(names) + between + ",\n".join(lines) + after


def output_with_status():
    text = with_members(read(OUTPUT), "gadget", members_of_status("GADGET_MEMBERS"), members_of_status("GADGET_UP_MEMBERS"))
    for name in ("function", "worker", "endpoint"):
        text = with_members(text, name, members_of_status(name.upper() + "_MEMBERS"), {})
    return text


def double_headings():
    headings = re.findall(r"^\.Ss .*", read(MANUAL), re.MULTILINE)
    return sorted(heading for heading in set(headings) if headings.count(heading) > 1)


def strings_with_ranges():
    items = re.split(r"^\.It Cm ", made("man"), flags=re.MULTILINE)
    return [item.split()[0] for item in items if re.search(r"\A\S+ Pq string\n.*^From ", item, re.MULTILINE | re.DOTALL)]


def main():
    wanted = ((SCHEMA, lambda: made("schema")), (MANUAL, manual_with_reference), (WORKER_CONFIG, worker_config_with_engines),
              (OUTPUT, output_with_status))
    if sys.argv[1:] == ["--update"]:
        for path, make in wanted:
            text = make()
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return 0
    failed = False
    print(f"1..{len(wanted) + 2}")
    for n, (path, make) in enumerate(wanted, 1):
        same = read(path) == make()
        failed |= not same
        print(f"{'ok' if same else 'not ok'} {n} - {os.path.basename(path)} is up to date")
        if not same:
            print("# run: make update-reference")
    for n, (title, wrong) in enumerate((("the manual has no heading twice", double_headings()),
                                        ("limits of strings are numbers of bytes", strings_with_ranges())), len(wanted) + 1):
        failed |= bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {n} - {title}")
        for item in wrong:
            print(f"# {item}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
