#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab cross: no, it tests Debian packages
# lab: none
# lab all: packages timeout=300
"""The Debian packages on a Debian system with systemd as process 1: installed, booted, upgraded under load, removed and
purged.

The system is the lab's, which is this machine's; of ffsctl only what dpkg installs is used."""

import json
import os
import pathlib
import re
import subprocess
import tempfile

import systemd_boot
import tap
from gadgets import traffic
from harness import SRC, devnums, kill, must, tree
from tap import contains, eq, ok, patience, test

PACKAGES = pathlib.Path(os.environ["FFSCTL_PACKAGES"])
UNIT = "ffsctl@loopback"
OURS = pathlib.Path("/etc/ffsctl/gadget.d/loopback.conf.d/udc.conf")
# Directories in which a package of ours, or what it does, could leave something
PLACES = ["/etc", "/run/ffsctl", "/usr/bin", "/usr/libexec", "/usr/lib/ffsctl", "/usr/share/ffsctl", "/lib/systemd/system",
          "/var/lib/ffsctl", "/var/lib/systemd", "/sys/kernel/config/usb_gadget"]
# What dpkg, systemd and udev write by themselves
OTHERS = ("/etc/ld.so.cache", "/etc/machine-id", "/etc/.updated", "/etc/mtab", "/var/lib/systemd/")

# Not the programs of the build
os.environ["PATH"] = "/usr/sbin:/usr/bin:/sbin:/bin"
systemd_boot.hide_units()
# Do not let dpkg read all manual pages: for each file in its cache User-Mode Linux keeps one of this machine open
pathlib.Path("/var/lib/man-db/auto-update").unlink(missing_ok=True)


def package(name):
    path, = PACKAGES.glob(f"{name}_*.deb")
    return path


def left():
    """The files in PLACES."""
    return {path for place in PLACES for path in (tree(place) if os.path.isdir(place) else ())
            if not path.startswith(OTHERS)}


before = left()


def next_version(path):
    """Makes the next version of a package: the same files with another version. Returns its path."""
    with tempfile.TemporaryDirectory() as directory:
        must(run("dpkg-deb", "-R", path, directory))
        control = pathlib.Path(directory, "DEBIAN/control")
        text = control.read_text()
        version, = (line for line in text.splitlines() if line.startswith("Version: "))
        control.write_text(text.replace(version, version + "+next"))
        new = pathlib.Path("/run", path.name)
        must(run("dpkg-deb", "-Znone", "-b", directory, new))
    return new


def run(*words):
    return subprocess.run([str(word) for word in words], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.STDOUT, text=True, timeout=patience(120), check=False)


def gadget(inside, name="loopback"):
    """The object of the gadget in the status."""
    shown = json.loads(must(run(*inside, "ffsctl", "status", name, "--json")).stdout)
    return shown["gadgets"][0]


def pids(shown):
    return shown["supervisor"], shown["functions"][0]["worker"]["pid"]


@test("installed and enabled; after the next boot the gadget is up, and echoes")
def boots_with_gadget():
    with systemd_boot.booted() as inside:
        must(run(*inside, "dpkg", "-i", package("ffsctl")))
        OURS.parent.mkdir()
        OURS.write_text('udc = "dummy_udc.0";  # ffsctl chooses no virtual UDC by itself\n')
        must(run(*inside, "systemctl", "enable", UNIT))
        eq(run(*inside, "systemctl", "is-active", UNIT).stdout, "inactive\n")
        systemd_boot.shut_down(inside)
    with systemd_boot.booted() as inside:
        must(run(*inside, "ffsctl", "wait", "loopback", "--for", "configured", "--timeout", "60"))
        shown = must(run(*inside, "systemctl", "status", UNIT)).stdout
        contains(shown, "Active: active (running)")
        contains(shown, "loopback: ready on dummy_udc.0")
        with traffic():
            pass
        systemd_boot.shut_down(inside)
    eq(tree("/sys/kernel/config/usb_gadget"), [])


@test("upgraded while a host sends: supervisor and worker are the same processes, the device stays, no message is lost")
def upgraded_under_load():
    with systemd_boot.booted() as inside:
        must(run(*inside, "ffsctl", "wait", "loopback", "--for", "configured", "--timeout", "60"))
        was, numbers = pids(gadget(inside)), devnums()
        with traffic() as t:
            must(run(*inside, "dpkg", "-i", next_version(package("ffsctl"))))
            t.more(5)
        eq((pids(gadget(inside)), devnums()), (was, numbers))
        executes = must(run(*inside, "readlink", f"/proc/{was[0]}/exe")).stdout
        eq(executes, "/usr/bin/ffsctl\n", "the supervisor's program")
        eq(run(*inside, "systemctl", "is-active", UNIT).stdout, "active\n")
        eq(must(run(*inside, "systemctl", "show", "--value", "-p", "NRestarts", UNIT)).stdout, "0\n")
        systemd_boot.shut_down(inside)


def library_of(pid):
    """The file that the process has loaded as libffsctl-stream, as the kernel names it."""
    path, = set(re.findall(r"\S+/libffsctl-stream\.so.*", pathlib.Path(f"/proc/{pid}/maps").read_text()))
    return path


@test("libffsctl-stream1 upgraded alone while a host sends: the worker goes on with its library, the next has the new one")
def library_upgraded_alone():
    packages = "libffsctl-stream1", "libffsctl-stream-dev", "ffsctl-doc"
    examples, program = "/usr/share/doc/ffsctl/examples", pathlib.Path("/usr/bin/stream-echo")
    must(run("dpkg", "-i", *map(package, packages)))
    flags = must(run("pkg-config", "--cflags", "--libs", "libffsctl-stream")).stdout.split()
    must(run("cc", "-o", program, f"{examples}/stream-echo.c", *flags))
    # It depends on the very version of the library
    must(run("dpkg", "--purge", "libffsctl-stream-dev"))
    must(run("ffsctl", "up", f"{examples}/stream-echo.conf", "--udc", "dummy_udc.0", "--wait-host"))
    with traffic() as t:
        was = pids(gadget([], "stream-echo"))
        new = next_version(package("libffsctl-stream1"))
        ok(not library_of(was[1]).endswith("(deleted)"), library_of(was[1]))
        must(run("dpkg", "-i", new))
        t.more(5)
        eq(pids(gadget([], "stream-echo")), was)
        ok(library_of(was[1]).endswith("(deleted)"), library_of(was[1]))
        kill(was[1])
        t.more(5)
        # It echoes at once, but counts as ready only after it has run for half a second
        must(run("ffsctl", "wait", "stream-echo", "--for", "ready", "--timeout", "60"))
        supervisor, worker = pids(gadget([], "stream-echo"))
        eq((supervisor, worker != was[1]), (was[0], True))
        ok(not library_of(worker).endswith("(deleted)"), library_of(worker))
    must(run("ffsctl", "down", "stream-echo"))
    must(run("dpkg", "--purge", *packages))
    program.unlink()


AUTOPKGTEST = pathlib.Path(SRC, "packaging/debian/tests")
OTHER_PACKAGES = "ffsbench", "ffsctl-doc", "libffsctl-stream1", "libffsctl-stream-dev"


@test("the tests of the source package, as autopkgtest runs them")
def tests_of_source_package():
    must(run("dpkg", "-i", *map(package, OTHER_PACKAGES)))
    names = re.findall(r"^Tests: (\S+)$", (AUTOPKGTEST / "control").read_text(), re.M)
    eq(sorted(names), sorted(p.name for p in AUTOPKGTEST.iterdir() if p.name != "control"))
    for name in names:
        with tempfile.TemporaryDirectory() as directory:
            os.environ["AUTOPKGTEST_TMP"] = directory
            must(run(AUTOPKGTEST / name))
    must(run("dpkg", "--purge", *OTHER_PACKAGES))


@test("after a boot with the new version it is removed: the gadget goes down; purged, nothing is left")
def removed_and_purged():
    with systemd_boot.booted() as inside:
        must(run(*inside, "ffsctl", "wait", "loopback", "--for", "configured", "--timeout", "60"))
        must(run(*inside, "dpkg", "--remove", "ffsctl"))
        eq(tree("/sys/kernel/config/usb_gadget"), [])
        ok(not os.path.exists("/usr/bin/ffsctl"), "the program is still there")
        must(run(*inside, "dpkg", "--purge", "ffsctl"))
        kept = {str(path) for path in (OURS, *OURS.parents) if path.is_relative_to("/etc/ffsctl")}
        eq(left() ^ before, kept, "all but the user's own files")
        systemd_boot.shut_down(inside)


tap.main()
