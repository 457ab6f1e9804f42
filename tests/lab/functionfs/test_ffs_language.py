#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: kernel=6.12,6.1 vudcs=1 timeout=180
# lab all: kernel=6.12,6.1 vudcs=1 build=plain,sanitize timeout=180
"""Keys of an `ffs` group other than interfaces and endpoints: the kernel accepts the values, and the host reads them.

The expected bytes were written by hand from the standards, as in test_descriptors.py.
"""

import contextlib
import os
import struct

import usb.core
import usb.util

import gadgets
import harness
import tap
from harness import down, ffsctl, must, up
from tap import eq, ok, test

OLD = os.environ["LAB_KERNEL"] == "6.1"
PATCHED = os.environ["LAB_MODULES"] == "patched"
CONFIG, STRING, OTHER_SPEED = 2, 3, 7

harness.leaves_nothing()


def write(text, attrs="", more=""):
    path = gadgets.DIRECTORY / "language.conf"
    path.write_text(f"attrs : {{ idVendor = 0x1d6b; idProduct = 0x0104; {attrs} }};\n{text}\n{more}\n")
    return path


def ffs(inside, label="f"):
    return f"{label} : {{ ffs : {{ {inside} }}; }};"


@contextlib.contextmanager
def gadget(functions, **kwargs):
    """Brings the gadget up; yields the device."""
    up(write(f"functions : {{ {functions} }};", **kwargs), "--udc", "dummy_udc.0", "--wait-host")
    try:
        yield harness.device()
    finally:
        down("language")


def descriptors(device, kind=CONFIG):
    """Returns the descriptors that follow the configuration descriptor."""
    raw = bytes(device.ctrl_transfer(0x80, 6, kind << 8, 0, 4096))
    eq(struct.unpack_from("<H", raw, 2)[0], len(raw), "wTotalLength")
    at, found = raw[0], []
    while at < len(raw):
        found.append(raw[at:at + raw[at]])
        at += raw[at]
    return found


def interface(number, alternate=0, endpoints=0, triple=(255, 0, 0), string=0):
    return bytes([9, 4, number, alternate, endpoints, *triple, string])


def endpoint(address, attributes, size, interval):
    return struct.pack("<BBBBHB", 7, 5, address, attributes, size, interval)


def companion(burst=0, attributes=0, per_interval=0):
    return struct.pack("<BBBBH", 6, 48, burst, attributes, per_interval)


def text(device, index):
    raw = bytes(device.ctrl_transfer(0x80, 6, STRING << 8 | index, 0x0409, 255))
    return raw[2:].decode("utf-16-le")


def refused(function, *args):
    """libusb makes "Other error" of what stops SET_INTERFACE, and a pipe error of a stall elsewhere."""
    try:
        function(*args)
    except usb.core.USBError:
        return True
    return False


@test("alternate settings: the host sees them, and chooses one where the kernel lets it")
def alternate_settings():
    with gadget(ffs("""interfaces = ( { string = "I"; endpoints = ( "bulk-in" ); alternates = (
                       { endpoints = ( "bulk-out", { direction = "in"; type = "interrupt"; max_packet = 8; } ); },
                       { } ); } );""")) as device:
        found = descriptors(device)
        string = found[0][8]
        eq(found, [
            interface(0, 0, 1, string=string), endpoint(0x81, 2, 1024, 0), companion(),
            interface(0, 1, 2), endpoint(0x02, 2, 1024, 0), companion(), endpoint(0x85, 3, 8, 4), companion(0, 0, 8),
            interface(0, 2)])
        eq(text(device, string), "I")
        mount = "/dev/ffs/language/f"
        eq(sorted(os.listdir(mount)), ["ep0", "ep1", "ep2", "ep3"])
        for alternate in (1, 2, 0):
            # Linux 6.1: f_fs.c has no get_alt, without which composite.c refuses all but 0
            eq(refused(device.set_interface_altsetting, 0, alternate), OLD and alternate > 0,
               f"setting {alternate} is refused")


@test("alternate settings with other classes, as IPP over USB has them")
def classes_of_alternate_settings():
    with gadget(ffs("""interfaces = ( { class = "printer"; subclass = 1; protocol = 2; endpoints = ( "bulk-out" ); alternates = (
                       { protocol = 4; endpoints = ( "bulk-out", "bulk-in" ); }, { class = "dfu"; } ); } );""")) as device:
        found = [d for d in descriptors(device) if d[1] == 4]
        eq(found, [interface(0, 0, 1, (7, 1, 2)), interface(0, 1, 2, (7, 1, 4)), interface(0, 2, 0, (254, 1, 0))])


@test("an association has its string, and the number that its first interface gets")
def association_string_and_number():
    functions = ffs("interfaces = ( { }, { } );", "a") + ffs("""
        interfaces = ( { class = "hid"; }, { class = "cdc"; subclass = 2; }, { class = "cdc-data"; string = "D"; } );
        associations = ( { first = 1; count = 2; protocol = 7; string = "Both"; } );""", "b")
    with gadget(functions) as device:
        found = descriptors(device)
        association, data = found[3][7], found[5][8]
        eq(found, [interface(0), interface(1), interface(2, triple=(3, 0, 0)),
                   bytes([8, 11, 3, 2, 2, 2, 7, association]),
                   interface(3, triple=(2, 2, 0)), interface(4, triple=(10, 0, 0), string=data)])
        eq((text(device, association), text(device, data)), ("Both", "D"))
        eq((device.bDeviceClass, device.bDeviceSubClass, device.bDeviceProtocol), (0xef, 2, 1))


@test("further descriptors stand behind that of their interface")
def further_descriptors_follow_interface():
    hid = bytes([9, 0x21, 0x11, 1, 0, 1, 0x22, 63, 0])
    card = bytes([54, 0x21]) + bytes(range(52))
    dfu = b"" if OLD else bytes([9, 0x21, 0x0d, 0xff, 0, 0, 8, 0x1a, 1])
    classes = [("hid", (3, 0, 0), hid), ("smart-card", (11, 0, 0), card), ("dfu", (254, 1, 0), dfu)]
    inside, want = "", []
    for number, (name, triple, extra) in enumerate(classes):
        inside += f'{", " if number else ""}{{ class = "{name}"; '
        inside += f'extra = ( [ {", ".join(map(str, extra))} ] ); }}' if extra else "}"
        want += [interface(number, triple=triple), extra]
    with gadget(ffs(f"interfaces = ( {inside} );")) as device:
        eq(descriptors(device), [d for d in want if d])


ISOCHRONOUS = """interfaces = ( { alternates = ( { endpoints = (
    { direction = "in"; type = "isochronous"; max_packet = 1024; interval = 0.125; mult = 3; },
    { direction = "out"; type = "iso"; max_packet = 100; interval = 8; },
    { direction = "in"; type = "interrupt"; max_packet = 600; mult = 2; } ); } ); } );"""


@test("isochronous endpoints, at both speeds of USB 2.0")
def isochronous_endpoints():
    path = write(f'functions : {{ {ffs(ISOCHRONOUS)} }};')
    with harness.configured():
        must(ffsctl("up", "--udc", harness.ISOCHRONOUS_UDC, path))
        plugs = harness.attach()
    try:
        device = harness.device()
        found = descriptors(device)
        addresses = [d[2] for d in found if d[1] == 5]
        eq([a & 0x80 for a in addresses], [0x80, 0, 0x80], "directions")
        eq(found, [interface(0), interface(0, 1, 3), endpoint(addresses[0], 1, 1024 | 2 << 11, 1),
                   endpoint(addresses[1], 1, 100, 7), endpoint(addresses[2], 3, 600 | 1 << 11, 4)])
        eq(descriptors(device, OTHER_SPEED),
           [interface(0), interface(0, 1, 3), endpoint(addresses[0], 1, 1023, 1),
            endpoint(addresses[1], 1, 100, 4), endpoint(addresses[2], 3, 64, 1)])
    finally:
        for plug in plugs:
            plug.close()
        down("language")


# --- Microsoft OS descriptors 1.0 ---


def os_string(device):
    """Returns the string 0xee, whose last byte but one is the bRequest for the other requests."""
    return bytes(device.ctrl_transfer(0x80, 6, STRING << 8 | 0xEE, 0, 255))


def request(device, kind, value, index):
    """Sends a vendor request without pyusb, which would use wIndex as the interface that it must claim."""
    buffer = usb.util.create_buffer(4096)
    device._ctx.managed_open()  # pylint: disable=protected-access
    code = os_string(device)[16]
    n = device._ctx.backend.ctrl_transfer(device._ctx.handle, kind, code, value, index, buffer, 1000)
    return bytes(buffer[:n])


def compatible_ids(device):
    raw = request(device, 0xC0, 0, 4)
    eq(struct.unpack_from("<IHHB7x", raw), (len(raw), 0x0100, 4, (len(raw) - 16) // 24), "head")
    return [(raw[at], raw[at + 1], raw[at + 2:at + 10].rstrip(b"\0"), raw[at + 10:at + 18].rstrip(b"\0"))
            for at in range(16, len(raw), 24)]


def properties(device, number):
    raw = request(device, 0xC1, number, 5)
    length, version, index, count = struct.unpack_from("<IHHH", raw)
    eq((length, version, index), (len(raw), 0x0100, 5), "head")
    at, found = 10, []
    while at < len(raw):
        size, kind, name = struct.unpack_from("<IIH", raw, at)
        data, = struct.unpack_from("<I", raw, at + 10 + name)
        eq(size, 14 + name + data, "dwSize")
        found.append((kind, raw[at + 10:at + 10 + name].decode("utf-16-le"), raw[at + 14 + name:at + size]))
        at += size
    eq(count, len(found), "wCount")
    return found


def kernel_log():
    """Returns the text of the kernel log so far."""
    fd = os.open("/dev/kmsg", os.O_RDONLY | os.O_NONBLOCK)
    lines = []
    with contextlib.suppress(BlockingIOError):
        while True:
            lines.append(os.read(fd, 8192).decode("utf-8", "replace"))
    os.close(fd)
    return "".join(lines)


def guid(value):
    return (1, "DeviceInterfaceGUID\0", (value + "\0").encode("utf-16-le"))


@test("winusb: Windows finds all it asks for")
def winusb_windows_finds_everything():
    with gadget(ffs("winusb = true; interfaces = ( { }, { } );")) as device:
        eq(os_string(device), b"\x12\x03" + "MSFT100".encode("utf-16-le") + b"\xee\0", "string 0xee")
        eq(compatible_ids(device), [(0, 1, b"WINUSB", b""), (1, 1, b"WINUSB", b"")])
        said = ffsctl("check", gadgets.DIRECTORY / "language.conf").stderr
        value = said.partition("the GUID ")[2][:38]
        eq((properties(device, 0), properties(device, 1)), ([guid(value)], [guid(value)]))
    ok("bcdVersion must be" not in kernel_log(), "the kernel warns of the version")


@test("every interface has its own compatible id, also those of functions that ask for none")
def compatible_id_per_interface():
    value = "{6fa459ea-ee8a-3ca4-894e-db77e160355e}"
    functions = ffs("interfaces = ( { }, { } );", "a") + ffs(f"""winusb = "{value}";
        interfaces = ( {{ }}, {{ class = "image"; }}, {{ }} );
        os_compat = ( {{ interface = 1; compatible = "MTP"; sub_compatible = "12345678"; }} );
        os_properties = (
          {{ interface = 1; name = "Label"; data = "A sign"; }},
          {{ interface = 1; name = "Icons"; type = "expand-string"; data = "%x%"; }},
          {{ interface = 1; name = "Link"; type = "link"; data = "y"; }},
          {{ interface = 1; name = "Raw"; type = "binary"; data = ( 0, 255, 1 ); }} );""", "b")
    # the kernel's own is there, too
    with gadget(functions, more="os_descs : { qw_sign = \"MSFT100\"; b_vendor_code = 7; };") as device:
        eq(compatible_ids(device), [(0, 1, b"", b""), (1, 1, b"", b""), (2, 1, b"WINUSB", b""),
                                    (3, 1, b"MTP", b"12345678"), (4, 1, b"WINUSB", b"")])
        eq([properties(device, n) for n in (0, 1, 2, 4)], [[], [], [guid(value)], [guid(value)]])
        eq(properties(device, 3), [
            (1, "Label\0", "A sign\0".encode("utf-16-le")), (2, "Icons\0", "%x%\0".encode("utf-16-le")),
            (6, "Link\0", "y\0".encode("utf-16-le")), (3, "Raw\0", b"\0\xff\x01")])


@test("the longest property that the kernel takes")
def longest_property():
    name, data = "N" * 100, "d" * (241 - 101 - 1)
    with gadget(ffs(f"""interfaces = ( {{ }} );
                    os_properties = ( {{ interface = 0; name = "{name}"; data = "{data}"; }} );""")) as device:
        eq(properties(device, 0), [(1, name + "\0", (data + "\0").encode("utf-16-le"))])


@test("winusb beside rw_proxy and a second try of descriptors")
def winusb_beside_rw_proxy():
    if not PATCHED:
        return
    with gadget(ffs('winusb = true; rw_proxy = true; interfaces = ( { endpoints = ( "bulk-in", "bulk-out" ); } );')
                ) as device:
        eq(compatible_ids(device), [(0, 1, b"WINUSB", b"")])
        eq(sorted(os.listdir("/dev/ffs/language/f")), ["ep0", "ep1", "ep1_rw", "ep2"])


# --- blobs of one's own ---


def blob(*speeds, flags=0):
    there = [s for s in speeds if s]
    flags |= sum(1 << n for n, s in enumerate(speeds) if s)
    body = struct.pack("<I", flags) + b"".join(struct.pack("<I", len(s)) for s in there)
    body += b"".join(d for s in there for d in s)
    return struct.pack("<II", 3, len(body) + 8) + body


@test("descriptors and strings from files, for a worker that echoes")
def descriptors_from_files():
    super_speed = [interface(0, 0, 2, string=1), endpoint(0x82, 2, 1024, 0), companion(15),
                   endpoint(0x01, 2, 1024, 0), companion()]
    full = [interface(0, 0, 2, string=1), endpoint(0x82, 2, 64, 0), endpoint(0x01, 2, 64, 0)]
    (gadgets.DIRECTORY / "descriptors").write_bytes(blob(full, None, super_speed))
    (gadgets.DIRECTORY / "strings").write_bytes(struct.pack("<IIIIH", 2, 22, 1, 1, 0x0409) + b"Raw\0")
    with gadget('f : { ffs : { blob = { descriptors = "descriptors"; strings = "strings"; }; };'
                ' worker : { plugin = "loopback"; }; };') as device:
        found = descriptors(device)
        string = found[0][8]
        eq(text(device, string), "Raw")
        eq(found, [interface(0, 0, 2, string=string), endpoint(0x81, 2, 1024, 0), companion(15),
                   endpoint(0x02, 2, 1024, 0), companion()])
        shown, _ = harness.status("language")
        eq([(e["file"], e["direction"], e["max_packet"]) for e in shown["functions"][0]["endpoints"]],
           [("ep1", "in", 1024), ("ep2", "out", 1024)])
        device.set_configuration()
        device.write(0x02, b"x" * 3000)
        eq(bytes(device.read(0x81, 4096)), b"x" * 3000)


@test("a blob with a file for both directions")
def blob_with_two_way_file():
    if not PATCHED:
        return
    full = [interface(0, 0, 2), endpoint(0x82, 2, 64, 0), endpoint(0x01, 2, 64, 0)]
    (gadgets.DIRECTORY / "descriptors").write_bytes(blob(full, flags=256))
    with gadget('f : { ffs : { blob = { descriptors = "descriptors"; }; device = "/dev/language"; }; };'):
        eq(os.readlink("/dev/language"), "/dev/ffs/language/f/ep1_rw")


@test("why OS descriptors are as they are: what the kernel makes of others")
def os_descriptors_as_kernel_makes_them():
    version = 0x0001 if OLD else 0x0100
    compatible = struct.pack("<BIHHH BB8s14x", 0, 35, version, 4, 1, 0, 1, b"WINUSB")
    data = b"{6fa459ea-ee8a-3ca4-894e-db77e160355e}\0\0"
    name = b"DeviceInterfaceGUIDs\0"
    multi = struct.pack("<IIH", 14 + len(name) + len(data), 7, len(name)) + name + struct.pack("<I", len(data)) + data
    multi = struct.pack("<BIHHH", 0, 11 + len(multi), version, 5, 1) + multi
    full = interface(0) + interface(1)
    body = struct.pack("<III", 1 | 8, 2, 2) + full + compatible + multi
    (gadgets.DIRECTORY / "descriptors").write_bytes(struct.pack("<II", 3, len(body) + 8) + body)
    with gadget('f : { ffs : { blob = { descriptors = "descriptors"; }; }; };', more="os_descs : { };") as device:
        # count_ext_compat of composite.c: interface 1, of which nothing is said, is a second interface 0
        eq(compatible_ids(device), [(0, 1, b"WINUSB", b""), (0, 1, b"", b"")])
        # fill_ext_prop
        ok(refused(properties, device, 0), "a REG_MULTI_SZ is taken: use DeviceInterfaceGUIDs")


@test("a blob with virtual addresses names its files so")
def blob_with_virtual_addresses():
    # Which have to be the UDC's own: composite.c looks for an endpoint's descriptor by its real address
    high = [interface(0, 0, 1), endpoint(0x81, 2, 512, 0)]
    (gadgets.DIRECTORY / "descriptors").write_bytes(blob(None, high, flags=16))
    with gadget('f : { ffs : { blob = { descriptors = "descriptors"; }; device = "/dev/language"; }; };') as device:
        eq(descriptors(device), [interface(0, 0, 1), endpoint(0x81, 2, 512, 0)])
        eq(sorted(os.listdir("/dev/ffs/language/f")), ["ep0", "ep81"])
        eq(os.readlink("/dev/language"), "/dev/ffs/language/f/ep81")


tap.main()
