#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12 speed=full,high machines timeout=900
# lab qemu: no, an emulated machine in an emulated machine takes too long
"""GRUB's own drivers of USB use the gadgets, in QEMU: another host stack than those of firmware and Linux."""

import os

import harness
import machine
import tap
from harness import SRC, must, up
from tap import contains, test

ENTER, DOWN = 0x28, 0x51  # HID Usage Tables 1.4, 10
tap.cleanup(lambda: harness.ffsctl("down", "--all"))
CONTROLLERS = {"full": ("uhci", "ohci"), "high": ("ehci",)}[os.environ["LAB_SPEED"]]
# Behind QEMU's OHCI no report reaches GRUB: it cancels a transfer, and QEMU never ends the next one, with dummy_hcd and with
# dwc2. QEMU's own keyboard works there
NO_KEYBOARD = ("ohci",)


def keyboard(controller):
    up(f"{SRC}/examples/keyboard-mouse.conf", "--wait-host")
    with machine.Machine("grub", controller) as pc:
        pc.ready()
        with open(must(harness.ffsctl("status", "keyboard-mouse", "-o", "keyboard.device")).stdout.strip(), "wb", buffering=0) as keys:
            for key in DOWN, ENTER:
                keys.write(bytes([0, 0, key, 0, 0, 0, 0, 0]))
                keys.write(bytes(8))
        pc.expect("THE SECOND ENTRY")
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
    if CONTROLLER not in NO_KEYBOARD:
        test(f"a keyboard chooses the menu's second entry and starts it, by {CONTROLLER}", CONTROLLER)(keyboard)
    test(f"a drive's files are listed, by {CONTROLLER}", CONTROLLER)(storage)

tap.main()
