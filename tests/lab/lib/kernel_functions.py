# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes what some kernel functions need before a host can enumerate their gadget: a program that opens the video device,
drives for the tcm function, a sound card."""

import contextlib
import fcntl
import os
import pathlib
import select
import struct
import threading

import gadgets
import harness
import ioctls
import tap
from harness import ffsctl, must

# Functions with isochronous endpoints. dummy_hcd does not support such endpoints; usbip-vudc does, but at one speed only
ISOCHRONOUS = {"uac1", "uac1_legacy", "uac2", "uvc"}
# The kernel keeps a gadget with one of these functions disconnected until a host has configured the gadget. As a host
# cannot configure a disconnected gadget, no host can read the gadget's descriptors (test_warnings.py).
NEVER_SEEN = {"obex"}

VIDIOC_SUBSCRIBE_EVENT = 0x4020565A
UVCIOC_SEND_RESPONSE = 0x40405501
UVC_EVENT_SETUP = 0x08000004


def stall_all(fd, end):
    """Stalls all requests of the host's driver, because the driver waits a long time for an answer."""
    poll = select.poll()
    poll.register(fd, select.POLLPRI)
    poll.register(end, select.POLLHUP)
    while not any(ready == end for ready, _ in poll.poll()):
        fcntl.ioctl(fd, ioctls.VIDIOC_DQEVENT, bytearray(struct.calcsize(ioctls.V4L2_EVENT_FORM)))
        fcntl.ioctl(fd, UVCIOC_SEND_RESPONSE, struct.pack("=i60x", -1))


@contextlib.contextmanager
def camera(number=0):
    fd = os.open(f"/dev/video{number}", os.O_RDWR | os.O_NONBLOCK)
    end, stop = os.pipe()
    try:
        fcntl.ioctl(fd, VIDIOC_SUBSCRIBE_EVENT, struct.pack("=I28x", UVC_EVENT_SETUP))
        thread = threading.Thread(target=stall_all, args=(fd, end))
        thread.start()
        yield
    finally:
        os.close(stop)
        thread.join()
        os.close(end)
        os.close(fd)


TARGET = pathlib.Path("/sys/kernel/config/target")


def write_for_now(stack, file, text, later):
    file.write_text(text)
    stack.callback(file.write_text, later)


def directory_for_now(stack, path):
    path.mkdir()
    stack.callback(path.rmdir)
    return path


def drive_for_now(stack, group, number):
    """Makes a RAM disk and adds it as a drive (LUN) to the target portal group. Removes the LUN and the RAM disk when
    `stack` is closed."""
    ram = directory_for_now(stack, directory_for_now(stack, TARGET / f"core/rd_mcp_{number}") / "ram")
    (ram / "control").write_text("rd_pages=256\n")
    (ram / "enable").write_text("1\n")
    link = directory_for_now(stack, group / f"lun/lun_{number}") / "ram"
    link.symlink_to(ram)
    stack.callback(link.unlink)


@contextlib.contextmanager
def host_driver_delayed():
    """Delays the host's driver, so that it sends no command to the drives, because f_tcm.c frees the first command of BOT
    (bulk-only transport) twice (refcount_t: underflow)."""
    with contextlib.ExitStack() as stack:
        delay = pathlib.Path("/sys/module/usb_storage/parameters/delay_use")
        write_for_now(stack, delay, "3600", delay.read_text())
        yield


@contextlib.contextmanager
def tcm_target(drives=1):
    """Makes a target for the tcm function. The function must exist already."""
    with contextlib.ExitStack() as stack:
        stack.enter_context(host_driver_delayed())
        fabric = directory_for_now(stack, TARGET / "usb_gadget")
        wwn = directory_for_now(stack, fabric / "naa.6001405000000001")
        group = directory_for_now(stack, wwn / "tpgt_1")
        write_for_now(stack, group / "nexus", f"{wwn.name}\n", "NULL\n")
        for number in range(drives):
            drive_for_now(stack, group, number)
        write_for_now(stack, group / "enable", "1\n", "0\n")
        yield


@contextlib.contextmanager
def sound_card():
    """Makes the sound card 0, to which uac1_legacy plays. The card is that of a function uac2 in a second gadget, which
    is not connected to a host."""
    path = gadgets.DIRECTORY / "card.conf"
    path.write_text('functions : { sound : { type = "uac2"; }; };\n')
    must(ffsctl("up", "--udc", "usbip-vudc.1", path))
    try:
        yield
    finally:
        harness.down("card")


def needs_function(kind):
    """Skips a test if the kernel has no such function. The kernels of User-Mode Linux have all (tests/expected-skips)."""
    top = pathlib.Path(harness.CONFIGFS, "needs-function")
    function = top / "functions" / f"{kind}.x"
    top.mkdir()
    try:
        function.mkdir()
        function.rmdir()
    except FileNotFoundError:
        tap.skip(f"the kernel has no function {kind}")
    finally:
        top.rmdir()


@contextlib.contextmanager
def up_and_configured(path, kind=None, isochronous=False, speed="high", call=lambda *args: must(ffsctl(*args))):
    """Brings up the gadget of a file, makes what functions of type `kind` need, and waits until the host has configured
    the gadget, if that is possible (see NEVER_SEEN). `kind`: a type, or a list of the types of all functions. `speed`: that
    of a gadget with isochronous endpoints. `call`: calls ffsctl."""
    kinds = [kind] if isinstance(kind, (str, type(None))) else kind
    isochronous = isochronous or any(kind in ISOCHRONOUS for kind in kinds)
    udc = harness.ISOCHRONOUS_UDC if isochronous else "dummy_udc.0"
    with contextlib.ExitStack() as stack:
        if "uac1_legacy" in kinds:
            stack.enter_context(sound_card())
        with contextlib.nullcontext() if NEVER_SEEN & set(kinds) else harness.configured():
            call("up", path, *(["--no-bind"] if "tcm" in kinds else ["--udc", udc]))
            stack.callback(harness.down, path.stem)
            if "tcm" in kinds:
                stack.enter_context(tcm_target())
                stack.callback(lambda: must(ffsctl("unbind", path.stem)))
                call("bind", path.stem, udc)
            for number in range(kinds.count("uvc")):
                stack.enter_context(camera(number))
            if isochronous:
                for plug in harness.attach(udc, speed):
                    stack.callback(plug.close)
        yield
