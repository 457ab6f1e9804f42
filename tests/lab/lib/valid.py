# SPDX-License-Identifier: GPL-2.0-or-later
"""Whether what ffsctl prints fulfils a schema of ours.

fastjsonschema makes Python of a schema. To load it and to do that takes as long as ten commands of
ffsctl, in each lab, so lab/test does it once: run as a program, this writes modules beside itself."""

import functools
import importlib
import json
import pathlib

SCHEMAS = pathlib.Path(__file__).resolve().parents[3] / "schemas"
USED = ("output", "features", "descriptors", "udc", "ffsbench", "worker-config")
# In place of fastjsonschema's, which all of it would come with
IMPORT, OURS = "from fastjsonschema import JsonSchemaValueException", "from valid import Invalid as JsonSchemaValueException"


class Invalid(ValueError):
    def __init__(self, message, **details):
        super().__init__(message)


def read(name):
    return json.loads((SCHEMAS / name).read_text())


def code(schema):
    """The text of a module with the function validate(). (It knows not all of draft 2020-12, but what the schemas of
    our output use.)"""
    import fastjsonschema

    text = fastjsonschema.compile_to_code(read(schema + ".schema.json"), handlers={"": read})
    return text.replace(IMPORT, OURS, 1)


def module(schema):
    return "valid_" + schema.replace("-", "_")


@functools.cache
def validator(schema):
    """A function that raises Invalid when a value does not fulfil the schema of that name."""
    try:
        return importlib.import_module(module(schema)).validate
    except ImportError:
        names = {}
        exec(code(schema), names)
        return names["validate"]


if __name__ == "__main__":
    for used in USED:
        pathlib.Path(__file__).with_name(module(used) + ".py").write_text(code(used))
