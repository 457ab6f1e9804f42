#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""Which driver each host has for an interface: `descriptors --hosts`, its JSON, and the warnings of `check` for the key
`hosts`. That the rows of Linux and of firmware are true is tested in tests/lab/machines."""

import json
import os
import re
import shutil
import tempfile

from paths import SRC
import tap
import tree
from harness import ffsctl, must, predicted_interfaces
from tap import contains, eq, ok, test

world = tempfile.TemporaryDirectory()
FILE = os.path.join(world.name, "x.conf")
HOSTS = ("linux", "windows-7", "windows-10", "windows-11", "macos", "android", "chromeos", "uefi", "bios")

IDS = "idVendor = 0x1d6b; idProduct = 0x0104; bcdDevice = 0x100;"
NET = "net : { type = \"%s\"; attrs : { dev_addr = \"02:00:00:00:00:01\"; host_addr = \"02:00:00:00:00:02\"; }; %s };"
NCM_ID = "os_descs = ( { interface = \"ncm\"; compatible_id = \"WINNCM\"; } );"
RNDIS_ID = "os_descs = ( { interface = \"rndis\"; compatible_id = \"RNDIS\"; sub_compatible_id = \"5162001\"; } );"
USE_IDS = "os_descs = { use = true; };"
DISK = "disk : { type = \"mass_storage\"; attrs : { luns = ( { removable = true; } ); }; };"
KEYS = "keys : { type = \"hid\"; attrs : { report_desc = \"keyboard\"; }; };"
TABLET = "tablet : { type = \"hid\"; attrs : { report_desc = \"tablet\"; }; };"
CONSOLE = "console : { type = \"acm\"; };"
MIDI = "midi : { type = \"midi\"; };"
VENDOR = "data : { ffs : { interfaces = ( { class = \"vendor\"; endpoints = [ \"bulk-in\", \"bulk-out\" ]; } ); }; };"


def write(functions, more="", device=""):
    with open(FILE, "w", encoding="utf-8") as f:
        f.write(f"attrs = {{ {IDS} {device} }};\n{more}\nfunctions : {{ {functions} }};\n")


def interfaces():
    return predicted_interfaces(FILE)


def answers(label):
    """What the table says of each host, for the first interface of a function."""
    found = next(i for i in interfaces() if i["function"] == label)
    return {h["host"]: h for h in found["hosts"]}


TWO_CONFIGS = "configs = ( { id = 1; functions = ( \"net\" ); }, { id = 2; functions = ( \"disk\" ); } );"

# Name, the functions, other settings, settings of attrs; a function, a host, and its driver or a part of why it has none
CASES = [
    ("ncm has a driver on Windows 11 by its id", NET % ("ncm", NCM_ID), USE_IDS, "", "net", "windows-11", "UsbNcm.sys", None),
    ("not by its class", NET % ("ncm", ""), "", "", "net", "windows-11", None, "WINNCM"),
    ("nor on Windows 10", NET % ("ncm", NCM_ID), USE_IDS, "", "net", "windows-10", None, "before Windows 11"),
    ("rndis has one by its id", NET % ("rndis", RNDIS_ID), USE_IDS, "", "net", "windows-10", "rndismp.sys", None),
    ("not without: Windows looks at the association", NET % ("rndis", ""), "", "", "net", "windows-10", None, "CDC ECM"),
    ("Linux looks at the interface", NET % ("rndis", ""), "", "", "net", "linux", "rndis_host", None),
    ("several configurations: the first one's id is the device's", NET % ("rndis", RNDIS_ID) + DISK, USE_IDS + TWO_CONFIGS, "",
     "net", "windows-10", "rndismp.sys", None),
    ("several configurations, without an id", NET % ("ncm", "") + DISK, TWO_CONFIGS, "", "net", "windows-11", None,
     "several configurations"),
    ("a class of the device that is none of composites", CONSOLE + DISK, "", "bDeviceClass = 2;", "disk", "windows-10", None,
     "class of its own"),
    ("the class of composites", CONSOLE + DISK, "", "bDeviceClass = 0xef; bDeviceSubClass = 2; bDeviceProtocol = 1;", "disk",
     "windows-10", "usbstor.sys", None),
    ("no driver by class in a device of a vendor", DISK, "", "bDeviceClass = 0xff;", "disk", "linux", None, "class vendor"),
    ("MIDI alone", MIDI, "", "", "midi", "windows-10", "usbaudio.sys", None),
    ("MIDI beside an association", CONSOLE + MIDI, "", "", "midi", "windows-10", None, "interface association"),
    ("a keyboard in a BIOS", KEYS, "", "", "keys", "bios", "usb-hid", None),
    ("a tablet in a BIOS", TABLET, "", "", "tablet", "bios", None, "boot protocol"),
    ("a tablet in UEFI", TABLET, "", "", "tablet", "uefi", None, "boot protocol"),
    ("a BIOS uses one interface", KEYS + DISK, "", "", "disk", "bios", None, "only the first interface"),
    ("a BIOS counts alternate settings", NET % ("ncm", "") + DISK, "", "", "disk", "bios", None, "alternate setting"),
    ("a drive first", DISK + NET % ("ncm", ""), "", "", "disk", "bios", "usb-msc", None),
    ("UEFI uses all", KEYS + DISK, "", "", "disk", "uefi", "UsbMassStorageDxe", None),
    ("a vendor-specific interface without WinUSB", VENDOR, "", "", "data", "windows-10", None, "vendor-specific"),
    ("no Web page gets a drive", DISK, "", "", "disk", "chromeos", None, "protected class"),
    ("Android has no RNDIS", NET % ("rndis", ""), "", "", "net", "android", None, "rndis_host"),
]


def case(_, functions, more, device, label, host, driver, why):
    write(functions, more, device)
    said = answers(label)[host]
    eq(said["driver"], driver)
    if why:
        contains(said["note"], why)


for CASE in CASES:
    test(f"{CASE[0]}: {CASE[5]}", *CASE)(case)


@test("WinUSB by the key 'winusb' of FunctionFS: Windows 10 has a driver")
def winusb():
    with open(os.path.join(SRC, "examples/winusb.conf"), encoding="utf-8") as source, open(FILE, "w", encoding="utf-8") as f:
        f.write(source.read())
    drivers = {h["driver"] for i in interfaces() for h in i["hosts"] if h["host"] in ("windows-10", "windows-11")}
    eq(drivers, {"winusb.sys"})


@test("each answer has a host, a driver or a reason, a source, and 'tested' only where a test can be")
def sources():
    for path in tree.files("gadget.d/*.conf", "examples/*.conf"):
        for i in predicted_interfaces(os.path.join(SRC, path)):
            eq([h["host"] for h in i["hosts"]], list(HOSTS))
            for h in i["hosts"]:
                eq(h["known"], h["source"] is not None, path)
                ok(not h["known"] or h["driver"] or h["note"], path)
                ok(h["proof"] != "tested in QEMU" or h["host"] in ("linux", "uefi", "bios"), path)


@test("--hosts prints the same in words")
def words():
    write(KEYS + DISK)
    lines = must(ffsctl("descriptors", "--hosts", FILE)).stdout.splitlines()
    eq(lines[0], "x: the drivers that hosts have for it")
    for i in interfaces():
        start = lines.index("  interface %d of '%s', class %02x/%02x/%02x" % (i["interface"], i["function"], *i["class"]))
        for line, h in zip(lines[start + 1:], i["hosts"]):
            contains(line, h["host"])
            contains(line, (h["driver"] or "none: " + h["note"]) if h["known"] else "unknown")


@test("check -v prints them on stderr")
def verbose():
    write(DISK)
    contains(must(ffsctl("-v", "check", FILE)).stderr, "uefi        UsbMassStorageDxe")


@test("without the key 'hosts' check warns of no host")
def no_key():
    write(NET % ("ecm", "") + TABLET)
    eq(must(ffsctl("check", FILE)).stderr, f"{FILE}: no errors\n")


KEY = "\nhosts = ( " + ", ".join(f'"{host}"' for host in HOSTS) + " );\n"
ANOTHER = "the host selects another configuration"


def problems(path):
    result = ffsctl("check", "--json", path)
    eq(result.returncode, 0, path)
    return json.loads(result.stdout)["problems"]


def warns_as_the_table_says(path, before):
    """Checks that the warnings of a file with the key are `before`, those without it, and one for each function and host to which the
    table gives no driver, in the configuration that the host selects; returns these as {(function, host): texts}."""
    warned, others = {}, []
    for problem in problems(path):
        if " on " not in problem["text"] or problem["text"].split(" on ")[1].split(":")[0].split(", ")[0] not in HOSTS:
            others.append(problem["text"])
            continue
        eq(problem["severity"], "warning")
        function = problem["text"].split("'")[1]
        for host in problem["text"].split(" on ")[1].split(":")[0].split(", "):
            texts = warned.setdefault((function, host), [])
            ok(problem["text"] not in texts, problem["text"])
            texts.append(problem["text"])
    eq(others, [problem["text"] for problem in before], path)
    eq(set(warned), {(i["function"], h["host"]) for i in predicted_interfaces(path) for h in i["hosts"]
                     if h["known"] and not h["driver"] and h["note"] != ANOTHER}, path)
    return warned


@test("with it, check warns of each host without a driver, once for those of the same reason, with a remedy, and of no other")
def key():
    write(NET % ("ecm", "") + TABLET, KEY)
    warned = warns_as_the_table_says(FILE, [])
    contains(warned["net", "windows-7"][0], "on windows-7, windows-10, windows-11: no driver for CDC ECM")
    contains(must(ffsctl("check", FILE)).stderr, "hint: type = \"ncm\" for Windows 11")


@test("so it does for every file that is shipped and for those of tests/good, and changes no other warning")
def each_file():
    count = 0
    for name in ("gadget.d", "examples", "tests/good"):
        directory = os.path.join(world.name, name)
        shutil.copytree(os.path.join(SRC, name), directory)
        for path in tree.files(f"{name}/*.conf"):
            copy = os.path.join(directory, os.path.basename(path))
            if ffsctl("descriptors", copy).returncode:  # what it is made of is unknown: the table says nothing of it
                continue
            with open(copy, encoding="utf-8") as f:
                without = re.sub("^hosts = .*", "", f.read(), flags=re.MULTILINE)
            with open(copy, "w", encoding="utf-8") as f:
                f.write(without)
            before = problems(copy)
            with open(copy, "a", encoding="utf-8") as f:
                f.write(KEY)
            warns_as_the_table_says(copy, before)
            count += 1
    ok(count > 60, count)


@test("check does not warn of the configuration that a host does not select, and Linux selects the one without RNDIS")
def other_configuration():
    with open(os.path.join(SRC, "gadget.d/network-windows.conf"), encoding="utf-8") as source, open(FILE, "w", encoding="utf-8") as f:
        f.write(source.read() + 'hosts = ( "linux", "windows-10" );')
    eq(len(re.findall("no driver for", must(ffsctl("check", FILE)).stderr)), 0)
    used = {(i["function"], h["host"]): h["driver"] for i in interfaces() for h in i["hosts"]}
    eq((used["ncm", "linux"], used["rndis", "linux"], used["rndis", "windows-10"]), ("cdc_ncm", None, "rndismp.sys"))


@test("an unknown host is an error, with what is meant")
def unknown_host():
    write(DISK, 'hosts = ( "windows-12" );')
    failed = ffsctl("check", FILE)
    eq(failed.returncode, 65)
    contains(failed.stderr, "windows-1")


tap.main()
