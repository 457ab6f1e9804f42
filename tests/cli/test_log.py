#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""`log`: the last lines, and following a log that is written, replaced and removed. Without a supervisor: the test
writes the log in its place."""

import os
import pathlib
import subprocess
import tempfile

from paths import BUILD
import tap
from tap import contains, eq, ok, test

FFSCTL = os.path.join(BUILD, "ffsctl")
world = tempfile.TemporaryDirectory()
run_dir = pathlib.Path(world.name, "run", "x")
run_dir.mkdir(parents=True)
LOG = run_dir / "log"
COMMAND = (FFSCTL, "--run-dir", str(run_dir.parent), "--configfs", world.name, "log")


def log(*args):
    return subprocess.run([*COMMAND, *args], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", check=False)


def lines(first, end):
    return "".join(f"2026-11-21 14:30:05 echo| line {i}\n" for i in range(first, end))


class Follower:
    def __init__(self, *args):
        self.process = subprocess.Popen([*COMMAND, "-f", *args, "x"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                        encoding="utf-8")

    def prints(self, text):
        eq("".join(self.process.stdout.readline() for _ in text.splitlines()), text)

    def ends(self, code=0):
        out, err = self.process.communicate()
        eq((self.process.returncode, out), (code, ""), err)
        return err


def append(text):
    with LOG.open("a", encoding="utf-8") as f:
        f.write(text)


def replace(text):
    (run_dir / "log.new").write_text(text, encoding="utf-8")
    (run_dir / "log.new").rename(LOG)


@test("-n prints the last lines, also if the last one is incomplete")
def last_lines():
    LOG.write_text(lines(0, 5))
    eq(log("x").stdout, lines(0, 5))
    for n, first in (("0", 5), ("1", 4), ("2", 3), ("5", 0), ("9", 0), ("99999999999999999999", 0)):
        eq((log("-n", n, "x").stdout, log("x", f"-n{n}").returncode), (lines(first, 5), 0), n)
    append("incomplete")
    eq(log("-n", "2", "x").stdout, lines(4, 5) + "incomplete\n")
    eq(log("-n", "1", "x").stdout, "incomplete\n")


@test("-f prints the log, what is added to it, and ends when the gadget is down")
def follows():
    LOG.write_text(lines(0, 3))
    follower = Follower()
    follower.prints(lines(0, 3))
    for i in range(3, 6):
        append(lines(i, i + 1))
        follower.prints(lines(i, i + 1))
    LOG.unlink()
    eq(follower.ends(), "ffsctl: x: down\n")


@test("-f -n begins with the last lines")
def follows_last_lines():
    LOG.write_text(lines(0, 9))
    follower = Follower("-n", "2")
    follower.prints(lines(7, 9))
    append(lines(9, 10))
    follower.prints(lines(9, 10))
    LOG.unlink()
    follower.ends()


@test("-f prints lines when they are complete, and at the end what there is")
def follows_incomplete_lines():
    LOG.write_text("one\nt")
    follower = Follower()
    follower.prints("one\n")
    append("w")
    append("o\nth")
    follower.prints("two\n")
    append("ree")
    LOG.unlink()
    out, err = follower.process.communicate()
    eq((follower.process.returncode, out, err), (0, "three\n", "ffsctl: x: down\n"))


@test("-f continues in the file that replaces one that is too long, without a line lost or printed twice")
def follows_replaced_file():
    LOG.write_text(lines(0, 3000))
    follower = Follower("-n", "1")
    follower.prints(lines(2999, 3000))
    append(lines(3000, 3001))
    replace(lines(0, 10) + lines(1500, 3001) + lines(3001, 3002))
    follower.prints(lines(3000, 3002))
    append(lines(3002, 3003))
    follower.prints(lines(3002, 3003))
    replace(lines(5000, 5002))  # all that was printed is no longer there
    follower.prints(lines(5000, 5002))
    LOG.unlink()
    follower.ends()


@test("-f: control characters of workers do not reach the terminal")
def follows_without_control_characters():
    LOG.write_text("a\033[2Jb\n")
    follower = Follower()
    follower.prints("a?[2Jb\n")
    LOG.unlink()
    follower.ends()


@test("-f ends when the reader of its output has ended")
def ends_with_its_reader():
    LOG.write_text(lines(0, 1))
    follower = Follower()
    follower.prints(lines(0, 1))
    follower.process.stdout.close()
    eq(follower.process.wait(), 0)
    follower.process.stderr.close()


@test("without a log: 69")
def without_log():
    LOG.unlink()
    for args in (("x",), ("-f", "x")):
        got = log(*args)
        eq((got.returncode, got.stdout), (69, ""))
        contains(got.stderr, "'x' has no log")
    ok(log("-f", "y").returncode == 69, "not up")


tap.main()
