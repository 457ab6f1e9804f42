#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12 speed=high machines mem=2G timeout=900
# lab qemu: no, an emulated machine in an emulated machine takes too long
"""gadget.d/kvm.conf and examples/kvm.py control a PC, from its firmware to a shell of Linux, in QEMU."""

import os
import re
import shutil
import subprocess

import harness
import machine
import tap
from harness import SRC, must, patience
from tap import eq, test

os.environ["PATH"] = f"{harness.BUILD}:{SRC}/examples:{os.environ['PATH']}"
tap.cleanup(lambda: harness.ffsctl("down", "--all"))
EV_KEY, EV_REL, EV_ABS = 1, 2, 3  # linux/input-event-codes.h
# Wheel and pointer of the tablet
REL_WHEEL, REL_WHEEL_HI_RES, ABS_X, ABS_Y, BTN_LEFT = 8, 11, 0, 1, 0x110
KEY_VOLUMEUP = 115


def kvm(*words):
    return must(subprocess.run(["kvm.py", *map(str, words)], check=False, stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               timeout=patience(60))).stdout


class Events:
    """What comes from the guest's input devices."""

    def __init__(self, guest):
        self.guest = guest
        guest.run("for e in /dev/input/event*; do (cat $e > /tmp/${e##*/} &); done")
        # Linux drops what an HID device sends until 50 ms after it was opened (usbhid_open())
        guest.wait_for("[ $(ls -l /proc/[0-9]*/fd 2> /dev/null | grep -c /dev/input/event) = $(ls /dev/input | grep -c event) ]")

    def take(self):
        """Returns the events (type, code, value) since the last call, without those that end a report."""
        self.guest.run("sleep 1")
        text = self.guest.run("for e in /tmp/event*; do xxd -p -c 24 $e; : > $e; done")
        found = []
        for line in re.findall(r"[0-9a-f]{48}", text):
            data = bytes.fromhex(line)
            found.append((int.from_bytes(data[16:18], "little"), int.from_bytes(data[18:20], "little"),
                          int.from_bytes(data[20:24], "little", signed=True)))
        return [event for event in found if event[0] in (EV_KEY, EV_REL, EV_ABS)]


@test("from power-on to a shell: keys in the firmware and in GRUB's menu, boot from its CD, keys, pointer, lights and another CD in Linux")
def power_on_to_shell():
    os.makedirs("/run/ffsctl/gadget.d", exist_ok=True)
    shutil.copy(f"{SRC}/gadget.d/kvm.conf", "/run/ffsctl/gadget.d")
    must(harness.ffsctl("up", "kvm", "--wait-host"))
    with machine.Machine("ovmf", more=("-device", "VGA", "-m", "512"), reboots=True) as pc:
        pc.ready()
        kvm("type", "ver\n")
        pc.expect("UEFI Interactive Shell v")
        pc.ready()
        kvm("insert", f"{machine.MACHINES}/boot.iso", "type", "reset\n")
        pc.expect("GNU GRUB")
        pc.expect("off")
        kvm("key", "Down", "key", "Up", "key", "Enter")
        pc.expect("LINUX READY")
        pc.shell(ready=False)
        pc.wait_for("[ -b /dev/sr0 ] && [ $(ls /dev/input | grep -c event) -ge 3 ]")
        eq(pc.run("dd if=/dev/sr0 bs=2048 skip=16 count=1 2> /dev/null | head -c 6 | tail -c 5"), "CD001")
        # The screen's shell
        kvm("type", "echo Typed > /tmp/typed", "key", "Enter")
        pc.wait_for("[ -s /tmp/typed ]")
        eq(pc.run("cat /tmp/typed"), "Typed\n")
        events = Events(pc)
        kvm("move", 25, 75, "click", "wheel", -1)
        eq(events.take(), [(EV_ABS, ABS_X, 8192), (EV_ABS, ABS_Y, 24575), (EV_KEY, BTN_LEFT, 1), (EV_KEY, BTN_LEFT, 0),
                           (EV_REL, REL_WHEEL, -1), (EV_REL, REL_WHEEL_HI_RES, -120)])
        kvm("media", "VolumeUp")
        eq(events.take(), [(EV_KEY, KEY_VOLUMEUP, 1), (EV_KEY, KEY_VOLUMEUP, 0)])
        for brightness, lights in (1, "CapsLock\n"), (0, "\n"):
            pc.run(f"for l in /sys/class/leds/*::capslock; do echo {brightness} > $l/brightness; done; sleep 1")
            eq(kvm("lights"), lights)
        kvm("eject")
        pc.wait_for("! dd if=/dev/sr0 of=/dev/null bs=2048 count=1 2> /dev/null")
        kvm("insert", f"{machine.MACHINES}/boot.iso")
        pc.wait_for("dd if=/dev/sr0 of=/dev/null bs=2048 count=1 2> /dev/null")


tap.main()
