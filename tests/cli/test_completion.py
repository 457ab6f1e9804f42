#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""Completion: what may stand next on a command line, asked as shells ask, and in a real bash."""

import os
import pathlib
import pty
import re
import shutil
import subprocess
import tempfile

from paths import BUILD, SRC
import tap
from tap import contains, eq, ok, skip, test

FFSCTL = os.path.join(BUILD, "ffsctl")
SCRIPTS = {"bash": "bash/ffsctl", "zsh": "zsh/_ffsctl", "fish": "fish/ffsctl.fish"}

world = tempfile.TemporaryDirectory()
gadgets = pathlib.Path(world.name, "gadget.d")
gadgets.mkdir()
for name in ("meter.conf", "motor.scheme", "other.conf"):
    (gadgets / name).touch()
WORLD = ("--run-dir", f"{world.name}/run", "--configfs", f"{world.name}/config", "--dir", str(gadgets))


def stdout(*args, **kwargs):
    got = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", check=False, **kwargs)
    eq((got.returncode, got.stderr), (0, ""), " ".join(map(str, args)))
    return got.stdout


def offered(*words):
    return [line.split("\t")[0] for line in stdout(FFSCTL, "completion", "--words", "--", *words).splitlines()]


def bash(*words):
    """What bash would have: the line is what its words are, `=` being one."""
    quoted = " ".join("'%s'" % w for w in ("ffsctl",) + words)
    return stdout("bash", "--norc", "-c", f"""
        source <({FFSCTL} completion bash) && compopt() {{ :; }}
        COMP_WORDS=({quoted}) COMP_CWORD={len(words)}
        _ffsctl {FFSCTL}
        printf '%s\\n' "${{COMPREPLY[@]}}" """).split()


HELP = stdout(FFSCTL, "--help")
COMMANDS = re.findall(r"^  ([a-z][a-z-]*) +[a-z]", HELP[HELP.index("commands:"):HELP.index("options:")], re.M)


def options(text):
    return sorted(set(re.findall(r"^ +(?:-\w, )?(--?[a-z][a-z-]*)", text, re.M)))


@test("each command, in the order of --help, with what it does")
def commands_in_order():
    ok(len(COMMANDS) >= 14, COMMANDS)
    eq(offered(""), COMMANDS)
    eq(bash(""), COMMANDS)
    eq(offered("un"), ["unbind"])
    contains(stdout(FFSCTL, "completion", "--words", "--", "sta"), "status\tprint the status of all gadgets")
    eq(offered("nonsense", ""), [])


def every_option(command):
    wanted = options(stdout(FFSCTL, command, "--help"))
    eq(sorted(word.rstrip("=") for word in offered(command, "-")), wanted)
    eq(sorted(word.rstrip("=") for word in bash(command, "-")), wanted)


for name in COMMANDS:
    test(f"every option of {name} --help", name)(every_option)


@test("the global options, and what may follow them")
def options_of_everything():
    eq(sorted(word.rstrip("=") for word in offered("-")), sorted(set(options(HELP[HELP.index("options:"):])) - {"-v", "-q"}))
    eq(offered("-v", "--run-dir", "/x", "unb"), ["unbind"])
    eq(offered("--color=never", "unb"), ["unbind"])
    eq(offered("--dir", ""), [])  # a directory, which the shell knows


@test("values of options, as a word of their own and after '='")
def option_values():
    eq(offered("wait", "x", "--for", ""), ["ready", "configured", "disconnected"])
    eq(offered("descriptors", "--speed", ""), ["full", "high", "super"])
    eq(offered("descriptors", "--kernel=6.1"), ["--kernel=6.1", "--kernel=6.12", "--kernel=6.18"])
    eq(offered("run", "--group", "roo"), ["root"])
    eq(offered("help", "un"), ["unbind"])
    eq(offered("wait", "x", "--for=c"), ["--for=configured"])
    eq(bash("wait", "x", "--for", "=", "c"), ["configured"])
    eq(bash("wait", "x", "--for", "="), ["ready", "configured", "disconnected"])
    eq(bash("--color", "=", "a"), ["auto", "always"])
    eq(bash("check", "--for"), ["--format="])
    eq(offered("check", "--format=", ""), offered("check", ""))
    eq(offered("status", "-o", "state,ud"), ["state,udc", "state,udc_state"])
    contains(offered("status", "-o", "*.worker.p"), "*.worker.pid")


@test("gadget files by name, from the directories that the line itself names")
def gadget_files():
    for command in ("up", "run", "check"):
        eq(offered(*WORLD, command, "m"), ["meter", "motor"])
    eq(bash(*WORLD, "up", "--no-bind", "--timeout", "5", "o"), ["other"])
    eq(offered(*WORLD, "up", "meter", "m"), [], "a second one")
    eq(offered(*WORLD, "check", "meter", "mo"), ["motor"])
    eq(offered(*WORLD, "up", "./m"), [])  # left to the shell


@test("schemas, plugins and shells")
def schemas_plugins_shells():
    eq(offered("plugins", ""), sorted(p.stem for p in pathlib.Path(BUILD, "src/plugins").glob("*.so")))
    eq(offered("plugins", "loopback", ""), [])
    eq(offered("schema", "g"), ["gadget"])
    eq(offered("schema", ""), sorted(p.name.split(".")[0] for p in pathlib.Path(SRC, "schemas").glob("*.json")))
    eq(offered("completion", ""), ["bash", "fish", "zsh"])


@test("nothing fits, or there is nothing: no words, no error")
def nothing_fits():
    for words in ((), ("down", ""), ("restart", "x", ""), ("bind", "x", ""), ("udc", "x", "y"), ("up", "--timeout", "")):
        eq(offered(*WORLD, *words) if words else offered(), [])


@test("completion SHELL prints the files of completions/, and shells take them")
def prints_shell_files():
    for shell, path in SCRIPTS.items():
        path = os.path.join(SRC, "completions", path)
        eq(stdout(FFSCTL, "completion", shell), pathlib.Path(path).read_text(encoding="utf-8"), shell)
        if shutil.which(shell):
            eq(stdout(shell, "-n", path), "")


@test("a bash at a terminal completes a line by TAB")
def bash_completes():
    if not shutil.which("bash"):
        skip("there is no bash")
    reader, writer = pty.openpty()
    shell = subprocess.Popen(["bash", "--norc", "--noprofile", "-i"], stdin=writer, stdout=writer, stderr=writer,
                             start_new_session=True, env={"PATH": BUILD + ":/usr/bin:/bin", "TERM": "dumb",
                                                          "HISTFILE": "/dev/null"})
    os.close(writer)
    got = f"{world.name}/got"
    os.write(reader, f"source <(ffsctl completion bash)\nffsctl sche\toutp\t>{got}; exit\n".encode())
    try:
        while os.read(reader, 65536):
            pass
    except OSError:  # EIO: it has ended
        pass
    shell.wait()
    os.close(reader)
    eq(pathlib.Path(got).read_text(encoding="utf-8"), stdout(FFSCTL, "schema", "output"))


tap.main()
