#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udc=dwc2,dwc3,chipidea build=plain
# lab stock: no, it tests UDC drivers, with a function that no patch changes
# lab i386: no, the models have not been tried with 32 bits
# lab all: kernel=6.12,6.1 udc=dwc2,dwc2-ddma,dwc3,chipidea speed=full,high build=plain
# lab all: kernel=6.12,6.1 udc=dwc2 append=udc_dwc2.slave=1 speed=full,high build=plain
"""Transfers of each type on the models of UDCs (lab/udc): the host's driver usbtest on the kernel's function SourceSink, which has
bulk and isochronous endpoints, and control requests of a standard and of its own."""

import contextlib
import ctypes
import errno
import fcntl
import os
import pathlib
import struct
import subprocess
import threading
import time

import gadgets
import harness
import ioctls
import tap
import usb.core
import usb.util
from harness import down, ffsctl, must
from tap import eq, ok, test

SPEED = os.environ["LAB_SPEED"]
PACKET = {"full": 64, "high": 512}[SPEED]
ISO = {"full": "isoc_interval = 1; isoc_maxpacket = 128;", "high": "isoc_interval = 4; isoc_maxpacket = 1024;"}
LENGTH = 4096
ZERO = 0x0525, 0xA4A0  # usbtest's "Linux gadget zero"
USBTEST_FORM = "@5I2q"  # struct usbtest_param_64, drivers/usb/misc/usbtest.c
USBTEST_REQUEST = ioctls.number(ioctls.READ | ioctls.WRITE, "U", 100, USBTEST_FORM)
# With all kinds of buffers, also scatterlists; halts; requests that the host cancels; control requests with data
BULK = [*range(9), *range(11, 15), *range(17, 22), 24, 29]
STANDARD_REQUESTS = [9, 10]
ISOCHRONOUS = [15, 16, 22, 23]

harness.leaves_nothing()


def usbtest(case):
    """Runs one case of usbtest; raises its error."""
    found = harness.device(*ZERO)
    words = struct.pack(USBTEST_FORM, case, 8, LENGTH, PACKET, 8, 0, 0)
    parameters = ctypes.create_string_buffer(words, len(words))
    with open(f"/dev/bus/usb/{found.bus:03}/{found.address:03}", "r+b", buffering=0) as node:
        request = struct.pack(ioctls.USBDEVFS_IOCTL_FORM, 0, USBTEST_REQUEST, ctypes.addressof(parameters))
        fcntl.ioctl(node, ioctls.USBDEVFS_IOCTL, request)


def error_of(call, *arguments):
    """Returns the number of the error that the call raises, or 0."""
    try:
        call(*arguments)
    except OSError as e:
        return e.errno
    return 0


def check_answers(device, after):
    """Checks that EP0 answers the next request."""
    eq(len(device.ctrl_transfer(0x80, 6, 0x100, 0, 18)), 18, f"device descriptor after {after}")


def lose(n):
    """Makes the cable lose each n-th isochronous transaction; none for 0."""
    (harness.UDC_HOST_PORT / "lost").write_text(str(n))


def wait_for(path, text):
    """Waits until this attribute of the gadget is the text."""
    file = pathlib.Path("/sys/class/udc/dummy_udc.0", path)
    for _ in range(100):
        if file.read_text().strip() == text:
            return
        time.sleep(0.01)
    raise AssertionError(f"{file}: {file.read_text()}, not {text}")


def pull_out_and_plug_in():
    """Returns when the host has configured the device again."""
    (harness.UDC_HOST_PORT / "cable").write_text("0")
    wait_for("state", "not attached")
    with harness.configured():
        (harness.UDC_HOST_PORT / "cable").write_text("1")


@contextlib.contextmanager
def source_and_sink(alternate):
    """Has the gadget up, and usbtest at this alternate setting of its interface: 0 is bulk, 1 isochronous as well. Isochronous
    endpoints have an interval of 1 ms, because the first ones pass while the driver starts, and packets that divide usbtest's
    transfers: the device always sends whole ones."""
    path = gadgets.DIRECTORY / "zero.conf"
    path.write_text("attrs : { idVendor = 0x0525; idProduct = 0xa4a0; };\n"
                    f'functions : {{ f : {{ type = "SourceSink"; attrs : {{ pattern = 1; {ISO[SPEED]} }}; }}; }};\n')
    must(subprocess.run(["modprobe", "usbtest", "pattern=1", f"alt={alternate}"], capture_output=True, text=True))
    try:
        with harness.configured():
            must(ffsctl("up", path))
        yield
        down("zero")
    finally:
        must(subprocess.run(["rmmod", "usbtest"], capture_output=True, text=True))


def cases(numbers, what=""):
    """Runs the cases. A failure reports `what`, and the last lines of usbtest in the kernel's log."""
    for number in numbers:
        try:
            usbtest(number)
        except OSError as e:
            log = subprocess.run(["dmesg"], capture_output=True, text=True).stdout
            said = [line for line in log.splitlines() if "usbtest" in line]
            raise AssertionError("\n".join([f"case {number}{what}: {e}", *said[-5:]])) from e


@test("bulk and control transfers, halts, and transfers that the host gives up")
def bulk():
    with source_and_sink(0):
        cases(BULK)


@test("standard requests")
def standard_requests():
    with source_and_sink(0):
        cases(STANDARD_REQUESTS)


@test("requests that have no data, with data: the device stalls them, and answers the next request")
def data_of_requests_without_data():
    with source_and_sink(0):
        device = harness.device(*ZERO)
        # (bRequest, wValue)
        requests = {"SET_FEATURE": (3, 1), "CLEAR_FEATURE": (1, 1), "SET_ADDRESS": (5, device.address)}
        for name, request in requests.items():
            for length in (1, 64, 100):
                eq(error_of(device.ctrl_transfer, 0, *request, 0, bytes(length)), errno.EPIPE, name)
                check_answers(device, f"{name} with {length} bytes")
        cases(STANDARD_REQUESTS)


@contextlib.contextmanager
def claimed(function_type):
    """Has a gadget up with this function of the kernel, and yields the device, without drivers of the host."""
    path = gadgets.DIRECTORY / "claimed.conf"
    path.write_text(f'functions : {{ f : {{ type = "{function_type}"; }}; }};\n')
    with harness.configured():
        must(ffsctl("up", path))
    device = harness.device()
    harness.claim(device)
    yield device
    usb.util.dispose_resources(device)
    down("claimed")


@test("SET_CONFIGURATION with data: the device stalls it, also if a function delays its status stage, and answers the next request")
def data_of_set_configuration():
    for function_type in "Loopback", "mass_storage":
        with claimed(function_type) as device:
            configuration = device.get_active_configuration().bConfigurationValue
            for length in (1, 64, 66, 500):
                what = f"{function_type}: {length} bytes"
                eq(error_of(device.ctrl_transfer, 0, 9, configuration, 0, bytes(length)), errno.EPIPE, what)
                check_answers(device, what)


def up_with_short_reads(size):
    """Has a gadget up whose program takes this many bytes of the data of a control request."""
    daemon = gadgets.worker(exec=["/usr/bin/python3", "-I", "-S", f"{harness.SRC}/tests/lab/workers/ep0_daemon.py", "${mount}", "bare",
                                  "short", str(size)], opens="ep0", user="root")
    path = gadgets.DIRECTORY / "short.conf"
    path.write_text(f"functions : {{ f : {{ ffs : {{ }}; worker : {{ {daemon} }}; }}; }};\n")
    with harness.configured():
        must(ffsctl("up", path))
    return harness.device()


@test("a packet that is longer than the gadget's request: the program gets an error, and nothing is written behind its buffer")
def longer_packet():
    for size in 1, 4, 5, 63:
        device = up_with_short_reads(size)
        # dwc3 puts the rest into a buffer of its own; chipidea stalls EP0, which ends the request (_ep_nuke())
        longer = {"dwc3": b"%d" % size, "chipidea": b"ESHUTDOWN"}.get(harness.LAB_UDC, b"EOVERFLOW")
        for length, wanted in ((size, b"%d" % size), (64, longer)):
            error_of(device.ctrl_transfer, 0x41, 1, 0, 0, bytes(length))
            eq(bytes(device.ctrl_transfer(0xC1, 1, 0, 0, 64)), wanted, f"{length} bytes for {size}")
        down("short")


@test("a program that takes less data than the host sends: the device stalls the rest, and answers the next request")
def more_data_than_read():
    device = up_with_short_reads(64)
    # FunctionFS sets `zero`, for which dwc3 takes one packet more, to no buffer (dwc3/ep0.c, __dwc3_ep0_do_control_data())
    taken = 128 if harness.LAB_UDC == "dwc3" else 64
    # A fault of chipidea: it primes the status stage when the request is complete, and no OUT packet gets an answer after that
    refusal = errno.ETIMEDOUT if harness.LAB_UDC == "chipidea" else errno.EPIPE
    for length in (1, 64, 65, 128, 129, 500):
        found = error_of(device.ctrl_transfer, 0x41, 1, 0, 0, bytes(length))
        eq(found, 0 if length <= taken else refusal, f"{length} bytes")
        check_answers(device, f"{length} bytes")
    down("short")


@test("a host that halts endpoints which the gadget does not have: the device stalls that, and answers the next requests")
def halts_of_other_endpoints():
    with claimed("acm") as device:
        endpoints = {endpoint.bEndpointAddress for interface in device.get_active_configuration() for endpoint in interface}
        # usbfs refuses numbers that no endpoint has, in whichever direction
        others = {address ^ 0x80 for address in endpoints} - endpoints
        ok(others, endpoints)
        for address in others:
            for request in (3, 1):  # SET_FEATURE(ENDPOINT_HALT), CLEAR_FEATURE
                eq(error_of(device.ctrl_transfer, 0x02, request, 0, address), errno.EPIPE, f"{address:02x}")
                check_answers(device, f"{address:02x}")
        # USB 2.0, 9.4.9, neither requires nor recommends a halt of EP0
        for address in (0x00, 0x80):
            error_of(device.ctrl_transfer, 0x02, 3, 0, address)
            for _ in range(3):
                check_answers(device, f"a halt of {address:02x}")


@test("data that the gadget refuses when it has them: the device stalls the status stage, and answers the next request")
def refused_data():
    with claimed("ncm") as device:
        for size, wanted in ((0, errno.EPIPE), (2048, 0), (0, errno.EPIPE)):
            # SET_NTB_INPUT_SIZE, f_ncm.c
            eq(error_of(device.ctrl_transfer, 0x21, 0x86, 0, 0, struct.pack("<I", size)), wanted, f"a size of {size}")
            check_answers(device, f"a size of {size}")


@test("Loopback goes on after the host has cleared halts of both endpoints, set or not, with and without data on its way")
def cleared_halts():
    path = gadgets.DIRECTORY / "loop.conf"
    path.write_text("attrs : { idVendor = 0x0525; idProduct = 0xa4a0; };\nfunctions : { f : { type = \"Loopback\"; }; };\n")
    with harness.configured():
        must(ffsctl("up", path))
    device = harness.device(*ZERO)
    out, in_ = device[0][0, 0]
    if out.bEndpointAddress & 0x80:
        out, in_ = in_, out
    usb.util.claim_interface(device, 0)
    for number in range(20):
        if number % 4 == 3:
            out.write(bytes(PACKET))
        for endpoint in (in_, out):
            if number % 2:
                device.ctrl_transfer(0x02, 3, 0, endpoint.bEndpointAddress)  # SET_FEATURE(ENDPOINT_HALT)
            device.clear_halt(endpoint.bEndpointAddress)
        data = bytes([number + 1]) * 100
        out.write(data)
        got = bytes(in_.read(4096))
        if got[:PACKET] == bytes(PACKET):  # of a transfer that the halt has not ended
            got = got[PACKET:] or bytes(in_.read(4096))
        eq(got, data, f"message {number}")
    usb.util.dispose_resources(device)
    down("loop")


def isochronous():
    with source_and_sink(1):
        for lost in (0, 100):
            lose(lost)
            cases(ISOCHRONOUS, f", lost={lost}")
        # usbtest takes more than one error in ten packets for a failure
        lose(2)
        eq([error_of(usbtest, case) for case in ISOCHRONOUS], [errno.EIO] * len(ISOCHRONOUS))
        lose(0)
        cases(ISOCHRONOUS, ", after many were lost")


def late_isochronous():
    """The driver learns the (micro)frame of the first token too late: in the next one, of the other parity."""
    late = {"full": 1_100_000, "high": 130_000}[SPEED]
    with source_and_sink(1), harness.udc_host_parameter("irq_delay", late):
        cases(ISOCHRONOUS, f", interrupts {late} ns late")


# Why isochronous OUT transfers fail without DMA is not known
SLAVE = pathlib.Path("/sys/module/udc_dwc2/parameters/slave")
if not SLAVE.exists() or SLAVE.read_text() == "N\n":
    test("isochronous transfers, also while one in a hundred transactions is lost, and after many were")(isochronous)
    # With descriptor DMA, each IN packet names its microframe, and no patch corrects a wrong one
    if harness.LAB_UDC != "dwc2-ddma":
        test("isochronous transfers whose interrupts are handled in the next microframe")(late_isochronous)


@test("SETUP packets that the host repeats, as their ACK was lost: each request is answered once, and data moves as before")
def repeated_setup():
    with source_and_sink(0):
        device = harness.device(*ZERO)
        configuration = device.get_active_configuration().bConfigurationValue
        try:
            (harness.UDC_HOST_PORT / "repeated").write_text("1")
            for number in range(20):
                check_answers(device, f"{number} requests")
                # It enables the endpoints again
                eq(error_of(device.ctrl_transfer, 0, 9, configuration, 0), 0, "SET_CONFIGURATION")
        finally:
            (harness.UDC_HOST_PORT / "repeated").write_text("0")
        cases(BULK)


@test("the host suspends the port and resumes it: data moves as before")
def suspended():
    with source_and_sink(0):
        for on in "1", "0":
            (harness.UDC_HOST_PORT / "suspended").write_text(on)
            wait_for("gadget/suspended", on)
        cases(BULK)


@test("the cable is pulled out and plugged in: the host finds the device again")
def pulled_out():
    with source_and_sink(0):
        pull_out_and_plug_in()
        cases(BULK)


@contextlib.contextmanager
def asked(milliseconds, direction, data, timeout):
    """Has a gadget up whose program answers control requests with the given delay, and the host ask it; yields the device, and the
    thread in which the host waits for the answer."""
    path = gadgets.DIRECTORY / "slow.conf"
    path.write_text('functions : { f : { ffs : { interfaces = ( { string = "f"; } ); };\n'
                    f'  worker : {{ {gadgets.odd("ready", "only", "11", "setup")} }}; }}; }};\n')
    with harness.configured():
        must(ffsctl("up", path))
    device = harness.device()
    # Request 11 of odd_worker.c, of a vendor to the interface
    thread = threading.Thread(target=error_of, args=(device.ctrl_transfer, direction | 0x41, 11, milliseconds, 0, data, timeout))
    thread.start()
    time.sleep(0.1)  # of virtual time: the SETUP packet has arrived
    yield device, thread
    thread.join()
    down("slow")


# Stages of a control request: direction, and data to send or their length
STAGES = {"without data": (0x00, 0), "with data to the host": (0x80, 64), "with data to the device": (0x00, bytes(64))}


@test("the cable is pulled out while the gadget has not answered a request: it answers after it is plugged in")
def pulled_out_during_a_request():
    for what, stages in STAGES.items():
        with asked(450, *stages, 5000) as (_, thread):
            ok(thread.is_alive(), "the gadget has answered")
            pull_out_and_plug_in()
            device = harness.device()
            check_answers(device, f"a request {what}, and the cable")
            usb.util.dispose_resources(device)


@test("the host resets the port while the gadget has not answered a request: it answers the next one")
def reset_during_a_request():
    for what, stages in STAGES.items():
        with asked(450, *stages, 5000) as (device, thread):
            ok(thread.is_alive(), "the gadget has answered")
            device.reset()
            check_answers(device, f"a request {what}, and a reset")


@test("the host gives a request up, the gadget answers it, the host resets the port: the gadget answers the next request")
def reset_after_a_late_answer():
    for what, stages in STAGES.items():
        with asked(200, *stages, 50) as (device, thread):
            ok(not thread.is_alive(), "the host has not given up")
            time.sleep(0.2)
            began = time.monotonic()
            device.reset()
            check_answers(device, f"a request {what}, a late answer, and a reset")
            # The kernel of the host resets the port again if the device does not answer for 5 s
            ok(time.monotonic() - began < 2, f"a request {what}: a second reset")


# dwc3 has no TRB for the next SETUP packet until the gadget has answered (lab/udc/README.md)
AT_ONCE = 0.15 if harness.LAB_UDC == "dwc3" else 0.05


@test("the host gives a request up and asks another one, before or after the gadget's late answer: it is answered at once")
def given_up():
    for what, stages in STAGES.items():
        for after in (0, 0.2):
            with asked(200, *stages, 50) as (device, thread):
                ok(not thread.is_alive(), "the host has not given up")
                for wait in (after, 0.2):
                    time.sleep(wait)
                    began = time.monotonic()
                    check_answers(device, f"a request {what} that was given up, {wait} s later")
                    ok(time.monotonic() - began < AT_ONCE, f"a request {what}: {time.monotonic() - began} s")


tap.main()
