#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The form of messages: "cannot VERB OBJECT: REASON", lower case, no full stop, exclamation or question, and what to do
about it in a hint, not behind "; " in the sentence. Looks at the literals of the calls that make errors, diagnostics of
gadget files and hints."""

import re

import paths  # noqa: F401
import tap
import tree
from tap import eq, ok, test

CALLS = ("error_set", "error_errno", "error_add_detail", "error_add_hint", "error_wrap", "device_error", "cmd_usage",
         "load_error", "scan_error_in_valid_libconfig", "diag_error", "diag_warning", "diag_note", "diag_note_to_last", "diags_add_at_position", "diags_hint")
CALL = re.compile(r"(?<![\w>.])(" + "|".join(CALLS) + r")\(")
COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
# A string of several pieces, between which a macro may stand: PRIu64, UDC_CLASS_DIR.
LITERAL = re.compile(r'"(?:[^"\\\n]|\\.)*"(?:\s*(?:[A-Z][A-Za-z_0-9]*\s*)?"(?:[^"\\\n]|\\.)*")*')
PIECE = re.compile(r'"((?:[^"\\\n]|\\.)*)"')
# Words that begin with a capital letter wherever they stand.
NAMES = {"Chromium", "FunctionFS", "Linux", "USB", "Windows"}
# The one question: a spelling that may be meant.
SUGGESTION = "did you mean '%s'?"


def call(text, start):
    """The text between the parentheses of a call whose first one is at `start`."""
    depth, at = 0, start
    while at < len(text):
        literal = PIECE.match(text, at)
        if literal:
            at = literal.end()
            continue
        depth += {"(": 1, ")": -1}.get(text[at], 0)
        at += 1
        if depth == 0:
            break
    return text[start:at]


def messages(text):
    """(line, function, literal) of each message. Words that are only part of one are not sentences, and left out."""
    text = COMMENT.sub(lambda m: re.sub(r"[^\n]", " ", m.group()), text)
    for found in CALL.finditer(text):
        for literal in LITERAL.finditer(call(text, found.end() - 1)):
            yield text.count("\n", 0, found.start()) + 1, found.group(1), "".join(PIECE.findall(literal.group()))


def wrong_form(message):
    """What is wrong with it; None: nothing."""
    bare = re.sub(r"\{.*?\}", "", message.replace(SUGGESTION, ""))  # settings end with ';'
    bare = bare.replace("#!/", "/")  # the first line of a script
    if not re.search("[a-z]", bare):
        return None
    first = re.match(r"[A-Za-z]+", bare)
    if first and first.group()[0].isupper() and first.group() not in NAMES and not first.group().isupper():
        return "begins with a capital letter"
    if re.search(r"(?<!\.)\.$", bare):
        return "ends with a full stop"
    if re.search(r"[!?]", bare):
        return "has an exclamation or a question"
    if "; " in bare:
        return "has '; ': what to do is an error_add_hint or diags_hint, another fact an error_add_detail"
    return None


def mistakes(path, text):
    return [f"{path}:{line}: {function}: '{message}' {wrong_form(message)}"
            for line, function, message in messages(text) if wrong_form(message)]


@test("a planted message of each wrong form is found, in each kind of call")
def planted_forms_are_found():
    wrong = ("Cannot open %s", "cannot open %s.", "cannot open %s!", "is %s open?", "%s is open; close it",
             '" PATH " is \\"open\\"; "\n\t\t"close it')
    right = ("cannot open %s", "FunctionFS is missing", "OUT transfers", "did you mean '%s'?", "write { a = 1; }", "...", "%s: %s")
    for function in CALLS:
        source = "".join('/* "A; b." */\n%s(f(err), "%s", x ? "%s" : "");\n' % (function, message, "right")
                         for message in wrong + right)
        eq([line.split(":")[1] for line in mistakes("x", source)], ["2", "4", "6", "8", "10", "12"], function)


@test("each message has the form of voice: one sentence in lower case, and the hint apart")
def messages_have_the_form():
    sources = {path: tree.read(path) for path in tree.files("src/**/*.c")}
    found = [m for text in sources.values() for m in messages(text)]
    ok(len(found) > 500, f"{len(found)} literals")
    eq([line for path, text in sorted(sources.items()) for line in mistakes(path, text)], [])


tap.main()
