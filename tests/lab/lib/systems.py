# SPDX-License-Identifier: GPL-2.0-or-later
"""What the machines of machine.py and lab/host can boot, and their USB host controllers; and the systems whose requests replay.py
plays."""

import pathlib
import re

# Host controllers: {name: the device of QEMU}
CONTROLLERS = {"xhci": "qemu-xhci", "nec-xhci": "nec-usb-xhci", "ehci": "usb-ehci", "uhci": "piix3-usb-uhci", "ohci": "pci-ohci"}


class System:
    """`arguments` are those of QEMU; {machines} is the directory of its disks, {vars} a copy of the variables of UEFI, and a
    # stands for a space. `ready`: what the console prints when the system takes input."""

    def __init__(self, about, memory, arguments, ready, controller="xhci", architecture="amd64"):
        self.about, self.memory, self.arguments, self.ready, self.controller = about, memory, arguments, ready, controller
        self.architecture = architecture  # Debian's name of it


QEMU = {"amd64": "qemu-system-x86_64", "arm64": "qemu-system-aarch64"}
UEFI = ("-M q35 -drive if=pflash,format=raw,readonly=on,file=/usr/share/OVMF/OVMF_CODE.fd "
        "-drive if=pflash,format=raw,file={vars}")
# What these systems ask of a device is played, because they cannot run here: {name: its name in words}
REPLAY_DIRECTORY = pathlib.Path(__file__).resolve().parents[1] / "hosts/replay"
REPLAYS = {path.name: re.search(r"^name: (.*)", path.read_text(), re.MULTILINE)[1]
           for path in sorted(REPLAY_DIRECTORY.iterdir()) if not path.suffix}
# QEMU's TSC is that of the machine below, but all other clocks of the guest are of the lab's virtual time. Linux that takes the TSC for
# its clock has waited less than a second when the lab has waited for half a minute. (lab/machines/grub-medium.cfg has this, too.)
TSC = "tsc=unstable"
SYSTEMS = {
    "seabios": System("a PC's BIOS, which boots from the gadget", 256, "-M pc", None),
    "ovmf": System("UEFI, which boots from the gadget, or starts its shell", 256, UEFI, "Shell> "),
    "grub": System("GRUB with its own drivers of USB, on a PC with BIOS", 64,
                   "-M pc -drive file={machines}/grub.img,format=raw,if=ide,snapshot=on", "second", "ehci"),
    "grub-efi": System("the same on a PC with UEFI", 256,
                       UEFI + " -drive file={machines}/efi.img,format=raw,snapshot=on", "second", "ehci"),
    "linux": System("Debian's Linux, with a shell", 256, "-M q35 -kernel {machines}/vmlinuz -initrd {machines}/initrd "
                    f"-append {TSC}#console=tty0#console=ttyS0#quiet#panic=-1", "LINUX READY"),
    "linux-arm64": System("the same on arm64", 256, "-M virt -cpu cortex-a57 -kernel {machines}/vmlinuz -initrd {machines}/initrd "
                          "-append console=tty0#console=ttyAMA0#quiet#panic=-1", "LINUX READY", architecture="arm64"),
}
