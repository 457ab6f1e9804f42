#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=0 vudcs=2
# lab all: kernel=6.12,6.1 udcs=0 vudcs=2
"""`status` shows the video device of each gadget's camera, also if two gadgets have functions with the same name."""

import pathlib

import gadgets
import harness
from harness import down, status, up
from tap import eq, main, test

harness.leaves_nothing()


def camera(name):
    path = gadgets.DIRECTORY / (name + ".conf")
    path.write_text(f'udc = "usbip-vudc.{"ab".index(name)}";\n'
                    'functions : { cam : { type = "uvc"; attrs : { formats = ( { type = "mjpeg";'
                    ' frames = ( { width = 640; height = 360; } ); } ); }; }; };\n')
    return path


def device(name):
    """Returns the video device that the kernel has made below the gadget's UDC."""
    top = pathlib.Path("/sys/devices/platform", f'usbip-vudc.{"ab".index(name)}')
    return "/dev/" + next(top.glob("gadget*/video4linux/video*")).name


@test("two gadgets with a camera of the same name: each has its own; unbound: none")
def same_name_own_device():
    for name in "ab":
        up(camera(name))
    eq([status(name)[0]["functions"][0]["device"] for name in "ab"], [device("a"), device("b")])
    harness.must(harness.ffsctl("unbind", "b"))
    eq([status(name)[0]["functions"][0]["device"] for name in "ab"], [device("a"), None])
    down("a", "b")


main()
