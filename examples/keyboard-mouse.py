#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Types and moves the mouse on the host of keyboard-mouse.conf, or of another gadget with functions of these names:

    keyboard-mouse.py type 'Hello, world' move 100 50 click
    keyboard-mouse.py --gadget keyboard type hello enter

read-keys.py prints what a host without a HID driver receives.

A report has the keys that are pressed now; each key takes a report with it and an empty one. The key
codes are those of a US keyboard (HID Usage Tables, Keyboard page); the host's keyboard layout decides
what they type.
"""

import contextlib
import errno
import os
import pathlib
import select
import string
import subprocess
import sys

SHIFT = 0x02  # of the modifiers, left
PLAIN = dict(zip(string.ascii_lowercase + "1234567890\n\x1b\b\t -=[]\\", range(4, 50)))
PLAIN |= dict(zip(";'`,./", range(0x33, 0x39)))
SHIFTED = dict(zip('!@#$%^&*()_+{}|:"~<>?' + string.ascii_uppercase,
                   "1234567890-=[]\\;'`,./" + string.ascii_lowercase))


SECONDS = 5  # until the host must have read a report

gadget = "keyboard-mouse"


def status(*fields):
    """Returns these fields of the gadget's status."""
    try:
        answer = subprocess.run(["ffsctl", "status", gadget, "-o", ",".join(fields)], check=False,
                                stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        raise SystemExit("keyboard-mouse.py: cannot find ffsctl: add its directory to PATH") from None
    if not answer.stdout:
        raise SystemExit(answer.returncode)  # ffsctl has printed the reason
    return answer.stdout.rstrip("\n").split("\t")


def find_device(function):
    """Returns the function's /dev/hidgN, whose number the kernel has chosen, and the name of the UDC."""
    state, kind, path, udc = status("state", f"{function}.type", f"{function}.device", "udc")
    if state == "down":
        raise SystemExit(f"keyboard-mouse.py: the gadget {gadget} is not up (--gadget NAME selects another one)")
    if kind != "hid":
        raise SystemExit(f"keyboard-mouse.py: the gadget {gadget} has no function '{function}' of type hid: "
                         "call one so in its file")
    if path == "-":
        raise SystemExit(f"keyboard-mouse.py: the gadget {gadget} is {state}: bind it with 'ffsctl up FILE'")
    return path, udc


def wake_host(udc):
    """Wakes a host that has suspended the gadget, if it allows this. The kernel's function hid does not do so itself."""
    directory = pathlib.Path("/sys/class/udc", udc)
    # Only root may, and the UDC may be gone; then write() says that the host does not read
    with contextlib.suppress(PermissionError, FileNotFoundError):
        if (directory / "gadget/suspended").read_text() == "1\n":
            (directory / "srp").write_text("1")


class Device:
    """The function's device."""

    def __init__(self, function):
        self.path, udc = find_device(function)
        wake_host(udc)
        # A blocking write would wait for ever for a host that does not read
        self.fd = os.open(self.path, os.O_WRONLY | os.O_NONBLOCK)

    def close(self):
        os.close(self.fd)

    def write(self, report):
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        try:
            if poll.poll(SECONDS * 1000):
                os.write(self.fd, report)
                return
            if status("udc_state")[0] in ("configured", "suspended"):
                raise SystemExit(f"keyboard-mouse.py: the host has not read the last report of {self.path}: it sleeps, "
                                 "or has no driver for it. It gets that report when it reads again")
        except OSError as e:
            if e.errno != errno.ESHUTDOWN:
                raise
        raise SystemExit("keyboard-mouse.py: no host has configured the gadget: "
                         f"'ffsctl wait {gadget} --for configured' waits for one")


def device(function):
    return contextlib.closing(Device(function))


def type_text(text):
    with device("keyboard") as keyboard:
        for c in text:
            if c not in PLAIN and c not in SHIFTED:
                raise SystemExit(f"keyboard-mouse.py: a US keyboard has no key for {c!r}")
            # modifiers, 0, and up to six keys
            keyboard.write(bytes([SHIFT * (c in SHIFTED), 0, PLAIN[SHIFTED.get(c, c)], 0, 0, 0, 0, 0]))
            keyboard.write(bytes(8))


def mouse_report(mouse, buttons, x=0, y=0, wheel=0):
    mouse.write(bytes([buttons, x & 255, y & 255, wheel & 255]))


def move(x, y):
    """Moves the pointer relative to its position; a report moves it by at most 127."""
    with device("mouse") as mouse:
        while x or y:
            dx, dy = (max(-127, min(127, v)) for v in (x, y))
            mouse_report(mouse, 0, dx, dy)
            x, y = x - dx, y - dy


def click(button=1):
    """Clicks button 1 (left), 2 (right) or 3 (middle)."""
    with device("mouse") as mouse:
        mouse_report(mouse, 1 << button - 1)
        mouse_report(mouse, 0)


def main(words):
    global gadget
    if words[0] == "--gadget" and len(words) > 1:
        gadget, words = words[1], words[2:] or ["help"]
    while words:
        word = words.pop(0)
        if word == "type" and words:
            type_text(words.pop(0))
        elif word == "enter":
            type_text("\n")
        elif word == "move" and len(words) >= 2:
            move(int(words.pop(0)), int(words.pop(0)))
        elif word == "click":
            click()
        else:
            raise SystemExit(__doc__)


try:
    main(sys.argv[1:] or ["help"])
except OSError as e:
    raise SystemExit(f"keyboard-mouse.py: {e}") from None
