#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab qemu: no, Debian's kernels have no function midi2
# lab: udcs=2 timeout=240
# lab all: kernel=6.12,6.1 udcs=2 build=plain,sanitize timeout=300
"""`down --force` removes a gadget that ffsctl has not made, or whose record it has lost, according to configfs and the
mounts. It ends no process and changes nothing else."""

import contextlib
import os
import pathlib
import shutil
import subprocess
import sys

import gadgets
import harness
import tap
from gadgets import LOOPBACK, gadget
from harness import CONFIGFS, document, down, ffsctl, kill, must, status, up, wait_dead
from tap import contains, eq, ok, test

harness.leaves_nothing()

UDC, OTHER = "dummy_udc.0", "dummy_udc.1"
NEW = os.environ["LAB_KERNEL"] != "6.1"
IMAGE = gadgets.DIRECTORY / "disk.img"
IMAGE.write_bytes(bytes(1 << 20))
FORCED = "down (by force: ffsctl had no record of it)"


def script(name, directories=(), values=(), links=()):
    """Makes a gadget in the way of a user's shell script."""
    top = pathlib.Path(CONFIGFS, name)
    top.mkdir()
    for path in directories:
        (top / path).mkdir()
    for path, value in dict(values).items():
        (top / path).write_text(value)
    for path, target in links:
        (top / path).symlink_to(top / target)
    return top


@contextlib.contextmanager
def mounted(source, path):
    """Mounts FunctionFS like a script. At the end the program that has removed the gadget may have unmounted it."""
    pathlib.Path(path).mkdir(parents=True)
    must(subprocess.run(["mount", "-n", "-t", "functionfs", source, path], stdout=-1, stderr=-1))
    try:
        yield pathlib.Path(path)
    finally:
        subprocess.run(["umount", "-n", path], stdout=-1, stderr=-1, check=False)
        os.rmdir(path)


def refused(name):
    eq(must(ffsctl("down", name), 73).stderr,
       f"ffsctl: the gadget '{name}' was not made by ffsctl\nhint: 'ffsctl down --force {name}' takes it down\n")


def forced(*names):
    eq(must(ffsctl("down", "--force", *names)).stderr, "".join(f"ffsctl: {name}: {FORCED}\n" for name in names))


DIRECTORIES = [
    "strings/0x407", "strings/0x409", "functions/rndis.0", "functions/rndis.0/os_desc/interface.rndis/Icons",
    "functions/acm.z", "functions/hid.h", "functions/mass_storage.disk", "functions/mass_storage.disk/lun.3",
    "functions/mass_storage.disk/lun.1", "functions/ecm.net", "functions/printer.p", "functions/SourceSink.s",
    "configs/second.2", "configs/second.2/strings/0x409", "configs/first one.1", "configs/first one.1/strings/0x407",
    "functions/uvc.u", "functions/uvc.u/control/header/h", "functions/uvc.u/streaming/mjpeg/m",
    "functions/uvc.u/streaming/mjpeg/m/1", "functions/uvc.u/streaming/mjpeg/m/2", "functions/uvc.u/streaming/header/h",
    *(["functions/midi2.m", "functions/midi2.m/ep.0/block.1", "functions/midi2.m/ep.1", "functions/midi2.m/ep.1/block.1"]
      if NEW else []),
]
VALUES = {
    "idVendor": "0x1d6b", "strings/0x409/product": "product", "functions/rndis.0/os_desc/interface.rndis/Icons/type": "2",
    "functions/rndis.0/os_desc/interface.rndis/Icons/data": "x", "functions/hid.h/report_length": "8",
    "functions/hid.h/report_desc": "\x05\x01", "functions/mass_storage.disk/lun.0/file": str(IMAGE),
    "configs/second.2/strings/0x409/configuration": "second", "os_desc/use": "1", "os_desc/qw_sign": "MSFT100",
    **({"webusb/use": "1", "webusb/landingPage": "https://example.com/"} if NEW else {}),
}
LINKS = [
    ("functions/uvc.u/streaming/header/h/m", "functions/uvc.u/streaming/mjpeg/m"),
    ("functions/uvc.u/control/class/fs/h", "functions/uvc.u/control/header/h"),
    ("functions/uvc.u/streaming/class/fs/h", "functions/uvc.u/streaming/header/h"),
    ("functions/uvc.u/streaming/class/hs/h", "functions/uvc.u/streaming/header/h"),
    ("configs/second.2/zzz", "functions/rndis.0"), ("configs/second.2/acm.z", "functions/acm.z"),
    ("configs/first one.1/mass_storage.disk", "functions/mass_storage.disk"), ("configs/second.2/aaa", "functions/hid.h"),
    ("configs/first one.1/a", "functions/ecm.net"), ("configs/first one.1/acm.z", "functions/acm.z"),
    ("configs/first one.1/p", "functions/printer.p"), ("os_desc/second.2", "configs/second.2"),
]


@test("what a script has made: refused without --force, and goes with all that is in it; other gadgets stay")
def gadget_of_a_script():
    theirs = script("theirs", ["functions/ffs.theirs", "functions/SourceSink.x", "configs/c.1"],
                    links=[("configs/c.1/x", "functions/SourceSink.x")])
    (theirs / "UDC").write_text(OTHER)
    with mounted("theirs", "/tmp/theirs"):
        up(gadget("ours", LOOPBACK), "--no-bind")
        before = harness.snapshot()
        top = script("mix", DIRECTORIES, VALUES, LINKS)
        (top / "UDC").write_text(UDC)
        refused("mix")
        eq((top / "UDC").read_text(), UDC + "\n")
        forced("mix")
        harness.check_same_snapshots(before, harness.snapshot())
        eq((theirs / "UDC").read_text(), OTHER + "\n")
        down("ours")
        must(ffsctl("down", "--all"))
        ok(theirs.exists(), "--all has taken down what is not ours")
        forced("theirs")
        eq(down("--force", "theirs").stderr, "ffsctl: theirs: is not up\n")


@test("its FunctionFS is unmounted wherever it is mounted, and only that")
def unmounts_its_functionfs_only():
    for name in ("theirs", "more"):
        top = script(name, [f"functions/ffs.{name}", f"functions/ffs.{name}2", "configs/c.1"],
                     links=[("configs/c.1/f", f"functions/ffs.{name}")])
    with mounted("theirs", "/tmp/theirs"), mounted("theirs2", "/tmp/with a space"), mounted("more", "/dev/ffs/theirs/more"):
        must(subprocess.run(["mount", "-n", "--bind", "/tmp/theirs", "/mnt"], stdout=-1, stderr=-1))
        forced("theirs")
        eq([line.split()[1] for line in pathlib.Path("/proc/mounts").read_text().splitlines() if " functionfs " in line],
           ["/dev/ffs/theirs/more"])
        ok(top.exists(), "another gadget is gone")
        forced("more")
    os.removedirs("/dev/ffs/theirs")


@contextlib.contextmanager
def daemon(mount):
    """Yields the pid of a program that has written its descriptors and must run until the end of the block."""
    process = subprocess.Popen([sys.executable, f"{harness.SRC}/tests/lab/workers/ep0_daemon.py", mount])
    try:
        while not (mount / "ep1").exists():
            os.sched_yield()
        yield process.pid
        eq(process.poll(), None, "the daemon's end")
    finally:
        process.kill()
        process.wait()


@test("its FunctionFS is in use: 73, by whom, and nothing is changed")
def functionfs_in_use():
    top = script("theirs", ["functions/ffs.theirs", "functions/SourceSink.x", "configs/c.1"],
                 links=[("configs/c.1/f", "functions/ffs.theirs"), ("configs/c.1/x", "functions/SourceSink.x")])
    with mounted("theirs", "/tmp/theirs") as mount:
        with daemon(mount) as pid:
            with harness.configured():  # afterwards nothing changes without a command
                (top / "UDC").write_text(UDC)
            before = harness.configfs("theirs")
            for args in ((), ("--json",)):
                result = must(ffsctl("down", "--force", "theirs", *args), 73)
                text = document(result)["errors"][0]["text"] if args else result.stderr
                contains(text, f"cannot unmount /tmp/theirs: in use by python3 (pid {pid})" +
                         ("; " if args else "\nhint: ") + "stop these processes first")
            eq(harness.configfs("theirs"), before)
        forced("theirs")


@test("of ours --force changes nothing: by its supervisor, without it, and when it is not up")
def changes_nothing_for_ours():
    path = gadget("x", LOOPBACK, f'udc = "{UDC}";')
    up(path)
    eq(down("--force", "x").stderr, "ffsctl: x: down\n")
    up(path)
    kill(status("x")[0]["supervisor"])
    eq(down("--force", path).stderr, "ffsctl: x: down (its supervisor had died; cleared what it left)\n")
    eq(down("--force", "x").stderr, "ffsctl: x: is not up\n")
    up(path)
    os.unlink("/run/ffsctl/x/record")  # the supervisor still has the contents in memory
    eq(down("--force", "x").stderr, "ffsctl: x: down\n")


@test("a `run` that waited for a UDC has died: nothing was made, as status, down and --force say")
def nothing_was_made():
    path = gadget("x", LOOPBACK, 'udc = "none.0";')
    for args in (["down", "--force", "x"], ["down", "x"], ["down", "--force", path]):
        with subprocess.Popen([harness.FFSCTL, "run", path], stderr=subprocess.DEVNULL) as run:
            try:
                gadgets.await_state("x", "starting")
            finally:
                run.kill()
        now, _ = status("x")
        contains(now["problems"][0]["text"], "its supervisor has ended, and only /run/ffsctl/x is left: 'ffsctl down x' removes it")
        eq(must(ffsctl(*args)).stderr, "ffsctl: x: is not up\n")
        eq(status("x"), (None, 3))
    eq(down("--force", "nothing").stderr, "ffsctl: nothing: is not up\n")


def lose(name, *files):
    """Kills the supervisor, waits for the ends of its keepers and workers, and deletes files of the gadget in the run
    directory."""
    now, _ = status(name)
    kill(now["supervisor"])
    for f in now["functions"]:
        for pid in (f["keeper"], f["worker"] and f["worker"]["pid"]):
            if pid:
                wait_dead(pid)
    for file in files:
        os.unlink(f"/run/ffsctl/{name}/{file}")
    if not files:
        shutil.rmtree(f"/run/ffsctl/{name}")
        with contextlib.suppress(OSError):
            os.rmdir("/run/ffsctl")


@test("its record was deleted and its supervisor has died: refused, gone with --force, and up again")
def record_deleted_supervisor_dead():
    path = gadget("x", LOOPBACK, f'udc = "{UDC}";')
    up(path, "--hold", "0")
    lose("x", "record")
    contains(status("x")[0]["problems"][0]["text"], "'ffsctl down --force x' removes what the supervisor has made")
    contains(must(ffsctl("down", "x"), 73).stderr,
             "cannot take 'x' down: /run/ffsctl/x/record was removed\nhint: 'ffsctl down --force x' removes the gadget's directory "
             "in configfs and its mounts")
    forced("x")
    eq(status("x"), (None, 3))
    up(path)
    down("x")


@test("its record was deleted, and its processes still serve: 73, and --force waits for nobody")
def record_deleted_processes_serve():
    path = gadget("x", LOOPBACK, f'udc = "{UDC}";')
    up(path, "--hold", "100")
    now, _ = status("x")
    keeper = now["functions"][0]["keeper"]
    kill(now["supervisor"])
    record = pathlib.Path("/run/ffsctl/x/record")
    was = record.read_text()
    record.unlink()
    try:
        contains(must(ffsctl("down", "--force", "x"), 73).stderr, f"in use by keep:echo (pid {keeper}), ")
        ok(pathlib.Path(CONFIGFS, "x/UDC").read_text().strip(), "it was taken off the bus")
    finally:
        record.write_text(was)
        down("x")


@test("all examples, as if somebody else had made them")
def examples_as_made_by_others():
    for path in gadgets.examples():
        up(path, "--hold", "0", "--udc", UDC)
        now, _ = status(path.stem)
        lose(path.stem)
        eq(status(path.stem)[0]["state"], "foreign")
        forced(path.stem)
        for f in now["functions"]:  # items that only the record listed
            if f["device"] and os.path.islink(f["device"]):
                os.unlink(f["device"])
            if f["mount"] and os.path.exists(f["mount"]):
                os.rmdir(f["mount"])


def by_hand(name):
    """Removes the gadget from configfs without ffsctl, and leaves its mount."""
    top = pathlib.Path(CONFIGFS, name)
    next(p for p in (top / "configs/c.1").iterdir() if p.is_symlink()).unlink()
    for directory in ("configs/c.1", f"functions/ffs.{name}-echo", "strings/0x409", ""):
        (top / directory).rmdir()


@test("FunctionFS of a gadget that is in configfs no more: unmounted")
def functionfs_without_gadget():
    path = gadget("x", LOOPBACK, f'udc = "{UDC}";')
    up(path, "--hold", "0", "--no-bind")
    lose("x")
    by_hand("x")
    eq(status("x")[0]["state"], "foreign")
    forced("x")
    ok(not os.path.exists("/dev/ffs"), "there are directories left")


@test("its record was deleted, and what is in configfs as well: the rest goes with --force")
def record_and_configfs_deleted():
    up(gadget("x", LOOPBACK, f'udc = "{UDC}";'), "--hold", "0", "--no-bind")
    lose("x", "record")
    by_hand("x")
    forced("x")
    eq(status("x"), (None, 3))


@test("a name that no gadget file could have; another user")
def impossible_name_or_other_user():
    script("a b", ["strings/0x409"])
    must(ffsctl("down", "a b"), 64)
    forced("a b")
    for name in ("", ".", ".."):
        contains(must(ffsctl("down", "--force", name), 64).stderr, "invalid gadget name")
    script("theirs", ["functions/SourceSink.x"])
    program = os.open(harness.FFSCTL, os.O_RDONLY)
    result = subprocess.run([f"/proc/self/fd/{program}", "down", "--force", "theirs"], user="nobody", group="nogroup",
                            extra_groups=[], pass_fds=(program,), stdout=-1, stderr=-1, text=True)
    os.close(program)
    contains(must(result, 77).stderr, "this needs root")
    forced("theirs")


tap.main()
