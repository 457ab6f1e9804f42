# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=120
# lab all: kernel=6.12,6.1 timeout=120
"""`reload` restarts a worker whose program, plugin or script is another file, or was written, since the start of its
process, and no other worker."""

import os
import pathlib
import shutil
import signal
import time

import gadgets
import harness
import tap
from gadgets import DIRECTORY, gadget, worker
from harness import BUILD, down, ffsctl, kill, must, status, up
from tap import contains, eq, ok, test

harness.leaves_nothing()


def pid(label="echo"):
    return next(f["worker"]["pid"] for f in status("x")[0]["functions"] if f["label"] == label)


def reload():
    return must(ffsctl("reload", "x")).stderr


def restarts(label="echo"):
    """The reload restarts this worker, and without a rebind; the next reload does nothing."""
    before = pid(label)
    contains(must(ffsctl("reload", "--dry-run", "x")).stderr, "needs no rebind")
    eq(reload(), "ffsctl: x: reloaded without a rebind\n")
    ok(pid(label) != before, "another process")
    does_nothing(label)


def does_nothing(label="echo"):
    before = pid(label)
    contains(must(ffsctl("reload", "--dry-run", "x")).stderr, "no changes")
    eq(reload(), "ffsctl: x: unchanged\n")
    eq(pid(label), before)


def script(name, text, mode=0o755):
    """Replaces the file, as an installation does."""
    new = DIRECTORY / f"{name}.new"
    new.write_text(text)
    new.chmod(mode)
    new.rename(DIRECTORY / name)
    return str(DIRECTORY / name)


SLEEP = "#!/bin/sh\nexec sleep 1000\n"


def log():
    return must(ffsctl("log", "x")).stdout


@test("a program that is a script: replaced, written in place, replaced behind a symbolic link")
def program_changes():
    program = script("program", SLEEP)
    link = DIRECTORY / "link"
    link.symlink_to(program)
    up(gadget("x", {"a": worker(exec=[program]), "b": worker(exec=[str(link)]), "c": worker(exec=["/bin/sleep", "1000"])}))
    does_nothing("a")
    script("program", SLEEP + "# two\n")
    others = pid("c"), pid("b")
    restarts("a")
    eq(pid("c"), others[0])
    ok(pid("b") != others[1], "the link leads to the program, too")
    time.sleep(1)
    pathlib.Path(program).write_text(SLEEP + "# six\n")
    restarts("a")
    other = script("other", SLEEP)
    link.unlink()
    link.symlink_to(other)
    restarts("b")
    down("x")
    link.unlink()


@test("a plugin")
def plugin_changes():
    plugin = DIRECTORY / "mine.so"
    shutil.copy(f"{BUILD}/src/plugins/loopback.so", plugin)
    up(gadget("x", worker(plugin=str(plugin))))
    does_nothing()
    shutil.copy(f"{BUILD}/src/plugins/loopback.so", DIRECTORY / "new.so")
    (DIRECTORY / "new.so").rename(plugin)
    restarts()
    down("x")


@test("the script of an interpreter, absolute and in the directory of the worker; other files are no code")
def script_of_interpreter_changes():
    for name, words in (("/bin/sh", [str(DIRECTORY / "code")]), ("/usr/bin/env", ["sh", "-e", "code", "data"])):
        code = script("code", "exec sleep 1000\n", 0o644)
        data = DIRECTORY / "data"
        data.write_text("one")
        up(gadget("x", worker(exec=[name, *words], directory=str(DIRECTORY))))
        data.write_text("two, and longer")
        does_nothing()
        script(os.path.basename(code), "exec sleep 2000\n", 0o644)
        restarts()
        down("x")


@test("a worker that was restarted since then is not restarted again, after a takeover either")
def restarted_worker_is_new():
    program = script("program", SLEEP)
    up(gadget("x", worker(exec=[program], restart_delay=0)))
    script("program", SLEEP + "# two\n")
    must(ffsctl("restart", "x"))
    does_nothing()
    script("program", SLEEP + "# three\n")
    first = pid()
    kill(first)
    gadgets.await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "ready" and
                         g["functions"][0]["worker"]["pid"] != first, "restarted")
    does_nothing()
    down("x")


@test("a changed program does not prevent a takeover, and the reload after it restarts the worker")
def takeover_with_changed_program():
    program = script("program", SLEEP)
    path = gadget("x", worker(exec=[program]))
    up(path)
    worker_pid = pid()
    kill(status("x")[0]["supervisor"], signal.SIGKILL)
    script("program", SLEEP + "# two\n")
    contains(must(ffsctl("up", path)).stderr, "taken over")
    eq(pid(), worker_pid)
    restarts()
    down("x")


tap.main()
