# SPDX-License-Identifier: GPL-2.0-or-later
"""Plays what a host asks of a new device (tests/lab/hosts/replay) against the gadget that is up, and says in words what it
answers. The answers are checked as far as the host needs them."""

import re
import struct

import usb.core
import usb.util

import harness
from systems import REPLAY_DIRECTORY, REPLAYS

UNKNOWN_LENGTH = 255
DEVICE, CONFIGURATION, STRING, INTERFACE, QUALIFIER, IAD, BOS, HID, REPORT = 1, 2, 3, 4, 6, 11, 15, 0x21, 0x22
ENGLISH = 0x0409
WEBUSB = bytes.fromhex("38b6083409a9a0478bfda0768815b665")  # the capability's UUID, WebUSB, 4.1
LINE = re.compile(r"(?:(get|set|check) )?([a-z-]+)(?: (\d+|\?|total|its length))?\s*\|\s*(gives up|goes on)\s*\|\s*([\d ]+)")


class GivesUp(AssertionError):
    """The host does not use the device, or one of its interfaces."""


class Replay:
    """What a host asks."""

    def __init__(self, host):
        lines = [line for line in (REPLAY_DIRECTORY / host).read_text().splitlines() if line and not line.startswith("#")]
        self.name = REPLAYS[host]
        self.sources = dict(line.split(": ", 1) for line in lines if re.match(r"\d+: ", line))
        self.steps = [LINE.fullmatch(line).groups() for line in lines if "|" in line]
        for *_, numbers in self.steps:
            for number in numbers.split():
                if number not in self.sources:
                    raise ValueError(f"{host}: no source {number}")


def descriptors(data):
    """Returns the descriptors of which a configuration or BOS consists."""
    at, found = 0, []
    while at < len(data):
        if data[at] < 2 or at + data[at] > len(data):
            raise GivesUp(f"a descriptor with length {data[at]} at byte {at} of {len(data)}")
        found.append(data[at:at + data[at]])
        at += data[at]
    return found


class Dialogue:
    """A host that talks with the device. `said` has a line for each request."""

    def __init__(self, replay):
        self.replay, self.said = replay, []
        device, = harness.host_devices()
        self.device = harness.device(*(int(harness.text_of(harness.USB_DEVICES / device / name), 16) for name in ("idVendor", "idProduct")))
        self.known = {}  # the last answer to each step

    def close(self):
        usb.util.dispose_resources(self.device)

    def say(self, text):
        self.said.append(text)

    # --- requests

    def read(self, what, request, length):
        """Sends a request that reads; returns the answer, or None if it is stalled."""
        request_type, number, value, index = request
        try:
            answer = bytes(self.device.ctrl_transfer(request_type, number, value, index, length, round(1000 * harness.patience(5))))
        except usb.core.USBTimeoutError:
            raise GivesUp(f"{what}: no answer") from None
        except usb.core.USBError:
            self.say(f"{what}, {length} bytes: stalled")
            return None
        self.say(f"{what}, {length} bytes: {len(answer)} bytes")
        return answer

    def descriptor(self, what, kind, length, index=0, language=0):
        answer = self.read(f"GET_DESCRIPTOR {what}", (0x80, 6, kind << 8 | index, language), length)
        if answer is not None and (len(answer) < 2 or answer[1] != kind or answer[0] < 2):
            raise GivesUp(f"the answer is no {what}: {answer.hex()}")
        return answer

    def field(self, offset):
        return self.known["device"][offset]

    def interfaces(self):
        """Returns (interface descriptor, its class-specific descriptors), of the first alternate settings."""
        found = []
        for one in descriptors(self.known["configuration"]):
            if one[1] == INTERFACE:
                found.append((one, []))
            elif found:
                found[-1][1].append(one)
        return [(interface, others) for interface, others in found if interface[3] == 0]

    # --- steps: each returns the answer, "" if the host does not ask, or None if the device has stalled the request

    def device_(self, length):
        answer = self.descriptor("device", DEVICE, length)
        if answer is not None and len(answer) != min(length, 18):
            raise GivesUp(f"a device descriptor of {len(answer)} bytes")
        return answer

    def configuration(self, length):
        answer = None
        for n in range(self.field(17)):
            answer = self.descriptor(f"configuration {n}", CONFIGURATION, length, n)
            if answer is None:
                return None
            total = struct.unpack_from("<H", answer, 2)[0]
            if len(answer) != min(length, total):
                raise GivesUp(f"a configuration of {total} bytes, of which {len(answer)} come")
            if length < total:
                continue
            if sum(d[1] == INTERFACE and d[3] == 0 for d in descriptors(answer)) != answer[4]:
                raise GivesUp(f"bNumInterfaces {answer[4]} is not the number of interfaces")
        # All of the first one, also if this host has asked for less
        return self.first_configuration()

    def first_configuration(self):
        head = bytes(self.device.ctrl_transfer(0x80, 6, CONFIGURATION << 8, 0, 9))
        return bytes(self.device.ctrl_transfer(0x80, 6, CONFIGURATION << 8, 0, struct.unpack_from("<H", head, 2)[0]))

    def bos(self, length):
        if self.field(3) << 8 | self.field(2) <= 0x0200:
            return ""
        answer = self.descriptor("BOS", BOS, length)
        if answer is not None and len(answer) == struct.unpack_from("<H", answer, 2)[0]:
            if len(descriptors(answer)) != answer[4] + 1:
                raise GivesUp(f"bNumDeviceCaps {answer[4]} is not the number of capabilities")
        return answer

    def string(self, what, index, length):
        if index == 0 and what != "languages":
            return ""
        return self.descriptor(f"string {index} ({what})", STRING, length, index, ENGLISH if index else 0)

    def languages(self, length):
        return self.string("languages", 0, length)

    def manufacturer(self, length):
        return self.string("manufacturer", self.field(14), length)

    def product(self, length):
        return self.string("product", self.field(15), length)

    def serial(self, length):
        return self.string("serial number", self.field(16), length)

    def os_string(self, length):
        answer = self.descriptor("string 0xee (Microsoft OS)", STRING, length, 0xEE)
        if answer is not None and (len(answer) != 18 or answer[2:16] != "MSFT100".encode("utf-16-le")):
            raise GivesUp(f"string 0xee is not 18 bytes with MSFT100: {answer.hex()}")
        return answer

    def vendor_code(self):
        return self.known["os-string"][16] if self.known.get("os-string") else None

    def os_feature(self, what, index, length):
        """Reads an OS feature descriptor of the device."""
        code = self.vendor_code()
        return "" if code is None else self.read(f"Microsoft {what}", (0xC0, code, 0, index), length)

    def os_ids(self, length):
        answer = self.os_feature("compatible ids", 4, length)
        if answer and length >= 16:
            size, version, index, count = struct.unpack_from("<IHHB", answer)
            if (version, index) != (0x0100, 4) or size != 16 + 24 * count or len(answer) != min(length, size):
                raise GivesUp(f"compatible ids of {size} bytes with {count} sections, of which {len(answer)} bytes come")
        return answer

    def os_properties(self, length):
        answer = ""
        for interface, _ in self.interfaces():
            code = self.vendor_code()
            if code is not None:
                answer = self.read(f"Microsoft properties of interface {interface[2]}", (0xC1, code, interface[2], 5), length)
        return answer

    def container_id(self, length):
        return self.os_feature("container id", 6, length)

    def qualifier(self, length):
        return self.descriptor("device qualifier", QUALIFIER, length)

    def reset(self, _):
        self.device.reset()
        self.say("reset")
        return b"reset"

    def set_configuration(self, _):
        value = self.known["configuration"][5]
        for interface, _ in self.interfaces():
            if self.device.is_kernel_driver_active(interface[2]):
                self.device.detach_kernel_driver(interface[2])
        self.device.set_configuration(value)
        self.say(f"SET_CONFIGURATION {value}: done")
        return b"done"

    def hid_interfaces(self):
        """Returns (number, length of its report descriptor) of each HID interface."""
        return [(interface[2], struct.unpack_from("<H", d, 7)[0])
                for interface, others in self.interfaces() if interface[5] == 3 for d in others if d[1] == HID]

    def set_hid_idle(self, _):
        for number, _ in self.hid_interfaces():
            try:
                self.device.ctrl_transfer(0x21, 10, 0, number, None)
                self.say(f"SET_IDLE of interface {number}: done")
            except usb.core.USBError:
                self.say(f"SET_IDLE of interface {number}: stalled")
        return ""

    def hid_report(self, _):
        reports = []
        for number, length in self.hid_interfaces():
            report = self.read(f"GET_DESCRIPTOR report of interface {number}", (0x81, 6, REPORT << 8, number), length)
            if report is None:
                return None
            if len(report) != length:
                raise GivesUp(f"a report descriptor of {length} bytes, of which {len(report)} come")
            reports.append(report)
        return reports

    def check_hid_report(self, _):
        """HID 1.11, 6.2.2.7: report id 0 is reserved."""
        for report in self.known["hid-report"] or ():
            at = 0
            while at < len(report):
                size = (0, 1, 2, 4)[report[at] & 3]
                if report[at] & 0xFC == 0x84 and int.from_bytes(report[at + 1:at + 1 + size], "little") == 0:
                    raise GivesUp("report id 0, which is reserved")
                at += 1 + size
        return ""

    def check_composite(self, _):
        """Functions of several interfaces need the class of interface associations."""
        classes = tuple(self.known["device"][4:7])
        associations = [d for d in descriptors(self.known["configuration"]) if d[1] == IAD]
        if len(self.interfaces()) > 1 and classes not in ((0, 0, 0), (0xEF, 2, 1)):
            raise GivesUp("several interfaces in a device of class %02x/%02x/%02x: usbccgp.sys does not load" % classes)
        if len(self.interfaces()) > sum(d[3] for d in associations[:1]) > 0 and classes == (0, 0, 0):
            self.say("interface associations in a device of class 00/00/00: Microsoft asks for ef/02/01")
        return ""

    def landing_page(self, length):
        bos = self.known.get("bos")
        for capability in descriptors(bos) if bos else ():
            if capability[2] == 5 and capability[4:20] == WEBUSB and capability[23]:
                return self.read("WebUSB landing page", (0xC0, capability[22], capability[23], 2), length)
        return ""

    def compatible_ids(self):
        """Returns {number of the interface: compatible id} of the answers so far."""
        answer = self.known.get("os-ids") or b""
        sections = [answer[at:at + 24] for at in range(16, len(answer), 24)]
        return {section[0]: section[2:10].rstrip(b"\0").decode() for section in sections if section[2]}

    # --- the dialogue

    def length(self, name, word):
        if word == "?":
            return UNKNOWN_LENGTH
        if word in ("total", "its length"):
            before = self.known.get(name)
            if not before:
                return 0
            return {"os-ids": lambda: struct.unpack_from("<I", before)[0], "bos": lambda: struct.unpack_from("<H", before, 2)[0],
                    "configuration": lambda: struct.unpack_from("<H", before, 2)[0]}.get(name, lambda: before[0])()
        return int(word or 0)

    def play(self):
        """Plays all steps; raises GivesUp if the host would not use the device."""
        for n, (verb, name, word, if_stalled, numbers) in enumerate(self.replay.steps, 1):
            method = "device_" if name == "device" else name.replace("-", "_")
            if verb in ("set", "check"):
                method = f"{verb}_{method}"
            length = self.length(name, word)
            if word in ("total", "its length") and not length and name != "hid-report":
                continue  # the host has got no length
            try:
                answer = getattr(self, method)(length)
                if answer is None and if_stalled == "gives up":
                    raise GivesUp(self.said[-1])
            except GivesUp as err:
                sources = "; ".join(self.replay.sources[number] for number in numbers.split())
                step = " ".join(filter(None, (verb, name, word)))
                raise GivesUp(f"{self.replay.name} would give up at step {n} ({step}): {err} [{sources}]") from None
            if verb == "get" and answer is not None and answer != "":
                self.known[name] = answer


def play(host, ids=None):
    """Plays a host's requests against the gadget that is up; returns what was said, a line for each request. `ids`: the compatible
    ids of its interfaces that a host which asks for them must get."""
    dialogue = Dialogue(Replay(host))
    try:
        dialogue.play()
        if ids is not None and any(name == "os-ids" for _, name, *_ in dialogue.replay.steps):
            got = dialogue.compatible_ids()
            if got != ids:
                raise GivesUp(f"{dialogue.replay.name} would find no driver: its compatible ids are {got}, not {ids}")
    finally:
        dialogue.close()
    return dialogue.said
