#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab needs: kernels
"""Each command that a document, a gadget file or a manual page prints is in the table tests/printed-commands: run as it is
printed, here or in the lab (tests/lab/examples/test_printed_commands.py), or with the reason why it cannot be. The options
of those that are not run exist."""

import os
import re
import subprocess
import tempfile

from paths import BUILD, SRC
import plays
import printed
import tap
import tree
from tap import eq, ok, test

TABLE = plays.Table()
COMMANDS = plays.named()


@test("the rules by which commands are found")
def rules():
    document = ["Text `ffsctl up x.conf` and `ffsctl", "status`, `attrs = 1`.", "", "    first \\", "      --option    # why",
                "    for i in 1 2; do", "        second $i", "    done; third 'a", "    b'", "", "```ini", "no", "```", "", "    $ fourth", "    output", "",
                "    import x", "    print(x)", "", "`ffsctl down NAME`"]
    lines = []
    for number, text in enumerate(document[:9] + document[13:], 1):
        lines.append((number, text[4:] if text.startswith("    ") else text, text.startswith("    ")))
    found = [(c.text, c.is_program, c.is_form) for c in printed.of_lines("x", lines)]
    eq(found, [("ffsctl up x.conf", False, False), ("first --option", False, False), ("for i in 1 2; do\n    second $i\ndone; third 'a\nb'", False, False),
               ("fourth", False, False), ("import x\nprint(x)", True, False), ("ffsctl down NAME", False, True)])


@test("each printed command is run, or has one reason why it is not")
def every_command():
    played = TABLE.played()
    missing, several = [], []
    for (_, name), command in COMMANDS.items():
        ways = [True] * ((command.path, name) in played) + TABLE.why_not(command.path, name)
        if not ways and not command.is_form:
            missing.append("%s:%d: %s" % (command.path, command.line, name))
        if len(ways) > 1:
            several.append((command.path, name, ways))
    ok(len(COMMANDS) > 300, "%d commands" % len(COMMANDS))
    eq(missing, [], "commands that are not in tests/printed-commands")
    eq(several, [], "commands that are there twice")


@test("each line of tests/printed-commands is about a command that is printed")
def no_other_command():
    eq(sorted(key for key in TABLE.played() if key not in COMMANDS), [])
    eq(sorted(key for key in TABLE.reasons if key not in COMMANDS
              and not (key[0] == plays.ANYWHERE and any(key in TABLE.why_not(*pair) for pair in COMMANDS))), [])


def help_of(program, *words):
    got = subprocess.run([program, *words, "--help"], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, cwd=SRC)
    return got.stdout


@test("the options of our programs in commands that are not run, and in forms of commands, exist")
def options_exist():
    texts, wrong = {}, []
    for (_, name), command in COMMANDS.items():
        if (command.path, name) in TABLE.played() or command.is_program:
            continue
        for program, arguments in re.findall(r"(?<![\w/.-])(ffsctl|ffsbench|lab/[\w-]+|packaging/cross)((?: [^\s;&|')]+)*)", name):
            words = arguments.partition(" -- ")[0].split()
            path = os.path.join(SRC, program) if "/" in program else os.path.join(BUILD, program)
            if not os.path.exists(path):
                wrong.append("%s:%d: no %s" % (command.path, command.line, program))
                continue
            sub = [words[0]] if words and program in ("ffsctl", "ffsbench") and re.fullmatch("[a-z-]+", words[0]) else []
            for option in [re.sub(r"=.*", "", w) for w in words if re.match(r"--?[a-z][\w-]*", w)]:
                key = (program, *sub)
                if key not in texts:
                    texts[key] = help_of(path, *([sub[0]] if sub else []))
                if not re.search(r"(?<![\w-])%s(?![\w-])" % re.escape(option), texts[key]):
                    wrong.append("%s:%d: %s has no %s" % (command.path, command.line, " ".join(key), option))
    eq(wrong, [])


@test("the packages that documents install are those that lab/setup installs, or are known to Debian by another test")
def packages_exist():
    known = set(re.findall(r"^[a-z0-9][a-z0-9+.-]*$", tree.read("lab/packages") + tree.read("lab/packages-inside"), re.M))
    ours = set(re.findall(r"^Package: (\S+)$", tree.read("packaging/debian/control"), re.M))
    unknown = []
    for command in COMMANDS.values():
        for words in re.findall(r"\b(?:apt-get|apt) install ((?:[^\s;&|)]+(?: |$))+)", printed.one_line(command.text)):
            for package in re.split(r"[\s{},]+", re.sub(r"\./\S*/|_\*\.deb", "", words)):
                if package and package not in known | ours and not package.startswith(("linux-headers-", "linux-source-")):
                    unknown.append("%s:%d: %s" % (command.path, command.line, package))
    eq(unknown, [])


def directory_of_build(top):
    """A copy of the tree with the programs of the build in it, as after `make` there, and with the build in `build`."""
    os.symlink(BUILD, os.path.join(top, "build"))
    subprocess.run(["cp", "-rs", *(os.path.join(SRC, name) for name in sorted(os.listdir(SRC)) if not re.match(r"build|\.git$|autom4te", name)), top], check=True)
    for name in ("ffsctl", "ffsctl-worker", "ffsbench", "examples/camera-frames", "examples/blocking-echo", "examples/stream-echo"):
        target = os.path.join(top, name)
        if os.path.lexists(target):
            os.unlink(target)
        os.symlink(os.path.join(BUILD, name), target)


def played_here(play):
    with tempfile.TemporaryDirectory(dir="/var/tmp") as top:
        directory = os.path.join(top, "tree")
        os.mkdir(directory)
        directory_of_build(directory)
        plays.Stage(play, directory, COMMANDS, plays.HELPERS, {"PATH": directory + ":" + os.environ["PATH"]}).run()


for play_ in TABLE.plays:
    if play_.place == "host":
        test(str(play_), play_)(played_here)

tap.main()
