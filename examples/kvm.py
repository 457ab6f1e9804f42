#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Controls the host of gadget.d/kvm.conf: keys, pointer and medium.

    kvm.py type 'Hello, world'      text, by the keys of a US keyboard
    kvm.py key F12                  keys by name; Ctrl+Alt+Delete: several at once
    kvm.py move 50 50 click         percent of the screen from the left and from the top; click, click right, wheel -1
    kvm.py media VolumeUp           Mute, VolumeUp, VolumeDown, PlayPause, Next, Previous, Stop, Power, Sleep
    kvm.py insert FILE              a medium into the drive, while the host runs; eject
    kvm.py lights                   prints which lights of the keyboard are on

Several commands may follow one another: kvm.py key F12 type 1. It wakes a host that sleeps and allows it, and says so if a host
does not read what it sends. The host's keyboard layout decides what keys type.
"""

import errno
import os
import pathlib
import select
import string
import struct
import subprocess
import sys
import tempfile

GADGET = "kvm"
SECONDS = 5  # until the host must have read a report
RUN = pathlib.Path("/run/ffsctl/gadget.d")

# Usages of the Keyboard page (HID Usage Tables 1.4, 10)
KEYS = dict(zip(string.ascii_lowercase + "1234567890", range(0x04, 0x28)))
KEYS |= {"enter": 0x28, "esc": 0x29, "backspace": 0x2A, "tab": 0x2B, "space": 0x2C, "capslock": 0x39, "printscreen": 0x46,
         "scrolllock": 0x47, "pause": 0x48, "insert": 0x49, "home": 0x4A, "pageup": 0x4B, "delete": 0x4C, "end": 0x4D,
         "pagedown": 0x4E, "right": 0x4F, "left": 0x50, "down": 0x51, "up": 0x52, "numlock": 0x53, "menu": 0x65}
KEYS |= {f"f{n}": 0x39 + n for n in range(1, 13)}
MODIFIERS = {"ctrl": 0x01, "shift": 0x02, "alt": 0x04, "meta": 0x08, "altgr": 0x40}
# Characters, by the keys of a US keyboard
PLAIN = dict(zip(string.ascii_lowercase + "1234567890\n\x1b\b\t -=[]\\", range(0x04, 0x32))) | dict(zip(";'`,./", range(0x33, 0x39)))
SHIFTED = dict(zip('!@#$%^&*()_+{}|:"~<>?' + string.ascii_uppercase, "1234567890-=[]\\;'`,./" + string.ascii_lowercase))
# Usages of the Consumer page (15)
MEDIA = {"power": 0x30, "sleep": 0x32, "next": 0xB5, "previous": 0xB6, "stop": 0xB7, "playpause": 0xCD, "mute": 0xE2,
         "volumeup": 0xE9, "volumedown": 0xEA}
BUTTONS = {"left": 1, "right": 2, "middle": 4}
LIGHTS = ("NumLock", "CapsLock", "ScrollLock", "Compose", "Kana")
MAXIMUM = 32767  # of the pointer's position


def give_up(text):
    raise SystemExit("kvm.py: " + text)


def ffsctl(*args):
    """Runs ffsctl, which must succeed; returns what it prints. It has printed the reason if it fails."""
    try:
        done = subprocess.run(["ffsctl", *args], check=False, stdout=subprocess.PIPE, text=True)
    except FileNotFoundError:
        give_up("cannot find ffsctl: add its directory to PATH")
    if done.returncode:
        raise SystemExit(done.returncode)
    return done.stdout.rstrip("\n")


class Device:
    """The /dev/hidgN of a function."""

    opened = {}

    def __init__(self, function):
        self.path, udc = ffsctl("status", GADGET, "-o", f"{function}.device,udc").split("\t")
        if self.path == "-":
            give_up(f"the gadget {GADGET} is not up: ffsctl up {GADGET} --wait-host")
        directory = pathlib.Path("/sys/class/udc", udc)
        # Only root may wake the host
        if os.access(directory / "srp", os.W_OK) and (directory / "gadget/suspended").read_text() == "1\n":
            (directory / "srp").write_text("1")
        # A blocking write would wait for ever for a host that does not read
        self.fd = os.open(self.path, os.O_RDWR | os.O_NONBLOCK)

    @classmethod
    def of(cls, function):
        if function not in cls.opened:
            cls.opened[function] = cls(function)
        return cls.opened[function]

    def write(self, report):
        poll = select.poll()
        poll.register(self.fd, select.POLLOUT)
        try:
            if poll.poll(SECONDS * 1000):
                os.write(self.fd, report)
                return
        except OSError as e:
            if e.errno != errno.ESHUTDOWN:
                raise
        state = ffsctl("status", GADGET, "-o", "udc_state")
        if state == "suspended":
            give_up("the host is asleep, and does not allow this device to wake it")
        if state == "configured":
            give_up(f"the host does not read {self.path}: it has no driver for it yet. It gets the last report when it reads again")
        give_up(f"no host uses the gadget: ffsctl wait {GADGET} --for configured")


def press(modifiers, keys):
    """Presses keys at once and releases them."""
    keyboard = Device.of("keyboard")
    keyboard.write(bytes([modifiers, 0, *keys]).ljust(8, b"\0"))
    keyboard.write(bytes(8))


def type_text(text):
    for c in text:
        if c not in PLAIN and c not in SHIFTED:
            give_up(f"a US keyboard has no key for {c!r}")
        press(MODIFIERS["shift"] * (c in SHIFTED), [PLAIN[SHIFTED.get(c, c)]])


def key(name):
    words = name.lower().split("+")
    wrong = [word for word in words if word not in KEYS and word not in MODIFIERS]
    if wrong:
        give_up(f"no key has the name '{wrong[0]}': {', '.join([*KEYS, *MODIFIERS])}")
    press(sum(MODIFIERS.get(word, 0) for word in words), [KEYS[word] for word in words if word in KEYS])


class Pointer:
    """The position of the pointer in percent. The host does not report it."""

    x = y = 50.0

    @classmethod
    def report(cls, buttons=0, wheel=0):
        x, y = (round(max(0.0, min(100.0, v)) * MAXIMUM / 100) for v in (cls.x, cls.y))
        Device.of("pointer").write(struct.pack("<BHHb", buttons, x, y, wheel))


def move(x, y):
    Pointer.x, Pointer.y = float(x), float(y)
    Pointer.report()


def click(button):
    Pointer.report(buttons=BUTTONS[button])
    Pointer.report()


def media(name):
    usage = MEDIA.get(name.lower()) or give_up(f"no media key has the name '{name}': {', '.join(MEDIA)}")
    for value in (usage, 0):
        Device.of("media_keys").write(struct.pack("<H", value))


def drop_in():
    """Returns the path of the drop-in that has the medium: in /run, whose drop-ins an installed gadget file has, too; or beside
    a gadget file of yours."""
    file = pathlib.Path(ffsctl("status", GADGET, "-o", "file"))
    directory = RUN if file.parent.parts[-2:] == RUN.parts[-2:] else file.parent
    return directory / (file.name + ".d") / "90-medium.conf"


def change_medium(text):
    """Changes the drive's medium by a drop-in of the gadget file. The host sees no disconnect."""
    path = drop_in()
    path.parent.mkdir(parents=True, exist_ok=True)
    with tempfile.NamedTemporaryFile("w", dir=path.parent, delete=False) as f:
        f.write(text)
    os.chmod(f.name, 0o644)
    os.rename(f.name, path)
    ffsctl("reload", GADGET)


def insert(file):
    path = os.path.realpath(file)
    if not os.path.exists(path):
        give_up(f"{file} does not exist")
    quoted = path.replace("\\", "\\\\").replace('"', '\\"')
    change_medium('functions : { disk : { attrs : { luns = ( { removable = true; cdrom = true; ro = true; '
                  f'file = "{quoted}"; inquiry_string = "ffsctl  KVM drive       0100"; }} ); }}; }}; }};\n')


def eject():
    drop_in().unlink(missing_ok=True)
    ffsctl("reload", GADGET)


def lights():
    keyboard = Device.of("keyboard")
    last = 0
    try:
        while report := os.read(keyboard.fd, 1):
            last = report[0]
    except BlockingIOError:
        pass
    print(" ".join(name for n, name in enumerate(LIGHTS) if last >> n & 1))


COMMANDS = {"type": (type_text, 1), "key": (key, 1), "move": (move, 2), "media": (media, 1), "insert": (insert, 1),
            "eject": (eject, 0), "lights": (lights, 0), "wheel": (lambda n: Pointer.report(wheel=int(n)), 1)}


def main(words):
    while words:
        word = words.pop(0)
        if word == "click":
            click(words.pop(0) if words and words[0] in BUTTONS else "left")
        elif word in COMMANDS and len(words) >= COMMANDS[word][1]:
            function, count = COMMANDS[word]
            function(*words[:count])
            del words[:count]
        else:
            raise SystemExit(__doc__)


try:
    main(sys.argv[1:] or ["help"])
except OSError as e:
    give_up(str(e))
