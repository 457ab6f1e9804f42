# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12
"""What root acts on nobody else may have written: gadget files, what they include, programs and
plugins; under `run` and in the directories where names are looked up they are root's own."""

import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import harness  # noqa: E402
import tap  # noqa: E402
from gadgets import DIRECTORY, LOOPBACK, gadget, worker  # noqa: E402
from harness import BUILD, FFSCTL, down, ffsctl, must, status, up  # noqa: E402
from tap import contains, eq, patience, test  # noqa: E402

harness.leaves_nothing()

USER = 1000


def refused(words, *args, code=77):
    result = must(ffsctl(*args), code)
    contains(result.stderr, words)
    eq(status("x")[1], 3)


def file_in(directory, text=None, name="x.conf"):
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    path = directory / name
    path.write_text(text or pathlib.Path(gadget("x", LOOPBACK)).read_text())
    path.chmod(0o644)
    return path


@test("a gadget file that others may write, or in a directory of which that is true")
def _():
    path = file_in(DIRECTORY / "a")
    path.chmod(0o666)
    refused(f"root does not act on {path}: others may write to it (mode 0666); who can write it could do anything here",
            "up", str(path))
    path.chmod(0o664)
    os.chown(path, USER, 100)
    refused("others may write to it (mode 0664)", "up", str(path))
    path.chmod(0o644)
    path.parent.chmod(0o777)
    refused(f"others may write in its directory {path.parent} (mode 0777)", "up", str(path))
    # To look at it is no harm
    for look in (["check"], ["descriptors"], ["up", "--dry-run"]):
        must(ffsctl(*look, str(path)))
    link = file_in(DIRECTORY / "b", name="y.conf")
    link.unlink()
    link.symlink_to(path)
    refused(f"others may write in its directory {path.parent}", "up", str(link))
    # Where only its owner can replace it, and in a group of the owner's own
    path.parent.chmod(0o1777)
    refused("others may write in its directory", "up", str(path))
    os.chown(path, 0, 0)
    up(str(path))
    down("x")
    os.chown(path, USER, USER)
    path.chmod(0o664)
    path.parent.chmod(0o755)
    up(str(path))
    down("x")


@test("somebody's own file: up of its path takes it; run, and a directory for names, do not")
def _():
    path = file_in(DIRECTORY / "c")
    os.chown(path, USER, USER)
    up(str(path))
    down("x")
    refused(f"{path}: it belongs to user {USER}, not to root", "run", "--udc", "dummy_udc.0", str(path))
    refused(f"it belongs to user {USER}, not to root", "--dir", str(path.parent), "up", "x")
    os.chown(path, 0, 0)
    os.chown(path.parent, USER, USER)
    refused(f"its directory {path.parent} belongs to user {USER}, not to root", "--dir", str(path.parent), "up", "x")
    os.chown(path.parent, 0, 0)
    must(ffsctl("--dir", str(path.parent), "up", "x"))
    down("x")


@test("what it includes, and its drop-ins")
def _():
    path = file_in(DIRECTORY / "d", '@include "more.inc"\n' + pathlib.Path(gadget("x", LOOPBACK)).read_text())
    more = file_in(path.parent, 'max_speed = "high";\n', "more.inc")
    more.chmod(0o646)
    refused(f"x.conf:1:10: error: cannot include {more}: others may write to it (mode 0646)", "up", str(path), code=65)
    more.chmod(0o644)
    drop_in = file_in(path.with_name("x.conf.d"), "autostart = true;\n", "10.conf")
    drop_in.chmod(0o622)
    refused(f"cannot read {drop_in}: others may write to it (mode 0622)", "up", str(path), code=65)
    drop_in.chmod(0o644)
    up(str(path))
    down("x")


@test("programs and plugins, at their places in the file")
def _():
    directory = DIRECTORY / "e"
    program = file_in(directory, "#!/bin/sh\nexec sleep 100000\n", "program")
    plugin = directory / "mine.so"
    shutil.copy(f"{BUILD}/src/plugins/loopback.so", plugin)
    for path, group in ((program, worker(exec=[str(program)])), (plugin, worker(plugin=str(plugin)))):
        conf = gadget("x", group)
        path.chmod(0o757)
        refused("x.conf:6:2", "up", conf)
        refused(f"root does not start {path}: others may write to it (mode 0757)", "up", conf)
        path.chmod(0o755)
        up(conf)
        down("x")
        os.chown(path, USER, USER)
        up(conf)
        down("x")
        refused(f"root does not start {path}: it belongs to user {USER}", "run", "--udc", "dummy_udc.0", conf)


@test("reload: a file that others may write by now changes nothing")
def _():
    path = file_in(DIRECTORY / "f")
    up(str(path))
    before = status("x")[0]["functions"]
    path.write_text(path.read_text() + 'max_speed = "high";\n')
    path.chmod(0o666)
    contains(must(ffsctl("reload", "x"), 77).stderr, "others may write to it")
    contains(must(ffsctl("reload", str(path)), 77).stderr, "others may write to it")
    eq((status("x")[0]["functions"], status("x")[1]), (before, 0))
    down("x")


@test("who is not root has only its own rights to lose")
def _():
    path = file_in(DIRECTORY / "g")
    path.chmod(0o666)
    result = subprocess.run([FFSCTL, "up", str(path)], capture_output=True, text=True, user=USER, group=USER,
                            extra_groups=[])
    eq(result.returncode, 77)
    contains(result.stderr, "this needs root")


# --- who may give commands ----------------------------------------------------------------------

OPERATORS, OTHERS = 4711, 4712


def as_user(group, groups, *args):
    """ffsctl as somebody who may not even walk to where it lies."""
    program = os.open(FFSCTL, os.O_RDONLY)

    def become():
        os.setgroups(groups)
        os.setresgid(group, group, group)
        os.setresuid(USER, USER, USER)

    try:
        return subprocess.run(["ffsctl", *args], executable=f"/proc/self/fd/{program}", pass_fds=[program], preexec_fn=become,
                              cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience(60))
    finally:
        os.close(program)


@test("without --group nobody but root is answered, and told so")
def _():
    up(gadget("x", LOOPBACK))
    for command in ("restart", "unbind", "down", "reload"):
        contains(must(as_user(OPERATORS, [OPERATORS], command, "x"), 77).stderr, "this needs root")
    eq(as_user(OPERATORS, [], "status", "x").returncode, 0, "everybody may look")
    eq(status("x")[0]["state"], "ready")
    down("x")


@test("--group: who is in it, first or further on, may restart, bind, reload and take down; nobody else may")
def _():
    path = gadget("x", LOOPBACK)
    for group, groups in ((OPERATORS, []), (OTHERS, [1, 2, OPERATORS, 3])):
        up(path, "--group", OPERATORS)
        for stranger in ((OTHERS, []), (OTHERS, [OTHERS, 1, 2])):
            contains(must(as_user(*stranger, "unbind", "x"), 77).stderr,
                     "its supervisor answers only root and the group of --group")
            must(as_user(*stranger, "down", "x"), 77)
        pid = status("x")[0]["functions"][0]["worker"]["pid"]
        must(as_user(group, groups, "restart", "x"))
        eq(status("x")[0]["functions"][0]["worker"]["pid"] != pid, True, "restarted")
        for command in ("unbind", "bind", "reload"):
            must(as_user(group, groups, command, "x"))
        must(as_user(group, groups, "wait", "x"))
        eq(status("x")[0]["state"], "ready")
        must(as_user(group, groups, "down", "x"))
        eq(status("x")[1], 3)


@test("--group: what root loads or executes only root names; after reexec and a take-over it is as before")
def _():
    path = gadget("x", LOOPBACK)
    other = DIRECTORY / "other" / "x.conf"
    other.parent.mkdir()
    shutil.copy(path, other)
    up(path, "--group", OPERATORS)
    contains(must(as_user(OPERATORS, [], "reload", str(other)), 77).stderr, "only root may name another gadget file")
    contains(must(as_user(OPERATORS, [], "reexec", "x"), 77).stderr, "only root may name a program to execute")
    must(ffsctl("reexec", "x"))
    must(as_user(OPERATORS, [], "restart", "x"))
    harness.kill(status("x")[0]["supervisor"])
    up(path, "--group", OTHERS)
    must(as_user(OPERATORS, [], "restart", "x"), 77)
    must(as_user(OTHERS, [], "down", "x"))
    contains(must(ffsctl("up", path, "--group", "nosuchgroup"), 64).stderr, "this machine has no group 'nosuchgroup'")


tap.main()
