#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Every row of the table of keys, used wrongly: a name mistyped, a value of another type, one below the
least, one above the most, a word that is none. Each is an error at exactly that place, about that key,
and the schema refuses it, too.

The table is read from the schema that is made of it; a group to put a row into is taken from the good
files, so that a group without any fails here."""

import copy
import glob
import json
import os
import subprocess
import tempfile

import jsonschema

from paths import BUILD, SRC
import tap

FFSCTL = os.path.join(BUILD, "ffsctl")
GOOD = os.path.join(SRC, "tests", "good")
INT_MIN, INT_MAX = -(1 << 31), (1 << 32) - 1  # what the scanner takes

with open(os.path.join(SRC, "schemas", "gadget.schema.json"), encoding="utf-8") as f:
    SCHEMA = json.load(f)
VALIDATOR = jsonschema.Draft202012Validator(SCHEMA)


def check(paths):
    """Of each file its form and its errors: (line, column, text)."""
    for i in range(0, len(paths), 200):
        got = subprocess.run([FFSCTL, "check", "--json", *paths[i:i + 200]], stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, check=False)
        doc = json.loads(got.stdout)
        errors = {}
        for p in doc["problems"]:
            if p["severity"] == "error":
                errors.setdefault(p["file"], []).append((p.get("line"), p.get("column"), p["text"]))
        for file in doc["files"]:
            yield file["file"], file["form"], errors.get(file["file"], [])


# --- the table ------------------------------------------------------------------------------------


def resolve(schema):
    if "$ref" not in schema:
        return schema
    at = SCHEMA
    for part in schema["$ref"].lstrip("#/").split("/"):
        at = at[part]
    return at


def alternatives(schema):
    """What a value may be: one schema for each type."""
    return [resolve(one) for one in ([schema] if "type" in schema else schema.get("anyOf", [schema]))]


def of_type(schema, *names):
    return next((a for a in alternatives(schema) if a.get("type") in names), None)


def rows(group, form):
    """The keys of a group, of which some depend on the type."""
    found = dict(group.get("properties", {}))
    for case in group.get("allOf", []):
        if case["if"]["properties"]["type"]["const"] == form.get("type"):
            found.update(case["then"]["properties"])
    return found


def groups(schema, form, where, name):
    """Every group of a form: (what it is called in the table, its path in the form, its schema)."""
    if isinstance(form, list):
        items = (of_type(schema, "array") or {}).get("items")
        for i, item in enumerate(form if items else ()):
            yield from groups(items, item, where + (i,), name)
    if not isinstance(form, dict):
        return
    group = of_type(schema, "object")
    if group is None:
        return
    yield name, where, group
    keys = rows(group, form)
    for key, value in form.items():
        inner = keys.get(key, group.get("additionalProperties"))
        if isinstance(inner, dict):
            attrs = ", " + form["type"] if key == "attrs" and "type" in form else ""
            yield from groups(inner, value, where + (key,), f"{name}.{key if key in keys else '*'}{attrs}")


# --- writing libconfig ----------------------------------------------------------------------------


class Writer:
    """The text of a form, and where the name and the value at one path stand in it."""

    def __init__(self, form, path):
        self.lines, self.path, self.name, self.value = [""], path, None, None
        for key, value in form.items():
            self.setting((), key, value)
        self.text = "\n".join(self.lines) + "\n"

    def place(self):
        return len(self.lines), len(self.lines[-1]) + 1

    def add(self, text):
        self.lines[-1] += text

    def setting(self, path, key, value):
        if path + (key,) == self.path:
            self.name = self.place()
        self.add(key + " = ")
        self.write(path + (key,), value)
        self.add(";")
        self.lines.append("\t" * (len(path) % 7))

    def write(self, path, value):
        if path == self.path:
            self.value = self.place()
        if isinstance(value, dict):
            self.add("{")
            self.lines.append("  ")
            for key, one in value.items():
                self.setting(path, key, one)
            self.add("}")
        elif isinstance(value, list):
            self.add("( ")
            for i, one in enumerate(value):
                self.add(", " if i else "")
                self.write(path + (i,), one)
            self.add(" )")
        elif isinstance(value, str):
            escaped = value.replace("\\", "\\\\").replace('"', '\\"')
            self.add('"' + "".join("\\x%02x" % ord(c) if ord(c) < 32 else c for c in escaped) + '"')
        else:
            self.add(json.dumps(value))


# --- the faults -----------------------------------------------------------------------------------

WRONG = (("boolean", True), ("integer", 1), ("string", "wrong"), ("object", {}), ("array", []))


def types(schema):
    found = {t for a in alternatives(schema) for t in ([a["type"]] if isinstance(a["type"], str) else a["type"])}
    return found | ({"integer"} if "number" in found else set())


def wrong_values(schema):
    """(what is wrong with it, the value, a part of the message) for a value that stands alone."""
    taken = types(schema)
    yield "type", next(value for name, value in WRONG if name not in taken), "must be"
    number, text = of_type(schema, "integer", "number"), of_type(schema, "string")
    if number:
        for what, value in (("below", number["minimum"] - 1), ("above", number["maximum"] + 1)):
            fits = INT_MIN <= value <= INT_MAX
            yield what, value, " must be " if fits else "does not fit into 32 bits"
    if text and "enum" in text and "pattern" not in text:
        yield "word", "no-such-word", "cannot be"


def faults(key, schema, keys):
    """(what, the name, the value, where in the value the fault is, where in the setting, a message's part)"""
    typed = next(word for word in (key[:1] + key[2:], key + "x") if word and word not in keys and word != key)
    yield "typo", typed, 1, (), "name", f"unknown key '{typed}'"
    for what, value, text in wrong_values(schema):
        yield what, key, value, (), "value", text
    array = of_type(schema, "array")
    if array and "items" in array:
        for what, value, text in wrong_values(array["items"]):
            yield "element's " + what, key, [value], (0,), "value", text


def put(form, path, value):
    at = form = copy.deepcopy(form)
    for part in path[:-1]:
        at = at[part]
    at[path[-1]] = value
    return form


class Fault:
    def __init__(self, name, what, form, path, point, text):
        self.name, self.what, self.text = name, what, text
        self.key = next(p for p in reversed(path) if isinstance(p, str))
        writer = Writer(form, path)
        self.source = writer.text
        self.place = getattr(writer, point)


def without(form, path):
    at = form = copy.deepcopy(form)
    for part in path[:-1]:
        at = at[part]
    at.pop(path[-1], None)
    return form


def make_all():
    seen, found = {}, []
    for path in sorted(glob.glob(os.path.join(GOOD, "*.conf"))):
        (_, form, errors), = check([path])
        tap.eq(errors, [], path)
        for name, where, group in groups(SCHEMA, form, (), ""):
            # Endpoints and their like are told once, wherever they stand.
            name = name.replace(".alternates.endpoints", ".endpoints").replace(".formats.*", ".formats")
            inner = form
            for part in where:
                inner = inner[part]
            keys = rows(group, inner)
            for key, schema in keys.items():
                if (name, key) in seen or (name.startswith(".configs.functions.function") and len(where) > 5):
                    continue
                seen[name, key] = where
                clean = without(form, where + (key,))
                for what, word, value, inside, point, text in faults(key, schema, keys):
                    found.append(Fault(f"{name}.{key}", what, put(clean, where + (word,), value),
                                       where + (word,) + inside, point, text))
    return seen, found


def all_rows(schema, name, stack=()):
    """Every row of the table, whether a good file has its group or not."""
    for alternative in alternatives(schema):
        if alternative in stack:
            continue
        inner = stack + (alternative,)
        if "items" in alternative:
            yield from all_rows(alternative["items"], name, inner)
        cases = [("", alternative)] + [(", " + c["if"]["properties"]["type"]["const"], c["then"])
                                       for c in alternative.get("allOf", [])]
        for suffix, case in cases:
            for key, value in case.get("properties", {}).items():
                if suffix and "maxProperties" in value:
                    continue
                if not suffix:
                    yield name, key
                yield from all_rows(value, f"{name}.{key}{suffix}", inner)
        if isinstance(alternative.get("additionalProperties"), dict):
            yield from all_rows(alternative["additionalProperties"], name + ".*", inner)


tmp = tempfile.TemporaryDirectory()
SEEN, FAULTS = make_all()
for n, fault in enumerate(FAULTS):
    fault.path = os.path.join(tmp.name, "%d.conf" % n)
    with open(fault.path, "w", encoding="utf-8") as f:
        f.write(fault.source)
RESULTS = {path: (form, errors) for path, form, errors in check([fault.path for fault in FAULTS])}


def verdict(fault):
    form, errors = RESULTS[fault.path]
    here = [text for line, column, text in errors if (line, column) == fault.place]
    if not here:
        return f"nothing is said at {fault.place}: {errors}"
    if fault.text not in here[0] or ("'%s'" % fault.key not in here[0] and "32 bits" not in here[0]):
        return f"what is said is {here[0]!r}"
    if form is None:
        return None if "32 bits" in fault.text else "no form of it"
    return "the schema takes it" if VALIDATOR.is_valid(form) else None


def test_row(name):
    wrong = []
    for fault in FAULTS:
        if fault.name != name:
            continue
        said = verdict(fault)
        if said:
            wrong.append(f"{fault.what}: {said}\n{fault.source}")
    tap.eq(wrong, [])


for row in sorted({fault.name for fault in FAULTS}):
    tap.test("%s used wrongly is told at its place" % row.lstrip("."), row)(test_row)


@tap.test("every row of the table was tried, each in all ways")
def every_row_was_tried():
    wanted = {(n.replace(".alternates.endpoints", ".endpoints").replace(".formats.*", ".formats"), k)
              for n, k in all_rows(SCHEMA, "")}
    wanted = {(n, k) for n, k in wanted if not n.startswith(".configs.functions.function")}
    tap.eq(sorted(wanted - set(SEEN)), [], "rows of groups that no good file has")
    tap.ok(len(SEEN) >= 340, "only %d rows" % len(SEEN))
    print("# %d rows, %d faults" % (len(SEEN), len(FAULTS)))
    kinds = {fault.what for fault in FAULTS}
    tap.ok({"typo", "type", "below", "above", "word", "element's type", "element's above"} <= kinds, kinds)


tap.main()
