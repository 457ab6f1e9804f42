# SPDX-License-Identifier: GPL-2.0-or-later
"""Mounts and links of ffsctl hide and replace nothing that belongs to another gadget or program: such a gadget is refused,
with the name of the gadget that has the path. What others mount over FunctionFS is reported as what it is."""

import contextlib
import os
import pathlib
import subprocess

import harness
import tap
from gadgets import LOOPBACK, await_log, finish, gadget, kill_worker, start, traffic
from harness import ffsctl, must, status, up
from tap import contains, eq, ok, test


@tap.cleanup
def take_down_both():
    ffsctl("down", "first", "second")


harness.leaves_nothing()
TARGET = pathlib.Path("/tmp/ffsctl-mounts")


def down(name):
    must(ffsctl("down", name))


def mounted_at(path):
    return [line.split(" - ")[1].split()[:2] for line in pathlib.Path("/proc/self/mountinfo").read_text().splitlines()
            if line.split()[4] == str(path)]


def run(*args):
    must(subprocess.run(args, stdout=-1, stderr=-1))


@contextlib.contextmanager
def mount(kind, source, path):
    run("mount", "-n", "-t", kind, source, str(path))
    try:
        yield
    finally:
        run("umount", "-n", str(path))


@contextlib.contextmanager
def directory(path=TARGET):
    path.mkdir()
    try:
        yield path
    finally:
        path.rmdir()


def on(path, name="second", device=None, worker=LOOPBACK):
    """Writes a gadget file with this mount point."""
    file = pathlib.Path(gadget(name, worker))
    endpoints = '"interrupt-in"' if device else '"bulk-out", "bulk-in"'
    file.write_text(file.read_text().replace(
        'ffs : { interfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } );',
        "ffs : { %s interfaces = ( { endpoints = ( %s ); } );" % (
            (f'mount : {{ path = "{path}"; }}; ' if path else "") + (f'device = "{device}";' if device else ""), endpoints)))
    return str(file)


def refused(file, *sentence, command="up", options=("--no-bind",)):
    for directory in pathlib.Path("/run/ffsctl").glob("[!.]*"):
        await_log(directory.name, "up")  # `up` may end before there is a log
    before = harness.snapshot()
    result = must(ffsctl(command, file, *options), 73)
    lines = [line.split(": error: ")[-1] for line in result.stderr.splitlines()]
    eq(lines[-len(sentence):], list(sentence))
    harness.check_same_snapshots(before, harness.snapshot())


ANOTHER = "hint: set another 'mount.path', or take 'first' down first"


@test("a mount point on, below or above that of another gadget is refused with its name, and the other goes on")
def mount_of_another_gadget():
    up(gadget("first", LOOPBACK), "--wait-host")
    there = "/dev/ffs/first/echo"
    link = pathlib.Path("/tmp/link-to-first")
    link.symlink_to(there)
    with traffic() as flow:
        flow.more(1)
        for path in (there, there + "/", "/dev//ffs/./first/x/../echo", str(link)):
            refused(on(path), f"cannot mount FunctionFS on {there}: FunctionFS of gadget 'first' is mounted there", ANOTHER)
        refused(on(there + "/deep/er"),
                f"cannot mount FunctionFS on {there}/deep/er: FunctionFS of gadget 'first' is mounted on {there}", ANOTHER)
        for path in ("/dev/ffs/first", "/dev/ffs"):
            contains(must(ffsctl("up", on(path), "--no-bind"), 73).stderr, f"cannot mount FunctionFS on {path}: it would hide ")
        contains(must(ffsctl("check", "--here", on(there)), 69).stderr, "FunctionFS of gadget 'first' is mounted there")
        eq(status("first")[0]["problems"], [])
        flow.more(1)
    link.unlink()
    down("first")


@test("a mount point that another program uses is refused")
def mount_of_another_program():
    with directory():
        with mount("tmpfs", "none", TARGET):
            refused(on(TARGET), f"cannot mount FunctionFS on {TARGET}: a file system of type 'tmpfs' is mounted there",
                    "hint: set another 'mount.path'")
            (TARGET / "sub").mkdir()
            up(on(TARGET / "sub"), "--no-bind")  # hides nothing
            down("second")
        top = pathlib.Path(harness.CONFIGFS, "script")
        (top / "functions/ffs.script").mkdir(parents=True)
        with mount("functionfs", "script", TARGET):
            refused(on(TARGET), f"cannot mount FunctionFS on {TARGET}: FunctionFS of gadget 'script' is mounted there",
                    "hint: set another 'mount.path', or take 'script' down first")
            (top / "functions/ffs.script").rmdir()
            refused(on(TARGET), f"cannot mount FunctionFS on {TARGET}: FunctionFS instance 'script' is mounted there",
                    "hint: set another 'mount.path'")
        top.rmdir()
        up(on(TARGET), "--no-bind")
        down("second")


@test("a mount that would hide files is refused, and one on a file")
def mount_over_files():
    hint = "hint: set 'mount.path' to an empty directory, or to one that does not exist"
    with directory():
        (TARGET / "file").write_text("kept")
        refused(on(TARGET), f"cannot mount FunctionFS on {TARGET}: it would hide the files in this directory", hint)
        refused(on(TARGET / "file"), f"cannot mount FunctionFS on {TARGET}/file: it is not a directory", hint)
        (TARGET / "file").unlink()
    contains(must(ffsctl("up", on("/"), "--no-bind"), 73).stderr, "cannot mount FunctionFS on /: a file system of type ")


@test("a device link that is another gadget's, exists, or would be in FunctionFS is refused with the holder's name")
def device_link_of_another_gadget():
    device = pathlib.Path("/dev/mounts-events")
    up(on(None, "first", device=device, worker=""), "--no-bind")
    refused(on(None, device=device, worker=""), f"cannot make the link {device}: File exists; it is a link to FunctionFS of gadget 'first'",
            "hint: set another 'device', or take 'first' down first")
    inside = "/dev/ffs/first/echo/events"
    refused(on(None, device=inside, worker=""), f"cannot make the link {inside}: FunctionFS of gadget 'first' is mounted on /dev/ffs/first/echo",
            "hint: set another 'device', or take 'first' down first")
    down("first")
    ok(not device.is_symlink(), "the link is left")
    device.write_text("kept")
    refused(on(None, device=device, worker=""), f"cannot make the link {device}: File exists")
    eq(device.read_text(), "kept")
    device.unlink()


@test("reload refuses such a path before the host notices anything")
def reload_refuses():
    up(gadget("first", LOOPBACK), "--no-bind")
    up(gadget("second", LOOPBACK), "--wait-host")
    with traffic() as flow:
        flow.more(1)
        file = pathlib.Path(gadget("second", LOOPBACK))
        file.write_text(file.read_text().replace("functions : {", """functions : {
            more : { ffs : { mount : { path = "/dev/ffs/first/echo"; }; interfaces = ( { endpoints = ( "bulk-in" ); } ); }; };"""))
        result = must(ffsctl("reload", "second"), 73)
        contains(result.stderr, "cannot mount FunctionFS on /dev/ffs/first/echo: FunctionFS of gadget 'first' is mounted there")
        flow.more(1)
    # Two functions of one gadget exchange their mount points: the reload itself frees them.
    down("second")
    with directory():
        up(on(TARGET), "--no-bind")
        file = pathlib.Path(on(TARGET))
        file.write_text(file.read_text().replace("echo :", "other :"))
        must(ffsctl("reload", "second"))
        eq([m[1] for m in mounted_at(TARGET)], ["second-other"])
        down("second")
    down("first")


@test("of two gadgets that come up at once with one mount point, one is refused")
def two_at_once():
    with directory():
        for n in range(tap.rounds(3, 100)):
            fronts = [start("up", on(TARGET, name), "--no-bind") for name in ("first", "second")]
            results = [finish(front) for front in fronts]
            eq(sorted(result.returncode for result in results), [0, 73])
            won = ("first", "second")[[result.returncode for result in results].index(0)]
            eq([m[1] for m in mounted_at(TARGET)], [f"{won}-echo"])
            down(won)


@test("another file system over FunctionFS: status and down say so, and a worker does not get files of others")
def covered_by_others():
    up(gadget("first", LOOPBACK, extra=""))
    there = pathlib.Path("/dev/ffs/first/echo")
    for path in (there, there.parent.parent):
        with mount("tmpfs", "none", path):
            sentence = f"a file system of type 'tmpfs' on {path}"
            shown, code = status("first")
            eq((shown["state"], code), ("degraded", 1))
            eq([problem["text"] for problem in shown["problems"]], [f"echo: FunctionFS on {there} is hidden by {sentence}"])
            kill_worker("first")
            await_log("first", f"cannot use FunctionFS on {there}: {sentence} hides it")
            result = must(ffsctl("down", "first"), 71)
            contains(result.stderr, f"cannot unmount {there}: {sentence} hides it")
            contains(result.stderr, "hint: unmount that first")
        down("first")
        up(gadget("first", LOOPBACK))
    down("first")


tap.main()
