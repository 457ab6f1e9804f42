# SPDX-License-Identifier: GPL-2.0-or-later
"""The descriptors that a host must read from each example; test_descriptors compares them. They were written by
hand from the files in examples/ and from these standards: USB 2.0 and 3.2, chapter 9; HID 1.11; DFU 1.1; UVC 1.1 (the
version that the kernel's camera reports) and 1.5; WebUSB; Microsoft's OS descriptors 1.0."""

import os
import struct
from typing import NamedTuple

import identity

OLD = os.environ["LAB_KERNEL"] == "6.1"
SERIAL = identity.serial_number()
EN, DE = 0x0409, 0x0407

# The addresses are those of dummy_hcd's endpoints, which the kernel assigns in this order.


class Ep(NamedTuple):
    address: int
    attributes: int  # bmAttributes: 2 bulk, 3 interrupt, 5 isochronous and asynchronous
    full: tuple  # wMaxPacketSize, bInterval
    high: tuple
    super: tuple  # wMaxPacketSize, bInterval, then the companion's bMaxBurst, bmAttributes, wBytesPerInterval
    specific: tuple = ()  # complete class descriptors that follow the endpoint descriptor


class Interface(NamedTuple):
    number: int
    triple: tuple  # class, subclass, protocol
    strings: dict
    endpoints: list
    alternate: int = 0
    specific: tuple = ()  # complete class descriptors between the interface descriptor and the endpoints


class Association(NamedTuple):
    first: int
    count: int
    triple: tuple
    strings: dict


class Config(NamedTuple):
    value: int
    attributes: int
    power: tuple  # bMaxPower: in units of 2 mA, and at SuperSpeed in units of 8 mA
    strings: dict
    interfaces: list
    associations: tuple = ()


class Gadget(NamedTuple):
    languages: dict  # id: (manufacturer, product, serialnumber)
    configs: list
    fastest: str = "super"
    ids: tuple = (0x1d6b, 0x0104)
    triple: tuple = (0, 0, 0)  # class, subclass, protocol
    # Further strings that the host can read: (1) for each kernel function an empty string, because the kernel counts the
    # end mark of the function's table of strings as a string; (2) a second copy of a string that two functions have
    more: tuple = ()


class Mount(NamedTuple):
    source: str
    path: str
    files: int  # number of files in the mount, which are ep0 and one per endpoint
    pairs: tuple = ()  # names of files that are for both an IN and an OUT endpoint
    owner: tuple = ("root", "root")
    directory_mode: int = 0o500
    file_mode: int = 0o600


def bulk(address, burst=0):
    return Ep(address, 2, (64, 0), (512, 0), (1024, 0, burst, 0, 0))


# bMaxPower that the kernel reports for a configuration without one: CONFIG_USB_GADGET_VBUS_DRAW, 2 mA.
DEFAULT_POWER = (1, 0)
VENDOR = (255, 0, 0)


def one_config(*interfaces, strings=None):
    return [Config(1, 0x80, DEFAULT_POWER, strings or {}, list(interfaces))]


def hid(number, protocol, length, report, in_):
    """Returns a HID interface. Its HID descriptor (HID 1.11, 6.2.1) has version 1.01, no country code, and one report
    descriptor of this length."""
    def interrupt(address):
        # bInterval: 10 ms at full speed; 2^3 microframes (1 ms) at the other speeds
        return Ep(address, 3, (report, 10), (report, 4), (report, 4, 0, 0, report))

    return Interface(number, (3, 1, protocol), {EN: "HID Interface"}, [interrupt(in_)],
                     specific=(bytes([9, 0x21, 1, 1, 0, 1, 0x22, length, 0]),))


def camera():
    """Returns the camera's interfaces (UVC 1.1, chapter 3): one for control, and one for the stream, which has its
    endpoint only in alternate setting 1. The stream has 320 * 180 pixels of two bytes every 666667 * 100 ns."""
    # In Linux 6.1 the control interface always has an interrupt endpoint for events of the camera, which gets the first
    # address. In Linux 6.12 the control interface has no name: only the association has the name of the function
    events = [Ep(0x81, 3, (16, 8), (16, 8), None, (bytes.fromhex("05 25 03 10 00"),))] if OLD else []
    name = {EN: "Test bars"}
    data = 0x82 if OLD else 0x81
    control = tuple(map(bytes.fromhex, (
        # header: UVC 1.10, 0x34 bytes for all control descriptors, 48 MHz, one streaming interface, which is interface 1
        "0d 24 01  10 01  34 00  00 6c dc 02  01 01",
        # camera, terminal 1: type 0x0201; supports auto-exposure mode
        "12 24 02  01 01 02 00 00  00 00 00 00 00 00  03 02 00 00",
        # processing unit 2, fed by 1: multiplier 0x4000; supports brightness; no video standards
        "0c 24 05  02 01 00 40  02 01 00  00 00",
        # output, terminal 3: type 0x0101 (streaming), fed by 2
        "09 24 03  03 01 01 00 02 00")))
    stream = tuple(map(bytes.fromhex, (
        # header: one format, 0x4d bytes for all stream descriptors, endpoint, terminal 3, one byte of controls
        f"0e 24 01  01 4d 00 {data:02x} 00 03 00 00 00 01 00",
        # format 1, uncompressed, with one frame: the GUID of YUY2, 16 bits per pixel, default frame 1
        "1b 24 04  01 01  59 55 59 32 00 00 10 00 80 00 00 aa 00 38 9b 71  10 01 00 00 00 00",
        # frame 1: 320 x 180 pixels, minimum and maximum 13823993 bit/s, 115200 bytes, default and only interval 666667 * 100 ns
        "1e 24 05  01 00 40 01 b4 00 f9 ef d2 00 f9 ef d2 00 00 c2 01 00 2b 2c 0a 00  01 2b 2c 0a 00",
        # colours: BT.709, BT.709, SMPTE 170M
        "06 24 0d  01 01 04")))
    streaming = {EN: "Video Streaming"}
    return Config(1, 0x80, DEFAULT_POWER, {}, [
        Interface(0, (14, 1, 0), name if OLD else {}, events, specific=control),
        Interface(1, (14, 2, 0), streaming, [], specific=stream),
        Interface(1, (14, 2, 0), streaming, [Ep(data, 5, (512, 1), (512, 1), None)], alternate=1),
    ], (Association(0, 2, (14, 3, 0), name),))


CONTROL = Interface(0, VENDOR, {EN: "Control"}, [bulk(0x02), bulk(0x81)])

EXPECTED = {
    "accessory": Gadget(
        {EN: ("ffsctl examples", "Accessory", SERIAL)},
        one_config(Interface(0, (255, 255, 0), {EN: "Android Accessory Interface"}, [bulk(0x81), bulk(0x02)])),
        ids=(0x18d1, 0x2d00)),
    "phone": Gadget(
        {EN: ("ffsctl examples", "Phone", SERIAL)},
        one_config(Interface(0, VENDOR, {EN: "AOA"}, []))),
    "app": Gadget(
        {EN: ("ffsctl examples", "Phone", SERIAL)},
        one_config(Interface(0, (255, 255, 0), {EN: "Android Accessory Interface"}, [bulk(0x81), bulk(0x02)])),
        ids=(0x18d1, 0x2d00)),
    "loopback": Gadget(
        {EN: ("ffsctl examples", "Loopback", SERIAL)},
        one_config(Interface(0, VENDOR, {EN: "Loopback"}, [bulk(0x81), bulk(0x02)]))),
    "farm": Gadget(
        {EN: ("ffsctl examples", "Device of a farm", "farm")},
        one_config(Interface(0, VENDOR, {EN: "Loopback"}, [bulk(0x81), bulk(0x02)]))),
    "python-worker": Gadget(
        {EN: ("", "Python echo", SERIAL)},
        one_config(Interface(0, VENDOR, {EN: "Echo"}, [bulk(0x81), bulk(0x02)]))),
    "python-echo": Gadget(
        {EN: ("", "Python echo", SERIAL)},
        one_config(Interface(0, VENDOR, {EN: "Echo"}, [bulk(0x81), bulk(0x02)]))),
    "exec-worker": Gadget(
        {EN: ("", "A program's echo", SERIAL)},
        one_config(Interface(0, VENDOR, {}, [bulk(0x81), bulk(0x02)]))),
    "stream-echo": Gadget(
        {EN: ("", "A program's streams", SERIAL)},
        one_config(Interface(0, VENDOR, {}, [bulk(0x81), bulk(0x02)]))),
    "mount-options": Gadget(
        {EN: ("", "Mount options", SERIAL)},
        one_config(Interface(0, VENDOR, {EN: "Events"}, [
            Ep(0x81, 3, (64, 1), (64, 4), None)])),
        fastest="high"),
    "interrupt": Gadget(
        {EN: ("", "Interrupt endpoints", SERIAL)},
        one_config(Interface(0, VENDOR, {EN: "Meter"}, [
            # 1 ms: 1 frame at full speed, 2^3 microframes at the other speeds
            Ep(0x02, 3, (64, 1), (64, 4), (64, 4, 0, 0, 64)),
            # 4 ms: 4 frames at full speed, 2^5 microframes at the other speeds. 200 bytes; full speed allows only 64
            Ep(0x81, 3, (64, 4), (200, 6), (200, 6, 0, 0, 200)),
            # Full speed: 8 bytes every 10 ms. High speed: 16 bytes every 0.5 ms, which are 2^2 microframes. SuperSpeed:
            # 2 packets of 1024 bytes in each microframe
            Ep(0x85, 3, (8, 10), (16, 3), (1024, 1, 1, 0, 2048)),
            bulk(0x86, burst=15),
            bulk(0x07)]))),
    "languages": Gadget(
        {EN: ("ffsctl examples", "Scales", SERIAL),
         DE: ("ffsctl-Beispiele", "Küchenwaage", SERIAL)},
        one_config(
            Interface(0, VENDOR, {EN: "Weight", DE: "Gewicht"}, [bulk(0x81), bulk(0x02)]),
            Interface(1, (255, 1, 0), {EN: "Firmware", DE: "Firmware"}, []),
            strings={EN: "Normal", DE: "Üblich"})),
    "two-functions": Gadget(
        {EN: ("", "Two functions", SERIAL)},
        [Config(1, 0x80, (50, 12), {EN: "Everything"}, [
            CONTROL,
            Interface(1, (255, 1, 0), {EN: "Data A"}, [bulk(0x86), bulk(0x07)]),
            Interface(2, (255, 2, 0), {EN: "Data B"}, [bulk(0x8b), bulk(0x0c)])]),
         Config(2, 0xc0, (10, 2), {EN: "Control only"}, [CONTROL])]),
    "dfu": Gadget(
        {EN: ("ffsctl examples", "DFU", SERIAL)},
        # DFU 1.1, 4.2.3: can download and upload, manifestation tolerant; wDetachTimeOut 1000 ms, wTransferSize 1024
        # bytes, bcdDFUVersion 1.1
        one_config(Interface(0, (0xfe, 1, 2), {EN: "firmware"}, [],
                             specific=(bytes.fromhex("09 21 07 e8 03 00 04 10 01"),)))),
    "keyboard-mouse": Gadget(
        {EN: ("ffsctl examples", "Keyboard and mouse", "")},
        [Config(1, 0xa0, (50, 12), {}, [hid(0, 1, 61, 8, 0x81), hid(1, 2, 52, 4, 0x85)])],
        more=("", "HID Interface", "")),
    "camera-frames": Gadget(
        {EN: ("ffsctl examples", "Camera frames", SERIAL)},
        one_config(Interface(0, VENDOR, {EN: "Frames"}, [bulk(0x81, burst=15)]))),
    "webcam": Gadget(
        {EN: ("ffsctl examples", "Webcam", "")}, [camera()], fastest="high", triple=(0xef, 2, 1),
        more=("",)),
    "webusb": Gadget(
        {EN: ("ffsctl examples", "WebUSB", SERIAL)},
        one_config(Interface(0, VENDOR, {EN: "Echo"}, [bulk(0x81), bulk(0x02)]))),
    "winusb": Gadget(
        {EN: ("ffsctl examples", "WinUSB", SERIAL)},
        one_config(Interface(0, VENDOR, {EN: "Echo"}, [bulk(0x81), bulk(0x02)]))),
}

MOUNTS = {
    "accessory": [Mount("accessory-data", "/dev/ffs/accessory/data", 3, ("ep1_rw",))],
    "phone": [Mount("phone-aoa", "/dev/ffs/phone/aoa", 1)],
    "app": [Mount("app-data", "/dev/ffs/app/data", 3, ("ep1_rw",))],
    "loopback": [Mount("loopback-echo", "/dev/ffs/loopback/echo", 3)],
    "farm": [Mount("farm-echo", "/dev/ffs/farm/echo", 3)],
    "python-worker": [Mount("python-worker-echo", "/dev/ffs/python-worker/echo", 3)],
    "python-echo": [Mount("python-echo-echo", "/dev/ffs/python-echo/echo", 3)],
    "exec-worker": [Mount("exec-worker-echo", "/dev/ffs/exec-worker/echo", 3)],
    "stream-echo": [Mount("stream-echo-echo", "/dev/ffs/stream-echo/echo", 3)],
    "mount-options": [Mount("shared", "/dev/usb-shared", 2, (), ("nobody", "nogroup"), 0o550, 0o660)],
    "interrupt": [Mount("interrupt-meter", "/dev/ffs/interrupt/meter", 6)],
    "languages": [Mount("languages-scales", "/dev/ffs/languages/scales", 3)],
    "two-functions": [Mount("two-functions-control", "/dev/ffs/two-functions/control", 3),
                      Mount("two-functions-data", "/dev/ffs/two-functions/data", 5)],
    "dfu": [Mount("dfu-dfu", "/dev/ffs/dfu/dfu", 1)],
    "keyboard-mouse": [],
    "camera-frames": [Mount("camera-frames-camera", "/dev/ffs/camera-frames/camera", 2)],
    "webcam": [],
    "webusb": [Mount("webusb-echo", "/dev/ffs/webusb/echo", 3)],
    "winusb": [Mount("winusb-echo", "/dev/ffs/winusb/echo", 3)],
}

# HID 1.11, appendix B: the boot reports without redundant items; the mouse has an additional wheel. Each field has
# its kind, flags, size and count, usage page, usages, logical minimum and maximum.
CONSTANT, VARIABLE, RELATIVE = 1, 2, 4
REPORTS = {"keyboard-mouse": [
    ([(1, 6)], [
        ("input", VARIABLE, 1, 8, 7, range(0xe0, 0xe8), 0, 1),
        ("input", CONSTANT | VARIABLE, 8, 1),
        ("output", VARIABLE, 1, 5, 8, range(1, 6), 0, 1),
        ("output", CONSTANT | VARIABLE, 3, 1),
        ("input", 0, 8, 6, 7, range(0, 102), 0, 101)]),
    ([(1, 2), (1, 1)], [
        ("input", VARIABLE, 1, 3, 9, range(1, 4), 0, 1),
        ("input", CONSTANT | VARIABLE, 5, 1),
        ("input", VARIABLE | RELATIVE, 8, 3, 1, [0x30, 0x31, 0x38], -127, 127)]),
]}


OS_REQUEST = 0xee  # bRequest of the requests for OS descriptors; any unused number is possible


def winusb(guid):
    """Returns the answers for Microsoft's OS descriptors 1.0: string 0xee, which contains the vendor code OS_REQUEST; and
    the answers to requests with this vendor code: the compatible id of interface 0, and its property."""
    name, data = "DeviceInterfaceGUID\0".encode("utf-16le"), (guid + "\0").encode("utf-16le")
    return {
        (0x80, 6, 0x03ee, 0): bytes([18, 3]) + "MSFT100".encode("utf-16le") + bytes([OS_REQUEST, 0]),
        (0xc0, OS_REQUEST, 0, 4): struct.pack("<IHHB7x", 40, 0x100, 4, 1) + struct.pack("<BB8s8s6x", 0, 1, b"WINUSB", b""),
        (0xc1, OS_REQUEST, 0, 5): struct.pack("<IHHH", 142, 0x100, 5, 1) + struct.pack("<IIH", 132, 1, 40) + name
                            + struct.pack("<I", 78) + data,
    }


# The answers to other requests that hosts send: {(bmRequestType, bRequest, wValue, wIndex): answer}
ANSWERS = {
    "winusb": winusb("{6f3b2f0c-6d0a-4f5e-9f57-0d6b9d1d6b01}"),
    "webusb": {**winusb("{6f3b2f0c-6d0a-4f5e-9f57-0d6b9d1d6b02}"),
               # WebUSB, 4.3.1: URL 1; its scheme is https
               (0xc0, 1, 1, 2): bytes([21, 3, 1]) + b"example.org/device"},
}
# WebUSB, 4.1.1: its UUID, version 1.0, bRequest 1, landing page URL 1
PLATFORM = {"webusb": [bytes.fromhex("18 10 05 00 38b60834 a909 a047 8bfd a0768815b665 00 01 01 01")]}
