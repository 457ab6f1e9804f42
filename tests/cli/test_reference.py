#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The JSON Schema and the key references of the manuals are those of the table of keys, a manual says everything once,
the configuration of workers has the engines of that table, and the schema of `status --json` has the members of the
tables in src/rundir/status.h. The table of UDC drivers in doc/boards.md is that of src/configfs/udc_driver_table.c, and the
tables of doc/hosts.md say what `ffsctl descriptors` says of the gadget files that are shipped.

With --update they are made so: `make update-reference`."""

import json
import os
import re
import subprocess
import sys

from paths import BUILD, SRC
import hosts_document
import tree

SCHEMA = os.path.join(SRC, "schemas", "gadget.schema.json")
WORKER_CONFIG = os.path.join(SRC, "schemas", "worker-config.schema.json")
OUTPUT = os.path.join(SRC, "schemas", "output.schema.json")
GADGET = os.path.join(SRC, "man", "ffsctl-gadget.5")
FUNCTIONS = os.path.join(SRC, "man", "ffsctl-functions.5")
BOARDS = os.path.join(SRC, "doc", "boards.md")
UDC_BEGIN = "<!-- The table of UDC drivers is made from src/configfs/udc_driver_table.c: make update-reference -->\n"
HOSTS = os.path.join(SRC, "doc", "hosts.md")
HOSTS_BEGIN = "<!-- The tables of hosts are made from src/predict/host_driver_table.c: make update-reference -->\n"
HOSTS_END = "<!-- End of the tables of hosts -->\n"
UDC_END = "<!-- End of the table of UDC drivers -->\n"
BEGIN = '.\\" The key reference is made from the table of keys: make update-reference\n'
END = '.\\" End of the key reference\n'


def made(what):
    return subprocess.run([os.path.join(BUILD, "gadgetfile-reference"), what], check=True,
                          stdout=subprocess.PIPE, encoding="utf-8").stdout


def read(path):
    with open(path, encoding="utf-8") as f:
        return f.read()


def with_part(path, begin, end, part):
    """The text of a file with this part between two of its lines."""
    before, _, rest = read(path).partition(begin)
    _, _, after = rest.partition(end)
    return before + begin + part + end + after


def gadget_with_reference():
    return with_part(GADGET, BEGIN, END, made("gadget"))


def functions_with_reference():
    return with_part(FUNCTIONS, BEGIN, END, made("functions"))


def boards_with_udc_drivers():
    table = subprocess.run([os.path.join(BUILD, "udc-table")], check=True, stdout=subprocess.PIPE, encoding="utf-8").stdout
    return with_part(BOARDS, UDC_BEGIN, UDC_END, "\n" + table + "\n")


def hosts_with_tables():
    files = [os.path.join(SRC, path) for path in sorted(tree.files("gadget.d/*.conf"))]
    return with_part(HOSTS, HOSTS_BEGIN, HOSTS_END, hosts_document.tables(os.path.join(BUILD, "ffsctl"), files))


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


def doubles(words):
    return sorted(word for word in set(words) if words.count(word) > 1)


def double_headings(text):
    return doubles([heading.lower() for heading in re.findall(r"^\.S[sh] (.*)", text, re.MULTILINE)])


def double_keys(text):
    """Keys of one name and text. An item that refers to the section with the text is none."""
    items = re.findall(r"^\.It (Cm .*?)(?=^\.(?:It|El|Sh|Ss)\b)", text, re.MULTILINE | re.DOTALL)
    return doubles([item for item in items if "\nAs in\n.Sx " not in item])


def doubles_in_manuals():
    return [f"{os.path.basename(path)}: {word}" for path in (GADGET, FUNCTIONS) for find in (double_headings, double_keys)
            for word in find(read(path))]


def headings_in_both():
    """Groups that both manuals describe."""
    return doubles(re.findall(r"^\.Ss (.*)", made("gadget") + made("functions"), re.MULTILINE))


def strings_with_ranges():
    items = re.split(r"^\.It Cm ", made("gadget") + made("functions"), flags=re.MULTILINE)
    return [item.split()[0] for item in items if re.search(r"\A\S+ Pq string\n.*^From ", item, re.MULTILINE | re.DOTALL)]


def main():
    wanted = ((SCHEMA, lambda: made("schema")), (GADGET, gadget_with_reference), (FUNCTIONS, functions_with_reference),
              (WORKER_CONFIG, worker_config_with_engines), (OUTPUT, output_with_status),
              (BOARDS, boards_with_udc_drivers), (HOSTS, hosts_with_tables))
    if sys.argv[1:] == ["--update"]:
        for path, make in wanted:
            text = make()
            with open(path, "w", encoding="utf-8") as f:
                f.write(text)
        return 0
    failed = False
    checks = (("no manual has a heading or a key twice", doubles_in_manuals()),
              ("no group is in both manuals", headings_in_both()),
              ("limits of strings are numbers of bytes", strings_with_ranges()))
    print(f"1..{len(wanted) + len(checks)}")
    for n, (path, make) in enumerate(wanted, 1):
        same = read(path) == make()
        failed |= not same
        print(f"{'ok' if same else 'not ok'} {n} - {os.path.basename(path)} is up to date")
        if not same:
            print("# run: make update-reference")
    for n, (title, wrong) in enumerate(checks, len(wanted) + 1):
        failed |= bool(wrong)
        print(f"{'not ok' if wrong else 'ok'} {n} - {title}")
        for item in wrong:
            print(f"# {item}")
    return failed


if __name__ == "__main__":
    sys.exit(main())
