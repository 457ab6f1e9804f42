#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=high machines
# lab all: kernel=6.12 speed=full,high,super machines mem=2G timeout=300
# lab qemu: no, an emulated machine in an emulated machine takes too long
"""PCs boot from a gadget, in QEMU: with a BIOS and with UEFI, from a disk and from a CD-ROM; a keyboard gadget serves their
firmware."""

import os
import subprocess

import harness
import machine
import tap
from harness import SRC, must, up
from tap import test

DOWN = "\x1b[B"
KEYS = f"{SRC}/examples/keyboard-mouse.py"
os.environ["PATH"] = f"{harness.BUILD}:{os.environ['PATH']}"
tap.cleanup(lambda: harness.ffsctl("down", "--all"))
# EHCI has full speed only by a companion, UHCI and OHCI have nothing else
SPEEDS = {"full": ("xhci", "uhci", "ohci"), "high": ("xhci", "nec-xhci", "ehci"), "super": ("xhci", "nec-xhci")}
CONTROLLERS = SPEEDS[os.environ["LAB_SPEED"]]


def boots(system, controller, cdrom):
    """The machine boots GRUB from the gadget; its menu's last entry says so and switches the machine off."""
    must(harness.ffsctl("up", machine.drive("boot.iso", cdrom), "--wait-host"))
    with machine.Machine(system, controller) as pc:
        pc.expect("GNU GRUB")
        pc.expect("off")
        pc.send(DOWN + "\r")
        pc.expect("BOOTED FROM THE GADGET")
        pc.ends()


def types(text):
    must(subprocess.run([KEYS, "type", text], check=False, capture_output=True, text=True))


def uefi_shell():
    up(f"{SRC}/examples/keyboard-mouse.conf", "--wait-host")
    with machine.Machine("ovmf") as pc:
        pc.ready()
        types("ver\n")
        pc.expect("UEFI Interactive Shell v")
        pc.ready()
        types("reset -s\n")
        pc.ends()


for CONTROLLER in CONTROLLERS:
    if CONTROLLER == "xhci" or tap.EVERYTHING:
        test(f"a BIOS boots from a disk, by {CONTROLLER}", "seabios", CONTROLLER, False)(boots)
        test(f"a BIOS boots from a CD-ROM, by {CONTROLLER}", "seabios", CONTROLLER, True)(boots)
if tap.EVERYTHING:
    test("UEFI boots from a disk", "ovmf", "xhci", False)(boots)
    test("UEFI boots from a CD-ROM", "ovmf", "xhci", True)(boots)
    test("the shell of UEFI takes what a keyboard types")(uefi_shell)

tap.main()
