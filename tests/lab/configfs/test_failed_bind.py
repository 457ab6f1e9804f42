#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: stock vudcs=1
# lab all: kernel=6.12,6.1 stock vudcs=1
# lab all: kernel=6.12,6.1 vudcs=1
"""A bind that fails leaves nothing in the kernel. The functions uvc and obex deactivate the gadget, and Linux 6.1 and 6.12
do not activate it again when a bind fails: no host would see the next gadget on that UDC."""

import contextlib
import errno
import fcntl
import os
import pathlib
import struct
import subprocess

import gadgets
import harness
import tap
from gadgets import LOOPBACK, gadget
from harness import down, ffsctl, must, status, up
from tap import contains, eq, ok, test

CONNECTS = ("--wait-host", "--timeout", "30")
# dummy_udc has no isochronous endpoint, usbip-vudc has
DUMMY, VUDC = "dummy_udc.0", "usbip-vudc.0"
CAMERA = 'cam : { type = "uvc"; attrs : { formats = ( { type = "mjpeg"; frames = ( { width = 640; height = 360; } ); } ); }; };'
OBEX = 'box : { type = "obex"; };'
SOUND = 'f : { ffs : { interfaces = ( { endpoints = ( { type = "iso"; direction = "in"; max_packet = 64; } ); } ); }; };'
VIDIOC_SUBSCRIBE_EVENT, UVC_EVENT_SETUP = 0x4020565A, 0x08000004

harness.leaves_nothing()


def write(name, functions):
    path = gadgets.DIRECTORY / (name + ".conf")
    path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : {\n%s\n};\n" % functions)
    return path


def fails_on_dummy(*command):
    result = ffsctl(*command)
    said = result.stderr
    ok(result.returncode in (69, 71), f"exit {result.returncode}: {said}")  # no endpoint; EINVAL of uvc
    contains(said, f"cannot bind the gadget to the UDC {DUMMY}")
    ok("keeps the UDC disconnected" not in said, said)
    eq([name for name in os.listdir("/sys/kernel/config/usb_gadget") if name.startswith(".")], [])


for what, functions in {"that deactivates the gadget": CAMERA, "after one that has deactivated it": OBEX + SOUND,
                        "that deactivates it, after another one": OBEX + CAMERA}.items():
    @test(f"the next gadget connects after the bind of a function failed {what}")
    def next_gadget_connects(functions=functions):
        for _ in range(2):
            fails_on_dummy("up", write("x", functions), "--udc", DUMMY)
            up(gadget("next", LOOPBACK), "--udc", DUMMY, *CONNECTS)
            down("next")


@test("the next gadget of another program connects")
def next_foreign_gadget_connects():
    fails_on_dummy("up", write("x", CAMERA), "--udc", DUMMY)
    with gadgets.foreign(bound=False) as top:
        with harness.configured():
            (top / "UDC").write_text(DUMMY)


@test("a gadget connects again when a reload to a camera was reverted")
def reverted_reload_connects():
    path = pathlib.Path(gadget("x", LOOPBACK))
    up(path, "--udc", DUMMY, *CONNECTS)
    before = path.read_text()
    path.write_text(before.replace("functions : {", "functions : {" + CAMERA))
    with harness.configured():
        fails_on_dummy("reload", "x")
    path.write_text(before)
    eq(status("x")[0]["state"], "ready")
    down("x")


@test("the next gadget connects after the UDC of another one was removed and added, and the kernel could not bind that again")
def failed_rebind_by_kernel():
    # The network device has outlived its parent (u_ether.c)
    up(write("x", OBEX + 'net : { type = "ecm"; };'), "--udc", DUMMY)
    for action in "unbind", "bind":
        (harness.UDC_DRIVER / action).write_text(DUMMY)
    gadgets.await_status("x", lambda shown: "cannot bind the gadget" in str(shown["problems"]), "degraded")
    must(ffsctl("unbind", "x"))
    up(gadget("next", LOOPBACK), "--udc", DUMMY, *CONNECTS)
    down("next", "x")


def run(*words):
    must(subprocess.run(words, capture_output=True, text=True, check=False))


@test("without FunctionFS the UDC cannot be activated: the error says so, and what helps")
def without_functionfs():
    modules = f"/lib/modules/{os.uname().release}"
    run("modprobe", "usb_f_uvc")
    run("rmmod", "usb_f_fs")
    run("mount", "-n", "-t", "tmpfs", "none", modules)
    try:
        said = must(ffsctl("up", write("x", CAMERA), "--udc", DUMMY), 71).stderr
        contains(said, f"the kernel keeps the UDC {DUMMY} disconnected from the host after a failed bind, and ffsctl cannot "
                       "change that: ")
        contains(said, "; bind a gadget to the UDC, unbind it, and bind it again\n")
    finally:
        run("umount", "-n", modules)
        run("modprobe", "usb_f_fs")
    up(gadget("next", LOOPBACK), "--udc", DUMMY)
    must(ffsctl("unbind", "next"))
    with harness.configured():
        must(ffsctl("bind", "next"))
    down("next")


@contextlib.contextmanager
def program_of_camera():
    """Subscribes to the events of the only camera, as a program does before it answers the host."""
    video, = pathlib.Path(f"/sys/devices/platform/{VUDC}").glob("gadget*/video4linux/video*")
    fd = os.open(f"/dev/{video.name}", os.O_RDWR)
    try:
        fcntl.ioctl(fd, VIDIOC_SUBSCRIBE_EVENT, struct.pack("8I", UVC_EVENT_SETUP, 0, 0, 0, 0, 0, 0, 0))
        yield
    finally:
        os.close(fd)


def attach_fails():
    """Returns whether usbip-vudc refuses a connection because the gadget is disconnected (vudc_sysfs.c)."""
    try:
        for socket in harness.attach(VUDC):
            socket.close()
    except OSError as e:
        eq(e.errno, errno.ENODEV)
        return True
    return False


def camera_connects_with_its_program(between):
    path = write("x", CAMERA)
    up(path, "--no-bind")
    fails_on_dummy("bind", "x", DUMMY)
    between(path)
    must(ffsctl("bind", "x", VUDC))
    ok(attach_fails(), "the camera is connected without a program")
    with program_of_camera():
        ok(not attach_fails(), "the camera is disconnected although its program is ready")
    ok(attach_fails(), "the camera is still connected after its program has ended")
    down("x")


@test("a camera that could not be bound before connects when its program is ready, and not earlier")
def camera_is_bound_again():
    camera_connects_with_its_program(lambda _: None)


@test("the same after a takeover")
def camera_is_taken_over():
    def take_over(path):
        harness.kill(status("x")[0]["supervisor"])
        contains(up(path, "--no-bind").stderr, gadgets.TAKEN_OVER)

    camera_connects_with_its_program(take_over)


tap.main()
