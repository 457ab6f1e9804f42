#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=high machines
# lab all: kernel=6.12 speed=full,high,super machines mem=2G timeout=900
# lab qemu: no, an emulated machine in an emulated machine takes too long
"""PCs boot from a gadget, in QEMU: with a BIOS and with UEFI, from a disk and from a CD-ROM; a keyboard gadget serves their
firmware."""

import os
import subprocess

import harness
import machine
import tap
from harness import SRC, must, up
from tap import contains, eq, test
from traces import tracing

DOWN = "\x1b[B"
KEYS = f"{SRC}/examples/keyboard-mouse.py"
os.environ["PATH"] = f"{harness.BUILD}:{os.environ['PATH']}"
tap.cleanup(lambda: harness.ffsctl("down", "--all"))
# EHCI has full speed only by a companion, UHCI has nothing else. Behind OHCI QEMU ends by an assertion while SeaBIOS reads the
# drive: usb_cancel_packet() of hw/usb/core.c, in Debian's QEMU 7.2
SPEEDS = {"full": ("xhci", "uhci"), "high": ("xhci", "nec-xhci", "ehci"), "super": ("xhci", "nec-xhci")}
CONTROLLERS = SPEEDS[os.environ["LAB_SPEED"]]
# The console is the serial port, and the menu waits for a minute
BOOT_MENU = ("-machine", "graphics=off", "-boot", "menu=on,splash-time=60000")
FIRMWARE = {"seabios": "bios", "ovmf": "uefi"}
# The table of hosts says which drive a BIOS does not find: behind a keyboard, or behind alternate settings
NET = """net : { type = "ncm"; attrs : { dev_addr = "02:00:00:00:00:01"; host_addr = "02:00:00:00:00:02"; }; };"""
KEYBOARD = """keys : { type = "hid"; attrs : { report_desc = "keyboard"; }; };"""


# The hosts of `ffsctl trace`
HABITS = {"seabios": "BIOS firmware (SeaBIOS)", "ovmf": "UEFI firmware (EDK II)"}


def is_known_to_work(row):
    eq((bool(row["driver"]), row["proof"]), (True, "tested in QEMU"), "in the table of hosts")


def boots(system, controller, cdrom):
    """The machine boots GRUB from the gadget; its menu's last entry says so and switches the machine off."""
    file = machine.drive("boot.iso", cdrom)
    for row in machine.foretold(file, FIRMWARE[system]):
        is_known_to_work(row)
    must(harness.ffsctl("up", file, "--wait-host"))
    with tracing("--json") as traces, machine.Machine(system, controller) as pc:
        pc.expect("GNU GRUB")
        pc.expect("off")
        pc.send(DOWN + "\r")
        pc.expect("BOOTED FROM THE GADGET")
        pc.ends()
    contains(traces[0].hosts("medium"), HABITS[system])


def beside(before, behind, found):
    """The BIOS boots from a drive that stands between these functions, or not, as the table of hosts says."""
    file = machine.drive("boot.iso", before=before, behind=behind)
    rows = machine.foretold(file, "bios")
    eq(any(row["driver"] == "usb-msc" for row in rows), found, "in the table of hosts")
    must(harness.ffsctl("up", file, "--wait-host"))
    with machine.Machine("seabios", more=("-machine", "graphics=off")) as pc:
        pc.expect("GNU GRUB" if found else "No bootable device")


def types(text, gadget="keyboard-mouse"):
    must(subprocess.run([KEYS, "--gadget", gadget, "type", text], check=False, capture_output=True, text=True))


def uefi_shell():
    file = f"{SRC}/examples/keyboard-mouse.conf"
    is_known_to_work(machine.foretold(file, "uefi")[0])
    up(file, "--wait-host")
    with machine.Machine("ovmf") as pc:
        pc.ready()
        with open(must(harness.ffsctl("status", "keyboard-mouse", "-o", "keyboard.device")).stdout.strip(), "rb", buffering=0) as lights:
            os.set_blocking(lights.fileno(), False)
            eq(lights.read(8), b"\0", "the firmware has switched off the lights")
        types("ver\n")
        pc.expect("UEFI Interactive Shell v")
        pc.ready()
        types("reset -s\n")
        pc.ends()


def another_medium(before, cdrom, entry, then):
    """While the boot menu of a BIOS waits, `reload` puts another medium into the drive."""
    must(harness.ffsctl("up", machine.drive(before, cdrom, removable=True), "--wait-host"))
    with machine.Machine("seabios", more=BOOT_MENU) as pc:
        pc.expect("Press ESC for boot menu")
        pc.send("\x1b")
        number = pc.expect(r"(\d)\. " + entry)[1]
        must(harness.ffsctl("reload", machine.drive("boot.iso", cdrom, removable=True)))
        pc.send(number)
        pc.expect(then)


def boot_menu(controller):
    """The keyboard opens the BIOS's boot menu and selects the second of two disks; without it the first would boot, and say
    nothing of this menu."""
    file = f"{SRC}/gadget.d/keyboard.conf"
    is_known_to_work(machine.foretold(file, "bios")[0])
    up(file, "--wait-host")
    disks = [word for name in ("grub.img", "boot.iso")
             for word in ("-drive", f"file={machine.MACHINES}/{name},format=raw,if=ide,snapshot=on")]
    with machine.Machine("seabios", controller, (*BOOT_MENU, *disks)) as pc:
        pc.expect("Press ESC for boot menu")
        types("\x1b", "keyboard")
        pc.expect(r"Select boot device:[^2]*1\. ata0-0")
        types("2", "keyboard")
        pc.expect("GNU GRUB")
        pc.expect("off")


for CONTROLLER in CONTROLLERS:
    if CONTROLLER == "xhci" or tap.EVERYTHING:
        test(f"a BIOS boots from a disk, by {CONTROLLER}", "seabios", CONTROLLER, False)(boots)
        test(f"a BIOS boots from a CD-ROM, by {CONTROLLER}", "seabios", CONTROLLER, True)(boots)
if tap.EVERYTHING:
    test("a BIOS does not find a drive behind the alternate settings of a network", NET, "", False)(beside)
    test("it finds the drive before them", "", NET, True)(beside)
    test("a BIOS does not find a drive behind a keyboard", KEYBOARD, "", False)(beside)
    test("UEFI boots from a disk", "ovmf", "xhci", False)(boots)
    test("UEFI boots from a CD-ROM", "ovmf", "xhci", True)(boots)
    for CONTROLLER in CONTROLLERS:
        test(f"a keyboard selects a disk in the boot menu of a BIOS, by {CONTROLLER}", CONTROLLER)(boot_menu)
    test("while the boot menu of a BIOS waits, reload puts a CD into the drive, which boots", None, True, "DVD/CD", "GNU GRUB")(another_medium)
    # The drive answers the first command after that with a unit attention, as it must. SeaBIOS's cdrom_boot() asks again, by
    # scsi_is_ready(); its boot_disk() gives up
    test("of a disk it cannot read another medium", "grub.img", False, "USB MSC", "could not read the boot disk")(another_medium)
    test("the shell of UEFI takes what a keyboard types")(uefi_shell)

tap.main()
