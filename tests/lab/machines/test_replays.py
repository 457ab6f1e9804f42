#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 speed=high
# lab all: kernel=6.12 vudcs=1 speed=full,high,super timeout=600
"""What Windows, macOS, Android and ChromeOS ask of a new device (tests/lab/hosts/replay): each gadget file that is shipped answers
as that host needs, and a gadget that does not is named."""

import contextlib
import os
import pathlib

import gadgets
import harness
import replay
import tap
from harness import SRC, must, up
from systems import REPLAYS
from tap import contains, eq, ok, raises, test

WINDOWS = ("windows-7", "windows-10", "windows-11")
# Those of sound have isochronous endpoints, which only usbip-vudc has here; these wait for a program that is not here
ISOCHRONOUS = ("sound", "sound-uac1")
WITHOUT_PROGRAM = ("iio",)
if os.environ["LAB_SPEED"] == "full":
    WITHOUT_PROGRAM += ("mtp",)  # umtprd's configuration is for high speed
tap.cleanup(lambda: harness.ffsctl("down", "--all"))
FILES = sorted(path for path in pathlib.Path(SRC, "gadget.d").glob("*.conf") if path.stem not in WITHOUT_PROGRAM)

IMAGE = pathlib.Path("/var/lib/ffsctl/storage.img")
IMAGE.parent.mkdir(parents=True, exist_ok=True)
IMAGE.write_bytes(bytes(1 << 20))


@contextlib.contextmanager
def plugged(path):
    with contextlib.ExitStack() as plugs:
        if path.stem in ISOCHRONOUS:
            must(harness.ffsctl("up", path, "--udc", "usbip-vudc.0"))
            for plug in harness.attach():
                plugs.callback(plug.close)
            must(harness.ffsctl("wait", path.stem, "--for", "configured"))
        else:
            up(path, "--udc", "dummy_udc.0", "--wait-host")
        yield
        must(harness.ffsctl("down", "--all"))


def foretold(path):
    """Returns the compatible ids that Windows gets by `ffsctl descriptors`, which must be those of the device."""
    return {i["interface"]: i["compatible_id"] for i in harness.predicted_interfaces(path) if i["compatible_id"]}


def all_hosts(path):
    ids = foretold(path)
    with plugged(path):
        for host in REPLAYS:
            said = replay.play(host, ids)
            ok(len(said) > 5, said)


for FILE in FILES if tap.EVERYTHING else [path for path in FILES if path.stem in ("kvm", "network")]:
    test(f"{FILE.name}: each host gets what it needs", FILE)(all_hosts)


def write(text):
    path = gadgets.DIRECTORY / "faulty.conf"
    path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; %s };\nfunctions : { %s };\n%s" % text)
    return path


NCM = 'net : { type = "ncm"; os_descs = ( { interface = "ncm"; compatible_id = "WINNCM"; } ); };'
IDS = "os_descs = { use = %s; };"
# A vendor's input report with report id 0, which ffsctl does not accept in a gadget file: it is in a file that is read later
REPORT = gadgets.DIRECTORY / "report"
ID_0 = f'keys : {{ type = "hid"; attrs : {{ report_length = 8; report_desc = "{REPORT}"; }}; }};'
TWO = 'a : { type = "acm"; }; b : { type = "hid"; attrs : { report_desc = "keyboard"; }; };'


@test("without the Microsoft OS string Windows finds no driver for ncm, and the replay says so")
def no_os_string():
    ids = foretold(write(("", NCM, IDS % "true")))
    eq(ids, {0: "WINNCM"})
    with plugged(write(("", NCM, IDS % "false"))):
        for host in WINDOWS:
            contains(str(raises(replay.GivesUp, replay.play, host, ids)), "would find no driver: its compatible ids are {}")
        replay.play("android", ids)


@test("with a class of the device that is none of composites Windows gives up, and Android does not")
def wrong_class():
    with plugged(write(("bDeviceClass = 2;", TWO, ""))):
        for host in WINDOWS:
            contains(str(raises(replay.GivesUp, replay.play, host)), "02/00/00: usbccgp.sys does not load")
        replay.play("android")


@test("with report id 0 each host gives the interface up")
def report_id_0():
    REPORT.write_bytes(bytes.fromhex("0600ff 0901 a101 8500 1500 257f 7508 9504 0902 8102 c0"))
    with plugged(write(("", ID_0, ""))):
        for host in REPLAYS:
            contains(str(raises(replay.GivesUp, replay.play, host)), "report id 0, which is reserved")


@test("each file of requests has a name, and sources that each step names")
def files():
    eq(list(REPLAYS), ["android", "chromeos", "macos", "windows-10", "windows-11", "windows-7"])
    for host in REPLAYS:
        one = replay.Replay(host)
        used = {number for *_, numbers in one.steps for number in numbers.split()}
        eq(used, set(one.sources), host)


tap.main()
