#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints random names or sentences of the tree, to be read without their context: what must be guessed needs
another word. The same seed draws the same samples of the same tree."""

import argparse
import os
import random
import re

import prose

DOCUMENTS = ("README.md", "CONTRIBUTING.md", "doc/", "man/")


def in_room(path, room):
    return not room or path.startswith((f"src/{room}/", f"{room}/")) or path == room


def sentences(room):
    """(path:line, sentence) of comments, messages and documents, without those of tests."""
    for path, line, kind, text in prose.pieces():
        if not path.startswith(("src/", "include/", *DOCUMENTS)) or not in_room(path, room):
            continue
        # A string is prose if it has words with blanks between them
        if kind == "string" and not re.search(r"[A-Za-z']{2,} [a-z']{2,} [a-z']{2,}", text):
            continue
        for sentence in re.split(r"(?<=[.!?]) +(?=[A-Z`'\"(])", text):
            if len(re.findall(r"[A-Za-z]{2,}", sentence)) >= 3 and "SPDX" not in sentence:
                yield f"{path}:{line}", sentence


def names(room):
    """(path, name) of sources, functions, structs and enums, and of members of structs."""
    for path in prose.paths(("src/**/*.[ch]", "include/**/*.h")):
        if not in_room(path, room):
            continue
        yield path, os.path.basename(path)
        text = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", prose.read(path), flags=re.S)
        yield from ((path, f"{name}()") for name in re.findall(r"^(?:static |_\w+ )*\w[\w \*]*?\b(\w+)\([^;{]*\)\n\{", text, re.M))
        for kind, struct, body in re.findall(r"^(?:static |const |extern )*(struct|union|enum) (\w+) \{\n(.*?)\n\}", text, re.M | re.S):
            yield path, f"{kind} {struct}"
            if kind != "enum":
                yield from ((path, f"{struct}.{name}") for name in re.findall(r"\b(\w+)(?:\[[^\]]*\])*(?: : \d+)?[;,]", body))


def main():
    parser = argparse.ArgumentParser(description=__doc__)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--names", action="store_true", help="of files, functions, structs and members")
    what.add_argument("--sentences", action="store_true", help="of comments, messages and documents")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--room", help="a directory of src/, or a directory or file of the tree")
    args = parser.parse_args()
    found = sorted(set(names(args.room) if args.names else sentences(args.room)))
    for path, text in random.Random(args.seed).sample(found, min(args.count, len(found))):
        print(f"{text}    [{path}]")


if __name__ == "__main__":
    main()
