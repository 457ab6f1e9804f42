#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""What is legal but unwise is warned about, at its place, and what resembles it is not."""

import os
import subprocess
import tempfile

from paths import BUILD
import identity
import tap
from tap import contains, eq, test

FFSCTL = os.path.join(BUILD, "ffsctl")
IDS = "attrs = { idVendor = 0x1209; idProduct = 1; };\n"
MISC = IDS.replace(" };", ' bDeviceClass = "misc"; bDeviceSubClass = 2; bDeviceProtocol = 1; };')
ACM = 'functions = { a = { type = "acm"; }; };\n'

tmp = tempfile.TemporaryDirectory()


def warnings(text, *options):
    """Each warning as LINE:COLUMN: TEXT, or TEXT; the file is g.conf."""
    with open(os.path.join(tmp.name, "g.conf"), "w", encoding="utf-8") as f:
        f.write(text)
    got = subprocess.run([FFSCTL, "check", "--format=gcc", *options, "g.conf"], cwd=tmp.name, stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, encoding="utf-8", check=False)
    eq(got.returncode, 0, "exit status\n" + got.stderr)
    lines = [line[len("g.conf:"):].strip() for line in got.stderr.splitlines() if ": warning: " in line]
    return [line.replace("warning: ", "", 1) for line in lines]


def ffs(label, *endpoints, more=""):
    return '  %s = { ffs = { %s interfaces = ( { endpoints = ( %s ); } ); }; };\n' % (
        label, more, ", ".join('"%s"' % e for e in endpoints))


@test("ids for tests that nobody has asked for")
def ids_for_tests():
    eq(warnings(ACM), ["no ids are set in 'attrs': 1d6b:0104 is used, which is for tests only"])
    eq(warnings(ACM + "attrs = { bDeviceClass = 0; };\n"),
       ["2:1: no ids are set in 'attrs': 1d6b:0104 is used, which is for tests only"])
    eq(warnings(ACM + "attrs = { idVendor = 0x1d6b; };\n"),
       ["2:1: no 'idProduct' is set: 0x0104 is used, which is for tests only"])
    eq(warnings(ACM + "attrs = { idProduct = 1; };\n"),
       ["2:1: no 'idVendor' is set: 0x1d6b is used, which is for tests only"])
    eq(warnings(ACM + "attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n"), [], "who writes them knows them")


@test("functions without descriptors for SuperSpeed, unless that is what the file says")
def no_superspeed_descriptors():
    slow = "functions = {\n" + ffs("s", "bulk-in", more='speeds = [ "full", "high" ];') + "};\n"
    words = "'max_speed' is lowered to \"high\": function '%s' has no descriptors above it"
    eq(warnings(IDS + slow), ["3:3: " + words % "s"])
    eq(warnings(IDS + slow + 'max_speed = "super";\n'), ["5:13: " + words % "s"])
    eq(warnings(IDS + slow + 'max_speed = "high";\n'), [])
    for type_ in ("phonet", "uac1", "uac1_legacy"):
        eq(warnings(IDS + 'functions = { s = { type = "%s"; }; };\n' % type_), ["2:15: " + words % "s"], type_)
    # nothing above SuperSpeed is not worth a warning
    eq(warnings(IDS + 'functions = { s = { type = "midi"; }; };\n'), [])


@test("RNDIS that is not the first function of a configuration")
def rndis_not_first():
    both = 'functions = {\n  a = { type = "acm"; };\n  r = { type = "rndis"; };\n};\n'
    words = "function 'r' is not the first of configuration %d: Windows supports RNDIS only as the first function"
    eq(warnings(MISC + both), ["4:3: " + words % 1])
    eq(warnings(MISC + both + 'configs = ( { functions = ( "r", "a" ); } );\n'), [])
    eq(warnings(MISC + both + 'configs = ( { functions = ( "r" ); }, { functions = ( "a", "r" ); } );\n'),
       ["4:3: " + words % 2])
    eq(warnings(MISC + 'configs = ( { functions = (\n  { function = { type = "acm"; instance = "0"; }; },\n'
                '  { function = { type = "rndis"; instance = "r"; }; } ); } );\n'),
       ["4:5: " + (words % 1).replace("'r'", "'rndis_r'")])


@test("a second function with all_ctrl_recip in a configuration, or with config0_setup as well in any configuration")
def lost_device_requests():
    def two(more_a, more_b, configs=""):
        return (IDS + "functions = {\n" + ffs("a", "bulk-in", more=more_a) + ffs("b", "bulk-in", more=more_b) + "};\n"
                + (f"configs = ( {configs} );\n" if configs else ""))

    recip, early = "all_ctrl_recip = true;", "config0_setup = true;"
    apart = '{ functions = ( "a" ); }, { functions = ( "b" ); }'
    words = ("function '%s' gets no control requests to the device or to \"other\" %s: the kernel gives them to function '%s', "
             "which is linked first; set 'all_ctrl_recip' for only one of the two functions")
    before = "before the host has chosen a configuration"
    eq(warnings(two(recip, recip)), ["4:17: " + words % ("b", "in configuration 1", "a")])
    eq(warnings(two(recip, recip, '{ functions = ( "b", "a" ); }')), ["3:17: " + words % ("a", "in configuration 1", "b")])
    eq(warnings(two(recip, recip + early)), ["4:17: " + words % ("b", "in configuration 1", "a")])
    eq(warnings(two(recip + early, recip + early)), ["4:17: " + words % ("b", "in configuration 1", "a")], "once")
    eq(warnings(two(recip + early, recip + early, apart)), ["4:17: " + words % ("b", before, "a")])
    eq(warnings(two(recip, recip, apart)), [], "only one configuration is active at a time")
    eq(warnings(two(recip, recip + early, apart)), [], "only one of them is asked before")
    eq(warnings(two(recip, "all_ctrl_recip = false;")), [])
    eq(warnings(two(recip, early)), [], "requests to interfaces go to the function that has the interface")


FEWER = "; leave a function out, or use one that needs fewer endpoints"


@test("a configuration that needs more endpoints than the UDC of a known driver has, in any direction and of any type")
def too_many_endpoints():
    many = "functions = {\n" + "".join(ffs("f%d" % i, *["bulk-in"] * 8) for i in range(3)) + (
        '  a = { type = "acm"; }; m = { type = "mass_storage"; }; n = { type = "ncm"; };\n};\n')
    words = "configuration %d needs %s endpoints besides endpoint 0, but a UDC of %s has %s"
    need = "29 IN and 3 OUT"
    for driver, has in (("dummy_udc", "12 IN and 12 OUT"), ("usbip-vudc", "15 IN and 15 OUT"), ("dwc2", "at most 15 IN and 15 OUT"),
                        ("fusb300_udc", "15 for either direction")):
        eq(warnings(MISC + many + 'udc = { driver = "%s"; };\n' % driver), ["2:1: " + words % (1, need, driver, has) + FEWER])
    eq(warnings(MISC + many + 'udc = { driver = "omap_udc"; };\n'), [], "nothing is known of its endpoints")
    eq(warnings(MISC + many), [], "no UDC is named")
    few = 'configs = ( { functions = ( "f2" ); },\n  { functions = ( "f0", "a" ); }, { functions = ( "f1", "m", "n" ); } );\n'
    eq(warnings(MISC + many + few + 'udc = { driver = "dwc2"; };\n'), [], "not in one configuration")
    eq(warnings(MISC + many + few + 'udc = { driver = "xilinx-udc"; };\n'),
       [f"{place}: {words % (n, need, 'xilinx-udc', '7 for either direction')}{FEWER}"
        for place, n, need in (("8:13", 1, "8 IN and 0 OUT"), ("9:3", 2, "10 IN and 1 OUT"), ("9:35", 3, "11 IN and 2 OUT"))])
    serial = "functions = { a = { type = \"acm\"; }; };\n"
    eq(warnings(IDS + serial + 'udc = { driver = "max3420-udc"; };\n'), [], "three, and three are needed")
    eq(warnings(IDS + serial.replace("}; };", '}; s = { type = "gser"; }; };') + 'udc = { driver = "max3420-udc"; };\n'),
       ["2:1: " + words % (1, "3 IN and 2 OUT", "max3420-udc", "2 IN and 1 OUT") + FEWER])
    eq(warnings(IDS + "functions = {\n" + ffs("f", *["bulk-in"] * 10) + '};\nudc = { driver = "dummy_udc"; };\n'),
       ["2:1: configuration 1 needs 10 IN and 0 OUT endpoints besides endpoint 0, but a UDC of dummy_udc has 9 IN (bulk, interrupt), "
        "3 IN (interrupt), 12 OUT (bulk, interrupt): none is left for the bulk IN endpoint of function 'f'" + FEWER])


def typed(type_, packet, more=""):
    return ('functions = {\n  f = { ffs = { speeds = [ "full", "high" ]; interfaces = ( { alternates = ( { endpoints = (\n'
            '    { type = "%s"; direction = "in"; max_packet = %d; %s } ); } ); } ); }; };\n};\nmax_speed = "high";\n'
            % (type_, packet, more))


@test("a landing page on a UDC without SuperSpeed, which no Chromium reads")
def landing_page_without_superspeed():
    page = 'webusb = {\n  landingPage = "https://example.org/x"; bVendorCode = 1;\n};\n'
    words = ("4:3: Chromium reads 'landingPage' only if the kernel has a fix: bcdUSB is 2.01 on a UDC without SuperSpeed, and must be "
             "2.10; apply the group 'fixes' of ffsctl's kernel patches, or use a UDC with SuperSpeed")
    eq(warnings(IDS + ACM + page + 'udc = { driver = "dwc2"; };\n'), [words])
    eq(warnings(IDS + ACM + page + 'max_speed = "high";\n'), [words], "the file is for such a UDC")
    eq(warnings(IDS + ACM + page + 'max_speed = "high"; udc = { driver = "dwc3"; };\n'), [words], "some have no SuperSpeed")
    eq(warnings(IDS + ACM + page), [], "no UDC is named")
    eq(warnings(IDS + ACM + page + 'udc = { driver = "dwc3"; };\n'), [], "most have SuperSpeed")
    eq(warnings(IDS + ACM + page + 'max_speed = "super"; udc = { driver = "dwc3"; };\n'), [])
    eq(warnings(IDS + ACM + page.replace("bVendorCode", "use = false; bVendorCode") + 'udc = { driver = "dwc2"; };\n'), [])
    eq(warnings(IDS + ACM + page.replace('landingPage = "https://example.org/x";', "") + 'udc = { driver = "dwc2"; };\n'), [],
       "a page may use the device, and browsers open none")


@test("a landing page of a device with a drive, which Chromium on Linux does not read")
def landing_page_beside_drive():
    page = 'webusb = { landingPage = "https://example.org/x"; bVendorCode = 1; };\n'
    words = ("2:12: Chromium on Linux does not read 'landingPage' of a device with mass storage (function '%s'); make the "
             "drive a gadget of its own")
    drive = 'd = { type = "mass_storage"; };'
    acm = 'a = { type = "acm"; };'
    own = ('f = { ffs = { interfaces = ( { class = "%s"; endpoints = ( "bulk-in" ); } ); }; };')
    for functions, found in ((drive, "d"), (acm + drive, "d"), (own % "mass-storage", "f"), (own % "vendor", None), (acm, None)):
        eq([w for w in warnings(MISC + page + "functions = { %s };\n" % functions) if "Chromium" in w],
           [words % found] if found else [], functions)
    both = MISC + page + "functions = { %s };\n" % (acm + drive)
    eq(warnings(both + 'configs = ( { functions = ( "a" ); }, { functions = ( "d" ); } );\n'), [], "it looks at the active one")
    eq(warnings(both.replace("{ landing", "{ use = false; landing")), [])


@test("a landing page that Chromium does not show: an address that is no URL, or that anybody on its way can change")
def landing_page_not_shown():
    words = "2:12: Chromium shows only a landing page whose address begins with https://"
    page = 'webusb = { landingPage = "%s"; bVendorCode = 1; };\n'
    for address, said in (("https://example.org/x", []), ("HTTPS://example.org/x", []), ("http://localhost:8000/", []),
                          ("http://127.0.0.1/x", []), ("http://example.org/x", [words]), ("ftp://example.org", [words]),
                          ("example.org/x", [words + '; write "https://example.org/x"'])):
        eq(warnings(IDS + page % address + ACM), said, address)
    eq(warnings(IDS + (page % "example.org").replace("{ landing", "{ use = false; landing") + ACM), [])


@test("a decimal number that looks like a hexadecimal one")
def leading_zero():
    words = "%s is the decimal number %s; write 0x%s, a hexadecimal number, or %s"
    file = "attrs = { idVendor = 0x1d6b; idProduct = %s; bDeviceClass = %s; };\n" + ACM
    for number, decimal in (("0104", "104"), ("0010", "10"), ("099", "99")):
        eq(warnings(file % (number, "0")), ["1:42: " + words % (number, decimal, number, decimal)])
    for number in ("0x0104", "104", "01", "00", "0", "008"):
        eq(warnings(file % (number, "00")), [], number)
    rates = 'functions : { s : { type = "uac2"; attrs : { p_srate = [ 048000 ]; }; }; };\n'
    eq([w.partition(": ")[2] for w in warnings(IDS + rates) if "decimal" in w], [words % (("048000", "48000") * 2)])


@test("isochronous endpoints on a UDC that has none")
def no_isochronous_endpoints():
    words = "3:3: function 'f' needs isochronous endpoints, but a UDC of %s has none; " \
            "use a function without isochronous endpoints, or another UDC"
    for driver in ("tegra-xudc", "renesas_usb3", "max3420-udc", "dummy_udc"):
        eq(warnings(IDS + typed("iso", 64) + 'udc = { driver = "%s"; };\n' % driver), [words % driver])
        eq(warnings(IDS + typed("interrupt", 64) + 'udc = { driver = "%s"; };\n' % driver), [])
    eq(warnings(IDS + typed("iso", 64) + 'udc = { driver = "dwc2"; };\n'), [])
    eq(warnings(IDS + typed("iso", 64) + 'udc = { driver = "renesas_usbhs"; };\n'), [], "its endpoints are unknown")
    sound = 'functions = { f = { type = "uac2"; }; };\nudc = { driver = "tegra-xudc"; };\n'
    eq(warnings(IDS + sound), [words.replace("3:3", "2:15") % "tegra-xudc"])


@test("packets that are larger than the UDC's, at a speed that the UDC has")
def large_packets():
    words = "3:3: the %s IN endpoint of function 'f' has packets of %d bytes at full speed, but a UDC of pxa27x-udc has at most %d; " \
            "choose a smaller packet size"
    udc = 'udc = { driver = "pxa27x-udc"; };\n'
    eq(warnings(IDS + typed("iso", 300) + udc), [words % ("isochronous", 300, 256)])
    eq(warnings(IDS + typed("iso", 256) + udc), [])
    eq(warnings(IDS + typed("iso", 256, "high = { max_packet = 1024; };") + udc), [], "the UDC has no high speed")
    eq(warnings(IDS + typed("iso", 256, "high = { max_packet = 1024; };") + 'udc = { driver = "m66592_udc"; };\n'),
       ["3:3: the isochronous IN endpoint of function 'f' has packets of 1024 bytes at high speed, but a UDC of m66592_udc has "
        "at most 512; choose a smaller packet size"])


@test("'zlp' on a UDC whose driver ignores it")
def zlp_is_ignored():
    text = 'functions = {\n  f = { ffs = { interfaces = ( { endpoints = (\n    { type = "bulk"; direction = "in"; zlp = true; } ); } ); };\n' \
           '    };\n};\n'
    found = warnings(IDS + text + 'udc = { driver = "fotg210"; };\n')
    eq(found, ["4:46: 'zlp' of endpoint 'ep1-in' of function 'f' has no effect: fotg210 ignores it; "
               "let the program write the zero-length packets itself"])
    eq(warnings(MISC + text + 'udc = { driver = "dwc2"; };\n'), [])
    got = warnings(MISC + text.replace("zlp = true", "zlp = false") + 'udc = { driver = "fotg210"; };\n')
    eq([line for line in got if "endpoints" in line], [])


@test("transfers that are longer than what the UDC's driver does right")
def long_transfers():
    text = 'functions = {\n  f = { ffs = { interfaces = ( { endpoints = ( "bulk-in", "bulk-out" ); } ); };\n' \
           '    worker = { plugin = "loopback"; io = { size = %d; }; }; };\n};\n' \
           'udc = { driver = "%s"; };\n'
    words = "3:3: function 'f': 'io.size' is %d, and a UDC of %s has transfers of at most %d bytes; "
    for driver, most in (("dwc2", 262144), ("dwc3", 8388608), ("cdns-usb3", 130048)):
        eq([w for w in warnings(IDS + text % (most, driver)) if "transfers" in w], [], driver)
        [found] = [w for w in warnings(IDS + text % (most + 1024, driver)) if "transfers" in w]
        eq(found.startswith(words % (most + 1024, driver, most)), True, found)
        eq(found.endswith("; choose a smaller 'io.size'"), True, found)
    eq([w for w in warnings(IDS + text % (1 << 20, "musb-hdrc")) if "transfers" in w], [], "no limit is known")


@test("a report descriptor that no host can read from a UDC of dwc2")
def full_report_descriptors():
    text = 'functions = {\n  f = { type = "hid"; attrs = { report_length = 1; report_desc = %s; }; };\n};\nudc = { driver = "%s"; };\n'
    words = "3:3: function 'f': from a UDC of dwc2 hosts cannot read a 'report_desc' of %d bytes, a multiple of 64, unless the " \
            "kernel has a fix; apply the group 'fixes' of ffsctl's kernel patches, or write the first item of 'report_desc' twice"
    first, rest = bytes.fromhex("0600ff"), bytes.fromhex("a101" "0901" "1500" "2501" "7508" "9501" "8102" "c0")

    def found(repeated, driver="dwc2", begin=first):
        items = begin + bytes.fromhex("0901") * repeated + rest
        with open(os.path.join(tmp.name, "report"), "wb") as f:
            f.write(items)
        for value in ("[ %s ]" % ", ".join(map(hex, items)), f'"{tmp.name}/report"'):
            yield from (w for w in warnings(IDS + text % (value, driver)) if "multiple of 64" in w)

    for repeated, length in ((23, 64), (55, 128)):
        eq(list(found(repeated)), [words % length] * 2)
        eq(list(found(repeated, begin=2 * first)), [], "the hint helps")
    eq(list(found(22)), [])
    eq(list(found(23, "dwc3")), [])


@test("a worker that keeps all of root's powers")
def worker_keeps_privileges():
    text = "functions = {\n  f = { ffs = { interfaces = ( { endpoints = ( \"bulk-in\" ); } ); };\n" \
           '    worker = { exec = [ "%s" ]; user = "root"; privileges = "%s"; restart_limit = 0; };\n  };\n};\n'
    eq(warnings(IDS + text % ("/bin/sh", "keep")), ["4:66: with \"keep\" the worker has all of root's privileges; list what "
                                                    "the program needs in 'capabilities'"])
    eq(warnings(IDS + text % ("/bin/sh", "drop")), [])
    eq(warnings(IDS + text % ("/bin/login", "keep")), [], "who logs in needs them")


@test("settings with which agetty does not work: a path, few restarts, too few privileges, no wait for Enter")
def login_programs():
    text = 'functions = { t = { type = "acm";\n  worker = { exec = [ "%s", "%s", "%s" ]; user = "root"; privileges = "%s"; %s }; }; };\n'
    good = ("-Lw", "${device_name}", "keep", "restart_limit = 0;")
    path = "3:%d: agetty takes the name of the line without /dev/; write \"${device_name}\""
    privileges = "3:%d: without root's privileges %s ends at once, and prints nothing; write privileges = \"keep\""
    limit = "3:%d: each logout is a restart, and more than %s disconnect the gadget; write restart_limit = 0 and restart_max_delay = 1"
    enter = "3:%d: %s takes its own prompt for a user's name if the host sends it back; add \"-w\", with which it waits for Enter"
    for program in ("agetty", "/sbin/getty"):
        name, at = os.path.basename(program), 33 + len(program)
        eq(warnings(IDS + text % (program, *good)), [])
        eq(warnings(IDS + text % (program, "--wait-cr", *good[1:])), [])
        eq(warnings(IDS + text % (program, "-w", "${device}", *good[2:])), [path % at], program)
        eq(warnings(IDS + text % (program, *good[:2], "drop", good[3])), [privileges % (23, name)], program)
        eq(warnings(IDS + text % (program, *good[:3], "")), [limit % (23, "5 in 60 s")], program)
        eq(warnings(IDS + text % (program, *good[:3], "restart_limit = 9; restart_window = 5;")), [limit % (23, "9 in 5 s")])
        eq(warnings(IDS + text % (program, *good[:3], 'restart = "on-failure";')), [])
        eq(warnings(IDS + text % (program, "--local-line", *good[1:])), [enter % (23, name)], program)
    eq(warnings(IDS + text % ("login", "-p", *good[1:])), [], "login prints no prompt before it reads")
    eq(warnings(IDS + text % ("cat", "-n", "${device}", "drop", "")), [])


@test("obex, with which no host sees the gadget")
def obex_hides_gadget():
    eq(warnings(IDS + 'max_speed = "high";\nfunctions = { o = { type = "obex"; }; };\n'),
       ["3:15: the gadget will not connect to a host: the kernel's obex function keeps it disconnected until a host "
        "configures it (f_obex.c)"])


TYPES = 'functions = {\n  a = { type = "%s"; };\n  b = { type = "%s"; };\n};\n'


@test("several functions with associations, or RNDIS beside another, without the class of such devices")
def class_of_composite_devices():
    words = "hosts may not group the interfaces of function '%s' unless 'attrs' sets class 'misc', subclass 2 and " \
            "protocol 1 (USB 3.2, 9.6.1); write attrs = { bDeviceClass = \"misc\"; bDeviceSubClass = 2; bDeviceProtocol = 1; ... }"
    for pair, place, function in ((("acm", "ncm"), "4:3", "b"), (("uvc", "uac2"), "4:3", "b"), (("rndis", "hid"), "3:3", "a"),
                                  (("acm", "rndis"), "4:3", "b")):
        text = TYPES % pair
        text = text.replace('"hid";', '"hid"; attrs = { report_desc = "mouse"; };')
        text = text.replace('"uvc";', '"uvc"; attrs = { formats = ( { type = "mjpeg"; frames = ( { width = 16; height = 16; } ); } ); };')
        found = [line for line in warnings(IDS + text) if "group the interfaces" in line]
        eq(found, [place + ": " + words % function], str(pair))
        eq([line for line in warnings(MISC + text) if "group the interfaces" in line], [], str(pair))
        other = IDS.replace(" };", ' bDeviceClass = "cdc"; };')
        eq([line for line in warnings(other + text) if "group the interfaces" in line], found, str(pair))
    eq(warnings(IDS + TYPES % ("acm", "gser")), [], "one association")
    eq(warnings(IDS + TYPES % ("acm", "ncm") + 'configs = ( { functions = ( "a" ); }, { functions = ( "b" ); } );\n'), [],
       "never together")
    eq(warnings(IDS + 'functions = { r = { type = "rndis"; }; };\n'), [], "RNDIS alone")


@test("a function without descriptors of high speed, but with those of full speed and SuperSpeed")
def speeds_with_a_gap():
    def speeds(*names):
        return IDS + "functions = {\n" + ffs("s", "bulk-in", more="speeds = ( %s );" % ", ".join(f'"{n}"' for n in names)) + "};\n"
    for names in (("full",), ("full", "high"), ("full", "high", "super")):
        eq([w for w in warnings(speeds(*names)) if "bulk packets" in w], [], str(names))
    gap, = [w for w in warnings(speeds("super", "full")) if "bulk packets" in w]
    contains(gap, "at high speed the kernel sends the descriptors of full speed")


@test("more configurations than a Linux host reads")
def many_configurations():
    def configs(n):
        return IDS + 'functions = { a = { type = "acm"; }; };\nconfigs = ( ' + ", ".join(['{ functions = ( "a" ); }'] * n) + " );\n"
    eq(warnings(configs(8)), [])
    eq(warnings(configs(9)), ["3:1: Linux hosts read only the first 8 configurations of a device, not all 9; remove "
                              "configurations, or make several gadgets"])


@test("several configurations of which the first has functions for Windows")
def several_configurations():
    words = "Windows uses several functions of a device only if it has one configuration, not 2; remove all configurations " \
            "but one, or begin with one that has only the function for Windows"
    both = TYPES % ("acm", "gser")
    eq(warnings(IDS + both + 'configs = ( { functions = ( "a", "b" ); }, { functions = ( "a" ); } );\n'), ["6:1: " + words])
    eq(warnings(IDS + both + 'configs = ( { functions = ( "a" ); }, { functions = ( "a", "b" ); } );\n'), [],
       "as gadget.d/network-windows.conf has it")
    eq(warnings(IDS + both + 'configs = ( { functions = ( "a", "b" ); } );\n'), [])
    two = 'configs = ( { functions = ( "e", "f" ); }, { functions = ( "e" ); } );\n'
    echoes = "functions = {\n" + ffs("e", "bulk-in") + "%s};\n" + two
    eq(warnings(IDS + echoes % ffs("f", "bulk-in")), [], "Windows has a driver for none of them")
    eq(warnings(IDS + echoes % ffs("f", "bulk-in", more="winusb = true;")), ["6:1: " + words])
    eq(warnings(IDS + echoes % ffs("f", "bulk-in").replace("( { e", '( { class = "hid"; e')), ["6:1: " + words])
    eq(warnings(IDS + TYPES.replace("a =", "e =").replace("b =", "f =") % ("Loopback", "SourceSink") + two), [])


@test("serial numbers that the standard of drives forbids")
def serial_numbers_of_drives():
    disk = 'functions = { d = { type = "mass_storage"; }; };\n'
    words = "drives need a serial number of at least 12 digits, 0 to 9 and A to F (USB Mass Storage, Bulk-Only Transport " \
            "1.0, 4.1.1); use a number such as \"0123456789AB\""
    for serial, warned in (("0123456789A", True), ("0123456789AB", False), ("0123456789ABCDEF", False), ("0123456789ab", True),
                           ("0123456789 A", True), ("", False)):
        text = 'strings = ( { serialnumber = "%s"; } );\n' % serial
        eq(warnings(IDS + text + disk), ["2:30: " + words] if warned else [], serial)
        eq(warnings(IDS + text + ACM), [], serial)
    eq(warnings(IDS + disk), [], "no serial number")
    if identity.has_machine_id():
        eq(warnings(IDS + 'strings = ( { serialnumber = { from = "machine-id"; }; } );\n' + disk), [])


KEYS = '{ type = "hid"; attrs = { report_desc = "keyboard"; }; }'


def of_class(words):
    return IDS.replace(" };", " bDeviceClass = %s; };" % words)


@test("a class of the device with which Windows does not look for functions, or Linux for drivers by their class")
def device_class_hides_functions():
    remove = "; remove 'bDeviceClass', or set it to 0: hosts then find a driver by the class of each interface"
    misc = '; write attrs = { bDeviceClass = "misc"; bDeviceSubClass = 2; bDeviceProtocol = 1; ... }'
    words = ("1:60: Windows does not see the functions of a device of class 0x%02x: it loads its driver for composite devices "
             "only for class 0, and for class 'misc', subclass 2 and protocol 1")
    two = "functions = { n = { type = \"ncm\"; }; k = %s; };\n" % KEYS
    flat = "functions = { j = %s; k = %s; };\n" % (KEYS, KEYS)
    for number in (1, 2, 3, 8, 9, 14, 0x11, 0x42, 0xdc, 0xe0, 0xfe):
        eq(warnings(of_class(number) + two), [words % number + misc], str(number))
        eq(warnings(of_class(number) + flat), [words % number + remove], str(number))
    eq(warnings(of_class('"misc"') + flat), [words % 0xef + remove], "no class of associations")
    eq(warnings(of_class('"misc"; bDeviceSubClass = 2; bDeviceProtocol = 1') + two), [])
    for text in (two, flat):
        eq(warnings(of_class("0") + text), [])
    eq(warnings(of_class("2") + two + 'configs = ( { functions = ( "n" ); }, { functions = ( "k" ); } );\n'), [],
       "one function at a time")
    eq(warnings(of_class("2") + 'functions = { n = { type = "ncm"; }; };\n'), [], "a class of devices and of interfaces")
    vendors = "functions = {\n" + ffs("e", "bulk-in") + ffs("f", "bulk-out") + "};\n"
    eq(warnings(of_class("2") + vendors), [], "Windows has a driver for neither")
    eq(warnings(of_class("255") + vendors), [])
    eq(warnings(of_class("255") + vendors.replace("f = { ffs = {", "f = { ffs = { winusb = true;")), [words % 255 + remove])


@test("a function of a class in a device of a vendor's class, for which Linux hosts find no driver")
def device_class_vendor():
    words = "1:60: Linux hosts find no driver for function '%s' by its class in a device of class 'vendor' (usb_match_one_id_intf)"
    remove = "; remove 'bDeviceClass', or set it to 0: hosts then find a driver by the class of each interface"
    for kind in ("acm", "ncm", "mass_storage", "midi"):
        eq(warnings(of_class('"vendor"') + 'functions = { a = { type = "%s"; }; };\n' % kind), [words % "a" + remove], kind)
    eq(warnings(of_class("0xff") + "functions = {\n" + ffs("e", "bulk-in") + "k = %s; };\n" % KEYS), [words % "k" + remove])
    for kind in ("gser", "Loopback", "SourceSink"):
        eq(warnings(of_class('"vendor"') + 'functions = { a = { type = "%s"; }; };\n' % kind), [], kind)
    eq(warnings(of_class('"vendor"') + "functions = {\n" + ffs("e", "bulk-in") + "};\n"), [])


@test("a class of interfaces as the class of the device")
def device_class_of_interfaces():
    for number in (1, 3, 5, 6, 7, 8, 0x0a, 0x0b, 0x0d, 0x0e, 0x0f, 0x10, 0x12, 0xfe):
        eq(warnings(of_class(number) + "functions = { k = %s; };\n" % KEYS),
           ["1:60: class 0x%02x is one of interfaces, not of devices (USB-IF, Defined Class Codes); remove 'bDeviceClass', or "
            "set it to 0: hosts then find a driver by the class of each interface" % number], str(number))
    for number in (0, 2, 9, 0xdc, 0xe0, 0xef):
        eq(warnings(of_class(number) + "functions = { k = %s; };\n" % KEYS), [], str(number))


@test("texts that one language has and another has not")
def gaps_of_languages():
    empty = "language 0x%04x has no %s: a host that asks in this language reads an empty text; add what is missing, or " \
            "remove the language"
    error = "a host that asks in this language gets an error"
    two = 'strings = ( { %s },\n  { lang = "de-de"; %s } );\n' + ACM
    eq(warnings(IDS + two % ('product = "p"; serialnumber = "1";', 'product = "q";')),
       ["3:12: " + empty % (0x407, "'serialnumber'")])
    eq(warnings(IDS + two % ('product = "p"; serialnumber = ""; manufacturer = "";', 'product = "q"; manufacturer = "m";')),
       ["2:13: " + empty % (0x409, "'manufacturer'")])
    eq(warnings(IDS + two % ('product = "p"; serialnumber = { from = "name"; };', 'manufacturer = "m";')),
       ["2:13: " + empty % (0x409, "'manufacturer'"), "3:12: " + empty % (0x407, "'product' and no 'serialnumber'")])
    eq(warnings(IDS + two % ('product = "p";', 'product = "q";')), [])
    eq(warnings(IDS + two % ("", "")), [], "none at all")

    config = 'configs = ( { strings = ( { %s }, { lang = 0x407; %s } ); functions = ( "a" ); } );\n'
    texts = ('configuration = "c";', 'configuration = "d";')
    both = two % ('product = "p";', 'product = "q";')
    eq(warnings(IDS + both + config % texts), [])
    eq(warnings(IDS + both + config % ("", "")), [])
    eq(warnings(IDS + both + config % ("", texts[1])), ["5:27: " + empty % (0x409, "'configuration'")])
    one = 'configs = ( { strings = ( { %s configuration = "c"; } ); functions = ( "a" ); } );\n'
    eq(warnings(IDS + both + one % ""), ["5:15: configuration 1 has no text in language 0x0407, which the device has: " + error])
    eq(warnings(IDS + ACM + one % 'lang = "en-us";'), [])
    eq(warnings(IDS + ACM + one % 'lang = "de-de";'),
       ["3:15: configuration 1 has no text in language 0x0409, which the device has: " + error,
        "3:15: the device has no strings in language 0x0407, which configuration 1 has: " + error])

    strings = both.replace(ACM, "")
    weight = 'functions = { w = { ffs = { interfaces = ( { string = %s; endpoints = ( "bulk-in" ); } ); }; }; };\n'
    german = '{ lang = "de-de"; text = "Gewicht"; }'
    eq(warnings(IDS + strings + weight % '( { text = "Weight"; }, %s )' % german), [])
    eq(warnings(IDS + strings + weight % '"Weight"'),
       ["4:15: function 'w' has no text in language 0x0407, which the device has: " + error])
    eq(warnings(IDS + weight % '( { text = "Weight"; }, %s )' % german),
       ["2:15: the device has no strings in language 0x0407, which function 'w' has: " + error])
    eq(warnings(IDS + weight % '"Weight"'), [])


@test("device ids of printers without maker, model, or class and languages")
def ids_of_printers():
    words = "the printer's device id has no %s: hosts may find no driver (IEEE 1284, 7.6); write pnp_string = " \
            "\"MFG:...;MDL:...;CLS:PRINTER;CMD:...;\""
    text = 'functions = { p = { type = "printer"; attrs = { pnp_string = "%s"; }; }; };\n'
    for id_, missing in (("Receipt Printer", "MFG, no MDL, no CLS or CMD"), ("MFG:a;MDL:b;", "CLS or CMD"), ("MDL:b;CLS:PRINTER", "MFG"),
                         ("MFG:a;CMD:PS;", "MDL"), ("MFG:;MDL: ;CLS:PRINTER;", "MFG, no MDL"), ("XMFG:a;MDL:b;CLS:c;", "MFG"),
                         ("SN:1,MFG:a;MDL:b;CLS:c;", "MFG"), ("MFG=a;MDL:b;CLS:c", "MFG")):
        eq(warnings(IDS + text % id_), ["2:62: " + words % missing], id_)
    for id_ in ("MFG:a;MDL:b;CLS:PRINTER;", "MANUFACTURER:a;MODEL:b;COMMAND SET:PCL,PS;", "mfg:a; mdl:b;\tclass:c;", "CMD:x;MDL:b;MFG:a"):
        eq(warnings(IDS + text % id_), [], id_)
    tree = 'functions = { p = { type = "printer"; tree = ( { path = "pnp_string"; value = "%s"; } ); }; };\n'
    eq(warnings(IDS + tree % "MFG:a;MDL:b;CLS:c;"), [])
    eq(warnings(IDS + tree % "MFG:a;"), ["2:15: " + words % "MDL, no CLS or CMD"])
    eq(warnings(IDS + 'functions = { p = { type = "printer"; }; };\n'), [], "which is a note")


tap.main()
