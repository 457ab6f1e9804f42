# SPDX-License-Identifier: GPL-2.0-or-later
"""Checks that JSON output of ffsctl is valid against its schema.

fastjsonschema compiles a schema to a Python module. Compiling takes as long as ten commands of ffsctl. Therefore lab/test
compiles the schemas only once, before it boots labs: it runs this file as a program, which writes the Python modules to
the directory of this file."""

import functools
import importlib
import json
import pathlib

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "schemas"
USED = ("output", "export", "list", "features", "doctor", "descriptors", "udc", "ffsbench", "trace", "worker-config")
# The line IMPORT in each module that fastjsonschema has made is replaced by OURS, because importing this exception would
# load all of fastjsonschema
IMPORT, OURS = "from fastjsonschema import JsonSchemaValueException", "from valid import Invalid as JsonSchemaValueException"


class Invalid(ValueError):
    def __init__(self, message, **details):
        super().__init__(message)


def read(name):
    return json.loads((SCHEMAS / name).read_text())


def code(schema):
    """Returns the text of a module with the function validate(). (fastjsonschema supports the part of draft 2020-12
    that the schemas of ffsctl use.)"""
    import fastjsonschema

    text = fastjsonschema.compile_to_code(read(schema + ".schema.json"), handlers={"": read})
    return text.replace(IMPORT, OURS, 1)


def module(schema):
    return "valid_" + schema.replace("-", "_")


@functools.cache
def validator(schema):
    """Returns a function that raises Invalid if a value is not valid against the schema with this name."""
    try:
        return importlib.import_module(module(schema)).validate
    except ImportError:
        names = {}
        exec(code(schema), names)
        return names["validate"]


if __name__ == "__main__":
    for used in USED:
        pathlib.Path(__file__).with_name(module(used) + ".py").write_text(code(used))
