#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab cross: no, its programs are for this machine
# lab qemu: no, tests/printed-commands says what the kernel of User-Mode Linux cannot do, and no other
# lab: build=plain timeout=300 installed
# lab all: build=plain real-time timeout=300 installed
"""The commands that documents, gadget files and manual pages print work as they are printed: the plays of
tests/printed-commands that are for the lab, with what `make install` installs, and in a copy of the tree."""

import os
import pathlib
import re
import shutil
import subprocess

import harness
import identity
import installation
import plays
import tap
from gadgets import await_file, interface_of, network_namespace, sh
from harness import SRC
from tap import ok, test

TOP = pathlib.Path("/srv/plays")
TABLE, KNOWN = plays.Table(), plays.named()
TOP.mkdir()

harness.PYTHON_MODULE.unlink()  # the installed one must be found
installation.install()
# As with --sysconfdir=/etc
pathlib.Path("/usr/local/etc/ffsctl").symlink_to("/etc/ffsctl")
harness.load_host_drivers()
harness.leaves_nothing()
ENVIRONMENT = {"PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root", "TERM": "xterm"}


def exists(_, path):
    await_file(path)


def device(_, ids):
    """Waits until the host has configured a device."""
    vendor, product = ids.split(":")
    ok(harness.await_devices(lambda: any(harness.text_of(d / "bConfigurationValue")
                                         for d in harness.usb_devices(idVendor=vendor, idProduct=product))), f"no device {ids}")


def cards(_):
    """Waits for the sound cards of both sides."""
    ok(harness.await_devices(lambda: len(list(pathlib.Path("/proc/asound").glob("card[0-9]*/id"))) == 2), "no two cards")


def start(stage, command):
    stage.start(command, subprocess.DEVNULL)


def example(stage, words):
    """Writes a gadget file that a manual page shows, which begins with its name, to that file."""
    page, name = words.split()
    text = re.search(rf"^# {re.escape(name)}\n(.*?)^\.Ed", pathlib.Path(SRC, page).read_text(), re.M | re.S)[1]
    pathlib.Path(stage.directory, name).write_text(text)


def host_network(stage, function):
    """Makes the host another machine, for the network: what & starts from now on runs there."""
    gadget, label = function.split()
    here, there = (interface_of(identity.address(gadget, f"ncm.{label}", end)) for end in ("dev_addr", "host_addr"))
    host = stage.stack.enter_context(network_namespace())
    sh(f"ip address replace 192.168.55.1/24 dev {here} && ip link set {here} up && ip link set {there} netns {host}")
    sh(f"nsenter -t {host} -n ip address add 192.168.55.2/24 dev {there} && nsenter -t {host} -n ip link set {there} up")
    stage.prefix = ["nsenter", "-t", str(host), "-n"]


def unpack(_, names):
    harness.unpack(*names.split())


HELPERS = {**plays.HELPERS, "exists": exists, "device": device, "cards": cards, "start": start, "example": example, "unpack": unpack,
           "host_network": host_network}


def played(play):
    number = len(list(TOP.iterdir()))
    top = TOP / str(number)
    top.mkdir()
    directory = top / "tree"
    directory.mkdir()
    if play.directory != "empty":
        for name in ("gadget.d", "examples"):
            shutil.copytree(f"{SRC}/{name}", directory / name)
        if play.directory != "tree":
            directory = directory / play.directory
    try:
        plays.Stage(play, str(directory), KNOWN, HELPERS, ENVIRONMENT).run()
    except BaseException:
        for left in os.listdir(harness.CONFIGFS):  # what a play that failed has left must not disturb the next one
            subprocess.run(["/usr/local/bin/ffsctl", "down", "--force", left], stderr=subprocess.DEVNULL, check=False)
        raise
    finally:
        for path in ("/run/agetty.reload", "/run/screen", "/run/mount"):  # of agetty, screen and mount
            subprocess.run(["rm", "-rf", path], check=True)
        shutil.rmtree(top)
        top.mkdir()


PLACES = ("lab-real",) if os.environ["LAB_TIME"] == "real" else ("lab", "lab-all") if tap.EVERYTHING else ("lab",)
for play_ in TABLE.plays:
    if play_.place in PLACES:
        test(str(play_), play_)(played)

tap.main()
