# SPDX-License-Identifier: GPL-2.0-or-later
"""The table tests/printed-commands: which commands that documents print are run, in which order and where, and how they
are run."""

import contextlib
import fcntl
import fnmatch
import os
import pathlib
import pty
import re
import select
import subprocess
import sys
import termios
import time

SRC = os.environ["FFSCTL_SRC"]
sys.path.append(os.path.join(SRC, "tests"))

import printed  # noqa: E402
from tap import patience  # noqa: E402

TABLE = os.path.join(SRC, "tests", "printed-commands")
ANYWHERE = "anywhere"


class Play:
    """Steps that one shell runs: (kind, expected exit status, text of the table)."""

    def __init__(self, path, place, directory):
        self.path, self.place, self.directory, self.steps = path, place, directory, []

    def __str__(self):
        return "%s: %s" % (self.path, next(text for kind, _, text in self.steps if kind in "$&%")[:100])


class Table:
    def __init__(self):
        self.plays, self.reasons = [], {}  # reasons: {(path, pattern): why}
        path, play = None, None
        with open(TABLE, encoding="utf-8") as f:
            for number, line in enumerate(f, 1):
                kind, rest = line[:1], line[1:].strip()
                if line.startswith("== "):
                    path, play = line[3:].strip(), None
                elif kind == "@":
                    play = Play(path, *rest.split())
                    self.plays.append(play)
                elif kind == "-":
                    pattern, _, why = rest.rpartition(" :: ")
                    if not pattern or not why:
                        raise ValueError("%s:%d: not 'COMMAND :: WHY'" % (TABLE, number))
                    self.reasons[path, pattern] = why
                elif kind in ("$", "&", "%", "+", "!"):
                    status, text = re.fullmatch(r"(\d*) *(.*)", rest).groups()
                    play.steps.append((kind, int(status or 0), text))
                elif kind not in ("#", "\n"):
                    raise ValueError("%s:%d: unknown line" % (TABLE, number))

    def played(self):
        """{(path, command)} of all plays."""
        return {(play.path, text) for play in self.plays for kind, _, text in play.steps if kind in "$&%"}

    def why_not(self, path, command):
        """The patterns and reasons for which a command of a file is not run."""
        return [key for key in self.reasons
                if key[0] == path and key[1] == command or key[0] == ANYWHERE and fnmatch.fnmatchcase(command, key[1])]


def named():
    """{(path, command as the table has it): command}; programs are "(program)", "(program 2)", ..."""
    found = {}
    for command in printed.commands():
        name, number = printed.one_line(command.text), 1
        if command.is_program:
            while (command.path, name := "(program%s)" % (" %d" % number if number > 1 else "")) in found:
                number += 1
        found[command.path, name] = command
    return found


def kill(process):
    """Ends a process that leads a group, and all of the group."""
    with contextlib.suppress(ProcessLookupError):
        os.killpg(process.pid, 9)
    process.wait()


class Failed(AssertionError):
    pass


class Stage:
    """Plays a Play in a directory. `helpers`: {word: function} of lines with '!', which get the stage and the arguments."""

    def __init__(self, play, directory, known, helpers=(), env=None):
        self.play, self.directory, self.known, self.helpers = play, directory, known, dict(helpers)
        self.env = {**os.environ, **(env or {})}
        self.stack, self.last, self.heard = contextlib.ExitStack(), None, b""
        self.prefix = []  # of commands in the background

    def run(self):
        with self.stack:
            self.log = self.stack.enter_context(open(self.directory + ".log", "w+b"))
            ours, theirs = os.pipe()
            self.status = self.stack.enter_context(open(ours, "rb", buffering=0))
            self.bash = subprocess.Popen(["bash", "--norc"], stdin=subprocess.PIPE, stdout=self.log, stderr=self.log, cwd=self.directory,
                                         env=self.env, pass_fds=[theirs])
            self.stack.callback(self.end)
            self.status_fd = theirs
            for kind, expected, text in self.play.steps:
                self.step(kind, expected, text)
            os.close(theirs)

    def end(self):
        self.bash.stdin.close()
        self.bash.kill()
        self.bash.wait()

    def step(self, kind, expected, text):
        command = self.known[self.play.path, text].text if kind in "$&%" else text
        if kind == "!":
            word, *arguments = text.split(" ", 1)
            self.helpers[word](self, *arguments)
        elif kind == "&":
            self.start(command, subprocess.DEVNULL)
        elif kind == "%":
            self.start_on_terminal(command)
        else:
            if text.startswith("(program"):
                pathlib.Path(self.directory, "program.py").write_text(command, encoding="utf-8")
                command = "/usr/bin/python3 program.py"
            self.shell(command, expected)

    def shell(self, command, expected=0):
        """Runs a command in the play's shell."""
        self.bash.stdin.write(("{ %s\n} </dev/null\necho $? >&%d\n" % (command, self.status_fd)).encode())
        self.bash.stdin.flush()
        if not select.select([self.status], [], [], patience(60))[0]:
            raise Failed("'%s' has not ended\n%s" % (command, self.output()))
        got = self.status.read(16).decode()
        if got != "%d\n" % expected:
            raise Failed("'%s': exit %s, not %d\n%s" % (command, got.strip() or "of the shell", expected, self.output()))

    def output(self):
        self.log.seek(0)
        return self.log.read().decode(errors="replace")[-3000:]

    def start(self, command, stdin, stdout=subprocess.PIPE, **kwargs):
        """Starts a command in the background; it ends with the play."""
        process = subprocess.Popen([*self.prefix, "bash", "-c", command], stdin=stdin, stdout=stdout, stderr=subprocess.STDOUT, cwd=self.directory,
                                   env=self.env, start_new_session=True, **kwargs)
        self.stack.callback(kill, process)
        self.process = process
        self.last, self.heard = stdout if stdout != subprocess.PIPE else process.stdout.fileno(), b""
        if stdout == subprocess.PIPE:
            self.stack.callback(process.stdout.close)
        return process

    def start_on_terminal(self, command):
        ours, theirs = pty.openpty()
        self.stack.callback(os.close, ours)
        self.start(command, theirs, theirs, preexec_fn=lambda: fcntl.ioctl(theirs, termios.TIOCSCTTY, 0))
        os.close(theirs)
        self.last = ours

    def says(self, text):
        """Waits until what was started last has printed a text."""
        while text.encode() not in self.heard:
            if not select.select([self.last], [], [], patience(30))[0]:
                raise Failed("it has not printed '%s', but:\n%s\n%s" % (text, self.heard.decode(errors="replace"), self.output()))
            self.hear(text)

    def hear(self, text):
        try:
            data = os.read(self.last, 65536)
        except OSError:  # of a terminal whose program has ended
            data = b""
        if not data:
            raise Failed("it has ended without '%s':\n%s\n%s" % (text, self.heard.decode(errors="replace"), self.output()))
        self.heard += data

    def enter(self, text):
        """Presses Enter until a text is printed, as a user does: agetty drops what it has got before it has set up its line."""
        for _ in range(30):
            os.write(self.last, b"\r")
            end = time.monotonic() + patience(1)
            while text.encode() not in self.heard and (left := end - time.monotonic()) > 0:
                if select.select([self.last], [], [], left)[0]:
                    self.hear(text)
            if text.encode() in self.heard:
                return
        raise Failed("it has not printed '%s', but:\n%s" % (text, self.heard.decode(errors="replace")))

    def block(self, words):
        """Writes the first fenced block of a language in a document to a file."""
        path, language, file = words.split()
        text = re.search(r"^```%s\n(.*?)^```" % language, printed.tree.read(path), re.M | re.S)[1]
        pathlib.Path(self.directory, file).write_text(text, encoding="utf-8")


    def stop(self):
        """Ends what was started last."""
        kill(self.process)


HELPERS = {"says": Stage.says, "stop": Stage.stop, "enter": Stage.enter, "block": Stage.block}
