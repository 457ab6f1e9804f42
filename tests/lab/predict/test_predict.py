#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=2 speed=high,super build=plain timeout=420
# lab: kernel=6.1 vudcs=2 build=plain timeout=420
# lab all: kernel=6.12,6.1 vudcs=2 speed=full,high,super build=plain timeout=420
"""The host sees what `ffsctl descriptors` predicts: for every type of function, with attributes that change
descriptors, every byte that is marked as certain, and every string."""

import os
import re
import struct

import gadgets
import harness
import kernel_functions
import prediction
import tap
from harness import ffsctl, must
from tap import contains, eq, ok, test



@tap.cleanup
def all_down():
    ffsctl("down", "--all")


KERNEL, SPEED = os.environ["LAB_KERNEL"], os.environ["LAB_SPEED"]
FRAMES = "frames = ( { width = 640; height = 360; fps = ( 30, 15 ); } );"
BOTH_OFF = ("p_mute_present = false; p_volume_present = false; c_mute_present = false;"
            " c_volume_present = false;")
# {type: attributes of a gadget each}; sound is not in Linux 6.1 as the lab has it
TYPES = {
    "acm": [""] + (["protocol = 0x7;"] if KERNEL != "6.1" else []),
    "gser": [""],
    "ecm": ['host_addr = "02:00:00:00:00:0b";'],
    "eem": [""],
    "ncm": ['host_addr = "02:00:00:00:00:0b";'] + (["max_segment_size = 8000;"] if KERNEL != "6.1" else []),
    "rndis": ["", "class = 0xe0; subclass = 1; protocol = 0x13;"],
    "geth": [""],
    "phonet": [""],
    "mass_storage": [""],
    "tcm": [""],
    "hid": ['report_desc = "keyboard";', 'report_desc = "mouse"; no_out_endpoint = true; report_length = 20;'] +
           (['report_desc = "keyboard"; interval = 3;', 'report_desc = "mouse"; no_out_endpoint = true; interval = 5;']
            if KERNEL not in ("6.1", "6.12") else []),
    "printer": [""],
    "Loopback": [""],
    "SourceSink": [""],
    "uvc": ['formats = ( { type = "mjpeg"; ' + FRAMES + ' }, { type = "nv12"; frames = ( { width = 320; height = 240; },'
            ' { wWidth = 16; wHeight = 8; dwFrameInterval = 1000000; } ); } );',
            'function_name = "Cam"; streaming_maxpacket = 2048; streaming_interval = 3;'
            ' formats = ( { type = "yuyv"; ' + FRAMES + ' } );',
            'function_name = ""; formats = ( { type = "yuyv"; ' + FRAMES + ' } );'],
}
SOUND = {
    "midi": ["", "in_ports = 2; out_ports = 3;", "in_ports = 0; out_ports = 2;", "in_ports = 3; out_ports = 0;"],
    "midi2": ["", 'iface_name = "n"; endpoints = ( { ep_name = "e"; blocks = ( { name = "b"; num_groups = 2;'
              ' midi1_num_groups = 2; } ); }, { product_id = "p"; } );',
              "endpoints = ( { blocks = ( { direction = 1; } ); } );",
              'endpoints = ( { blocks = ( { direction = 2; }, { first_group = 1; num_groups = 3; midi1_first_group = 1;'
              ' midi1_num_groups = 2; name = "zz"; } ); } );'],
    "uac1": ["", 'p_chmask = 1; c_chmask = 0; p_srate = ( 44100, 48000 ); function_name = "sound"; p_volume_res = 128;',
             "p_chmask = 0; c_ssize = 3; c_srate = ( 8000, 16000, 44100 );", BOTH_OFF,
             "p_mute_present = false; c_volume_present = false; p_chmask = 0xf;"],
    "uac1_legacy": ["", "req_buf_size = 100;"],
    "uac2": ["", 'p_chmask = 0; c_srate = 96000; c_sync = "adaptive"; function_name = "sound";',
             "c_chmask = 0; p_chmask = 7; p_ssize = 3; p_srate = ( 44100, 48000 );", BOTH_OFF,
             "p_mute_present = false; c_volume_present = false; p_hs_bint = 2; c_hs_bint = 1; fb_max = 10;",
             "p_chmask = 0xff; p_ssize = 4; p_srate = 192000;",
             'c_sync = "adaptive"; p_terminal_type = 0x402; c_terminal_type = 0x602;'],
}


def write(name, functions, extra=""):
    path = gadgets.DIRECTORY / (name + ".conf")
    path.write_text(f"attrs : {{ idVendor = 0x1d6b; idProduct = 0x0104; }};\n{extra}\nfunctions : {{ {functions} }};\n")
    return path


def check(path, kind=None, isochronous=False):
    """Returns the Comparison of a gadget that is up with its prediction, which finds no difference."""
    isochronous = isochronous or kind in kernel_functions.ISOCHRONOUS
    harness.host_lets_go(set())
    with kernel_functions.up_and_configured(path, kind, isochronous), prediction.Host() as host:
        document = prediction.predict(path)
        eq(document["kernel"], KERNEL, "kernel")
        comparison = prediction.compare(document, harness.ISOCHRONOUS_SPEED if isochronous else SPEED, host)
    ok(not comparison.differences, "\n".join(comparison.differences))
    return comparison


def check_type(kind, attrs):
    kernel_functions.needs_function(kind)
    check(write("one", f'f : {{ type = "{kind}"; attrs : {{ {attrs} }}; }};'), kind)


if SPEED == "high":
    # If a bind finds no isochronous endpoints, the kernel never searches for them again: this must be the first test
    @test("SourceSink with isochronous endpoints")
    def isochronous_sourcesink():
        found = check(write("one", 'f : { type = "SourceSink"; attrs : { isoc_interval = 2; isoc_maxpacket = 512;'
                                        ' isoc_mult = 1; }; };'), isochronous=True)
        # Five as the host has read them, as the device sends them, and of full speed; with LPM the BOS and its capability
        eq(found.n_maybe, 15 + 2 * harness.HAS_LPM, "an interface and four endpoints")


for kind_, variants in {**TYPES, **(SOUND if KERNEL != "6.1" else {})}.items():
    if kind_ in kernel_functions.ISOCHRONOUS and SPEED != "high":  # usbip-vudc has one speed
        continue
    for number, variant in enumerate(variants):
        test(f"{kind_} {number}", kind_, variant)(check_type)


@test("rndis after a gadget whose rndis has other class attributes")
def rndis_after_another():
    # The kernel's defaults are those of the function that was bound last
    check(write("one", 'f : { type = "rndis"; attrs : { class = 0xe0; subclass = 1; protocol = 3; }; };'), "rndis")
    ffsctl("down", "--all")
    for attrs in ("", "attrs : { subclass = 7; };"):
        path = write("one", f'f : {{ type = "rndis"; {attrs} }};')
        association = next(bytes.fromhex(d["bytes"]) for d in
                           prediction.predict(path)["speeds"][0]["configurations"][0]["descriptors"] if d["bytes"][2:4] == "0b")
        eq(association[4:7].hex(), "020700" if attrs else "020600", "class, subclass and protocol of the association")
        check(path, "rndis")
        ffsctl("down", "--all")


def subset(label, number, address=True):
    host = f'host_addr = "02:00:00:00:00:{number + 1:02x}";' if address else ""
    return f'{label} : {{ type = "geth"; attrs : {{ dev_addr = "02:00:00:00:00:{number:02x}"; {host} }}; }};'


@test("geth: the host gets the address of the last function for all of them", 'configs = ( { functions = ( "b", "a" ); } );', True)
@test("geth: the same, in the order of the file", "", True)
@test("geth: the last function has a random address", "", False)
def subsets(configs, has_address):
    path = write("two", subset("a", 1) + subset("b", 3, has_address), configs)
    contains(must(ffsctl("check", path)).stderr, "the host gets the address of function")
    check(path, "geth")


@test("ecm and ncm: each host gets its own address")
def ecm_addresses():
    two = 'a : { type = "ecm"; attrs : { host_addr = "02:00:00:00:00:02"; }; };'
    check(write("two", two + two.replace("a :", "b :").replace("00:02", "00:04")), "ecm")
    ffsctl("down", "--all")
    check(write("two", (two + two.replace("a :", "b :").replace("00:02", "00:04")).replace("ecm", "ncm")), "ncm")


@test("two configurations, in which functions have other numbers")
def two_configurations():
    path = write("many", 'a : { type = "ecm"; }; b : { type = "gser"; }; c : { type = "hid"; attrs : { report_desc ='
                 ' "keyboard"; no_out_endpoint = true; }; }; d : { type = "mass_storage"; };',
                 'max_speed = "high"; strings = ( { lang = "de-de"; product = "Ding"; }, { manufacturer = "m";'
                 ' serialnumber = "1"; } ); configs = ( { id = 1; functions = ( "a", "b", "c" ); strings = ('
                 ' { configuration = "first"; } ); }, { id = 5; attrs : { bmAttributes = 0xe0; bMaxPower = 900; };'
                 ' functions = ( "d", "b" ); } );')
    check(path)


@test("OS descriptors: string 0xee, compatible ids and properties of the second configuration, which hosts read first")
def os_descriptors():
    path = write("os", 'a : { type = "gser"; }; b : { type = "ncm"; os_descs = ( { interface = "ncm"; compatible_id = "WINNCM"; } ); };'
                 ' c : { ffs : { interfaces = ( { endpoints = ( "bulk-in" ); }, { endpoints = ( "bulk-out" ); } ); os_compat = ('
                 ' { interface = 1; compatible = "WINUSB"; sub_compatible = "S1"; } ); os_properties = ( { interface = 1;'
                 ' name = "Label"; type = "string"; data = "ab"; }, { interface = 1; name = "B"; type = "binary"; data ='
                 ' [ 1, 2, 3 ]; } ); }; };',
                 'os_descs : { config_id = 7; b_vendor_code = 0x42; }; configs = ( { id = 3; functions = ( "a", "b" ); },'
                 ' { id = 7; functions = ( "a", "b", "c" ); }, { id = 1; functions = ( "a" ); } );')
    check(path)
    document = prediction.predict(path)
    eq([c["id"] for c in document["speeds"][0]["configurations"]], [7, 3, 1], "configurations")
    eq([p["interface"] for p in document["os_descriptors"]["properties"]], list(range(5)), "interfaces")


@test("a text in one language only, a string of Loopback that a later bind takes, and a speed between two that a function has")
def lost_texts_and_speeds():
    path = write("lost", 'a : { type = "Loopback"; }; b : { ffs : { speeds = ( "full", "super" ); interfaces = ( { string = '
                 '( { lang = "de-de"; text = "Eins"; }, { text = "One"; } ); endpoints = ( "bulk-in" ); } ); }; }; c : { type = "gser"; };',
                 'configs = ( { functions = ( "a", "b", "c" ); strings = ( { lang = "de-de"; configuration = "Ding"; }, { } ); },'
                 ' { functions = ( "c", "a" ); strings = ( { lang = "de-de"; configuration = "Ding"; } ); } );')
    check(path)
    texts = [[s["text"] for d in c["descriptors"] for s in d["strings"] if d["function"] in ("a", None)]
             for c in prediction.predict(path)["speeds"][0]["configurations"]]
    eq(texts, [["", ""], ["Ding", "loop input to output"]], "strings of the configurations and of Loopback")


ID = gadgets.DIRECTORY / "id"


def write_numbered(name):
    return write(name, 'f : { type = "gser"; };', f'strings = ( {{ serialnumber = {{ from = "file:{ID}"; }}; }} );')


def serial_number(document):
    return document["speeds"][0]["device"][0]["strings"][2]


@test("a serial number that the machine knows, and from where")
def serial_of_this_machine():
    ID.write_text("Nr. 7\nrest\n")
    path = write_numbered("numbered")
    check(path)
    eq(serial_number(prediction.predict(path)), {"offset": 16, "text": "Nr. 7", "from": str(ID)})
    contains(must(ffsctl("descriptors", path)).stdout, f'3  "Nr. 7" (from {ID} of this machine)\n')


@test("a serial number that only another machine knows")
def serial_of_another_machine():
    ID.unlink(missing_ok=True)
    path = write_numbered("elsewhere")
    eq(serial_number(prediction.predict(path)), {"offset": 16, "text": None, "from": str(ID)})
    got = must(ffsctl("descriptors", path))
    contains(got.stdout, f"3  (from {ID}, not readable here)\n")
    contains(got.stderr, f"cannot read the serial number from {ID}: No such file or directory")


def write_webusb(name):
    return write(name, 'f : { type = "gser"; };',
                 'udc = "dummy_udc.0"; webusb : { bVendorCode = 0x42; landingPage = "https://x.example/"; };')


def landing_page_warnings(path):
    return [line for line in must(ffsctl("check", path)).stderr.splitlines() if "warning: Chromium" in line]


if KERNEL != "6.1":
    @test("WebUSB: until a host has read bcdUSB, nothing shows whether a kernel has the fix")
    def unknown_fix_of_webusb():
        path = write_webusb("fix")
        certain = {s["speed"]: s["device"][0]["certain"][4:6] for s in prediction.predict(path)["speeds"]}
        below = "ff" if SPEED == "super" else "ee"
        eq(certain, {"full": below, "high": below, "super": "ff"}, "certain bits of bcdUSB")
        found = landing_page_warnings(path)
        eq(len(found), SPEED != "super", "warnings")
        for line in found:
            contains(line, "only if the kernel has a fix")

    @test("WebUSB: descriptors and warnings are those of the kernel")
    def webusb_pages():
        path = write_webusb("web")
        with harness.configured():
            warned = "Chromium reads 'landingPage' only if" in must(ffsctl("up", path)).stderr
        eq(warned, SPEED != "super", "warning of up")
        document, device = prediction.predict(path), harness.device()
        with prediction.Host() as host:
            eq(prediction.compare(document, SPEED, host).differences, [], "differences")
        eq(prediction.speed_of(document, SPEED)["device"][0]["certain"][4:8], "ffff", "certain bits of bcdUSB")
        eq(["does not read" in line for line in landing_page_warnings(path)], [True] * (device.bcdUSB < 0x0210))
        harness.down("web")

    @test("WebUSB: Chromium reads the landing page at every speed")
    def webusb_is_usb_2_1():
        path = write_webusb("page")
        with kernel_functions.up_and_configured(path):
            device = harness.device()
            eq(device.bcdUSB, 0x0320 if SPEED == "super" else 0x0210, "bcdUSB")
            bos = bytes(device.ctrl_transfer(0x80, 6, prediction.BOS << 8, 0, 4096))
            contains(bos.hex(), "38b60834a909a0478bfda0768815b665", "platform capability of WebUSB")
            eq(bytes(device.ctrl_transfer(0xC0, 0x42, 1, 2, 255)), b"\x0d\3\1x.example/", "landing page")


def sound_endpoints(raw, speed):
    """{"to" or "from" the host: (bytes of a packet, interval in microseconds)} of the endpoints with sound."""
    out = {}
    for d in prediction.split(raw):
        if d[1] == prediction.ENDPOINT and d[3] & 0x33 == 1:  # isochronous, and not for feedback
            frame = 125 if speed == "high" else 1000
            out["to" if d[2] & 0x80 else "from"] = int.from_bytes(d[4:6], "little"), frame << (d[6] - 1)
    return out


LOST = r"sound (to|from) the host is lost: at (\d+) Hz it needs (\d+) bytes in (\d+) (us|ms)\b.*, and the endpoint has (\d+)"


def check_sound(kind, speed, attrs, lost):
    """The warnings have the size and the interval of the endpoints on the bus."""
    path = write("sound", f'f : {{ type = "{kind}"; attrs : {{ {attrs} }}; }};', f'max_speed = "{speed}";')
    said = re.findall(LOST, must(ffsctl("check", path)).stderr)
    eq([int(bytes_) for _, _, bytes_, *_ in said], lost, "bytes that are needed")
    with kernel_functions.up_and_configured(path, kind):
        endpoints = sound_endpoints(harness.descriptors(), speed)
    for side, _, needed, time, unit, room in said:
        eq((int(room), int(time) * (1000 if unit == "ms" else 1)), endpoints[side], f"room and interval {side} the host")
        ok(int(needed) > int(room), "it does not fit")


if SPEED == "high" and KERNEL != "6.1":
    for row in (("uac1", "high", "p_srate = [ 8000, 96000 ]; c_srate = 50001;", [384, 204]), ("uac1", "full", "", [1536, 1536]),
                ("uac2", "high", "p_srate = 128000; p_ssize = 4; p_hs_bint = 4;", [1032]),
                ("uac2", "full", "c_chmask = 0; p_srate = [ 44100, 192000 ]; p_ssize = 4;", [1544])):
        test(f"warnings about sound that is lost: {row[0]} at {row[1]} speed", *row)(check_sound)

    @test("a camera's frames and its endpoint are on the bus what the warnings say")
    def camera_values():
        path = write("frames", 'f : { type = "uvc"; attrs : { streaming_interval = 2; streaming_maxpacket = 2048; formats = ( { type'
                     ' = "yuyv"; frames = ( { width = 16; height = 8; dwFrameInterval = [ 666666, 333333 ]; dwMinBitRate = 2;'
                     ' dwMaxBitRate = 1; dwMaxVideoFrameBufferSize = 255; } ); } ); }; };', 'max_speed = "high";')
        said = must(ffsctl("check", path)).stderr
        for words in ("the kernel sorts them", "the kernel sends both to the host as they are", "a frame has 256 bytes",
                      "at high speed the kernel makes streaming_interval = 1 of it"):
            contains(said, words)
        with kernel_functions.up_and_configured(path, "uvc"):
            parts = list(prediction.split(harness.descriptors()))
        frame = next(d for d in parts if d[1:3] == b"\x24\x05" and len(d) == 26 + 2 * 4)
        eq(struct.unpack("<III", frame[9:21]), (2, 1, 255), "bit rates and buffer")
        eq(struct.unpack("<II", frame[26:]), (333333, 666666), "intervals")
        eq([d[6] for d in parts if d[1] == prediction.ENDPOINT and d[3] & 3 == 1], [1], "bInterval")


for example in gadgets.examples():
    test(example.name, example)(check)

tap.main()
