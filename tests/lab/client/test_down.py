#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
# lab all: build=without-libusbgx
"""`down` reports how the removal of a gadget went, and not what happened to the gadget before."""

import os
import pathlib
import signal

import harness
import tap
from gadgets import DIRECTORY, LOOPBACK, gadget
from harness import EXAMPLES, document, down, ffsctl, must, status, up
from tap import contains, eq, ok, test

harness.leaves_nothing()


@test("a gadget whose keeper has died goes down with 0")
def dead_keeper_goes_down():
    up(f"{EXAMPLES}/interrupt.conf")
    gadget, _ = harness.status("interrupt")
    harness.kill(gadget["functions"][0]["keeper"])
    down("interrupt")


@test("a gadget that has failed goes down with 0")
def failed_gadget_goes_down():
    up(f"{EXAMPLES}/interrupt.conf")
    gadget, _ = harness.status("interrupt")
    harness.kill(gadget["functions"][0]["keeper"])
    # The supervisor handles the death before the command, because epoll reports it first
    eq(must(ffsctl("restart", "interrupt"), 73).returncode, 73)
    gadget, code = harness.status("interrupt")
    eq((gadget["state"], code), ("failed", 1))
    down("interrupt")


@test("a supervisor that is stopped is not waited for: 75, and how it goes on")
def stopped_supervisor_is_not_waited_for():
    path = gadget("x", LOOPBACK)
    up(path)
    pid = status("x")[0]["supervisor"]
    os.kill(pid, signal.SIGSTOP)
    while harness.stat_of(pid)[1][0] != "T":
        os.sched_yield()
    for command in ("down", "restart", "unbind", "reload"):
        contains(must(ffsctl(command, "x"), 75).stderr,
                 f"the supervisor of 'x' (pid {pid}) is stopped by a signal\nhint: 'kill -CONT {pid}' resumes it")
    os.kill(pid, signal.SIGCONT)
    eq(status("x")[0]["state"], "ready")
    down("x")


@test("down says what it did, and is done when there is nothing to do")
def says_what_it_did():
    up(f"{EXAMPLES}/loopback.conf")
    eq(down("loopback").stderr, "ffsctl: loopback: down\n")
    contains(down("loopback").stderr, "not up")


@test("one name per gadget, several gadgets in one command, files as names")
def several_gadgets_in_one_command():
    up(f"{EXAMPLES}/loopback.conf", "--no-bind")
    up(f"{EXAMPLES}/interrupt.conf", "--no-bind")
    eq(sorted(os.listdir(harness.CONFIGFS)), ["interrupt", "loopback"])
    eq(down(f"{EXAMPLES}/loopback.conf", "interrupt").stderr, "ffsctl: loopback: down\nffsctl: interrupt: down\n")


@test("an argument that names no gadget keeps neither down, status nor reexec from the others")
def wrong_name_stops_no_other():
    up(f"{EXAMPLES}/loopback.conf", "--no-bind")
    up(f"{EXAMPLES}/interrupt.conf", "--no-bind")
    wrong = ("..", "also/../wrong name")
    result = ffsctl("status", *wrong, "loopback", "interrupt", "--json")
    eq(result.returncode, 4)
    eq([gadget["name"] for gadget in document(result)["gadgets"]], ["loopback", "interrupt"])
    result = must(ffsctl("reexec", "..", "loopback", ".", "interrupt"), 64)
    eq(result.stderr.count("continues as ffsctl"), 2, result.stderr)
    result = must(ffsctl("down", "..", "loopback", "missing.conf", ".", "interrupt"), 64)
    contains(result.stderr, "ffsctl: loopback: down\n")
    contains(result.stderr, "ffsctl: interrupt: down\n")
    eq(os.listdir(harness.CONFIGFS), [])


@test("a file that is not there does not hide an earlier failure of down")
def missing_file_hides_no_failure():
    result = ffsctl("down", "..", "missing.conf")
    eq(result.returncode, 64)
    contains(result.stderr, "'..'")


# --- paths ------------------------------------------------------------------------------------------


def each_command(path, code):
    """Checks the message of all commands on running gadgets about this path."""
    for command in ("down", "restart", "reexec", "bind", "unbind", "wait", "log", "export", "reload"):
        result = must(ffsctl(command, path), code)
        ok(path in result.stderr, f"{command}: {result.stderr!r}")
        ok("Traceback" not in result.stderr and "is not up" not in result.stderr, result.stderr)
    contains(must(ffsctl("status", path), 4).stderr, path)
    error, = document(must(ffsctl("down", path, "--json"), code))["errors"]
    eq(error["exit"], code)


@test("a path of no file is 66, of a file that is no gadget file 65, for every command; what is up stays so")
def path_of_no_gadget_file():
    up(f"{EXAMPLES}/loopback.conf")
    damaged = gadget("damaged", "nonsense = 1; ")
    each_command("./nosuch.conf", 66)
    each_command("no/such/loopback.conf", 66)
    each_command("/etc/passwd", 65)
    each_command(damaged, 65)
    eq(status("loopback")[1], 0)
    down("loopback")


@test("a path means the gadget that came from that file, whatever has become of the file")
def path_means_gadget_of_that_file():
    path = pathlib.Path(gadget("first", LOOPBACK, 'name = "named";'))
    text = path.read_text()
    directory = path.parent / "link"
    directory.unlink(missing_ok=True)
    directory.symlink_to(path.parent)
    for change in (lambda: None, lambda: path.write_text(text.replace("named", "other")), lambda: path.write_text("{"),
                   path.unlink):
        path.write_text(text)
        up(path, "--no-bind")
        change()
        for way in (path, directory / path.name):
            eq(must(ffsctl("status", way, "-o", "name"), 1).stdout, "named\n")
        contains(must(ffsctl("restart", path)).stderr, "named: ready again")
        contains(must(ffsctl("bind", path)).stderr, "named: bound to ")
        contains(must(ffsctl("wait", path)).stderr, "named: ready")
        contains(must(ffsctl("log", path)).stdout, "up, not bound")
        contains(must(ffsctl("unbind", path)).stderr, "named: unbound")
        eq(down(os.path.relpath(path)).stderr, "ffsctl: named: down\n")
        eq(harness.status("named"), (None, 3))


@test("of several gadgets of one file a path means that of the name that the file gave; without that one it is 64")
def path_of_several_gadgets():
    path = pathlib.Path(gadget("many", LOOPBACK))
    text = path.read_text()
    for args in ((), ("--name", "second"), ("--name", "third")):
        up(path, "--no-bind", *args)
    path.unlink()
    eq(down(path).stderr, "ffsctl: many: down\n")
    eq(must(ffsctl("down", path), 64).stderr,
       f"ffsctl: {path} is the gadget file of several gadgets: 'second' and 'third'\nhint: give the name of the gadget\n")
    down("second")
    path.write_text(text)
    contains(must(ffsctl("reload", path)).stderr, "third: unchanged")
    eq(down(path).stderr, "ffsctl: third: down\n")
    eq(down(path).stderr, "ffsctl: many: is not up\n")


@test("reload of a file that gives another name now is refused, and says so")
def reload_refuses_new_name():
    path = pathlib.Path(gadget("first", LOOPBACK))
    up(path, "--no-bind")
    path.write_text(path.read_text() + 'name = "second";\n')
    contains(must(ffsctl("reload", path), 73).stderr, "is the gadget file of 'second', not of 'first'")
    down(path)


# --- words --------------------------------------------------------------------------------------------


@test("-v says each step as it is done, and undone")
def verbose_names_each_step():
    plan = document(ffsctl("up", f"{EXAMPLES}/loopback.conf", "--dry-run", "--json"))["gadgets"][0]["plan"]
    said = must(ffsctl("-v", "up", f"{EXAMPLES}/loopback.conf")).stderr.splitlines()
    done = [f"ffsctl: {step['do']} {step['path']}" for step in plan]
    eq([line for line in said if line in done], done)
    harness.kill(harness.status("loopback")[0]["supervisor"])
    said = must(ffsctl("-v", "down", "loopback")).stderr.splitlines()
    undone = [f"ffsctl: {step['undo']} {step['path']}" for step in reversed(plan) if step["undo"]]
    eq([line for line in said if line in undone], undone)


def mounts():
    return [line.split()[4] for line in open("/proc/self/mountinfo", encoding="ascii") if " - functionfs " in line]


@test("a mount point behind a symbolic link is mounted where that leads, and gone after down")
def mount_behind_symbolic_link():
    real, link = DIRECTORY / "real", DIRECTORY / "through"
    real.mkdir()
    link.symlink_to("real")
    last = DIRECTORY / "last"
    (real / "there").mkdir()
    last.symlink_to(real / "there")
    for asked, found in ((f"{link}/made/here", f"{real}/made/here"), (str(last), f"{real}/there")):
        path = pathlib.Path(gadget("x", LOOPBACK))
        path.write_text(path.read_text().replace("ffs : {", f'ffs : {{ mount : {{ path = "{asked}"; }};'))
        up(path)
        eq(mounts(), [found])
        eq(status("x")[0]["functions"][0]["mount"], found)
        eq(status("x")[1], 0, "status")
        harness.kill(status("x")[0]["supervisor"])
        contains(up(path).stderr, "taken over")
        down("x")
        eq(mounts(), [], "after down")
        eq(sorted(p.name for p in real.iterdir()), ["there"])


tap.main()
