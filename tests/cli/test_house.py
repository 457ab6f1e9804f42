#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The structure of CONTRIBUTING.md's table: a room uses those further down and none further up. Uses are the includes
of the sources, and the symbols of the objects. And the words of comments, messages and documents: WORDS."""

import collections
import functools
import glob
import os
import re
import subprocess

from paths import BUILD, SRC

import prose
import tap
import tree
from tap import eq, ok, test
from tree import read

LINES_MAX = 600


def rows():
    """(floor, rooms, text) of each row of the table."""
    for floor, rooms, text in re.findall(r"^\| (\d|beside) \| (.*?) \| (.*) \|$", read("CONTRIBUTING.md"), re.M):
        yield floor, re.findall(r"`src/([\w-]+)/`", rooms), text


SOURCES = tree.files("src/**/*.[ch]")
ROOMS = {s.split("/")[1] for s in SOURCES if s.count("/") > 1}
TABLE = [(floor, room, text) for floor, rooms, text in rows() for room in rooms]
FLOORS = [room for floor, room, _ in TABLE if floor != "beside"]  # from the top
USES = {room: {room, *FLOORS[FLOORS.index(room):]} for room in FLOORS}
# Of a room beside the others the row says it: "uses `base`"
USES.update({room: {room, *re.findall(r"`([\w-]+)`", text.partition("; uses ")[2])}
             for floor, room, text in TABLE if floor == "beside"})


def room_of(path):
    return path.split("/")[1] if path.count("/") > 1 else None  # src/ffsctl.c may use all


@test("each room of src/ has a row in the table, and each row a room")
def table_has_every_room():
    eq(sorted(room for _, room, _ in TABLE), sorted(ROOMS))


def upward(arrows):
    return sorted(f"{a} -> {b}: {what}" for a, b, what in arrows
                  if room_of(a) in USES and room_of(b) and room_of(b) not in USES[room_of(a)])


@functools.cache
def includes():
    """(file, header of ours)."""
    return [(s, "src/" + header) for s in SOURCES
            for header in re.findall(r'^#include "([\w-]+/[\w./-]+)"', read(s), re.M)]


@test("no file includes a header of a room that its own may not use")
def no_include_upward():
    ok(len(includes()) > 500, f"{len(includes())} includes")
    eq(upward((a, b, "include") for a, b in includes() if room_of(b) in ROOMS), [])


@functools.cache
def calls():
    """(source, source that defines it, symbol), by their objects."""
    defined, wanted = {}, collections.defaultdict(set)
    objects = glob.glob(os.path.join(BUILD, "src", "**", "libffsctl_a-*.o"), recursive=True)
    table = subprocess.run(["nm", "-A", *objects], stdout=subprocess.PIPE, check=True, text=True).stdout
    for path, kind, name in re.findall(r"^(\S+?):[0-9a-f ]* (\w) (\S+)$", table, re.M):
        source = os.path.relpath(path, BUILD).replace("libffsctl_a-", "").removesuffix(".o") + ".c"
        if source not in SOURCES:
            continue  # generated, or of a source that was there once
        if kind == "U":
            wanted[source].add(name)
        elif kind in "TDBRVW":
            defined[name] = source
    return [(source, defined[name], name) for source, names in wanted.items() for name in names
            if defined.get(name, source) != source]


@test("no file calls a function, or uses a table, of a room that its own may not use")
def no_call_upward():
    ok(len(calls()) > 1000, f"{len(calls())} arrows")
    eq(upward(calls()), [])


SUPERVISOR = "src/supervisor/supervisor.c"


def components():
    """{header: struct} of the supervisor's components: the members of its struct."""
    body = re.search(r"^struct supervisor \{\n(.*?)^\};", read(SUPERVISOR), re.M | re.S).group(1)
    members = set(re.findall(r"^\tstruct (\w+) \w+;", body, re.M))
    return {s: name for s in SOURCES if s.startswith("src/supervisor/") and s.endswith(".h")
            for name in re.findall(r"^struct (\w+) \{", read(s), re.M) if name in members}


def includes_of(path):
    return {header for source, header in includes() if source == path}


@test("only supervisor.c knows what a supervisor consists of, and only it includes the headers of all its components")
def supervisor_is_private():
    eq([s for s in SOURCES if re.search(r"^struct supervisor \{", read(s), re.M)], [SUPERVISOR])
    ok(len(components()) >= 9, f"{len(components())} components")
    eq([s for s in SOURCES if set(components()) <= includes_of(s)], [SUPERVISOR])
    # Its own room reports to it by events, and does not call it.
    eq([a for a, b in includes() if b == "src/supervisor/supervisor.h" and room_of(a) == "supervisor"], [SUPERVISOR])


def changes_of_others(text):
    """Lines that change the struct of a component through a pointer to it: live_gadget is what all share."""
    others = "->(?:binding|control|host|notify|reloader|switcher|takeover)->(?!live->)"
    return re.findall(rf"^.*(?:{others}[\w.]+ [-+|]?= |steal_ptr\(\w+{others}|\(&\w+{others}).*$", text, re.M)


@test("a component of the supervisor does not change the struct of another one")
def components_own_their_structs():
    planted = "\tb->host->configured = false;\n\tfree(steal_ptr(t->binding->udc));\n\tif (b->host->configured)\n"
    eq(len(changes_of_others(planted)), 2)
    eq([(s, line) for s in SOURCES if s.startswith("src/supervisor/") for line in changes_of_others(read(s))], [])


@functools.cache
def declared():
    """{header of the supervisor: what it alone declares}: functions, macros, types, enumerators and members."""
    found, types = {}, {}
    for header in (s for s in SOURCES if s.startswith("src/supervisor/") and s.endswith(".h")):
        text = re.sub(r"/\*.*?\*/", "", read(header), flags=re.S)
        names = re.findall(r"\b(\w+)\(|^#define (\w+)|\b(\w+)(?:\[\w*\])*;|^\t([A-Z]\w+),", text, re.M)
        types[header] = set(re.findall(r"\b(?:struct|enum) (\w+) \{", text))
        found[header] = {name for group in names for name in group if name}
    number = collections.Counter(name for names in found.values() for name in names)
    return {header: types[header] | {name for name in found[header] if number[name] == 1} for header in found}


@test("a file of the supervisor includes only the headers of its room that it uses")
def supervisor_includes_what_it_uses():
    unused = []
    for source, header in includes():
        if source.endswith(".h") or not room_of(source) == room_of(header) == "supervisor":
            continue
        text = re.sub(r"/\*.*?\*/|^#include[^\n]*", "", read(source), flags=re.S | re.M)
        if not declared()[header] & set(re.findall(r"\w+", text)):
            unused.append(f"{source}: {header}")
    eq(unused, [])


DOCUMENTS = tree.files("*.md", "doc/*.md", "kernel/*.md", "lab/*.md", "tests/**/*.py", "tests/**/*.[ch]", "src/**/*.[ch]")


def circles(arrows):
    """The strongly connected parts of a graph that have more than one member (Tarjan)."""
    graph = collections.defaultdict(set)
    for a, b in arrows:
        graph[a].add(b)
    number, low, stack, found = {}, {}, [], []

    def visit(node):
        number[node] = low[node] = len(number)
        stack.append(node)
        for other in sorted(graph.get(node, ())):
            if other not in number:
                visit(other)
                low[node] = min(low[node], low[other])
            elif other in stack:
                low[node] = min(low[node], number[other])
        if low[node] == number[node]:
            at = stack.index(node)
            if len(stack) - at > 1:
                found.append(sorted(stack[at:]))
            del stack[at:]

    for node in sorted(graph):
        if node not in number:
            visit(node)
    return found


@test("no sources call each other in a circle, and no headers include each other")
def no_circles():
    eq(circles((a, b) for a, b, _ in calls()), [])
    eq(circles((a, b) for a, b in includes() if a.endswith(".h")), [])


@test("each file of src/ that a document or a comment names is there, and each file that CONTRIBUTING.md names")
def named_files_exist():
    named = [(p, path) for p in DOCUMENTS
             for path in re.findall(r"(?<![\w/.-])src/[\w-]+/(?:[\w*-]+/)*[\w*-]+\.(?:c|h|mk)\b", read(p))]
    # The tour is relative to src/
    tour = read("doc/architecture.md")
    named += [("doc/architecture.md", f"src/{path}") for path in re.findall(r"`((?:[\w-]+/)+[\w*]+\.[ch])`", tour)]
    rules = read("CONTRIBUTING.md")
    named += [("CONTRIBUTING.md", re.sub(r"ROOM|VERSION|GROUP|NNNN", "*", path)) for path in
              re.findall(r"`((?:examples|include|init|kernel|lab|man|schemas|tests)/[\w./*-]*)(?: --[\w-]+.*?)?`", rules)]
    ok(len(named) > 100, f"{len(named)} names")
    documents = {os.path.basename(p) for p in tree.files("**/*.md")}
    eq([(p, name) for p in DOCUMENTS for name in re.findall(r"(?<![\w*])[\w-]+\.md\b", read(p))
        if name not in documents], [], "documents that do not exist")
    eq([n for n in named if not glob.glob(os.path.join(SRC, n[1].replace("NAME", "*")))], [])


@test("the table of tests/README.md has every test program of tests/lab, and no other")
def lab_tests_are_listed():
    listed = re.findall(r"^\| ([\w-]+) \| (test_\w+) \| \S.* \|$", read("tests/README.md"), re.M)
    there = {(os.path.basename(os.path.dirname(path)), os.path.basename(path).removesuffix(".py"))
             for path in glob.glob(os.path.join(SRC, "tests", "lab", "*", "test_*.py"))}
    ok(len(there) > 50, f"{len(there)} programs")
    eq(sorted(there - set(listed)), [], "programs without a row")
    eq(sorted(set(listed) - there), [], "rows without a program")
    eq(len(listed), len(set(listed)), "rows")


# Words and phrases that a reader has to translate, as regular expressions, and what to write instead. Only those
# that have no other use in this tree belong here: there is no list of exceptions.
WORDS = [
    (r"shall", "must; or the imperative"),
    (r"(?:is|are|was|were) to be", "must be"),
    (r"has to", "must"),
    (r"(?:of|for) (?:its|our|their|one's) own to", "responsible for; must not"),
    (r"whose own", "the owner, which ..."),
    (r"(?:nobody|somebody|anybody)'s(?! else)", "belongs to no process, to another process"),
    (r"(?:is|are|was|were) gone", "was removed, has ended, no longer exists"),
    (r"(?:has|have) come(?! back)", "appeared, arrived"),
    (r"in vain", "without effect; or what happens instead"),
    (r"(?:let|lets|letting) go of", "releases, closes, drops"),
    (r"(?:take|takes|taking|taken|took) away", "remove"),
    (r"without a word", "without a message"),
    (r"who(?:ever)? wants", "users, programs, callers that ..."),
    (r"comes? along", "is sent with it"),
    (r"the front", "the client, the command"),
    (r"twins?", "replacement"),
    (r"fore(?:tell|tells|told)", "predict"),
    (r"rather too long", "rounded up"),
    (r"heard out", "received completely"),
    (r"gets? rid of", "send, remove"),
    (r"in (?:its|their) life", "while it runs"),
]
WORDS_PATTERN = re.compile(r"(?<![\w/-])(?:" + "|".join(f"({pattern})" for pattern, _ in WORDS) + r")(?![\w-])", re.I)


def old_words(pieces):
    """What uses one of WORDS, with what to write instead."""
    return [f"{path}:{line}: '{match.group()}': {WORDS[match.lastindex - 1][1]}"
            for path, line, _, text in pieces for match in WORDS_PATTERN.finditer(text)]


@test("a planted word is found in a comment, a message, a test's name and a document")
def planted_words_are_found():
    source = prose.of_source('/* Fine. */\nint a; /* what it\n * shall do */\nputs("this is "\n     "gone");\n')
    script = prose.of_script('"""Whoever wants it."""\n# in\n# vain\n@test("takes away")\ndef f():\n    test("has to go")\n')
    document = prose.of_document("A list:\n\n- it has\n  come\n\n    has come\n", False)
    manual = prose.of_document(".Sh A\nThe gadget is\n.Em gone .\n.Bd -literal\nshall\n.Ed\n", True)
    found = [[line.split("'")[1] for line in old_words(("x", *piece) for piece in pieces)]
             for pieces in (source, script, document, manual)]
    eq([sorted(words) for words in found],
       [["is gone", "shall"], ["Whoever wants", "has to", "in vain", "takes away"], ["has come"], ["is gone"]])


@test("no comment, message or document uses a word of the left column of WORDS")
def plain_words():
    pieces = [piece for piece in prose.pieces() if piece[0] != "tests/cli/test_house.py"]
    ok(len(pieces) > 10000, f"{len(pieces)} pieces")
    eq(old_words(pieces), [])


@test("tests look for sources by tree.files(), which leaves out what a build in the tree has made")
def tests_look_for_sources_in_one_way():
    calls = [(path, call) for path in tree.files("tests/cli/*.py") for call in re.findall(r"glob\(os[^\n]*", read(path))]
    ok(len(calls) > 5, calls)
    eq([call for call in calls if "SRC, \"" in call[1] and ("recursive" in call[1] or re.search(r"\.(?:c|h|md)\b", call[1]))], [])


KERNELS = r"(?:/proc|/sys|CONFIGFS|USB_DEVICES)[^\n]*glob\("  # files that the kernel shows


def unguarded(text):
    """Returns where a program lists what may go before it is looked at, and looks at it unguarded."""
    return re.findall(rf"listdir\(f\"/proc/[^\n]*/fd\"\)|{KERNELS}[^\n]*read_text\(\)|read_text\(\)[^\n]*{KERNELS}", text)


@test("tests list descriptors and devices by harness.open_files(), usb_device() and text_of(): what goes meanwhile is no failure")
def what_goes_is_no_failure():
    eq(len(unguarded('len(os.listdir(f"/proc/{pid}/fd"))\n[p for p in USB_DEVICES.glob("*/idProduct") if p.read_text() == "0104\\n"]\n')), 2)
    programs = [path for path in tree.files("tests/lab/**/*.py") if path != "tests/lab/lib/harness.py"]
    eq([(path, found) for path in programs for found in unguarded(read(path))], [])


@test("no source includes config.h: the build does, in all of them")
def no_config_header():
    eq([s for s in SOURCES if '"config.h"' in read(s)], [])


@test(f"no source has more than {LINES_MAX} lines")
def no_long_source():
    eq([s for s in SOURCES if read(s).count("\n") > LINES_MAX], [])


tap.main()
