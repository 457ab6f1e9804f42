#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12 speed=full,high machines timeout=300
# lab qemu: no, an emulated machine in an emulated machine takes too long
"""GRUB's own drivers of USB use the gadgets, in QEMU: another host stack than those of firmware and Linux."""

import os

import harness
import machine
import tap
from harness import SRC, must, up
from tap import contains, test

ENTER = 0x28  # HID Usage Tables 1.4, 10
tap.cleanup(lambda: harness.ffsctl("down", "--all"))
CONTROLLERS = {"full": ("uhci", "ohci"), "high": ("ehci",)}[os.environ["LAB_SPEED"]]


def keyboard(controller):
    up(f"{SRC}/examples/keyboard-mouse.conf", "--wait-host")
    with machine.Machine("grub", controller) as pc:
        pc.ready()
        with open(must(harness.ffsctl("status", "keyboard-mouse", "-o", "keyboard.device")).stdout.strip(), "wb", buffering=0) as keys:
            keys.write(bytes([0, 0, ENTER, 0, 0, 0, 0, 0]))
            keys.write(bytes(8))
        pc.expect("THE FIRST ENTRY")
        pc.ends()


def storage(controller):
    up(machine.drive("efi.img"), "--wait-host")
    with machine.Machine("grub", controller) as pc:
        pc.ready()
        pc.send("c")
        pc.expect("grub> ")
        pc.send("ls (usb0)/EFI/\r")
        contains(pc.expect(r"boot/(.|\n)*grub> ")[0], "boot/")


for CONTROLLER in CONTROLLERS:
    test(f"a keyboard starts the menu's entry, by {CONTROLLER}", CONTROLLER)(keyboard)
    test(f"a drive's files are listed, by {CONTROLLER}", CONTROLLER)(storage)

tap.main()
