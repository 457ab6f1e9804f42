#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=180
# lab all: kernel=6.12,6.1 timeout=180
"""`export` writes a gadget file for a gadget of ffsctl or of another program; this file makes the same gadget again.
(test_kernel_functions.py tests each type of function.)"""

import contextlib
import json
import os
import pathlib
import re
import shutil

import gadgets
import harness
import tap
from harness import CONFIGFS, down, ffsctl, must
from tap import eq, ok, test
from worker_harness import PACKETS

harness.leaves_nothing()

NEW = os.environ["LAB_KERNEL"] != "6.1"
# composite_setup(): 0x0210 where the UDC has SuperSpeed, or, since 6.12 and our patches, with WebUSB; 0x0201 where it has LPM
BCD_USB = 0x0210 if NEW or os.environ["LAB_SPEED"] == "super" else 0x0201 if harness.LAB_UDC == "dwc3" else 0x0200
IMAGE = gadgets.DIRECTORY / 'a "disk" \\ ü.img'
IMAGE.write_bytes(bytes(1 << 20))


def remove(top):
    """Removes a gadget from configfs."""
    if (top / "UDC").read_text().strip():
        (top / "UDC").write_text("\n")
    for link in [*top.glob("configs/*/*"), *top.glob("os_desc/*")]:
        if link.is_symlink():
            link.unlink()
    for pattern in ("configs/*/strings/*", "configs/*", "functions/*/os_desc/interface.*/*", "functions/*/lun.*",
                    "functions/*", "strings/*/*", "strings/*"):
        for path in sorted(top.glob(pattern), reverse=True):
            if path.is_dir() and path.name != "lun.0":
                with contextlib.suppress(PermissionError):  # the kernel's own
                    path.rmdir()
    top.rmdir()


@contextlib.contextmanager
def made_by_hand(name, paths, values, links, udc=None):
    """Makes a gadget like a user's shell script: directories, {path: value}, [(path of a link, its target)]."""
    top = pathlib.Path(CONFIGFS, name)
    top.mkdir()
    try:
        for path in paths:
            (top / path).mkdir()
        for path, value in values.items():
            with open(top / path, "wb", buffering=0) as file:
                file.write(value if isinstance(value, bytes) else value.encode())
        for path, target in links:
            (top / path).symlink_to(top / target)
        if udc:
            with harness.configured():
                (top / "UDC").write_text(udc)
        yield top
    finally:
        remove(top)


def order(name):
    """Returns the order of all items that have an order."""
    top = pathlib.Path(CONFIGFS, name)
    return {str(path): harness.names_in_order_of_creation(top / path)
            for path in ("functions", "strings", "configs", "configs/second.2", "configs/first one.1")}


def exported(name, *lost):
    """Runs `export`; returns the path of the new file."""
    result = must(ffsctl("export", name))
    document = harness.document(must(ffsctl("export", name, "--json")), "export")
    eq((document["gadget"], len(document["omissions"])), (name, len(lost)), "the document")
    eq([problem for problem in document["problems"] if problem["severity"] == "error"], [], "its errors")
    said = result.stderr.splitlines()
    eq(len(said), len(lost), "lines on stderr")
    for line, word in zip(said, lost):
        ok(word in line, f"'{line}' has '{word}'")
    path = gadgets.DIRECTORY / "exported" / (name + ".conf")
    path.parent.mkdir(exist_ok=True)
    path.write_text(result.stdout)
    checked, = json.loads(must(ffsctl("check", path, "--json")).stdout)["files"]
    eq(document["form"], checked["form"], "the file as JSON")
    return path


MIXTURE_DIRECTORIES = [
    "strings/0x407", "strings/0x409", "functions/rndis.0", "functions/acm.z", "functions/acm.a b", "functions/hid.true",
    "functions/mass_storage.disk", "functions/mass_storage.disk/lun.3", "functions/ecm.net",
    "functions/rndis.0/os_desc/interface.rndis/Icons", "functions/printer.p", "functions/SourceSink.s",
    "configs/second.2", "configs/second.2/strings/0x409", "configs/second.2/strings/0x407",
    "configs/first one.1", "configs/first one.1/strings/0x407",
]
MIXTURE = {
    "idVendor": "0x1d6b", "idProduct": "0x0104", "bcdDevice": "0x0123", "bDeviceClass": "0xef", "bDeviceSubClass": "2",
    "bDeviceProtocol": "1", "max_speed": "high-speed",
    "strings/0x407/product": "Küche \"x\" \\n", "strings/0x409/product": "Kitchen; // # /* }", "strings/0x409/serialnumber": "'1'",
    "functions/rndis.0/dev_addr": "02:00:00:00:00:01", "functions/rndis.0/class": "e0",
    "functions/rndis.0/os_desc/interface.rndis/compatible_id": "RNDIS",
    "functions/rndis.0/os_desc/interface.rndis/sub_compatible_id": "5162001",
    "functions/rndis.0/os_desc/interface.rndis/Icons/type": "2",
    "functions/rndis.0/os_desc/interface.rndis/Icons/data": "%SystemRoot%\\system32\\shell32.dll,233",
    "functions/hid.true/protocol": "1", "functions/hid.true/report_length": "8",
    "functions/hid.true/report_desc": bytes.fromhex("05010906a101c0") + b"\n\0\xff",
    "functions/mass_storage.disk/lun.0/ro": "1", "functions/mass_storage.disk/lun.0/file": str(IMAGE),
    "functions/mass_storage.disk/lun.3/inquiry_string": "x\\\"\xff".encode("latin-1"),
    "functions/mass_storage.disk/lun.3/removable": "0",
    "functions/printer.p/pnp_string": "MFG:\x01\n;\\x41;",
    "functions/SourceSink.s/isoc_interval": "0",
    "configs/second.2/MaxPower": "500", "configs/second.2/bmAttributes": "0xc0",
    "configs/second.2/strings/0x409/configuration": "second", "configs/first one.1/strings/0x407/configuration": "erste",
    "os_desc/use": "1", "os_desc/b_vendor_code": "0xcd", "os_desc/qw_sign": "MSFT100",
    **({"webusb/use": "1", "webusb/bVendorCode": "5", "webusb/landingPage": "https://example.com/\"",
        "functions/acm.z/protocol": "0"} if NEW else {}),
}
MIXTURE_LINKS = [
    ("configs/second.2/zzz", "functions/rndis.0"), ("configs/second.2/acm.z", "functions/acm.z"),
    ("configs/second.2/aaa", "functions/hid.true"), ("configs/first one.1/mass_storage.disk", "functions/mass_storage.disk"),
    ("configs/first one.1/a", "functions/ecm.net"), ("configs/first one.1/acm.z", "functions/acm.z"),
    ("configs/first one.1/p", "functions/printer.p"), ("os_desc/second.2", "configs/second.2"),
]


@test("a mixture that a script has made")
def mixture_by_script():
    directories = [d for d in MIXTURE_DIRECTORIES if d != "functions/acm.a b"]
    with made_by_hand("mix", directories, MIXTURE, MIXTURE_LINKS, udc="dummy_udc.0"):
        file = exported("mix")
        before = {"configfs": harness.configfs("mix"), "order": order("mix"), "host": {"": harness.descriptors()}}
    with harness.configured():
        must(ffsctl("up", file))
    after = {"configfs": harness.configfs("mix"), "order": order("mix"), "host": {"": harness.descriptors()}}
    harness.check_same_snapshots(before, after)
    eq(before["order"], after["order"], "orders")
    eq(must(ffsctl("export", "mix")).stdout, file.read_text(), "the second export")
    # The kernel has set both when the host read the device descriptor
    eq(re.findall("bcdUSB *= *0x[0-9]*|bMaxPacketSize0", file.read_text()), [f"bcdUSB = 0x{BCD_USB:04x}"], "attributes that the kernel sets")
    eq(before["host"][""][2:4], BCD_USB.to_bytes(2, "little"), "bcdUSB on the bus")
    down("mix")


@test("what a gadget file cannot say is told, and the rest is there")
def inexpressible_is_told():
    directories = ["strings/0x409", "functions/acm.a b", "functions/ffs.theirs", "configs/c.1", "configs/empty.2"]
    values = {"strings/0x409/product": "a\x01b", "strings/0x409/manufacturer": b"\xff\xfe", "idVendor": "0x1d6b",
              "idProduct": "0x0104"}
    with made_by_hand("odd", directories, values, [("configs/c.1/x", "functions/acm.a b"),
                                                   ("configs/c.1/y", "functions/ffs.theirs")]):
        file = exported("odd", "manufacturer", "product", "'a b'", "empty.2")
    text = file.read_text()
    ok("# LOST: manufacturer" in text and "# The program that mounts the FunctionFS instance" in text, "comments")
    must(ffsctl("up", "--no-bind", file))
    top = pathlib.Path(CONFIGFS, "odd")
    eq(sorted(p.name for p in (top / "functions").iterdir()), ["acm.a_b", "ffs.theirs"], "functions")
    eq((top / "configs/c.1/y").resolve().name, "ffs.theirs", "link")
    down("odd")


@test("there is no such gadget")
def no_such_gadget():
    for name in ("nobody", "-", "a b"):
        ok("cannot find gadget" in must(ffsctl("export", "--", name), 66).stderr, name)
    for name in ("", "..", "."):
        must(ffsctl("export", name), 64)


def functions(name):
    """Returns the status of the gadgets, without values that differ at each start."""
    # The supervisor hears of the link's speed later than the host has configured the gadget
    def knows_speed(g):
        return {e["max_packet"] for f in g["functions"] for e in f["endpoints"]
                if e["type"] == "bulk"} <= {PACKETS["bulk"].get((g["speed"] or "").removesuffix("-speed"))}

    shown, _ = gadgets.await_status(name, knows_speed, "the speed of the link")
    for function in shown["functions"]:
        del function["keeper"]
        if function["worker"]:
            function["worker"] = {key: function["worker"][key] for key in ("state", "engine")}
    eq(shown["state"], "ready", "state")
    return shown["functions"]


@test("a function inside a configuration keeps what configfs does not have, and its label")
def inline_function():
    path = gadgets.DIRECTORY / "inline.conf"
    path.write_text('''configs = ( { functions = ( { function = {
        instance = "usb.0";
        ffs = { winusb = true; interfaces = ( { endpoints = ( "bulk-in", "bulk-out" ); } ); };
        worker = { plugin = "loopback"; };
    }; }, { function = {
        type = "ecm"; instance = "n"; attrs = { host_addr = { from = "machine-id"; }; };
    }; }, { function = { type = "Loopback"; instance = "l"; attrs = { bulk_buflen = 4294967295; qlen = 0; }; }; } ); } );
    attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\n''')
    must(ffsctl("up", "--no-bind", path))
    before = harness.configfs("inline")
    text = exported("inline").read_text()
    for part in ("ffs_usb_0 : {", 'plugin = "loopback"', 'from = "machine-id"', "bulk_buflen = 4294967295"):
        ok(part in text, f"{part} in {text}")
    down("inline")
    must(ffsctl("up", "--no-bind", gadgets.DIRECTORY / "exported" / "inline.conf"))
    harness.check_same_snapshots({"configfs": before}, {"configfs": harness.configfs("inline")})
    down("inline")


def check_example(path):
    name = path.stem
    with harness.configured():
        must(ffsctl("up", path))
    ids = [int((pathlib.Path(CONFIGFS, name) / key).read_text(), 16) for key in ("idVendor", "idProduct")]
    before = {"configfs": harness.configfs(name), "host": {"": harness.descriptors(*ids)}}
    told = functions(name)
    # Of a directory that has moved meanwhile
    file = exported(name)
    down(name)
    with harness.configured():
        must(ffsctl("up", file))
    harness.check_same_snapshots(before, {"configfs": harness.configfs(name), "host": {"": harness.descriptors(*ids)}})
    eq(functions(name), told, "functions")
    eq(must(ffsctl("export", name)).stdout, file.read_text(), "the second export")
    down(name)


for example in gadgets.examples():
    test(f"ours: {example.name}", example)(check_example)


@test("paths and ${dir} are those of the first file")
def paths_of_first_file():
    place = gadgets.DIRECTORY / "elsewhere"
    place.mkdir()
    shutil.copy(pathlib.Path("/bin/sleep"), place / "stay")
    (place / "p.conf").write_text(
        'attrs : { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : { e : { ffs : { device = "node";'
        ' interfaces = ( { endpoints = ( "bulk-in" ); } ); };\n'
        ' worker : { exec = [ "./stay", "1000" ]; env : { A = "${dir}/x${dir}"; }; user = "root"; }; }; };\n')
    must(ffsctl("up", place / "p.conf"))
    text = exported("p").read_text()
    down("p")
    for word in (f'"{place}/./stay"', f'A = "{place}/x{place}"', f'device = "{place}/node"'):
        ok(word in text, word)


tap.main()
