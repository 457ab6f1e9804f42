# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=120
# lab all: kernel=6.12,6.1 timeout=120
"""A program without `user` can open the device of its function, and nothing else: it is the worker's from its start to its
end, and then root's, whatever the worker did with it meanwhile."""

import contextlib
import os
import pathlib
import stat
import subprocess

import harness
import tap
from gadgets import DIRECTORY, await_status, await_worker, kill_worker, worker
from harness import ffsctl, kill, must, status, up
from tap import eq, ok, test

harness.leaves_nothing()
HEAD = "attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n"
SLOW = {"restart_delay": 1000, "restart_max_delay": 1000}  # a killed worker is not restarted


@tap.cleanup
def take_down():
    ffsctl("down", "x")


def write(functions):
    path = DIRECTORY / "x.conf"
    path.write_text(HEAD + "functions : {\n%s};\n" % functions)
    return path


def sh(command, **settings):
    """Returns a group `worker` whose shell runs the command; $1 is the device."""
    return "worker : { %s};" % worker(exec=["/bin/sh", "-c", command, "sh", "${device}"], **{**SLOW, **settings})


HOLDS = "exec 3<>$1 && exec sleep 100000"
ACM = 'type = "acm"; '
HID = 'type = "hid"; attrs = { protocol = 1; subclass = 1; report_length = 8; report_desc = ( %s ); }; ' % ", ".join(
    map(str, bytes.fromhex("05010906a101050719e029e71500250175019508810295017508810195067508150025650507190029658100c0")))
FFS = 'ffs : { device = "/dev/x-events"; interfaces = ( { endpoints = ( "interrupt-in" ); } ); }; '


def function(label="f"):
    return next(f for f in status("x")[0]["functions"] if f["label"] == label)


def rights(path):
    st = os.stat(path)
    return st.st_uid, st.st_gid, stat.S_IMODE(st.st_mode)


def opens(pid, path):
    """Returns whether a process with the ids of `pid` can open the file."""
    shown = harness.proc_status(pid)
    return opens_as(shown["Uid"].split()[0], shown["Gid"].split()[0], path)


def opens_as(uid, gid, path):
    return subprocess.run(["setpriv", "--reuid", str(uid), "--regid", str(gid), "--clear-groups", "--", "/usr/bin/python3", "-c",
                           f"import os; os.open({str(path)!r}, os.O_RDWR | os.O_NONBLOCK)"], capture_output=True).returncode == 0


def holds(pid, path):
    wanted = os.stat(path)
    for fd in pathlib.Path(f"/proc/{pid}/fd").iterdir():
        with contextlib.suppress(FileNotFoundError):  # the process has just closed it
            if os.path.samestat(fd.stat(), wanted):
                return True
    return False


def end(pid, device, want):
    """Kills the worker. Then the device must have the rights `want`."""
    kill(pid)
    await_worker("x", "waiting")
    eq(rights(device), want)


def await_open(device, label="f"):
    await_status("x", lambda g: (pid := function(label)["worker"]["pid"]) and holds(pid, device), "open")
    return function(label)["worker"]["pid"]


for name, text in (("acm", ACM), ("hid", HID), ("ffs", FFS)):

    @test(f"{name}: the device is the worker's while it lives, and nobody else's; then root's as before", name, text)
    def device_of_worker(_, text):
        up(write("f : { %s%s };\n" % (text, sh(HOLDS)) + "other : { %s%s };\n" % (ACM, sh(HOLDS))), "--wait-host")
        device = os.path.realpath(function()["device"])
        pid, other = await_open(device), await_open(function("other")["device"], "other")
        uid = os.stat(f"/proc/{pid}").st_uid
        owner, gid, mode = rights(device)
        eq((owner, mode & 0o7), (0, 0))
        ok(opens(pid, function()["device"]), "the worker cannot open its device again")
        for stranger in (os.stat(f"/proc/{other}").st_uid, 65534):
            ok(not opens_as(stranger, stranger, device), f"{stranger} can open it")
        if text == FFS:
            ok(not opens(pid, "/dev/ffs/x/f/ep0"), "it can open ep0")
            ok(not opens_as(os.stat(f"/proc/{other}").st_uid, 65534, "/dev/ffs/x/f/ep0"), "another one can open ep0")
            eq(rights("/dev/ffs/x/f")[0], 0)
        else:
            ok(not opens(pid, function("other")["device"]), "it can open another function's")
        end(pid, device, (0, gid, 0o600))
        ok(not opens_as(uid, uid, device), "its user can open it after its end")
        must(ffsctl("restart", "x", "f"))
        await_open(device)
        must(ffsctl("down", "x"))


ENEMY = "chmod 7777 $1; ln $1 /dev/shm/link; ln -s $1 /tmp/x-link; mv $1 /tmp/x-moved; chown 65534 $1; exec 3<>$1 && exec sleep 100000"


@test("what an enemy does with its device ends with it: mode, owner, links")
def enemy():
    up(write("f : { %s%s };\n" % (ACM, sh(ENEMY))), "--wait-host")
    device = function()["device"]
    pid = await_open(device)
    uid = os.stat(f"/proc/{pid}").st_uid
    ok(not opens_as(65534, 65534, device), "others can open it")
    end(pid, device, (0, 0, 0o600))
    ok(not opens_as(uid, uid, device) and not opens_as(65534, 65534, device), "others can open it later")
    link = pathlib.Path("/dev/shm/link")  # on devtmpfs, where /dev/shm is no mount of its own
    ok(not link.exists() or not opens_as(uid, uid, link), "its user can open it by a hard link")
    must(ffsctl("restart", "x", "f"))
    await_open(device)
    must(ffsctl("down", "x"))
    ok(not link.exists() or rights(link)[::2] == (0, 0), "the hard link is not root's alone")
    for path in (link, pathlib.Path("/tmp/x-link")):
        path.unlink(missing_ok=True)


@test("the end after a supervisor's death, with and without a takeover, gives the device back")
def after_supervisors_death():
    path = write("f : { %s%s };\n" % (ACM, sh("chmod 666 $1; " + HOLDS)))
    for worker_dies_first in (False, True):
        up(path, "--wait-host")
        device = function()["device"]
        pid = await_open(device)
        kill(status("x")[0]["supervisor"])
        if worker_dies_first:
            kill(pid)
        up(path)
        if not worker_dies_first:
            eq(function()["worker"]["pid"], pid)
            end(pid, device, (0, 0, 0o600))
        must(ffsctl("down", "x"))


@test("what udev or an administrator sets while the worker lives counts, and stays")
def rights_set_meanwhile():
    up(write("f : { %s%s };\n" % (ACM, sh(HOLDS))), "--wait-host")
    device = function()["device"]
    pid = await_open(device)
    os.chown(device, 0, 20)
    os.chmod(device, 0o660)
    ok(opens(pid, device), "the worker cannot open it any more")
    end(pid, device, (0, 20, 0o660))
    must(ffsctl("restart", "x", "f"))
    pid = await_open(device)
    ok(opens_as(65534, 20, device), "the group cannot open it")
    end(pid, device, (0, 20, 0o660))
    must(ffsctl("down", "x"))


@test("a path that leads elsewhere is not followed, when the worker starts or ends")
def path_that_leads_elsewhere():
    up(write("f : { %s%s };\n" % (ACM, sh("exec sleep 100000"))), "--wait-host")
    device, secret = pathlib.Path(function()["device"]), DIRECTORY / "secret"
    secret.write_text("kept")
    secret.chmod(0o600)
    ok(opens(function()["worker"]["pid"], device), "it is not the worker's")
    old = function()["worker"]["pid"]
    moved = device.rename("/dev/moved")
    device.symlink_to(secret)
    kill(old)
    # It is another device for ffsctl, so the next worker starts at once.
    await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "ready" and function()["worker"]["pid"] not in (None, old), "next")
    eq(rights(secret), (0, 0, 0o600))
    kill_worker("x")
    eq(rights(secret), (0, 0, 0o600))
    device.unlink()
    moved.rename(device)
    must(ffsctl("down", "x"))
    eq(rights(secret), (0, 0, 0o600))


@test("the node of the next bind is the next worker's, and a reload without the worker gives the device back")
def next_bind_and_reload():
    up(write("f : { %s%s };\ns : { %s};\n" % (HID, sh(HOLDS), ACM)), "--wait-host")
    await_open(function()["device"])
    must(ffsctl("unbind", "x"))
    must(ffsctl("bind", "x"))
    ok(opens(await_open(function()["device"]), function()["device"]), "the next worker cannot open it again")
    must(ffsctl("down", "x"))
    up(write("f : { %s%s };\n" % (ACM, sh(HOLDS))), "--wait-host")
    device = function()["device"]
    uid = os.stat(f"/proc/{await_open(device)}").st_uid
    write("f : { %s};\n" % ACM)
    must(ffsctl("reload", "x"))
    ok(not opens_as(uid, uid, device), "its user can open it without a worker")
    must(ffsctl("down", "x"))


tap.main()
