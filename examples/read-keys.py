#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Prints what is typed on a USB keyboard, on a host that has no HID driver, such as the one of lab/run:

    host# ./read-keys.py &
    ./keyboard-mouse.py --gadget keyboard type 'Hello, world'

Needs root and only the standard library. Ends when the keyboard is disconnected. Keys are printed as those
of a US keyboard; keys without a character are printed as their code: <0x3a>.
"""

import ctypes
import errno
import fcntl
import os
import pathlib
import signal
import string
import sys

# Characters of the key codes from 4 and from 0x33 on, alone and with Shift (HID Usage Tables, Keyboard page)
PLAIN = dict(enumerate(string.ascii_lowercase + "1234567890\n\x1b\b\t -=[]\\", 4)) | dict(enumerate(";'`,./", 0x33))
SHIFTED = dict(enumerate(string.ascii_uppercase + "!@#$%^&*()\n\x1b\b\t _+{}|", 4)) | dict(enumerate(':"~<>?', 0x33))
SHIFT = 0x22  # of the modifiers, left and right


class BulkTransfer(ctypes.Structure):
    """struct usbdevfs_bulktransfer of linux/usbdevice_fs.h. The ioctl also reads interrupt endpoints."""

    _fields_ = [("ep", ctypes.c_uint), ("len", ctypes.c_uint), ("timeout", ctypes.c_uint), ("data", ctypes.c_void_p)]


USBDEVFS_BULK = 0xC0005502 | ctypes.sizeof(BulkTransfer) << 16
USBDEVFS_CLAIMINTERFACE = 0x8004550F


def find_keyboard():
    """Returns the sysfs directory of the first interface of a keyboard (class HID, boot protocol) without a driver."""
    driver = None
    for path in sorted(pathlib.Path("/sys/bus/usb/devices").glob("*:*")):
        kind = [(path / f"bInterface{name}").read_text().strip() for name in ("Class", "SubClass", "Protocol")]
        if kind != ["03", "01", "01"]:
            continue
        if not (path / "driver").exists():
            return path
        driver = (path / "driver").resolve().name
    if driver == "usbfs":
        sys.exit("read-keys.py: another program reads the keyboard")
    if driver:
        sys.exit(f"read-keys.py: the driver {driver} has the keyboard: what is typed appears in a terminal of the host")
    sys.exit("read-keys.py: no keyboard: bring one up first, for example with 'ffsctl up keyboard --wait-host'")


def claim(interface):
    """Opens the interface's device."""
    device = interface.resolve().parent
    bus, number = (int((device / name).read_text()) for name in ("busnum", "devnum"))
    fd = os.open(f"/dev/bus/usb/{bus:03}/{number:03}", os.O_RDWR)
    index = int((interface / "bInterfaceNumber").read_text(), 16)
    fcntl.ioctl(fd, USBDEVFS_CLAIMINTERFACE, index.to_bytes(4, sys.byteorder))
    return fd


def reports(fd, endpoint):
    """Yields the reports of an endpoint, a directory of sysfs, until the device is disconnected. Linux as a device
    sends an empty packet after a report that fills its packet."""
    address, length = (int((endpoint / name).read_text(), 16) for name in ("bEndpointAddress", "wMaxPacketSize"))
    buffer = ctypes.create_string_buffer(length)
    while True:
        try:
            received = fcntl.ioctl(fd, USBDEVFS_BULK, BulkTransfer(address, length, 0, ctypes.addressof(buffer)))
        except OSError as e:
            if e.errno in (errno.ENODEV, errno.ESHUTDOWN):
                return
            # Transfers also fail so until the kernel has noticed that the device was disconnected
            if e.errno not in (errno.EPROTO, errno.EILSEQ, errno.ETIME):
                raise
            continue
        if received:
            yield buffer.raw[:received]


def main():
    # Python's handler of Ctrl-C would run after the next report: only what kills the program ends the kernel's wait
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    interface = find_keyboard()
    fd = claim(interface)
    endpoint = next(e for e in interface.glob("ep_*") if (e / "direction").read_text() == "in\n")
    print(f"read-keys.py: reading the keys of {interface.name} until Ctrl-C", file=sys.stderr)
    pressed = set()
    for report in reports(fd, endpoint):
        # Modifiers, 0, and up to six pressed keys: a key was typed if it is new
        keys = [key for key in report[2:8] if key]
        characters = SHIFTED if report[0] & SHIFT else PLAIN
        print(*(characters.get(key, f"<{key:#04x}>") for key in keys if key not in pressed), sep="", end="", flush=True)
        pressed = set(keys)


try:
    main()
except OSError as e:
    sys.exit(f"read-keys.py: {e}")
