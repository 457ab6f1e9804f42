#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints random names or sentences of the tree, to be read by somebody who does not know it: what must be explained
or translated needs other words. The same seed draws the same samples of the same tree.

Behind each sample, in brackets, is where it comes from: of a comment, the code that it describes; of a string, the
function or table that it is in. Strings of one statement or of one row of a table are one sample, joined by '|'."""

import argparse
import os
import random
import re

import prose
import tree

CODE = ("src/**/*.[ch]", "include/**/*.h")
SCRIPTS = ("lab/*", "lab/lib/*.py", "tests/lab/lib/*.py")
DOCUMENTS = ("README.md", "CONTRIBUTING.md", "doc/", "man/", "lab/README.md", "tests/README.md", "kernel/")

DEFINITION = re.compile(r"^(?=[a-zA-Z_])(?!(?:if|for|while|switch|return|else|do)\b)[^\n;]*?\b(\w+)(?:\(|(?:\[[^\]\n]*\])* = )", re.M)


def in_room(path, room):
    return not room or path.startswith((f"src/{room}/", f"{room}/")) or path == room


def is_prose(text):
    """A string is prose if it has words with blanks between them."""
    return re.search(r"[A-Za-z']{2,} [a-z']{2,} [a-z']{2,}", text)


def split(text):
    """The sentences of a text that have three words or more."""
    for sentence in re.split(r"(?<=[.!?]) +(?=[A-Z`'\"(])|\\n\\n", text):
        if len(re.findall(r"[A-Za-z]{2,}", sentence)) >= 3 and not re.search("SPDX|noqa|clang-format o", sentence):
            yield sentence.replace("\\n", " ").strip()


def code_of(text, start, end):
    """What a comment describes: the code before it in its line, else the next line of code."""
    before = text[text.rfind("\n", 0, start) + 1:start].strip()
    if before:
        return before
    return next((line.strip() for line in text[end:].split("\n") if line.strip(" \t*/")), "")


def sentences_of_source(text):
    """(line, sentence, context) of C."""
    group, statement = [], 0  # the strings of one statement, and where the code behind the last of them begins

    def end_of_statement():
        joined = "".join(words if near else f" | {words}" for near, _, words in group).removeprefix(" | ")
        if group and is_prose(joined):
            at = group[0][1]
            inside = [m.group(1) for m in DEFINITION.finditer(text, 0, at)][-1:]
            line = text[text.rfind("\n", 0, at) + 1:text.find("\n", at)].strip()
            context = ": ".join([*inside, line])
            # Help texts have many sentences; a message is one
            for sentence in split(joined) if len(joined) > 400 else [joined.replace("\\n", " ")]:
                yield text.count("\n", 0, at) + 1, sentence, context
        group.clear()

    for match in prose.COMMENT_OR_STRING.finditer(text):
        token, between = match.group(), text[statement:match.start()]
        # The next row of a table may also be a macro's call
        if re.search(r"[;{}]|\),\s*\[?[A-Z_]+", between) or (not group and between.strip()):
            yield from end_of_statement()
        if token[0] == "/":
            described = code_of(text, match.start(), match.end())
            for paragraph in re.split(r"\n[ \t]*\*?[ \t]*(?=\n)", token[2:].removesuffix("*/")):
                words = re.sub(r"\s*\n\s*\*?\s*", " ", paragraph).strip(" *")
                before = ""
                for sentence in split(words):
                    # A pronoun may stand for a noun of the sentence before
                    yield text.count("\n", 0, match.start()) + 1, sentence, described + (f" | after: {before}" if before else "")
                    before = sentence
        elif token[0] == '"' and "#include" not in between[between.rfind("\n") + 1:]:
            group.append((bool(group) and not between.strip(" \t\n\\"), match.start(), token[1:-1]))
        statement = match.end()
    yield from end_of_statement()


def sentences(room):
    """(place, sentence) of comments and messages of the code, without those of tests."""
    for path in tree.files(*CODE):
        if in_room(path, room):
            for line, sentence, context in sentences_of_source(tree.read(path)):
                yield f"{path}:{line}: {context}", sentence
    for path in tree.files(*SCRIPTS):
        if not in_room(path, room) or not os.path.isfile(os.path.join(tree.SRC, path)) or path.endswith(".md"):
            continue
        text = tree.read(path)
        if path.endswith(".py") or text.startswith("#!/usr/bin/python3"):
            lines = text.split("\n")
            for line, _, words in prose.of_script(text):
                # A docstring is below what it describes, a comment above or beside it
                described = lines[line - 2] if lines[line - 1].lstrip().startswith('"""') else \
                    next((code for code in lines[line - 1:] if code.strip() and not code.lstrip().startswith("#")), "")
                yield from ((f"{path}:{line}: {described.strip()}", sentence) for sentence in split(words))


def documents(room):
    """(place, sentence) of README, manuals and the other documents."""
    for path, line, kind, text in prose.pieces():
        if kind == "document" and path.startswith(DOCUMENTS) and in_room(path, room):
            yield from ((f"{path}:{line}", sentence) for sentence in split(text))


def members(body):
    """(name, declaration) of the members of a struct or union; `outer.inner` for a member of a struct in it."""
    body = re.sub(r"\benum( \w+)? \{[^}]*\}", r"enum\1", body)
    body = re.sub(r"(?<!\w)_\w+_(?!\w)(?:\((?:[^()]|\([^()]*\))*\))?|^\s*#.*$", " ", body, flags=re.M)
    inner = re.compile(r"\b(?:struct|union)(?: \w+)? \{([^{}]*)\}([^;]*);")
    found = []
    while match := inner.search(body):
        # An anonymous union's members are the outer struct's
        outer = (re.findall(r"\w+", match.group(2)) or [""])[0]
        found += [(f"{outer}.{name}" if outer else name, declaration) for name, declaration in members(match.group(1))]
        body = body[:match.start()] + (f"struct {match.group(2).strip()};" if outer else "") + body[match.end():]
    for declaration in body.split(";"):
        declaration = " ".join(declaration.split())
        # A function's name is in front of its parameters
        for name in re.findall(r"\(\*(\w+)\)\(", declaration) or re.findall(r"(\w+)(?:\[[^\]]*\])*(?: : \w+)?(?:,|$)", declaration):
            found.append((name, declaration))
    return found


def names(room):
    """(place, name) of sources, functions, structs and enums, and of members of structs; behind the path the declaration."""
    for path in tree.files(*CODE):
        if not in_room(path, room):
            continue
        yield path, os.path.basename(path)
        text = re.sub(r'/\*.*?\*/|"(?:\\.|[^"\\\n])*"', " ", tree.read(path), flags=re.S)
        for declaration, name in re.findall(r"^((?:(?:static )?(?:__attribute__\(\(.*?\)\)|_\w+_\(.*?\)))?\w?[\w \*]*?\b(?!_printf_|__attribute__)(\w+)\([^;{]*\))\n\{", text, re.M):
            yield f"{path}: {' '.join(declaration.split())}", f"{name}()"
        for kind, struct, body in re.findall(r"^(?:static |const |extern )*(struct|union|enum) (\w+) \{\n(.*?)\n\}", text, re.M | re.S):
            yield path, f"{kind} {struct}"
            if kind != "enum":
                yield from ((f"{path}: {declaration}", f"{struct}.{name}") for name, declaration in members(body))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--names", action="store_true", help="of files, functions, structs and members")
    what.add_argument("--sentences", action="store_true", help="of comments and messages of the code")
    what.add_argument("--documents", action="store_true", help="sentences of README, manuals and the other documents")
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--count", type=int, default=200)
    parser.add_argument("--room", help="a directory of src/, or a directory or file of the tree")
    args = parser.parse_args()
    draw = names if args.names else sentences if args.sentences else documents
    found = sorted(set(draw(args.room)))
    for path, text in random.Random(args.seed).sample(found, min(args.count, len(found))):
        print(f"{text}    [{path}]")


if __name__ == "__main__":
    main()
