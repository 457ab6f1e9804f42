#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""check knows what the kernel refuses after the write, and what it silently changes, cuts or ignores: for each limit the
largest value that the kernel uses as it is passes in silence, and the next one does not. (tests/lab/gadgetfile shows what
the kernel does.)"""

import os
import struct
import subprocess
import tempfile

from paths import BUILD
import tap
from tap import contains, eq, test

FFSCTL = os.path.join(BUILD, "ffsctl")
IDS = 'attrs = { idVendor = 0x1209; idProduct = 1; bDeviceClass = "misc"; bDeviceSubClass = 2; bDeviceProtocol = 1; };\n'
SERIAL = 'strings = ( { serialnumber = "0123456789AB"; } );\n'

tmp = tempfile.TemporaryDirectory()
os.chdir(tmp.name)


def check(text, *options, status=True):
    """The messages, "warning: ..." or "error: ...", with their hints."""
    with open("g.conf", "w", encoding="utf-8") as f:
        f.write(IDS + text)
    got = subprocess.run([FFSCTL, "check", "--format=gcc", *options, "g.conf"], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         encoding="utf-8", check=False)
    lines = [line.split(": ", 1)[1] for line in got.stderr.splitlines() if ": warning: " in line or ": error: " in line]
    if status:
        eq(got.returncode, 65 if any(line.startswith("error: ") for line in lines) else 0,
           "exit status\n" + got.stderr)
    return lines


def function(type_, attrs="", more=""):
    return 'functions = { f = { type = "%s"; attrs = { %s }; %s }; };\n' % (type_, attrs, more)


def passes(text):
    eq(check(text), [], text)


def one(text, kind, *words):
    """There is one message of this kind, with these words and a hint."""
    got = check(text)
    eq(len(got), 1, text + "\n" + "\n".join(got))
    eq(got[0].startswith(kind + ": "), True, text + got[0])
    for word in words:
        contains(got[0], word)
    eq("; " in got[0], True, "a hint: " + got[0])


@test("requests that take more than 64 MiB of the kernel's memory")
def memory_of_queues():
    pnp = 'pnp_string = "MFG:a;MDL:b;CLS:PRINTER;"; '
    for type_, attrs, most, mib in (
            ("printer", pnp + "q_len", 4096, 64), ("Loopback", "qlen", 16384, 64), ("SourceSink", "bulk_qlen", 8192, 64),
            ("Loopback", "bulk_buflen = 4194304; qlen", 16, 68), ("Loopback", "buflen = 4194304; qlen", 16, 68),
            ("SourceSink", "isoc_maxpacket = 512; iso_qlen", 65536, 64), ("midi", "buflen = 65536; qlen", 512, 64)):
        passes(function(type_, f"{attrs} = {most};"))
        one(function(type_, f"{attrs} = {most + 1};"), "warning", f"= {most + 1} the kernel takes {mib} MiB", f"at most {most}")


@test("numbers that the kernel accepts, and does not use as they are")
def numbers():
    for type_, name, good, bad, words in (
            ("ecm", "qmult", 1, 0, "no requests"), ("eem", "qmult", 1, 0, "no requests"), ("ncm", "qmult", 255, 0, "no requests"),
            ("rndis", "qmult", 1, 0, "no requests"), ("geth", "qmult", 1, 0, "no requests"),
            ("Loopback", "qlen", 1, 0, "the kernel uses 32"), ("Loopback", "bulk_buflen", 1, 0, "carry no data"),
            ("SourceSink", "bulk_qlen", 1, 0, "no requests"), ("SourceSink", "iso_qlen", 1, 0, "no requests"),
            ("SourceSink", "bulk_buflen", 1, 0, "carry no data"), ("midi", "buflen", 4, 3, "sends nothing to the host"),
            ("SourceSink", "bulk_buflen", 4194304, 4194305, "no memory"), ("Loopback", "buflen", 4194304, 4194305, "no memory"),
            ("SourceSink", "isoc_maxpacket", 1024, None, None)):
        passes(function(type_, f"{name} = {good};"))
        if bad is not None:
            one(function(type_, f"{name} = {bad};"), "warning", f"{name} = {bad} ", words)
    pnp = 'pnp_string = "MFG:a;MDL:b;CLS:PRINTER;"; '
    passes(function("printer", pnp + "q_len = 1;"))
    one(function("printer", pnp + "q_len = 0;"), "warning", "no requests")
    passes('max_speed = "full";\n' + function("SourceSink", "isoc_maxpacket = 1023;"))
    one('max_speed = "full";\n' + function("SourceSink", "isoc_maxpacket = 1024;"), "warning", "1023 at full speed")


@test("the same attributes in 'tree'")
def in_tree():
    for value, words in ((0, "no requests"), ("0x00", "no requests")):
        one(function("ncm", "", f'tree = ( {{ path = "qmult"; value = "{value}"; }} );'), "warning", words)
    for type_ in (1, 2, 3, 6):
        passes(function("ncm", "", f'tree = ( {{ path = "os_desc/interface.ncm/Label/type"; value = "{type_}"; }} );'))
    for type_ in (4, 5, 7):
        one(function("ncm", "", f'tree = ( {{ path = "os_desc/interface.ncm/Label/type"; value = "{type_}"; }} );'),
            "warning", f"type {type_}", "stalls")


@test("sound for which the endpoints of uac1 have no room, at each rate and speed")
def uac1():
    def sound(attrs, speed="high"):
        return f'max_speed = "{speed}";\n' + function("uac1", attrs)

    passes(sound(""))
    passes(sound("p_srate = 50000;"))                         # 50 * 4 bytes
    one(sound("p_srate = 50001;"), "warning", "sound to the host is lost", "50001 Hz", "204 bytes in 1 ms", "has 200")
    one(sound("c_srate = 96000;"), "warning", "sound from the host is lost", "384 bytes in 1 ms")
    one(sound("p_srate = [ 8000, 96000, 44100 ];"), "warning", "96000 Hz")
    passes(sound("p_srate = [ 8000, 44100, 48000 ];"))
    passes(sound("p_srate = 96000; p_chmask = 1;"))
    passes(sound("p_srate = 96000; p_chmask = 0;"))
    one(sound("p_ssize = 3;"), "warning", "288 bytes")
    eq(len(check(sound("", "full"))), 2, "the defaults do not fit at full speed")
    for line in check(sound("", "full")):
        contains(line, "1536 bytes in 8 ms")
    passes(sound("c_chmask = 0; p_chmask = 1; p_srate = 12500;", "full"))
    one(sound("c_chmask = 0; p_chmask = 1; p_srate = 12501;", "full"), "warning", "202 bytes in 8 ms")
    eq(len(check('max_speed = "full"; functions = { f = { type = "uac1"; }; };')), 2, "without attributes")


@test("sound that a UDC with full speed loses, if the file does not limit the speed")
def full_speed_udc():
    def lost(type_, udc, attrs="", speed="high"):
        got = check(f'max_speed = "{speed}";\n' + function(type_, attrs) + f'udc = {{ driver = "{udc}"; }};\n')
        return [line for line in got if "full speed only" in line]

    for type_ in ("uac1", "uac1_legacy"):
        for udc in ("lpc32xx_udc", "omap_udc", "at91_udc"):
            got = lost(type_, udc)
            eq(len(got), 1, type_ + udc)
            contains(got[0], "1536 bytes in 8 ms")
            contains(got[0], f"a UDC of {udc} has full speed only; use ")
        for udc in ("dwc2", "dwc3", "musb-hdrc", "other"):
            eq(lost(type_, udc), [])
        eq(lost(type_, "lpc32xx_udc", speed="full"), [], "the file says it itself")
    eq(lost("uac1", "lpc32xx_udc", "c_chmask = 0; p_chmask = 1; p_srate = 12500;"), [], "it fits")
    eq(lost("uac2", "lpc32xx_udc"), [])
    eq(len(lost("uac2", "lpc32xx_udc", "c_chmask = 0; p_srate = 192000; p_ssize = 4;")), 1)


@test("samples of one byte, of which the board's sound card makes two")
def sample_size():
    for type_ in ("uac1", "uac2"):
        for side, other in ("pc", "cp"):
            high = 'max_speed = "high";\n'
            passes(high + function(type_, f"{side}_ssize = 2;"))
            one(high + function(type_, f"{side}_ssize = 1;"), "warning", f"{side}_ssize = 1", "samples of 2 bytes")
            passes(high + function(type_, f"{side}_ssize = 1; {side}_chmask = 0;"))
            one(high + function(type_, f"{side}_ssize = 1; {other}_chmask = 0;"), "warning", f"{side}_ssize = 1")


@test("uac1_legacy: requests, its buffer, and full speed")
def legacy():
    def sound(attrs, speed="high"):
        return f'max_speed = "{speed}";\n' + function("uac1_legacy", attrs)

    passes(sound("req_buf_size = 192; audio_buf_size = 200;"))
    one(sound("req_buf_size = 191;"), "warning", "192 bytes of sound")
    contains(check(sound("audio_buf_size = 199;"))[0], "'audio_buf_size' must be 200 to 4194304")
    one(sound("", "full"), "warning", "1536 bytes in 8 ms")


@test("sound for which the endpoints of uac2 have no room, at the speeds that are possible")
def uac2():
    def sound(attrs, speed="high"):
        return f'max_speed = "{speed}";\n' + function("uac2", attrs)

    passes(sound(""))
    passes(sound("", "full"))
    # (192000 * 1.005 / 1000 rounded up) * 2 * 4
    one(sound("c_chmask = 0; p_srate = 192000; p_ssize = 4;", "full"), "warning", "1544 bytes in 1 ms", "1023")
    passes(sound("c_chmask = 0; p_srate = 192000; p_ssize = 4;"))
    passes(sound("c_chmask = 0; p_srate = 127000; p_ssize = 4; p_hs_bint = 4;"))  # 128 frames of 8 bytes are 1024
    one(sound("c_chmask = 0; p_srate = 128000; p_ssize = 4; p_hs_bint = 4;"), "warning", "1032 bytes in 1 ms", "1024")
    passes(sound("c_chmask = 0; p_srate = 128000; p_ssize = 4; p_hs_bint = 3;"))
    one(sound('p_chmask = 0; c_sync = "adaptive"; c_srate = 128000; c_ssize = 4; c_hs_bint = 4;'), "warning", "1032 bytes")
    passes(sound('p_chmask = 0; c_sync = "adaptive"; c_srate = 127000; c_ssize = 4; c_hs_bint = 4;'))


def drive(size, lun, name="medium"):
    with open(name, "wb") as f:
        f.truncate(size)
    return SERIAL + function("mass_storage", f'luns = ( {{ file = "{name}"; {lun} }} );')


def refused(text, words):
    """What the kernel of this machine would refuse is a warning, and an error of --here."""
    one(text, "warning", words)
    got = [line for line in check(text, "--here", status=None) if words in line]
    eq([line.split(":")[0] for line in got], ["error"], text)


@test("media that the kernel refuses or cuts")
def media():
    passes(drive(512, ""))
    refused(drive(511, ""), "has 511 bytes, but the kernel accepts only a medium of at least 512")
    refused(drive(0, ""), "has 0 bytes")
    one(drive(1025, ""), "warning", "does not see the last 1 bytes")
    passes(drive(614400, "cdrom = true;"))
    refused(drive(614399, "cdrom = true;"), "at least 614400")
    one(drive(614400 + 512, "cdrom = true;"), "warning", "the last 512 bytes")
    passes(drive(2359293952, "cdrom = true; ro = true;"))
    one(drive(2359293952 + 2048, "cdrom = true; ro = true;"), "warning", "only the first 2359293952 bytes")
    one(drive(3 << 30, "cdrom = true; ro = true;"), "warning", "only the first 2359293952 bytes")
    passes(drive(3 << 30, "ro = true;"))
    os.mkdir("directory")
    os.mkfifo("fifo")
    for name, words in (("directory", "is a directory"), ("fifo", "is a FIFO"), ("/dev/null", "is a character device")):
        refused(SERIAL + function("mass_storage", f'luns = ( {{ file = "{name}"; }} );'), words)
    refused(SERIAL + function("mass_storage", "", 'tree = ( { path = "lun.0/file"; value = "/tmp"; } );'), "is a directory")
    passes(SERIAL + function("mass_storage", "luns = ( { removable = true; } );"))
    one(SERIAL + function("mass_storage", "luns = ( { removable = false; } );"), "warning", "no medium")
    passes(drive(512, "removable = false;"))


@test("a current that the host does not see")
def current():
    def config(attrs, speed):
        return (f'max_speed = "{speed}";\n' + 'functions = { f = { type = "acm"; }; };\n'
                + f'configs = ( {{ attrs = {{ {attrs} }}; functions = ( "f" ); }} );\n')

    passes(config("bMaxPower = 500;", "high"))
    one(config("bMaxPower = 501;", "high"), "warning", "reports 500")
    one(config("bMaxPower = 501;", "full"), "warning", "reports 500")
    passes(config("bMaxPower = 900;", "super"))
    contains(check(config("bMaxPower = 901;", "super"))[0], "'bMaxPower' must be 0 to 900")
    passes(config("bMaxPower = 0; bmAttributes = 0xc0;", "high"))
    one(config("bMaxPower = 0;", "high"), "warning", "its default")
    passes(config("bMaxPower = 2;", "high"))
    one(config("bMaxPower = 1;", "high"), "warning", "reports 0 mA")


@test("interfaces of Microsoft OS descriptors that the kernel's function does not have")
def os_descriptors():
    def entry(name):
        return f'os_descs = ( {{ interface = "{name}"; compatible_id = "X"; }} );'

    for type_ in ("ncm", "rndis"):
        passes(function(type_, "", entry(type_)))
    one(function("rndis", "", entry("ncm")), "error", 'interface "rndis" only')
    one(function("ncm", "", entry("NCM")), "error", 'interface "ncm" only')
    for type_ in ("acm", "ecm", "mass_storage", "hid"):
        attrs = 'report_desc = "keyboard";' if type_ == "hid" else ""
        one(function(type_, attrs, entry(type_)), "error", "only rndis and ncm")
    one('functions = { f = { ffs = { interfaces = ( { endpoints = ( "bulk-in" ); } ); }; %s }; };' % entry("x"), "error",
        "FunctionFS has Microsoft OS descriptors of its own")


def blob(type_):
    """Descriptors of an interface without endpoints, and a property of this type."""
    name, data = b"A\0", bytes(4)
    prop = struct.pack("<IIH", 14 + len(name) + len(data), type_, len(name)) + name + struct.pack("<I", len(data)) + data
    section = struct.pack("<BIHHH", 0, 11 + len(prop), 1, 5, 1) + prop
    body = bytes.fromhex("0904000000ff000000")
    whole = struct.pack("<II", 1, 1) + body + section
    whole = struct.pack("<II", 3, 8 + 4 + len(whole)) + struct.pack("<I", 1 | 8) + whole
    with open("descriptors", "wb") as f:
        f.write(whole)
    with open("strings", "wb") as f:
        f.write(struct.pack("<IIII", 2, 16, 0, 0))
    return ('max_speed = "full";\n' + 'functions = { f = { ffs = { blob = { descriptors = "descriptors"; strings = "strings"; }; }; }; };\n')


@test("properties of OS descriptors in a blob whose type the kernel does not send")
def properties_in_blobs():
    for type_ in (1, 2, 3, 6):
        eq([line for line in check(blob(type_)) if "property" in line], [], type_)
    for type_ in (4, 5, 7):
        got = [line for line in check(blob(type_)) if "property" in line]
        eq(len(got), 1, check(blob(type_)))
        contains(got[0], f"warning: \"descriptors\", byte 40: a property of type {type_}: Linux stalls")


@test("frames of a camera that hosts get otherwise than written")
def frames():
    def camera(frame, type_="yuyv", more=""):
        return function("uvc", f'{more} formats = ( {{ type = "{type_}"; frames = ( {{ width = 640; height = 360; {frame} }} ); }} );')

    passes(camera("fps = [ 30, 15, 60 ];"))
    passes(camera("dwFrameInterval = [ 333333, 666666 ];"))
    one(camera("dwFrameInterval = [ 666666, 333333 ];"), "warning", "must rise", "the kernel sorts")
    one(camera("dwFrameInterval = [ 333333, 333333 ];"), "warning", "appears twice")
    one(camera("fps = ( 30, 30.0 );"), "warning", "appears twice")
    passes(camera("dwMinBitRate = 1000; dwMaxBitRate = 1000;"))
    one(camera("dwMinBitRate = 1001; dwMaxBitRate = 1000;"), "warning", "above 'dwMaxBitRate'")
    passes(camera("dwMinBitRate = 4294967295;"))
    passes(camera("dwMaxBitRate = 1;"))
    passes(camera("dwMaxVideoFrameBufferSize = 460800;"))
    one(camera("dwMaxVideoFrameBufferSize = 460799;"), "warning", "a frame has 460800 bytes")
    passes(camera("dwMaxVideoFrameBufferSize = 345600;", "nv12"))
    passes(camera("dwMaxVideoFrameBufferSize = 100000;", "mjpeg"))


@test("packets of a camera that the kernel makes longer or shorter")
def packets():
    def camera(attrs, speed="super"):
        return f'max_speed = "{speed}";\n' + function(
            "uvc", attrs + ' formats = ( { type = "yuyv"; frames = ( { width = 640; height = 360; } ); } );')

    for size in (1, 1024, 1026, 2048, 2049, 3072):
        passes(camera(f"streaming_maxpacket = {size};"))
    one(camera("streaming_maxpacket = 1025;"), "warning", "2 packets of 512 bytes of it, 1024 together")
    one(camera("streaming_maxpacket = 3071;"), "warning", "3069 together")
    passes(camera("streaming_maxpacket = 2048; streaming_maxburst = 1;"))
    one(camera("streaming_maxpacket = 1026; streaming_maxburst = 1;"), "warning", "makes streaming_maxpacket = 2048")
    passes(camera("streaming_maxpacket = 1023;", "full"))
    one(camera("streaming_maxpacket = 1024;", "full"), "warning", "1023 at full speed")


@test("an interval of a camera that the kernel does not use at high speed")
def video_interval():
    def camera(attrs, speed="super"):
        return f'max_speed = "{speed}";\n' + function(
            "uvc", attrs + ' formats = ( { type = "yuyv"; frames = ( { width = 640; height = 360; } ); } );')

    passes(camera("streaming_interval = 16;"))
    passes(camera("streaming_interval = 16; streaming_maxpacket = 1024;"))
    passes(camera("streaming_interval = 1; streaming_maxpacket = 2048;"))
    one(camera("streaming_interval = 2; streaming_maxpacket = 2048;"), "warning", "streaming_interval = 1 of it")
    eq([line for line in check(camera("streaming_interval = 2; streaming_maxpacket = 2048;", "full")) if "interval" in line], [])


@test("an address that hosts do not get, with eem only")
def eem_address():
    for type_ in ("ecm", "geth", "ncm", "rndis"):
        passes(function(type_, 'host_addr = "02:00:00:00:00:02";'))
    passes(function("eem", 'dev_addr = "02:00:00:00:00:01";'))
    passes(function("eem", 'host_addr = "02:00:00:00:00:02";'))  # an exported gadget has one
    got = subprocess.run([FFSCTL, "check", "g.conf"], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", check=True)
    contains(got.stderr, "note: 'host_addr' has no effect")


@test("groups of midi2 for which a host with MIDI 1.0 has no cable")
def cables():
    def music(*blocks):
        return ('max_speed = "super";\n' + 'functions = { f = { type = "midi2"; attrs = { endpoints = ( '
                + ", ".join("{ blocks = ( { %s } ); }" % b for b in blocks) + " ); }; }; };\n")

    passes(music("num_groups = 16; midi1_num_groups = 16;"))
    passes(music("num_groups = 16; midi1_num_groups = 15;", "midi1_num_groups = 1;"))
    one(music("num_groups = 16; midi1_num_groups = 16;", "midi1_num_groups = 1;"), "warning", "only 16 of the 17 groups to the host")
    passes(music("num_groups = 16; midi1_num_groups = 16; direction = 1;", "midi1_num_groups = 1; direction = 2;"))
    one(music("num_groups = 16; midi1_num_groups = 16; direction = 2;", "midi1_num_groups = 1;"), "warning", "17 groups from the host")


@test("ids of sound cards that ALSA changes, and the number of the last card")
def cards():
    passes(function("midi", 'id = "Keys1"; index = 31;'))
    for bad, words in (("a b", "leaves out"), ("a-b", "leaves out"), ("1a", "begins with a digit"), ("card1", "Default")):
        one(function("midi", f'id = "{bad}";'), "warning", words)
    contains(check(function("midi", "index = 32;"))[0], "'index' must be -1 to 31")


def ffs(label, *endpoints, virtual=True):
    return '%s = { ffs = { %s speeds = [ "full", "high" ]; interfaces = ( { endpoints = ( %s ); } ); }; };' % (
        label, "virtual_addr = true;" if virtual else "", ", ".join(
            f'"{e}"' if isinstance(e, str) else '{ type = "%s"; direction = "%s"; address = %#x; }' % e for e in endpoints))


@test("addresses with 'virtual_addr' that no UDC assigns")
def virtual_addresses():
    def functions(*all_):
        return 'max_speed = "high";\nfunctions = { ' + " ".join(all_) + " };\n"

    passes(functions(ffs("a", "bulk-in", "bulk-out")))
    passes(functions(ffs("a", ("bulk", "in", 0x81), ("bulk", "out", 1))))
    one(functions(ffs("a", ("bulk", "in", 0x8f))), "warning", "0x8f", "number endpoints from 1 on")
    passes(functions(ffs("a", ("bulk", "in", 0x82))))  # so on lpc32xx
    one(functions(ffs("a", ("bulk", "in", 0x83))), "warning", "0x83")
    passes(functions(ffs("a", ("interrupt", "in", 0x85))))
    one(functions(ffs("a", ("interrupt", "in", 0x86))), "warning", "0x86")
    passes(functions(ffs("a", ("bulk", "in", 0x8f), virtual=False)))
    one(functions(ffs("a", "bulk-in", "bulk-out"), ffs("b", "bulk-in", "bulk-out")), "warning", "'b'", "0x81",
        "which function 'a' has, too")
    one(functions('t = { type = "acm"; };', ffs("b", "bulk-in")), "warning", "0x81", "1 endpoint of its kind before it has the lower numbers")
    passes(functions('t = { type = "acm"; };', ffs("b", ("bulk", "in", 0x83))))
    passes(functions('t = { type = "hid"; attrs = { report_desc = "keyboard"; }; };', ffs("b", ("bulk", "in", 0x85))))


tap.main()
