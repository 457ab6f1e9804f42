#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 timeout=180
# lab all: kernel=6.12,6.1 vudcs=1 timeout=180
"""Each scheme in tests/schemes can be brought up unchanged. The kernel then has all its values: every attribute that a
scheme can set, the links, and the descriptors that the host reads."""

import contextlib
import os
import pathlib
import shutil

import gadgets
import harness
import tap
from harness import SRC, down, ffsctl, must, status
from tap import contains, eq, test

harness.leaves_nothing()

SCHEMES = gadgets.DIRECTORY / "schemes"
shutil.copytree(pathlib.Path(SRC, "tests/schemes"), SCHEMES)
(SCHEMES / "disk.img").write_bytes(bytes(1 << 20))
OLD = os.environ["LAB_KERNEL"] == "6.1"
# Linux 6.1 has no sound on User-Mode Linux; usb9pfs is in neither kernel.
MISSING = {"usb9pfs"} | ({"midi", "uac2", "exported-midi", "exported-uac2"} if OLD else set())
ISOCHRONOUS = {"uac2", "uvc", "exported-uac2"}
NOT_SEEN = {"obex", "uvc"}  # not before a program has opened the camera's device; obex never
NO_BIND = {"ffs"}
SIGN = "ffffff" if OLD else ""  # how Linux 6.1 shows a vendor code from 0x80 on

NET = {"dev_addr": "62:1e:f6:88:9b:42", "host_addr": "66:4f:00:71:de:59", "qmult": "10"}
MOUSE = bytes.fromhex("05010902a1010901a1000509190129031500250195037501810295017505810105010930093115"
                      "81257f750895028106c0c0")
UVC, UAC2 = "functions/uvc.0/streaming/", "functions/uac2.0/"


def below(directory, values):
    return {f"{directory}/{name}": value for name, value in values.items()}


# What the six gadgets have in common whose schemes libusbgx 0.3 exported
EXPORTED = {"idVendor": "0x1d6b", "idProduct": "0x0104", "bcdDevice": "0x0100",
            "strings/0x409/manufacturer": "Foo Inc.", "strings/0x409/serialnumber": "0123456789",
            "configs/The only one.1/bmAttributes": "0x80", "configs/The only one.1/MaxPower": "120",
            "configs/The only one.1/strings/0x409/configuration": "The only one"}
NO_OS_DESCS = {"os_desc/use": "0", "os_desc/qw_sign": "", "os_desc/b_vendor_code": "0x00"}

# {scheme: {path below the gadget's directory: what is read there, the newline apart; of a link its target}}
WANT = {
    "acm": {"strings/0x409/manufacturer": "Foo Inc.", "strings/0x409/product": "Bar Gadget",
            "strings/0x409/serialnumber": "0123456789", "bDeviceClass": "0x02", "bcdDevice": "0x0100",
            "configs/The only one.1/bmAttributes": "0x80", "configs/The only one.1/MaxPower": "2",
            "configs/The only one.1/strings/0x409/configuration": "2xACM",
            "configs/The only one.1/acm.GS1": "acm.usb1", "configs/The only one.1/acm.GS0": "acm.usb0"},
    "gser": {"configs/c.1/gser.0": "gser.0"},
    "obex": {"configs/c.1/obex.usb0": "obex.usb0"},
    "ecm": below("functions/ecm.usb0", NET) | {"configs/c.1/net": "ecm.usb0"},
    "geth": below("functions/geth.usb0", NET) | {"configs/c.1/net": "geth.usb0"},
    "eem": below("functions/eem.usb0", NET) | {"configs/c.1/net": "eem.usb0"},
    "ncm": below("functions/ncm.usb0", NET) | {
        "functions/ncm.usb0/os_desc/interface.ncm/compatible_id": "WINNCM",
        "functions/ncm.usb0/os_desc/interface.ncm/sub_compatible_id": "",
        "os_desc/use": "1", "os_desc/qw_sign": "MSFT100", "os_desc/b_vendor_code": f"0x{SIGN}cd", "os_desc/c.1": "c.1"},
    "rndis": below("functions/rndis.usb0", NET) | {
        "functions/rndis.usb0/class": "ef", "functions/rndis.usb0/subclass": "04",
        "functions/rndis.usb0/protocol": "01",
        "functions/rndis.usb0/os_desc/interface.rndis/compatible_id": "RNDIS",
        "functions/rndis.usb0/os_desc/interface.rndis/sub_compatible_id": "5162001",
        "os_desc/use": "1", "os_desc/b_vendor_code": f"0x{SIGN}bc", "os_desc/c.1": "c.1", "bDeviceSubClass": "0x02"},
    "phonet": {"configs/c.1/phonet.0": "phonet.0"},
    "ffs": {"configs/c.1/ffs.lab_app": "ffs.lab_app", "configs/c.1/acm.0": "acm.0"},
    "mass_storage": below("functions/mass_storage.0", {
        "stall": "1", "lun.0/cdrom": "0", "lun.0/ro": "1", "lun.0/nofua": "0", "lun.0/removable": "1",
        "lun.0/file": f"{SCHEMES}/disk.img", "lun.1/cdrom": "1", "lun.1/ro": "1", "lun.1/nofua": "1",
        "lun.1/removable": "0", "lun.1/file": "", "lun.1/inquiry_string": "Linux   Scheme".ljust(28)}),
    "midi": below("functions/midi.0", {"index": "-1", "id": "scheme", "buflen": "256", "qlen": "16", "in_ports": "2",
                                       "out_ports": "3"}),
    "Loopback": below("functions/Loopback.0", {"bulk_buflen": "8192", "qlen": "16"}),
    "hid": below("functions/hid.usb0", {"protocol": "2", "report_length": "3", "subclass": "1", "report_desc": MOUSE}),
    "uac2": below("functions/uac2.0", {
        "c_chmask": "1", "c_srate": "44100", "c_ssize": "2", "c_hs_bint": "4", "c_sync": "adaptive",
        "c_mute_present": "1", "c_volume_present": "0", "c_volume_min": "-12800", "c_volume_max": "0",
        "c_volume_res": "128", "p_chmask": "3", "p_srate": "48000", "p_ssize": "4", "p_hs_bint": "4",
        "p_mute_present": "0", "p_volume_present": "1", "p_volume_min": "-25600", "p_volume_max": "-256",
        "p_volume_res": "256", "req_number": "4", "fb_max": "10", "function_name": "Scheme"}),
    "uvc": below("functions/uvc.0", {
        "streaming_maxburst": "0", "streaming_maxpacket": "1024", "streaming_interval": "1",
        "function_name": "Scheme"}) | below("functions/uvc.0/streaming/uncompressed/1_uncompressed", {
            "bDefaultFrameIndex": "1", "bBitsPerPixel": "16",
            "guidFormat": b"YUY2\0\0\x10\0\x80\0\0\xaa\0\x38\x9b\x71", "1_640x360/bFrameIndex": "1",
            "1_640x360/bmCapabilities": "0", "1_640x360/dwMinBitRate": "18432000",
            "1_640x360/dwMaxBitRate": "55296000", "1_640x360/dwMaxVideoFrameBufferSize": "460800",
            "1_640x360/dwDefaultFrameInterval": "666666", "1_640x360/dwFrameInterval": "666666",
            "1_640x360/wHeight": "360", "1_640x360/wWidth": "640"}) | below(
                "functions/uvc.0/streaming/mjpeg/2_mjpeg", {
                    "bDefaultFrameIndex": "2", "1_640x360/wWidth": "640", "1_640x360/bFrameIndex": "1",
                    "2_1280x720/wWidth": "1280", "2_1280x720/wHeight": "720", "2_1280x720/bFrameIndex": "2",
                    "2_1280x720/dwFrameInterval": "333333", "2_1280x720/dwDefaultFrameInterval": "333333"}) | below(
                        "functions/uvc.0/streaming", {
                            "header/h/1_uncompressed": "1_uncompressed", "header/h/2_mjpeg": "2_mjpeg",
                            "class/fs/h": "h", "class/hs/h": "h", "class/ss/h": "h"}),
    "printer": {"configs/c.1/printer.0": "printer.0"},
    "usb9pfs": {},
    "inline": {"configs/first.1/serial": "acm.0", "configs/first.1/ecm.1": "ecm.1", "functions/ecm.1/qmult": "7",
               "configs/second.2/eem.2": "eem.2"},
    "forms": {"strings/0x409/product": "All forms", "strings/0x407/product": "Alle Formen",
              "strings/0x407/manufacturer": "Schema", "strings/0x407/serialnumber": "1", "bcdDevice": "0x0123",
              "bDeviceClass": "0xef", "bDeviceProtocol": "0x01", "configs/three.3/bmAttributes": "0xe0",
              "configs/three.3/MaxPower": "500", "configs/three.3/strings/0x409/configuration": "All",
              "configs/three.3/strings/0x407/configuration": "Alles", "configs/three.3/ecm.net": "ecm.net",
              "configs/three.3/acm.a_b": "acm.a_b", "configs/three.3/storage": "mass_storage.disk",
              "configs/one.1/ecm.net": "ecm.net"},
    "exported-hid": EXPORTED | NO_OS_DESCS | {"strings/0x409/product": "Mouse", "bDeviceClass": "0x00"} | below(
        "functions/hid.usb0", {"protocol": "2", "report_length": "3", "subclass": "1", "report_desc": MOUSE}),
    "exported-acm-ecm": EXPORTED | NO_OS_DESCS | {
        "bDeviceClass": "0x02", "configs/The only one.1/acm.GS0": "acm.GS0",
        "configs/The only one.1/ecm.usb0": "ecm.usb0"} | below("functions/ecm.usb0", NET | {"qmult": "5"}),
    "exported-rndis": EXPORTED | below("functions/rndis.usb0", NET | {
        "qmult": "5", "class": "ef", "subclass": "04", "protocol": "01",
        "os_desc/interface.rndis/compatible_id": "RNDIS",
        "os_desc/interface.rndis/sub_compatible_id": "5162001"}) | {
            "os_desc/use": "1", "os_desc/qw_sign": "MSFT100", "os_desc/b_vendor_code": f"0x{SIGN}bc",
            "os_desc/The only one.1": "The only one.1", "bDeviceSubClass": "0x02",
            "configs/The only one.1/MaxPower": "500"},
    "exported-uac2": EXPORTED | NO_OS_DESCS | below("functions/uac2.usb0", {
        "c_chmask": "3", "c_srate": "64000", "c_ssize": "2", "c_hs_bint": "0", "c_sync": "async", "c_mute_present": "1",
        "c_volume_present": "1", "c_volume_min": "-25600", "c_volume_max": "0", "c_volume_res": "256",
        "p_chmask": "3", "p_srate": "48000", "p_ssize": "2", "p_hs_bint": "0", "p_mute_present": "1",
        "p_volume_present": "1", "p_volume_min": "-25600", "p_volume_max": "0", "p_volume_res": "256",
        "req_number": "2", "fb_max": "5", "function_name": "Source/Sink"}),
    "exported-midi": {name: value for name, value in EXPORTED.items() if not name.endswith("/configuration")} |
                     NO_OS_DESCS | below("functions/midi.usb0", {
                         "index": "-1", "id": "MIDI", "buflen": "512", "qlen": "32", "in_ports": "2",
                         "out_ports": "1"}),
    "exported-mass_storage": EXPORTED | NO_OS_DESCS | {"strings/0x409/serialnumber": "0123456789AB"} | below(
        "functions/mass_storage.usb0", {
            "stall": "0", "lun.0/cdrom": "0", "lun.0/ro": "0", "lun.0/nofua": "0", "lun.0/removable": "1",
            "lun.0/file": f"{SCHEMES}/disk.img", "lun.0/inquiry_string": "Linux   File-Stor Gadget0612",
            "lun.1/cdrom": "1", "lun.1/ro": "1", "lun.1/removable": "1", "lun.1/file": ""}),
    "smallest": {"strings/0x409/product": "smallest", "configs/c.1/acm.0": "acm.0"},
}


def read(path):
    if path.is_symlink():
        return os.path.basename(os.readlink(path)).encode()
    return path.read_bytes().rstrip(b"\n").rstrip(b"\0")


def comes_up(name):
    scheme = SCHEMES / (name + ".scheme")
    if name in MISSING:
        got = must(ffsctl("up", "--udc", "dummy_udc.0", scheme), 69)
        contains(got.stderr, f"{scheme}:")
        contains(got.stderr, "this kernel has no function '")
        return
    options = ["--no-bind"] if name in NO_BIND else ["--udc", harness.ISOCHRONOUS_UDC if name in ISOCHRONOUS else "dummy_udc.0"]
    seen = name not in NOT_SEEN | NO_BIND
    with contextlib.ExitStack() as stack:
        with harness.configured() if seen else contextlib.nullcontext():
            must(ffsctl("up", *options, scheme))
            stack.callback(down, name)
            if seen and name in ISOCHRONOUS:
                for plug in harness.attach():
                    stack.callback(plug.close)
        top = pathlib.Path(harness.CONFIGFS, name)
        if name.startswith("exported-"):
            links = {p.name for p in (top / "os_desc").iterdir() if p.is_symlink()}
            eq(links, {"The only one.1"} if name == "exported-rndis" else set(), "links in os_desc")
        for path, want in WANT[name].items():
            eq(read(top / path), want if isinstance(want, bytes) else want.encode(), path)
        eq(status(name)[0]["problems"], [], "problems")
        if seen:
            device = harness.device()
            configs = [c.bConfigurationValue for c in device.configurations()]
            eq(sorted(configs), sorted(int(p.name.rpartition(".")[2]) for p in (top / "configs").iterdir()))


for scheme_ in sorted(p.stem for p in SCHEMES.glob("*.scheme")):
    test(scheme_, scheme_)(comes_up)


@test("a scheme is found by its name, and in every command by its path")
def found_by_name_and_path():
    must(ffsctl("--dir", SCHEMES, "up", "--udc", "dummy_udc.0", "gser"))
    for command in ("status", "restart", "unbind", "bind", "down"):
        options = ["--udc", "dummy_udc.0"] if command == "bind" else []
        # the function has no worker that could be restarted
        must(ffsctl(command, *options, SCHEMES / "gser.scheme"), 64 if command == "restart" else 0)


tap.main()
