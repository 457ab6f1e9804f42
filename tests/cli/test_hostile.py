#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain,sanitize
"""Files of 1 MiB made to cost as much as they can: ffsctl check stays within bounds.

The limits are set on the process itself, so that what exceeds them fails whatever the machine's
load: address space for memory, CPU seconds for time. With sanitizers, which reserve terabytes of
address space and take their time, the files are of 64 KiB: there it is about memory errors."""

import os
import re
import resource
import subprocess
import tempfile

from paths import BUILD
import tap

FFSCTL = os.path.join(BUILD, "ffsctl")
SANITIZED = tap.sanitized()
SIZE = 1 << (16 if SANITIZED else 20)
WORD_LIMIT = 250000  # just below GADGETFILE_MAX_TOKENS
MEMORY = 64 << 20  # bytes of address space
SECONDS = 2  # of CPU; about 0.2 are reached

tmp = tempfile.TemporaryDirectory()


WORDS = re.compile(r'[A-Za-z*][\w*-]*|"[^"]*"|[-+.\d]+|[^\s]')


def room(piece, *around):
    """How often the piece fits, by size and by the number of tokens."""
    by_size = (SIZE - sum(map(len, around))) // len(piece)
    words = len(WORDS.findall(piece)) or 1
    return by_size, (WORD_LIMIT - sum(len(WORDS.findall(a)) for a in around)) // words


def fill(piece, before="", after=""):
    return before + piece * min(room(piece, before, after)) + after


def flood(piece, before="", after=""):
    """Beyond the limit of tokens."""
    return before + piece * room(piece, before, after)[0] + after


def numbered(form, before="", after=""):
    """As many pieces with their number in them as fit."""
    pieces, size, n = [], len(before) + len(after), 0
    most = room(form % 0, before, after)[1]
    while size + len(form % n) <= SIZE and n < most:
        pieces.append(form % n)
        size += len(pieces[-1])
        n += 1
    return before + "".join(pieces) + after


def groups_of_names():
    """Full groups, each as large as is allowed: libconfig compares every name with all others."""
    group = "{ " + "".join("a%d=1;" % i for i in range(512)) + " }"
    return fill(group + ",", "functions : { a : { worker : { options = { x = ( ", "1 ); }; }; }; };")


def shapes():
    return {
        "nothing but opening brackets": fill("( ", "a = "),
        "more tokens than allowed": flood("( ", "a = "),
        "brackets and their ends": fill("()", "a = (", ")"),
        "a list of numbers": fill("1,", "a = (", "1);"),
        "a list of empty groups": fill("{},", "a = (", "1);"),
        "settings of different names": numbered("a%d=1;"),
        "settings of one name": fill("a=1;"),
        "functions": numbered("f%d:{};", "functions = {", "};"),
        "unknown keys in one line": numbered("x%d=;"),
        "groups as large as allowed": groups_of_names(),
        "deep groups": fill("a={" * 60 + "}" * 60),
        "one string": flood("x", 'name = "', '";'),
        "many strings": fill('"x"', "name = ", ";"),
        "escapes": flood("\\x41", 'name = "', '";'),
        "a string without end": flood("x\n", 'name = "'),
        "quotes": flood('"'),
        "blanks": fill(" "),
        "line ends": fill("\n"),
        "comments": flood("/**/"),
        "comments without end": flood("/*"),
        "hashes": flood("#\n"),
        "garbage": flood("%"),
        "garbage in lines": fill("%\n"),
        "garbage and blanks": fill("% "),
        "digits": flood("9", "a = ", ";"),
        "signs": flood("-"),
        "points": fill(".", "a = "),
        "umlauts": flood("\u00e4\u00e4", "# ", "\n")[: SIZE // 2] + "\n",
        "includes of nothing": fill('@include "x"\n'),
        "includes of themselves": fill('@include "hostile.conf"\n'),
        "variables": flood("${dir}", 'functions : { a : { worker : { exec = [ "', '" ]; }; }; };'),
        "labels that are not there": fill('"x",', "functions : { a : { ffs : { interfaces = ( { } ); }; }; }; "
                                          "configs = ( { functions = (", '"x"); } );'),
        "configurations": fill("{},", "functions : { a : { ffs : { interfaces = ( { } ); }; }; }; configs = (",
                               "{});"),
        "interfaces": fill("{},", "functions : { a : { ffs : { interfaces = (", "{}); }; }; };"),
        "endpoints": fill('"bulk-in",', "functions : { a : { ffs : { interfaces = ( { endpoints = (",
                          '"bulk-in"); } ); }; }; };'),
        "named endpoints": numbered('{direction="in";type="bulk";name="%d";},',
                                    "functions : { a : { ffs : { interfaces = ( { endpoints = (",
                                    '"bulk-in"); } ); }; }; };'),
        "texts": fill('{text="x";},', "functions : { a : { ffs : { interfaces = ( { string = (",
                      '{text="x";}); } ); }; }; };'),
        "groups of strings": fill("{},", "strings = (", "{});"),
        "speeds": fill('"full",', "functions : { a : { ffs : { speeds = (", '"full"); }; }; };'),
        "arguments": fill('"x",', "functions : { a : { ffs : { interfaces = ( { } ); }; worker : { exec = (",
                          '"x"); }; }; };'),
        "words that resemble keys": fill("functoins=1;"),
        "functions in a configuration": numbered('{function={type="acm";instance="%d";};},',
                                                 "configs = ( { functions = (", '"x" ); } );'),
        "the same function in a configuration": fill('{function={type="acm";instance="0";};},',
                                                     "configs = ( { functions = (", '"x" ); } );'),
        "configurations of one function": fill('{functions=({function={type="acm";instance="0";};});},',
                                               "configs = (", "{} );"),
        "dotted names": fill("a.b.c=1;"),
    }


SHAPES = shapes()


def limit():
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CPU, (SECONDS, SECONDS))


# What is large, but not wrong.
LEGAL = ("arguments",)


def write(name, text):
    path = os.path.join(tmp.name, name)
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w", encoding="utf-8") as f:
        f.write(text)
    return path


def seconds(path):
    """Of CPU that one check takes."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    subprocess.run([FFSCTL, "check", path], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, check=False)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


def hostile(name, text):
    path = write("hostile.conf", text)
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    got = subprocess.run([FFSCTL, "check", path], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         check=False, preexec_fn=None if SANITIZED else limit)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    print("%.2f s, %d bytes of messages, largest so far %d KiB" % (
        after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime, len(got.stderr),
        after.ru_maxrss))
    tap.eq(got.returncode, 0 if name in LEGAL else 65, "exit status")
    tap.ok(got.stderr.count(b": error: ") <= 501, "more errors than anyone reads")
    tap.ok(len(got.stderr) < 1 << 20, "more text than anyone reads")


for name, shape in SHAPES.items():
    tap.test(name, name, shape)(hostile)


@tap.test("drop-ins count together, in size, in settings and in number")
def drop_ins_count_together():
    main = write("with.conf", 'functions : { a : { type = "acm"; }; };\n')
    for n in range(20):
        write("with.conf.d/%02d.conf" % n, fill("\n") if n < 2 else numbered("x%d=1;"))
    limits = None if SANITIZED else limit
    got = subprocess.run([FFSCTL, "check", main], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                         check=False, preexec_fn=limits)
    tap.eq(got.returncode, 65, "exit status")
    if not SANITIZED:
        tap.contains(got.stderr, "with its included files and drop-ins is larger than 1 MiB")
    os.mkdir(os.path.join(tmp.name, "many.conf.d"))
    main = write("many.conf", 'functions : { a : { type = "acm"; }; };\n')
    for n in range(300):
        write("many.conf.d/%03d.conf" % n, "functions : { " + "".join('f%d_%d : { type = "acm"; }; ' % (n, i) for i in range(20)) + "};\n")
    got = subprocess.run([FFSCTL, "check", main], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8",
                         check=False, preexec_fn=limits)
    tap.eq(got.returncode, 65, "exit status")
    tap.contains(got.stderr, "more than 256 drop-ins")
    tap.contains(got.stderr, "more than 512 settings in one group")


QUARTER = 4
ROUNDS = 3
MUCH = 2.5 * QUARTER
SMALL = 0.01  # seconds: below it is the start of a process that is measured


def linear():
    """A file four times as long takes about four times as long, not sixteen times. The least of a few
    runs is what it takes: more is the machine's. What is quick enough the first time is not run again."""
    global SIZE, WORD_LIMIT
    SIZE, WORD_LIMIT = SIZE // QUARTER, WORD_LIMIT // QUARTER
    slow = []
    for name, quarter in shapes().items():
        small, large = write("quarter.conf", quarter), write("hostile.conf", SHAPES[name])
        a, b = SMALL, seconds(large)
        for _ in range(ROUNDS):
            if b > MUCH * a:
                a, b = max(a, min(seconds(small) for _ in range(ROUNDS))), min(b, seconds(large))
        if b > MUCH * a:
            slow.append("%s: %.3f s, and of a quarter %.3f s" % (name, b, a))
    tap.eq(slow, [], "more than linear")


if not SANITIZED:
    tap.test("the time that each takes grows as the file does")(linear)

tap.main()
