# SPDX-License-Identifier: GPL-2.0-or-later
"""Mutants are defects that are planted in the project's own code, to check that a test detects each of them. The files
tests/mutants/DIRECTORY.mutants describe the mutants, one file for each directory src/DIRECTORY.

A file has one paragraph for each mutant:

    == NAME
    What: one sentence, which describes the wrong behaviour
    Function: NAME of the function (or table) that gets the defect
    Reverses: COMMIT that fixed the defect        (only for a defect that existed)
    Tests: PROGRAM...                             (programs that should detect it, the fastest first)
    Equivalent: why the behaviour does not change (only if nothing can detect the mutant)
    Old:
    lines of the function, copied exactly
    New:
    the lines that replace these lines

A mutant names no source file, so it still applies after code has moved to another file. The C function or table of
`Function:` must be defined in src/ or include/. If several files define that name, exactly one of these
definitions must contain the lines of `Old:`. It must contain them only once.
"""

import glob
import os
import re

import cache

DIRECTORY = os.path.join(cache.TREE, "tests", "mutants")
FIELDS = ("What", "Function", "Reverses", "Tests", "Equivalent")
NEEDED = ("What", "Function", "Tests")


def is_of_model(patch):
    """Returns whether a patch of lab/udc/mutants changes a model, not a driver of the kernel."""
    return "\n+++ b/lab/udc/" in patch


class Bad(Exception):
    """Raised if a file of mutants has an error, or if a mutant cannot be planted. The text has the name of the mutant, or
    the line of the file, and the reason."""


class Mutant:
    def __init__(self, room, name):
        self.room, self.name = room, name
        self.fields, self.old, self.new = {}, "", ""

    def __str__(self):
        return "%s/%s" % (self.room, self.name)

    @property
    def tests(self):
        return self.fields.get("Tests", "").split()

    def fail(self, why):
        raise Bad("%s: %s" % (self, why))


def parse(path):
    """Returns the mutants of a file, in the order of the file."""
    room = os.path.basename(path).removesuffix(".mutants")
    out, part = [], None
    for n, line in enumerate(cache.read(path).decode().splitlines(True), 1):
        text = line.rstrip("\n")
        if text.startswith("== "):
            out.append(Mutant(room, text[3:].strip()))
            part = None
        elif text in ("Old:", "New:") and out:
            part = text[:-1].lower()
        elif part:
            setattr(out[-1], part, getattr(out[-1], part) + line)
        elif out and text.strip():
            key, colon, value = text.partition(":")
            if key not in FIELDS or not colon or key in out[-1].fields:
                raise Bad("%s:%d: neither a field nor a mutant's text" % (path, n))
            out[-1].fields[key] = value.strip()
        elif text.strip() and not text.startswith("#"):
            raise Bad("%s:%d: text before the first mutant" % (path, n))
    for mutant in out:
        # Remove the empty line between two mutants
        mutant.old, mutant.new = mutant.old.rstrip("\n") + "\n", mutant.new.rstrip("\n") + "\n"
        for field in NEEDED:
            if not mutant.fields.get(field):
                mutant.fail("has no %s" % field)
        if not mutant.old.strip() or mutant.old == mutant.new:
            mutant.fail("changes nothing")
    return out


def load(directory=DIRECTORY):
    """Returns the mutants of all files, in the order of the files' names. Fails if two mutants have the same name."""
    out = [m for path in sorted(glob.glob(os.path.join(directory, "*.mutants"))) for m in parse(path)]
    seen = set()
    for mutant in out:
        if mutant.name in seen:
            mutant.fail("a second mutant of this name")
        seen.add(mutant.name)
    return out


def find(name):
    """Returns the mutant with this name."""
    for mutant in load():
        if mutant.name == name:
            return mutant
    raise Bad("tests/mutants has no '%s'" % name)


def definition(text, name):
    """Returns (start, end) of the definition of a function or table in C source; None if the text does not have it.

    The definition begins in the first column, as in the kernel's style, and ends with the first closing brace in
    that column.
    """
    # To save time: most files do not contain the name, and the search for its definition is slow
    if name not in text:
        return None
    for m in re.finditer(r"^(?![ \t#/*}{])[^\n;]*\b%s\b[^\n]*$" % re.escape(name), text, re.M):
        # Parameters may span lines; a prototype ends with a semicolon
        brace = re.compile(r"[{;]").search(text, m.start())
        if not brace or brace.group() == ";":
            continue
        head = text[m.start():brace.start()]
        if not re.search(r"\b%s\b\s*(\(|\[|=)" % re.escape(name), head):
            continue
        end = re.compile(r"^\}[^\n]*$", re.M).search(text, brace.start())
        if end:
            return m.start(), end.end()
    return None


def sources(tree):
    """Returns {path: text} of the sources, in the order of their paths."""
    return {path: cache.read(path).decode() for path in sorted(
        p for kind in ("c", "h") for top in ("src", "include")
        for p in glob.glob(os.path.join(tree, top, "**", "*." + kind), recursive=True))}


def plant(mutant, tree=cache.TREE, texts=None):
    """Returns (file relative to the tree, its text with the defect). `texts`: sources(tree), for callers that plant
    many."""
    found = []
    for path, text in (texts or sources(tree)).items():
        where = definition(text, mutant.fields["Function"])
        if where:
            found.append((path, text, where))
    # Several files can have a static function of this name: the one that contains the lines of `Old:` is meant
    fit = [(p, t, w) for p, t, w in found if t[w[0]:w[1] + 1].count(mutant.old) == 1]
    if not found:
        mutant.fail("nothing in src/ defines %s" % mutant.fields["Function"])
    if len(fit) != 1:
        mutant.fail("its old text is not once in %s (%s)" % (
            mutant.fields["Function"], ", ".join(os.path.relpath(p, tree) for p, _, _ in found)))
    path, text, (start, end) = fit[0]
    body = text[start:end + 1].replace(mutant.old, mutant.new)
    return os.path.relpath(path, tree), text[:start] + body + text[end + 1:]
