#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udc=dummy,dwc2,chipidea speed=high
# lab stock: no, it has the bugs that fixes/0061 to 0069 mend
# lab all: kernel=6.12,6.1 udc=dummy,dwc2,dwc2-ddma,dwc3,chipidea speed=full,high
# lab all: kernel=6.12 flavour=debug udc=dummy,dwc2,dwc2-ddma,dwc3 speed=high
"""Control requests of hosts that do not behave. One gives requests up, and their program answers while the host waits for the answer
of another function: the late answer must not become the answer of the other request. One asks for more than a gadget has room for."""

import contextlib
import errno
import fcntl
import os
import select
import struct
import threading
import time

import usb.core
import usb.util

import gadgets
import harness
import ioctls
import kernel_functions
import tap
import urb
from harness import down, up
from tap import at_most, eq, ok, raises, test

# Stages of a control request: direction, and data to send or their length
STAGES = {"without data": (0x00, 0), "with data to the host": (0x80, 64), "with data to the device": (0x00, bytes(64))}
USBDEVFS_CLAIMINTERFACE = ioctls.number(ioctls.READ, "U", 15, "@I")
LATE, NEVER = 11, 5  # requests of odd_worker.c: the SETUP packet is the data for the host; stalled by the plugin host after 500 ms
MISSES = {errno.EPIPE: "stalled", errno.ETIMEDOUT: "given up"}

harness.leaves_nothing()


def ask(device, interface, request, milliseconds, stages, timeout=5000):
    """Sends a request that is answered after the given time. Returns its result and its seconds."""
    direction, data = stages
    began = time.monotonic()
    try:
        result = device.ctrl_transfer(direction | 0x41, request, milliseconds, interface, data, timeout)
    except usb.core.USBError as e:
        result = MISSES[e.errno]
    return result, time.monotonic() - began


SLOW = 'ffs : { interfaces = ( { string = "f"; } ); }; worker : { %s };' % gadgets.odd("ready", "setup")


def device_with(function, program=lambda: None):
    """Has a gadget up with this function, which the program serves, and a second one, which answers the request LATE; returns the
    device."""
    path = gadgets.DIRECTORY / "late.conf"
    path.write_text(f"functions : {{ f : {{ {function} }}; g : {{ {SLOW} }}; }};\n")
    with harness.configured():
        up(path)
        program()
    device = harness.device()
    harness.claim(device)
    return device


def answered_by_its_own(device, what="with data to the host", after="one that was given up"):
    """Checks that a request to the second function is answered by that, and when it answers."""
    *_, last = device.get_active_configuration()
    result, took = ask(device, last.bInterfaceNumber, LATE, 300, STAGES[what])
    direction, data = STAGES[what]
    if direction:
        eq(bytes(result), struct.pack("<BBHHH", 0xC1, LATE, 300, last.bInterfaceNumber, data), f"a request {what}, after {after}")
    else:
        eq(result, len(data or b""), f"a request {what}, after {after}")
    ok(0.29 <= took <= 0.3 + at_most(0.2), f"a request {what}, after {after}: {took:.3f} s")


def all_pairs(first, pause, during=contextlib.nullcontext):
    device = device_with(SLOW)
    for given_up, stages in STAGES.items():
        for what in STAGES:
            eq(ask(device, 0, first, 200, stages, 50)[0], "given up", given_up)
            time.sleep(pause)
            with during():
                answered_by_its_own(device, what, f"one {given_up}")
            time.sleep(0.5)
    usb.util.dispose_resources(device)
    down("late")


@test("a program answers a request that the host has given up: the request that the host waits for gets the other function's answer")
def answers():
    all_pairs(LATE, 0.01)


@test("a program does not answer a request that the host has given up: the request that the host waits for is not stalled")
def stalls():
    all_pairs(NEVER, 0.3)


def answers_between(parameter, value):
    # Until 15 ms before the answer
    all_pairs(LATE, 0.135, lambda: harness.udc_host_parameter(parameter, value))


if harness.LAB_UDC != "dummy":
    # For 30 ms: in nanoseconds, and in microframes
    for parameter_, value_, what_ in (("irq_delay", 30_000_000, "the interrupt"), ("setup_gap", 240, "the token")):
        test(f"a program answers a request that the host has given up, between the SETUP packet of the next one and {what_} after it",
             parameter_, value_)(answers_between)


def report():
    device = device_with('type = "hid"; attrs = { report_length = 64; report_desc = [ 0x06, 0, 0xff, 9, 1, 0xa1, 1, 0xc0 ]; };')
    raises(usb.core.USBTimeoutError, device.ctrl_transfer, 0xA1, 1, 0x100, 0, 64, 50)
    time.sleep(2.35)
    answered_by_its_own(device)
    usb.util.dispose_resources(device)
    down("late")


if os.environ["LAB_KERNEL"] != "6.1":  # which answers at once
    test("GET_REPORT, which hid answers after 2.5 s: not if the host has given it up and waits for another function")(report)

def ask_for_much(device, kind, request, length, seconds):
    """Returns how many bytes the device sends for a request to the first interface; None: it does not end the request. USBDEVFS_CONTROL
    refuses requests of more than a page."""
    packet = struct.pack("<BBHHH", kind, request, 0, 0, length)
    transfer = urb.Urb(urb.CONTROL, 0, packet + bytes(length))
    with open(f"/dev/bus/usb/{device.bus:03}/{device.address:03}", "r+b", buffering=0) as node:
        fcntl.ioctl(node, USBDEVFS_CLAIMINTERFACE, struct.pack("=I", 0))
        transfer.submit(node.fileno())
        if not select.select([], [node], [], seconds)[1]:
            return None
        urb.reap(node)
        return transfer.length


@test("a host asks for more data than the gadget has room for, 4096 bytes, and it has as many: the answer ends")
def much():
    device = device_with(SLOW)
    device.ctrl_transfer(0x41, 2, 0, 0, bytes(4096), 5000)
    usb.util.dispose_resources(device)
    # At SuperSpeed dummy_hcd has packets of 9 bytes for EP0, which 4095 bytes fill
    for asked, length in ((4096, 4096), (4097, 4095), (65535, 4095)):
        eq(ask_for_much(device, 0xC1, 1, asked, 5), length, f"of {asked} bytes")
    down("late")


# uvc has an isochronous endpoint, which dummy_hcd does not support
CAMERA = 'type = "uvc"; attrs = { formats = ( { type = "mjpeg"; frames = ( { width = 320; height = 240; } ); } ); };'
OUTPUT, MMAP = 2, 1  # enum v4l2_buf_type, v4l2_memory
VIDIOC_REQBUFS = ioctls.number(ioctls.READ | ioctls.WRITE, "V", 8, "@5I")
VIDIOC_STREAMON, VIDIOC_STREAMOFF = (ioctls.number(ioctls.WRITE, "V", number, "@i") for number in (18, 19))


def late(device, call):
    """Calls this while the host waits for the second function; returns the error."""
    found = []

    def wait_and_call():
        time.sleep(0.1)
        try:
            call()
        except OSError as e:
            found.append(e.errno)

    thread = threading.Thread(target=wait_and_call)
    thread.start()
    answered_by_its_own(device)
    thread.join()
    return found


# dwc3 has no TRB for the next SETUP packet until the gadget has answered (lab/udc/README.md)
GIVEN_UP = [] if harness.LAB_UDC == "dwc3" else [errno.ECONNRESET]


def camera():
    node, threads = None, []
    end, stop = os.pipe()

    def serve():
        nonlocal node
        node = os.open("/dev/video0", os.O_RDWR | os.O_NONBLOCK)
        # The kernel connects the gadget now. The host's driver asks until the test takes its place
        fcntl.ioctl(node, kernel_functions.VIDIOC_SUBSCRIBE_EVENT, struct.pack("=I28x", kernel_functions.UVC_EVENT_SETUP))
        threads.append(threading.Thread(target=kernel_functions.stall_all, args=(node, end)))
        threads[0].start()

    device = device_with(CAMERA, serve)
    os.close(stop)
    threads[0].join()
    os.close(end)
    raises(usb.core.USBTimeoutError, device.ctrl_transfer, 0xA1, 0x81, 0x200, 0, 1, 50)  # GET_CUR
    eq(late(device, lambda: fcntl.ioctl(node, kernel_functions.UVCIOC_SEND_RESPONSE, struct.pack("=i60x", 1))), GIVEN_UP)

    raises(usb.core.USBTimeoutError, device.ctrl_transfer, 0x01, 11, 1, 1, None, 50)  # SET_INTERFACE
    form = struct.pack("=II4s", 320, 240, b"MJPG")
    fcntl.ioctl(node, ioctls.VIDIOC_S_FMT, bytearray(struct.pack(ioctls.V4L2_FORMAT_FORM, OUTPUT, form)))
    fcntl.ioctl(node, VIDIOC_REQBUFS, bytearray(struct.pack("@5I", 2, OUTPUT, MMAP, 0, 0)))
    eq(late(device, lambda: fcntl.ioctl(node, VIDIOC_STREAMON, struct.pack("@i", OUTPUT))), [])

    # The kernel must not warn: the host has not asked for the end, and a reset ends its request
    fcntl.ioctl(node, VIDIOC_STREAMOFF, struct.pack("@i", OUTPUT))
    device.reset()
    raises(usb.core.USBTimeoutError, device.ctrl_transfer, 0x01, 11, 1, 1, None, 50)  # SET_INTERFACE
    device.reset()
    fcntl.ioctl(node, VIDIOC_STREAMON, struct.pack("@i", OUTPUT))
    os.close(node)
    usb.util.dispose_resources(device)
    down("late")


if harness.LAB_UDC != "dummy":
    test("a program of uvc answers a request, or starts to send, when the host has given up waiting: another function answers its own")(camera)

tap.main()
