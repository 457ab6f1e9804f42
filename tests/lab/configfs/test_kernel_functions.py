#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab qemu: no, Debian's kernels do not have all functions (tcm, midi2)
# lab: kernel=6.12,6.1 vudcs=2 timeout=420
# lab all: kernel=6.12,6.1 vudcs=2 build=plain,sanitize timeout=420
"""Every type of kernel function: `up`, its attributes in configfs, what the host reads, its kernel device, `down`.
Then the same with the gadget file that `export` has written."""

import contextlib
import dataclasses
import os
import pathlib
import subprocess

import gadgets
import harness
import kernel_functions
import tap
from harness import down, ffsctl, must, status
from tap import contains, eq, test

harness.leaves_nothing()

IMAGE = gadgets.DIRECTORY / "disk.img"
IMAGE.write_bytes(bytes(1 << 20))
KEYBOARD = bytes.fromhex(
    "05010906a101050719e029e71500250175019508810275089501810305081901290575019505910275039501910305"
    "07190029652565750895068100c0")
# Linux 6.1 has no sound on User-Mode Linux, and no MIDI 2.0 anywhere
NOT_6_1 = {"midi", "midi2", "uac1", "uac1_legacy", "uac2"}


@dataclasses.dataclass
class Case:
    type: str
    attrs: str
    has: dict         # {path below the function's directory: what is read there, a newline at the end apart}
    interfaces: list  # (class, subclass, protocol) as the host sees them, alternate settings included
    device: str = None
    ifname: str = None
    more: str = ""    # of the function's group


MAC = {"dev_addr": "02:00:00:00:00:0a", "host_addr": "02:00:00:00:00:0b", "qmult": "7"}
MAC_ATTRS = 'dev_addr = "02:00:00:00:00:0A"; host_addr = "02.00.00.00.00.0b"; qmult = 7; ifname = "lab%d"; '
CASES = [
    Case("acm", "port_num = 5; ", {"port_num": "0"}, [(2, 2, 1), (10, 0, 0)], device="/dev/ttyGS0"),
    Case("gser", "", {"port_num": "0"}, [(255, 0, 0)], device="/dev/ttyGS0"),
    Case("obex", "port_num = 3; ", {"port_num": "0"}, [], device="/dev/ttyGS0"),
    Case("ecm", MAC_ATTRS, MAC, [(2, 6, 0), (10, 0, 0), (10, 0, 0)], ifname="lab0"),
    Case("eem", MAC_ATTRS, MAC, [(2, 12, 7)], ifname="lab0"),
    Case("ncm", MAC_ATTRS, {**MAC, "os_desc/interface.ncm/compatible_id": "WINNCM"},
         [(2, 13, 0), (10, 0, 1), (10, 0, 1)], ifname="lab0",
         more='os_descs = ( { interface = "ncm"; compatible_id = "WINNCM"; } );'),
    Case("rndis", MAC_ATTRS + "class = 0xe0; subclass = 1; protocol = 0x3; ",
         {**MAC, "class": "e0", "subclass": "01", "protocol": "03"}, [(2, 2, 255), (10, 0, 0)], ifname="lab0"),
    Case("geth", MAC_ATTRS, MAC, [(2, 10, 0)], ifname="lab0"),
    Case("phonet", "", {}, [(2, 254, 0), (10, 0, 0), (10, 0, 0)], ifname="upnlink0"),
    Case("mass_storage",
         f'stall = true; luns = ( {{ ro = true; inquiry_string = "ffsctl  Disk"; file = "{IMAGE}"; }},'
         ' { cdrom = true; removable = false; nofua = 1; } ); ',
         {"stall": "1", "lun.0/ro": "1", "lun.0/file": str(IMAGE), "lun.0/inquiry_string": "ffsctl  Disk".ljust(28),
          "lun.1/cdrom": "1", "lun.1/removable": "0", "lun.1/nofua": "1", "lun.1/file": ""}, [(8, 6, 80)]),
    Case("tcm", "", {}, [(8, 6, 80), (8, 6, 98)]),
    Case("hid", 'report_desc = "keyboard"; ',
         {"subclass": "1", "protocol": "1", "report_length": "8", "report_desc": KEYBOARD, "no_out_endpoint": "0"},
         [(3, 1, 1)], device="/dev/hidg0"),
    Case("midi", 'id = "ffsctl"; buflen = 256; qlen = 16; in_ports = 2; out_ports = 3; ',
         {"id": "ffsctl", "buflen": "256", "qlen": "16", "in_ports": "2", "out_ports": "3"}, [(1, 1, 0), (1, 3, 0)]),
    Case("midi2", 'iface_name = "n"; endpoints = ( { ep_name = "e"; blocks = ( { name = "b"; num_groups = 2; } ); },'
         ' { product_id = "p"; } ); ',
         {"iface_name": "n", "ep.0/ep_name": "e", "ep.0/block.0/name": "b", "ep.0/block.0/num_groups": "0x2",
          "ep.1/product_id": "p", "ep.1/block.0/direction": "0x3"}, [(1, 1, 0), (1, 3, 0), (1, 3, 0)]),
    Case("printer", 'pnp_string = "MFG:f;MDL:m;"; q_len = 4; ', {"q_len": "4"}, [(7, 1, 2)]),
    Case("Loopback", "buflen = 8192; qlen = 4; ", {"bulk_buflen": "8192", "qlen": "4"}, [(255, 0, 0)]),
    Case("SourceSink", "pattern = 2; bulk_buflen = 8192; bulk_qlen = 4; ",
         {"pattern": "2", "bulk_buflen": "8192", "bulk_qlen": "4"}, [(255, 0, 0)]),
    Case("uac1", 'p_chmask = 1; c_chmask = 0; p_srate = ( 44100, 48000 ); function_name = "sound"; p_volume_res = 128; ',
         {"p_chmask": "1", "c_chmask": "0", "p_srate": "44100,48000", "function_name": "sound", "p_volume_res": "128"},
         [(1, 1, 0), (1, 2, 0), (1, 2, 0)]),
    Case("uac1_legacy", "req_buf_size = 100; req_count = 64; audio_buf_size = 9600; ",
         {"req_buf_size": "100", "req_count": "64", "audio_buf_size": "9600"}, [(1, 1, 0), (1, 2, 0), (1, 2, 0)]),
    Case("uac2", 'p_chmask = 0; c_srate = 96000; c_sync = "adaptive"; function_name = "sound"; ',
         {"p_chmask": "0", "c_srate": "96000", "c_sync": "adaptive", "function_name": "sound"},
         [(1, 1, 32), (1, 2, 32), (1, 2, 32)]),
    Case("uvc", 'function_name = "Camera"; streaming_maxpacket = 512; '
         'formats = ( { type = "mjpeg"; frames = ( { width = 640; height = 360; fps = ( 30, 15 ); } ); },'
         ' { type = "nv12"; frames = ( { width = 320; height = 240; }, { wWidth = 16; wHeight = 8;'
         ' dwFrameInterval = 1000000; } ); } ); ',
         {"function_name": "Camera", "streaming_maxpacket": "512",
          "streaming/mjpeg/1_mjpeg/1_640x360/dwFrameInterval": "333333\n666667",
          "streaming/mjpeg/1_mjpeg/1_640x360/dwDefaultFrameInterval": "333333",
          "streaming/mjpeg/1_mjpeg/1_640x360/dwMaxVideoFrameBufferSize": str(640 * 360 * 2),
          "streaming/uncompressed/2_nv12/bBitsPerPixel": "12", "streaming/uncompressed/2_nv12/bFormatIndex": "2",
          "streaming/uncompressed/2_nv12/guidFormat": b"NV12\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71",
          "streaming/uncompressed/2_nv12/2_16x8/wWidth": "16", "streaming/uncompressed/2_nv12/2_16x8/bFrameIndex": "2",
          "streaming/uncompressed/2_nv12/2_16x8/dwFrameInterval": "1000000"},
         [(14, 1, 0), (14, 2, 0), (14, 2, 0)], device="/dev/video0"),
]


def write(name, case):
    path = gadgets.DIRECTORY / (name + ".conf")
    path.write_text("attrs : { idVendor = 0x1d6b; idProduct = 0x0104; };\n"
                    f'functions : {{ f : {{ type = "{case.type}"; attrs : {{ {case.attrs}}}; {case.more} }}; }};\n')
    return path


def read(path):
    return path.read_bytes().rstrip(b"\n").rstrip(b"\0")


def look(case):
    top = pathlib.Path(harness.CONFIGFS) / "one/functions" / (case.type + ".f")
    for path, want in case.has.items():
        eq(read(top / path), want if isinstance(want, bytes) else want.encode(), path)
    shown, _ = status("one")
    eq(shown["problems"], [], "problems")
    function = shown["functions"][0]
    eq((function["device"], function["ifname"]), (case.device, case.ifname), "device and ifname")
    if case.type in kernel_functions.NEVER_SEEN:
        return
    device = harness.device()
    eq([(i.bInterfaceClass, i.bInterfaceSubClass, i.bInterfaceProtocol) for i in device.configurations()[0]],
       case.interfaces, "interfaces")


def seen(case):
    return None if case.type in kernel_functions.NEVER_SEEN else harness.descriptors()


def check(case):
    if case.type in NOT_6_1 and os.environ["LAB_KERNEL"] == "6.1":
        must(ffsctl("up", write("one", case)), 69)
        return
    with kernel_functions.up_and_configured(write("one", case), case.type):
        look(case)
        exported = must(ffsctl("export", "one"))
        eq(exported.stderr, "", "what the export says")
        configfs, descriptors = harness.configfs("one"), seen(case)
    again = gadgets.DIRECTORY / "one.conf"
    again.write_text(exported.stdout)
    with kernel_functions.up_and_configured(again, case.type):
        look(case)
        harness.check_same_snapshots({"configfs": configfs, "descriptors": {"": descriptors}},
                     {"configfs": harness.configfs("one"), "descriptors": {"": seen(case)}})
        eq(must(ffsctl("export", "one")).stdout, exported.stdout, "the second export")


@test("a printer's device id comes whole, behind its length")
def printer_device_id_is_whole():
    case = Case("printer", 'pnp_string = "MFG:f;MDL:m;"; ', {}, [])
    with harness.configured():
        must(ffsctl("up", "--udc", "dummy_udc.0", write("one", case)))
    try:
        eq(bytes(harness.device().ctrl_transfer(0xA1, 0, 0, 0, 1023)), b"\0\x0eMFG:f;MDL:m;")
    finally:
        down("one")


@test("names that are set to an empty text, in place of the kernel's own, are exported")
def empty_names_are_exported():
    for type_, attrs, in_6_1 in (
            ("uvc", 'function_name = ""; formats = ( { type = "mjpeg"; frames = ( { width = 64; height = 64; } ); } ); ', True),
            ("uac1", 'function_name = ""; ', False), ("uac2", 'function_name = ""; if_ctrl_name = ""; ', False),
            ("midi2", 'iface_name = ""; endpoints = ( { ep_name = ""; product_id = ""; blocks = ( { name = ""; } ); } ); ', False)):
        if not in_6_1 and os.environ["LAB_KERNEL"] == "6.1":
            continue
        must(ffsctl("up", "--no-bind", write("one", Case(type_, attrs, {}, []))))
        configfs, text = harness.configfs("one"), must(ffsctl("export", "one")).stdout
        eq(text.count('= "";'), attrs.count('= "";'), f"{type_}, exported: {text}")
        down("one")
        again = gadgets.DIRECTORY / "one.conf"
        again.write_text(text)
        must(ffsctl("up", "--no-bind", again))
        harness.check_same_snapshots({"configfs": configfs}, {"configfs": harness.configfs("one")})
        down("one")


@test("hid: the interval is exported if it was set, and not the value that the kernel shows before")
def hid_interval_is_exported():
    if os.environ["LAB_KERNEL"] in ("6.1", "6.12"):  # which have no such attribute
        return
    for attrs, value, there in (("", "4", False), ("interval = 5; ", "5", True)):
        case = Case("hid", 'report_desc = "keyboard"; ' + attrs, {"interval": value}, [(3, 1, 1)], device="/dev/hidg0")
        with kernel_functions.up_and_configured(write("one", case), case.type):
            look(case)
            eq("interval" in must(ffsctl("export", "one")).stdout, there, attrs)


# A report descriptor of 576 bytes: 47 fields of one byte in an application collection. They fill packets at each speed: those
# of endpoint 0 have 64 bytes, and with dummy_hcd at SuperSpeed 9.
WHOLE_PACKETS = bytes.fromhex(
    "05010906a101" + 5 * "15002501750895010a01008102" + 42 * "150025017508950109018102" + "c0")


# f_hid answers with a request of the composite driver, and lets a packet of no bytes follow that the host does not ask for.
# The kernel's complaint about a request that is freed while it is queued ends the lab with status 99.
@test("hid: unbound after the host has read a report descriptor that fills packets")
def hid_descriptor_of_whole_packets():
    if os.environ["LAB_MODULES"] == "stock":  # which has the bug
        return
    blob = gadgets.DIRECTORY / "whole.desc"
    blob.write_bytes(WHOLE_PACKETS)
    case = Case("hid", f'report_desc = "{blob}"; report_length = 47; ', {}, [])
    with harness.configured():
        must(ffsctl("up", "--udc", "dummy_udc.0", write("one", case)))
    try:
        eq(bytes(harness.device().ctrl_transfer(0x81, 6, 0x2200, 0, 576)), WHOLE_PACKETS)
    finally:
        must(down("one"))


@test("attributes and directories of later kernels are refused with what this kernel lacks")
def later_kernels_have_it():
    if os.environ["LAB_KERNEL"] not in ("6.1", "6.12"):
        return
    camera = 'formats = ( { type = "h264"; frames = ( { width = 16; height = 16; } ); } ); '
    for type_, attrs, what in (("midi", 'interface_string = "x"; ', "attribute"), ("SourceSink", "bulk_maxburst = 1; ", "attribute"),
                               ("uvc", camera, "directory")):
        got = must(ffsctl("up", "--udc", "dummy_udc.0", write("one", Case(type_, attrs, {}, []))), 69)
        eq("this kernel has no such " + what in got.stderr or f"this kernel has no function '{type_}'" in got.stderr, True, got.stderr)


@test("the longest landing page comes whole")
def longest_landing_page_is_whole():
    if os.environ["LAB_KERNEL"] == "6.1":  # which has no webusb
        return
    url = "a" * 244
    path = write("one", Case("printer", "", {}, []))
    path.write_text(path.read_text() + f'webusb : {{ bVendorCode = 9; landingPage = "https://{url}"; }};\n')
    with harness.configured():
        must(ffsctl("up", "--udc", "dummy_udc.0", path))
    try:
        eq(bytes(harness.device().ctrl_transfer(0xC0, 9, 1, 2, 255)), b"\xf7\3\1" + url.encode())
    finally:
        down("one")


DRIVES = """
attrs : { idVendor = 0x1d6b; idProduct = 0x0104; };
functions : { before : { type = "gser"; }; drives : { type = "tcm"; }; behind : { type = "printer"; }; };
"""


def look_at_drives(n):
    device = harness.device()
    eq([i.bInterfaceClass for i in device.configurations()[0]], [255, 8, 8, 7], "classes of the interfaces")
    device.detach_kernel_driver(1)
    # Universal Serial Bus Mass Storage Class, Bulk-Only Transport, 3.2
    eq(bytes(device.ctrl_transfer(0xA1, 0xFE, 0, 1, 1)), bytes([n - 1]), "the highest LUN")


# The kernel gives a function its target when it is linked, and a target needs the function: the first
# link has none. Of a function without one, or with one that has gone, the kernel dies when it is asked.
@test("a tcm function has the target that is there when it is bound")
def tcm_gets_its_target():
    path = gadgets.DIRECTORY / "one.conf"
    path.write_text(DRIVES)
    must(ffsctl("up", "--no-bind", path))
    try:
        for n in (2, 1):
            with kernel_functions.tcm_target(n):
                with harness.configured():
                    must(ffsctl("bind", "one", "dummy_udc.0"))
                look_at_drives(n)
                must(ffsctl("unbind", "one"))
    finally:
        down("one")


@test("a tcm function whose target is still there stays, and `down` says why")
def tcm_with_target_stays():
    path = gadgets.DIRECTORY / "one.conf"
    path.write_text(DRIVES)
    must(ffsctl("up", "--no-bind", path))
    with kernel_functions.tcm_target():
        contains(must(ffsctl("down", "one"), 71).stderr, "SCSI target still exists")
    down("one")


def of_the_manual(first):
    """Returns the commands of the only example in ffsctl-functions(5) that begins so."""
    page = pathlib.Path(harness.SRC, "man/ffsctl-functions.5").read_text()
    (found,) = [block for block in page.split("\n.Bd -literal -offset indent\n") if block.startswith(first)]
    return found[:found.index(".Ed\n")]


@test("the manual's example of a target")
def manual_example_of_target():
    (gadgets.DIRECTORY / "box.conf").write_text('udc = "dummy_udc.0";' + DRIVES)
    with kernel_functions.host_driver_delayed():
        for first in ("ffsctl up --no-bind box.conf", "ffsctl unbind box"):
            with harness.configured() if "up" in first else contextlib.nullcontext():
                must(subprocess.run(["/bin/sh", "-ec", of_the_manual(first)], cwd=gadgets.DIRECTORY, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False))
            if "up" in first:
                look_at_drives(1)


for c in CASES:
    test(c.type, c)(check)

tap.main()
