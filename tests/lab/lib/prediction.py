# SPDX-License-Identifier: GPL-2.0-or-later
"""Compares what `ffsctl descriptors` predicts with what a host reads, by the host's usbfs."""

import ctypes
import errno
import fcntl
import os
import pathlib
import struct

import harness
import ioctls
from harness import ffsctl, must
from tap import patience

DEVICE, CONFIG, STRING, INTERFACE, ENDPOINT, QUALIFIER, OTHER_SPEED, BOS = 1, 2, 3, 4, 5, 6, 7, 15
EN_US = 0x409
SPEEDS = ["full", "high", "super"]
# Endpoint 0 of composite.c sends no more (USB_COMP_EP0_BUFSIZ)
LONGEST = 4096
MOST_CONFIGURATIONS = 8  # that a Linux host takes (USB_MAXCONFIG of drivers/usb/core/config.c)


class Host:
    """The only device on the host's buses."""

    def __init__(self):
        name, = harness.host_devices()
        self.path = pathlib.Path("/sys/bus/usb/devices", name)
        self.is_dummy = "dummy_hcd" in os.fspath(self.path.resolve())
        self.fd = os.open("/dev/bus/usb/%03d/%03d" % tuple(int((self.path / n).read_text()) for n in ("busnum", "devnum")),
                          os.O_RDWR)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def control_in(self, kind, request, value, index, length=LONGEST):
        """Returns what the device sends; None if it stalls the request."""
        data = ctypes.create_string_buffer(length)
        transfer = bytearray(struct.pack(ioctls.USBDEVFS_CONTROL_FORM, kind, request, value, index, length, round(patience(5000)),
                                         ctypes.addressof(data)))
        try:
            n = fcntl.ioctl(self.fd, ioctls.USBDEVFS_CONTROL, transfer)
        except OSError as e:
            if e.errno != errno.EPIPE:
                raise
            return None
        return data.raw[:n]

    def descriptor(self, kind, index=0, language=0):
        return self.control_in(0x80, 6, kind << 8 | index, language)

    def languages(self):
        raw = self.descriptor(STRING)
        return [code for (code,) in struct.iter_unpack("<H", raw[2:])] if raw else []

    def text(self, index, language):
        """Returns the text of a string; None if there is none in this language."""
        raw = self.descriptor(STRING, index, language)
        if raw is None:
            return None
        if raw[:2] != bytes((len(raw), STRING)):
            return f"a string descriptor that is {raw.hex(' ')}"
        return raw[2:].decode("utf-16-le")


def predict(path, *args):
    """Returns the document of `descriptors --json`."""
    return harness.document(must(ffsctl("descriptors", "--json", *args, path)), "descriptors")


def speed_of(document, fastest):
    """Returns the prediction for the speed at which the host sees the gadget: the fastest speed that both support."""
    speeds = {s["speed"]: s for s in document["speeds"]}
    return speeds[max((s for s in speeds if SPEEDS.index(s) <= SPEEDS.index(fastest)), key=SPEEDS.index)]


def descriptors_of(speed):
    """Returns all descriptors of a speed."""
    return [*speed["device"], *(d for c in speed["configurations"] for d in c["descriptors"]), *speed["bos"]]


def is_isochronous(descriptor):
    raw = bytes.fromhex(descriptor["bytes"])
    return raw[1] == ENDPOINT and raw[3] & 3 == 1


def needs_isochronous(speed):
    return any(is_isochronous(d) and not d["maybe"] for d in descriptors_of(speed))


def split(raw):
    """Yields the descriptors one by one."""
    at = 0
    while at < len(raw):
        size = max(raw[at], 1)
        yield raw[at:at + size]
        at += size


def fits(told, seen):
    """Returns whether a descriptor that the host has read has what is certain of the prediction."""
    raw, certain = bytes.fromhex(told["bytes"]), bytes.fromhex(told["certain"])
    if raw[1] == DEVICE:
        raw = raw[:17] + bytes((min(raw[17], MOST_CONFIGURATIONS),))
    return len(raw) == len(seen) and not any((a ^ b) & mask for a, b, mask in zip(raw, seen, certain))


class Comparison:
    """Collects in `differences` what differs between a prediction and what a host reads."""

    def __init__(self, host):
        self.host = host
        self.languages = [EN_US, *(code for code in host.languages() if code != EN_US)]
        self.differences = []
        self.addresses = []  # of endpoints, in the order of their descriptors
        self.n_maybe = 0  # descriptors that there may be, and are

    def differ(self, what, told, seen):
        self.differences.append(f"{what}\n  told {told}\n  host {seen}")

    def text(self, index):
        """Returns a string in English, or in the first language that has it."""
        texts = (self.host.text(index, code) for code in self.languages)
        return next((text for text in texts if text is not None), None)

    def compare_one(self, what, told, seen):
        if not fits(told, seen):
            raw, certain = bytes.fromhex(told["bytes"]), bytes.fromhex(told["certain"])
            self.differ(what, raw.hex(" ") + f" (certain: {certain.hex(' ')})", seen.hex(" "))
            return
        raw = bytes.fromhex(told["bytes"])
        if raw[1] == ENDPOINT:
            self.addresses.append(seen[2])
        for string in told["strings"]:
            index = seen[string["offset"]]
            text = self.text(index) if index else ""
            if string["text"] is None:
                if not index:
                    self.differ(f"{what}: string at {string['offset']}", "a string", "no string")
            # Of a gadget's strings those without a text have a number, too
            elif (text or "") != string["text"]:
                self.differ(f"{what}: string {index} at {string['offset']}", repr(string["text"]), repr(text))

    def compare_list(self, what, told, raw):
        """Compares descriptors in order. Those that there may be may be missing."""
        seen = list(split(raw))
        for want in told:
            raw_want = bytes.fromhex(want["bytes"])
            if want["maybe"] and not (seen and fits(want, seen[0])):
                continue
            if not seen:
                self.differ(what, raw_want.hex(" "), "no further descriptor")
                return
            name = f" of {want['function']}" if want["function"] else ""
            self.compare_one(f"{what}: descriptor {raw_want[1]:#x}{name}", want, seen.pop(0))
            self.n_maybe += want["maybe"]
        for rest in seen:
            self.differ(what, "no further descriptor", rest.hex(" "))

    def equal(self, what, want, seen):
        if want != seen:
            self.differ(what, want, seen)

    # What is not certain for any kernel and UDC is certain here: tests/unpredicted has the reason of each.

    def check_device(self, told, seen, fastest):
        """`fastest`: the fastest speed of the UDC."""
        release = [int(n) for n in os.environ["LAB_KERNEL"].split(".")[:2]]
        webusb = any(d["bytes"].startswith("181005") for d in told["bos"])
        raw, certain = (bytes.fromhex(told["device"][0][key]) for key in ("bytes", "certain"))
        slower = (0x10,) if fastest == "super" else (0x01, 0x10) if webusb else (0x01,) if harness.HAS_LPM else (0x00,)
        if told["speed"] != "super" and seen[2] not in slower:
            self.differ("bcdUSB", slower, seen[2])
        self.equal("bMaxPacketSize0", raw[7], seen[7])
        if not certain[12]:
            self.equal("bcdDevice", bytes(int(str(n), 16) for n in reversed(release)).hex(), seen[12:14].hex())

    def check_configuration(self, what, told, raw):
        """`told`: the configuration descriptor of the prediction."""
        interfaces, header, is_video_stream = [], None, False
        self.equal(f"{what}: wTotalLength", len(raw), int.from_bytes(raw[2:4], "little"))
        self.equal(f"{what}: bMaxPower", bytes.fromhex(told["bytes"])[8], raw[8])
        for one in split(raw):
            if one[1] == INTERFACE:
                interfaces.append((one[2], []))
                is_video_stream = one[5:7] == b"\x0e\x02"
                header = header if is_video_stream and one[3] else None
            elif one[1] == ENDPOINT:
                addresses = interfaces[-1][1]
                # epautoconf.c:95 numbers endpoints without a number in their name; dummy_hcd.c:187 has both kinds
                if not one[2] & 0xf or one[2] in addresses and not self.host.is_dummy:
                    self.differ(f"{what}: an endpoint's address", "another one", hex(one[2]))
                if header is not None:
                    self.equal(f"{what}: address in the header of a video stream", one[2], header)
                addresses.append(one[2])
            elif one[1:3] == b"\x24\x01" and is_video_stream:
                header = one[6]
        if not bytes.fromhex(told["certain"])[4]:
            self.equal(f"{what}: bNumInterfaces", len({number for number, _ in interfaces}), raw[4])

    def compare_configurations(self, speed, kind):
        """`kind`: CONFIG, or OTHER_SPEED for the prediction of the other speed."""
        for n, config in enumerate(speed["configurations"]):
            raw = self.host.descriptor(kind, n) or b""
            if kind == OTHER_SPEED and raw:
                raw = raw[:1] + bytes((CONFIG,)) + raw[2:]
            what = f"configuration {n}, {speed['speed']}"
            self.compare_list(what, config["descriptors"], raw)
            if raw:
                self.check_configuration(what, config["descriptors"][0], raw)

    def compare_speed(self, speed, fastest):
        """Compares all of the speed that the device has. `fastest`: the fastest speed of the UDC."""
        told = speed["device"] + [d for config in speed["configurations"][:MOST_CONFIGURATIONS] for d in config["descriptors"]]
        addresses = len(self.addresses)
        for config in speed["configurations"]:
            if config["unknown"]:
                self.differ("configuration", f"of functions {', '.join(config['unknown'])}: nothing", "something")
        self.compare_list("what the host has read", told, (self.host.path / "descriptors").read_bytes())
        del self.addresses[addresses:]
        self.compare_configurations(speed, CONFIG)
        self.check_device(speed, self.host.descriptor(DEVICE), fastest)
        bos = self.host.descriptor(BOS) or b""
        self.compare_list("BOS", speed["bos"], bos)
        if bos:
            self.equal("BOS: wTotalLength and bNumDeviceCaps", (len(bos), len(list(split(bos))) - 1),
                       (int.from_bytes(bos[2:4], "little"), bos[4]))

    def compare_os(self, told):
        """Compares the Microsoft OS descriptors. `told`: None if the gadget has none."""
        if told is None:
            if (raw := self.host.descriptor(STRING, 0xee)) is not None and raw[2:16] == "MSFT100".encode("utf-16-le"):
                self.differ("string 0xee", "none", raw.hex(" "))
            return

        def compare(what, want, seen):
            if (bytes.fromhex(want) if want else None) != seen:
                self.differ(what, want, seen and seen.hex())

        compare("string 0xee", told["string"], self.host.descriptor(STRING, 0xee))
        code = told["vendor_code"]
        compare("compatible ids", told["compatible_ids"], self.host.control_in(0xc0, code, 0, 4))
        for one in told["properties"]:
            compare(f"properties of interface {one['interface']}, of {one['function']}", one["bytes"],
                    self.host.control_in(0xc1, code, one["interface"], 5))

    def compare_other_speed(self, speed, device):
        """Compares the configurations and the device qualifier with the prediction for the speed that the device does
        not have. `device`: the device descriptor that the host has read."""
        self.compare_configurations(speed, OTHER_SPEED)
        told = bytes.fromhex(speed["device"][0]["bytes"])
        # At full speed, UDCs may have another packet size of endpoint 0
        want = bytes((10, QUALIFIER)) + device[2:7] + device[7:8] + told[17:18] + b"\0"
        if (seen := self.host.descriptor(QUALIFIER)) != want:
            self.differ("device qualifier", want.hex(" "), seen and seen.hex(" "))


def compare(document, fastest, host):
    """Compares a gadget that is up at the fastest speed that it and the UDC have; `fastest` is the UDC's. Returns the
    Comparison."""
    comparison = Comparison(host)
    speed = speed_of(document, fastest)
    comparison.compare_speed(speed, fastest)
    comparison.compare_os(document["os_descriptors"])
    others = {s["speed"]: s for s in document["speeds"]}
    if speed["speed"] == "high" and "full" in others:
        comparison.compare_other_speed(others["full"], host.descriptor(DEVICE))
    return comparison
