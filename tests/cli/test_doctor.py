#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
"""`doctor` finds what keeps a board from being a gadget, and the commands that mend it: on trees of files that are like
those of boards (tree)."""

import json
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

import jsonschema

from paths import BUILD, SRC
import tap
from tap import contains, eq, ok, test

FFSCTL = os.path.join(BUILD, "ffsctl")
SCHEMAS = {p.name: json.loads(p.read_text(encoding="utf-8")) for p in pathlib.Path(SRC, "schemas").glob("*.schema.json")}
KERNEL = "6.12.117"
TREE = "sys/firmware/devicetree/base"
# Findings of every tree, which say nothing about a board
ALWAYS = {"another-system", "no-gadget-files"}

world = tempfile.TemporaryDirectory()


def write(root, path, content=""):
    path = root / path
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_bytes(content if isinstance(content, bytes) else content.encode())


def link(root, path, target):
    """Makes the link `path` to `target`, both below the root, as sysfs does: relative."""
    path, target = root / path, root / target
    path.parent.mkdir(parents=True, exist_ok=True)
    target.mkdir(parents=True, exist_ok=True)
    path.symlink_to(os.path.relpath(target, path.parent))


def module_list(names):
    return "".join(f"kernel/drivers/usb/{name}.ko{end}\n" for name, end in names)


def tree(compatible=(), model="", nodes=(), devices=(), udcs=(), gadgets=(), legacy=(), loaded=("libcomposite", "usb_f_fs"),
         loadable=(), files=()):
    """Returns the directory of a new system. `nodes`: {path in the device tree: {property: text, or list of texts}};
    `devices`: {platform device: (node, driver)}; `udcs`: {name: (device, holder)}, (device, holder, state);
    `gadgets`: of configfs, which is mounted unless it is None; `legacy`: gadget drivers of the bus of gadgets;
    `loaded`, `loadable`: modules; `files`: {path: content}."""
    root = pathlib.Path(tempfile.mkdtemp(dir=world.name))
    write(root, "proc/sys/kernel/osrelease", KERNEL + "\n")
    write(root, "proc/filesystems", "nodev\tsysfs\nnodev\tconfigfs\n\text4\n")
    write(root, f"lib/modules/{KERNEL}/modules.builtin", module_list([("core/usbcore", "")]))
    write(root, f"lib/modules/{KERNEL}/modules.dep", module_list((name, ".xz: kernel/fs/configfs.ko.xz") for name in (*loaded, *loadable)))
    for name in loaded:
        write(root, f"sys/module/{name}/initstate", "live\n")
    if compatible:
        nodes = {"": {"compatible": compatible, "model": model}, **dict(nodes)}
    for node, properties in dict(nodes).items():
        for name, value in properties.items():
            texts = [value] if isinstance(value, str) else value
            write(root, f"{TREE}{node}/{name}", "".join(text + "\0" for text in texts))
    for name, (node, driver) in dict(devices).items():
        link(root, f"sys/bus/platform/devices/{name}", f"sys/devices/platform/{name}")
        if node:
            link(root, f"sys/devices/platform/{name}/of_node", TREE + node)
        if driver:
            link(root, f"sys/devices/platform/{name}/driver", f"sys/bus/platform/drivers/{driver}")
    for name, (device, holder, *state) in dict(udcs).items():
        link(root, f"sys/class/udc/{name}/device", f"sys/devices/platform/{device}")
        write(root, f"sys/class/udc/{name}/function", holder + "\n" if holder else "")
        write(root, f"sys/class/udc/{name}/state", (state or ["not attached"])[0] + "\n")
    if gadgets is not None:
        (root / "sys/kernel/config/usb_gadget").mkdir(parents=True)
        (root / "sys/bus/gadget/drivers").mkdir(parents=True)
    for name in gadgets or ():
        (root / "sys/kernel/config/usb_gadget" / name).mkdir()
        (root / "sys/bus/gadget/drivers" / f"configfs-gadget.{name}").mkdir()
    for name in legacy:
        link(root, f"sys/bus/gadget/drivers/{name}/module", f"sys/module/{name}")
        write(root, f"sys/module/{name}/initstate", "live\n")
        if name in [holder for _, holder, *_ in dict(udcs).values()]:
            link(root, f"sys/bus/gadget/drivers/{name}/gadget.0", "sys/devices/platform/gadget.0")
    for path, content in dict(files).items():
        write(root, path, content)
    return root


def run(*args):
    return subprocess.run([FFSCTL, *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, encoding="utf-8", check=False)


def findings(root):
    """Returns the findings of `doctor --json`, after validating the document."""
    got = run("doctor", "--json", "--root", root)
    eq(got.stderr, "")
    document = json.loads(got.stdout)
    schema = SCHEMAS["doctor.schema.json"]
    jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", schema, store=SCHEMAS)).validate(document)
    found = document["findings"]
    eq(got.returncode, 69 if any(f["severity"] == "problem" for f in found) else 0, "exit status")
    eq(document["kernel"], KERNEL)
    return [f for f in found if f["id"] not in ALWAYS]


def examine(root, *expected):
    """Compares notes and problems with (severity, id, *commands); returns all findings by id."""
    found = findings(root)
    eq([(f["severity"], f["id"], *f["commands"]) for f in found if f["severity"] != "ok"], list(expected))
    return {f["id"]: f for f in found}


NO_UDC = ("problem", "no-udc")
PI_COMMANDS = ("printf '[all]\\ndtoverlay=dwc2,dr_mode=peripheral\\n' >> /boot/firmware/config.txt", "reboot")
PI_LINE = "dtoverlay=dwc2,dr_mode=peripheral\n"


def raspberry_pi(compatible, soc, model, node, device, driver, udc=True, **more):
    return tree((f"raspberrypi,{compatible}", f"brcm,{soc}"), model,
                nodes={node: {"compatible": "brcm,bcm2835-usb" if driver == "dwc2" else "brcm,bcm2708-usb",
                              "dr_mode": "peripheral" if driver == "dwc2" else "otg"}},
                devices={device: (node, driver)}, udcs=more.pop("udcs", {device: (device, "")} if udc else {}), **more)


@test("Raspberry Pi Zero with the overlay: nothing to mend, and where the device port is")
def pi_zero():
    found = examine(raspberry_pi("model-zero-w", "bcm2835", "Raspberry Pi Zero W Rev 1.1", "/soc/usb@7e980000", "20980000.usb", "dwc2"))
    contains(found["board"]["what"], "Raspberry Pi Zero W Rev 1.1 is the micro-USB socket closest to mini-HDMI")
    eq(found["udc"]["what"], "the UDC 20980000.usb (dwc2, not attached) is free")


@test("Raspberry Pi Zero after a boot: libcomposite, configfs and the driver are missing")
def pi_zero_without_modules():
    root = raspberry_pi("model-zero", "bcm2835", "Raspberry Pi Zero", "/soc/usb@7e980000", "20980000.usb", "", udc=False,
                        gadgets=None, loaded=(), loadable=("libcomposite", "usb_f_fs", "dwc2"))
    # Without a driver's name the helper writes the properties of the firmware's own node
    write(root, TREE + "/soc/usb@7e980000/compatible", "brcm,bcm2835-usb\0")
    examine(root, ("problem", "configfs-not-mounted", "mount -t configfs none /sys/kernel/config"),
            ("problem", "libcomposite-not-loaded", "modprobe libcomposite"), NO_UDC,
            ("problem", "controller-without-driver", "modprobe dwc2"))


@test("Raspberry Pi 4 in host mode: the overlay, in the file that this system has")
def pi_4():
    pi = ("4-model-b", "bcm2711", "Raspberry Pi 4 Model B Rev 1.1", "/soc/usb@7e980000", "fe980000.usb", "dwc_otg")
    found = examine(raspberry_pi(*pi, udc=False), NO_UDC, ("problem", "port-is-host", *PI_COMMANDS))
    contains(found["port-is-host"]["why"], "dwc_otg")
    examine(raspberry_pi(*pi, udc=False, files={"boot/config.txt": "arm_64bit=1\n"}), NO_UDC,
            ("problem", "port-is-host", PI_COMMANDS[0].replace("/firmware", ""), "reboot"))
    # The overlay is there, and has no effect yet
    for text in (PI_LINE, "arm_64bit=1\n" + PI_LINE):
        found = examine(raspberry_pi(*pi, udc=False, files={"boot/firmware/config.txt": text}), NO_UDC,
                        ("problem", "port-is-host", "reboot"))
        contains(found["port-is-host"]["remedy"], "filter")
    examine(raspberry_pi(*pi, udc=False, files={"boot/firmware/config.txt": "#" + PI_LINE}), NO_UDC,
            ("problem", "port-is-host", *PI_COMMANDS))


@test("Raspberry Pi CM4: the line of config.txt that selects another controller")
def pi_cm4():
    found = examine(raspberry_pi("4-compute-module", "bcm2711", "Raspberry Pi Compute Module 4 Rev 1.0", "/soc/usb@7e980000",
                                 "fe980000.usb", "dwc_otg", udc=False), NO_UDC, ("problem", "port-is-host", *PI_COMMANDS))
    contains(found["port-is-host"]["remedy"], "otg_mode=1")


@test("Raspberry Pi 5 with g_ether, which holds the UDC")
def pi_5():
    pi = ("5-model-b", "bcm2712", "Raspberry Pi 5 Model B Rev 1.0", "/axi/usb@480000", "1000480000.usb", "dwc2")
    held = ("problem", "udc-held-by-legacy-driver", "modprobe -r g_ether")
    found = examine(raspberry_pi(*pi, udcs={"1000480000.usb": ("1000480000.usb", "g_ether", "configured")}, legacy=("g_ether",)), held)
    contains(found[held[1]]["what"], "1000480000.usb (dwc2, configured) is held by the driver 'g_ether'")
    # Kernels before 5.19 have no bus of gadgets
    root = raspberry_pi(*pi, udcs={"1000480000.usb": ("1000480000.usb", "g_ether")}, loaded=("libcomposite", "usb_f_fs", "g_ether"))
    shutil.rmtree(root / "sys/bus/gadget")
    examine(root, held)
    # A driver that is built into the kernel, and one of a program
    for path, holder, remedy in (("sys/module/g_ether/parameters/dev_addr", "g_ether", "built in"), ("etc/none", "USB Raw Gadget", "end the program")):
        found = examine(raspberry_pi(*pi, udcs={"1000480000.usb": ("1000480000.usb", holder)}, files={path: ""}), held[:2])
        contains(found[held[1]]["remedy"], remedy)


@test("a legacy driver that waits for a UDC would take it first")
def legacy_driver_waits():
    pi = ("4-model-b", "bcm2711", "Raspberry Pi 4", "/soc/usb@7e980000", "fe980000.usb", "dwc2")
    waits = ("problem", "legacy-driver-waits", "modprobe -r g_serial")
    examine(raspberry_pi(*pi, gadgets=("mine",), legacy=("g_serial",)), waits)
    root = raspberry_pi(*pi, loaded=("libcomposite", "usb_f_fs", "g_serial", "g_ffs"))
    shutil.rmtree(root / "sys/bus/gadget")
    examine(root, waits)


@test("Raspberry Pi 3B+: no device port")
def pi_3b():
    found = examine(raspberry_pi("3-model-b-plus", "bcm2837", "Raspberry Pi 3 Model B Plus", "/soc/usb@7e980000", "3f980000.usb",
                                 "dwc_otg", udc=False), ("problem", "board-without-device-port"), NO_UDC, ("problem", "port-is-host"))
    contains(found["board-without-device-port"]["why"], "a hub")
    eq(found["port-is-host"]["remedy"], None)


BEAGLEBONE = {
    "compatible": ("ti,am335x-bone-black", "ti,am335x-bone", "ti,am33xx"), "model": "TI AM335x BeagleBone Black",
    "nodes": {"/ocp/usb@1400": {"compatible": "ti,musb-am33xx", "dr_mode": "peripheral"},
              "/ocp/usb@1800": {"compatible": "ti,musb-am33xx", "dr_mode": "host"}},
    "devices": {"47401400.usb": ("/ocp/usb@1400", "musb-dsps"), "musb-hdrc.0": ("/ocp/usb@1400", "musb-hdrc"),
                "47401c00.usb": ("/ocp/usb@1800", "musb-dsps"), "musb-hdrc.1": ("/ocp/usb@1800", "musb-hdrc")},
    # USB1 is always a host, which no file of sysfs changes
    "files": {"sys/devices/platform/musb-hdrc.0/mode": "b_idle\n", "sys/devices/platform/musb-hdrc.1/mode": "a_host\n"},
}


@test("BeagleBone Black with the gadget g_multi of its image")
def beaglebone():
    found = examine(tree(**BEAGLEBONE, udcs={"musb-hdrc.0": ("musb-hdrc.0", "g_multi", "configured")}, gadgets=("g_multi",)),
                    ("problem", "udc-held-by-gadget", "systemctl disable --now bb-usb-gadgets.service", "ffsctl down --force g_multi"),
                    ("note", "port-is-host"))
    contains(found["port-is-host"]["what"], "/ocp/usb@1800")
    examine(tree(**BEAGLEBONE, udcs={"musb-hdrc.0": ("musb-hdrc.0", "")}), ("note", "port-is-host"))


@test("a gadget of ffsctl may hold the UDC; of another gadget, no service is known")
def holder_of_the_udc():
    udcs = {"musb-hdrc.0": ("musb-hdrc.0", "mine")}
    strange = {"musb-hdrc.0": ("musb-hdrc.0", "it's $HOME")}
    examine(tree(**BEAGLEBONE, udcs=strange, gadgets=("it's $HOME",)),
            ("problem", "udc-held-by-gadget", "ffsctl down --force 'it'\\''s $HOME'"), ("note", "port-is-host"))
    root = tree(**BEAGLEBONE, udcs=udcs, gadgets=("mine",))
    examine(root, ("problem", "udc-held-by-gadget", "ffsctl down --force mine"), ("note", "port-is-host"))
    (root / "run/ffsctl/mine").mkdir(parents=True)
    contains(examine(root, ("note", "port-is-host"))["udc"]["what"], "held by the gadget 'mine' of ffsctl")
    # With another UDC that is free
    root = tree(**BEAGLEBONE, udcs={**udcs, "dummy_udc.0": ("dummy_udc.0", "")}, gadgets=("mine",))
    examine(root, ("note", "udc-held-by-gadget", "ffsctl down --force mine"), ("note", "port-is-host"))


@test("i.MX 8M Mini with otg: the UDC is there, and the port is a host")
def imx():
    node = "/soc@0/bus@32c00000/usb@32e40000"
    board = {"compatible": ("fsl,imx8mm-evk", "fsl,imx8mm"), "model": "FSL i.MX8MM EVK board",
             "nodes": {node: {"compatible": ("fsl,imx8mm-usb", "fsl,imx7d-usb", "fsl,imx27-usb"), "dr_mode": "otg"}},
             "devices": {"32e40000.usb": (node, "imx_usb"), "ci_hdrc.0": ("", "ci_hdrc")}}
    role = "sys/devices/platform/ci_hdrc.0/role"
    udcs = {"ci_hdrc.0": ("ci_hdrc.0", "")}
    host = ("note", "role-is-host", "echo gadget > /sys/bus/platform/devices/ci_hdrc.0/role")

    def imx_tree(state, **more):
        root = tree(**board, udcs=udcs, files={role: state}, **more)
        # As the kernel has it: the second device is a child of the one with the node
        shutil.move(root / "sys/devices/platform/ci_hdrc.0", root / "sys/devices/platform/32e40000.usb/ci_hdrc.0")
        for path in ("sys/bus/platform/devices/ci_hdrc.0", "sys/class/udc/ci_hdrc.0/device"):
            (root / path).unlink()
            link(root, path, "sys/devices/platform/32e40000.usb/ci_hdrc.0")
        return root

    examine(imx_tree("host\n"), host)
    examine(imx_tree("gadget\n"))


RK3588 = {"compatible": ("radxa,rock-5a", "rockchip,rk3588s"), "model": "Radxa ROCK 5A"}


def rk3588(dr_mode, driver="dwc3", **more):
    return tree(**RK3588, nodes={"/usb@fc000000": {"compatible": ("rockchip,rk3588-dwc3", "snps,dwc3"), **dr_mode}},
                devices={"fc000000.usb": ("/usb@fc000000", driver)}, **more)


@test("RK3588 in host mode: the node of the device tree that must change")
def rk3588_host():
    found = examine(rk3588({"dr_mode": "host"}), NO_UDC, ("problem", "port-is-host"))
    contains(found["port-is-host"]["remedy"], 'dr_mode = "peripheral" in the node /usb@fc000000')


@test("RK3588 with otg: the file that changes the role")
def rk3588_otg():
    debugfs = ("problem", "port-without-udc", "echo device > /sys/kernel/debug/usb/fc000000.usb/mode")
    for mode in ({"dr_mode": "otg"}, {}):
        examine(rk3588(mode), NO_UDC, debugfs)
    # Then no role decides: the kernel lacks something
    found = examine(rk3588({"dr_mode": "peripheral"}), NO_UDC, debugfs[:2])
    contains(found["port-without-udc"]["remedy"], "CONFIG_USB_DWC3_DUAL_ROLE")
    # The role switch of a plain dwc3 has no file `role`
    switch = "sys/class/usb_role/fc000000.usb-role-switch"
    examine(rk3588({"dr_mode": "otg"}, files={switch + "/uevent": ""}), NO_UDC, debugfs)
    examine(rk3588({"dr_mode": "otg"}, files={switch + "/role": "host\n"}), NO_UDC, debugfs[:2],
            ("problem", "role-is-host", f"echo device > /{switch}/role"))
    examine(rk3588({"dr_mode": "otg"}, files={switch + "/role": "none\n"}), NO_UDC, debugfs[:2])
    for roles, commands in (("[host] device", ["echo device > /sys/class/typec/port0/data_role"]), ("host", []), ("host [device]", None)):
        found = examine(rk3588({"dr_mode": "otg"}, files={"sys/class/typec/port0/data_role": roles + "\n"}), NO_UDC, debugfs[:2],
                        *([] if commands is None else [("problem", "role-is-host", *commands)]))
        eq("role-is-host" in found, commands is not None)
    examine(rk3588({"dr_mode": "otg"}, files={"sys/class/extcon/extcon0/state": "USB=0\nUSB-HOST=1\n"}), NO_UDC, debugfs,
            ("problem", "role-is-host"))


@test("a controller that the device tree disables matters only if there is no other one")
def disabled_controller():
    off = {"status": "disabled"}
    found = examine(rk3588(off, driver=""), NO_UDC, ("problem", "port-is-disabled"))
    contains(found["port-is-disabled"]["remedy"], 'set status = "okay" and dr_mode = "peripheral" in the node /usb@fc000000')
    both = {"/usb@1": {"compatible": "snps,dwc3", "dr_mode": "host"}, "/off": off, "/off/usb@2": {"compatible": "snps,dwc3"}}
    found = examine(tree(**RK3588, nodes=both, devices={"1.usb": ("/usb@1", "dwc3")}), NO_UDC, ("problem", "port-is-host"))
    contains(found["port-is-host"]["what"], "/usb@1")


H3_NODE = "/soc/usb@1c19000"
H3 = {"compatible": ("xunlong,orangepi-pc", "allwinner,sun8i-h3"), "model": "Xunlong Orange Pi PC",
      "nodes": {H3_NODE: {"compatible": "allwinner,sun8i-h3-musb", "dr_mode": "otg", "status": "okay"}}}


@test("Allwinner H3 with otg: the driver is loaded first, then the role is set")
def allwinner():
    missing = {**H3, "devices": {"1c19000.usb": (H3_NODE, "")}}
    modules = ("libcomposite", "usb_f_fs")
    examine(tree(**missing, loadable=("musb/sunxi",)), NO_UDC, ("problem", "controller-without-driver", "modprobe sunxi"))
    found = examine(tree(**missing), NO_UDC, ("problem", "controller-without-driver"))
    contains(found["controller-without-driver"]["remedy"], "CONFIG_USB_MUSB_SUNXI")
    found = examine(tree(**missing, loaded=(*modules, "sunxi")), NO_UDC, ("problem", "controller-without-driver"))
    contains(found["controller-without-driver"]["remedy"], "dmesg")
    devices = {"1c19000.usb": (H3_NODE, "musb-sunxi"), "musb-hdrc.4.auto": (H3_NODE, "musb-hdrc")}
    mode = "sys/devices/platform/musb-hdrc.4.auto/mode"
    udcs = {"musb-hdrc.4.auto": ("musb-hdrc.4.auto", "")}
    examine(tree(**H3, devices=devices, udcs=udcs, files={mode: "a_idle\n"}),
            ("note", "role-is-host", "echo peripheral > /sys/bus/platform/devices/musb-hdrc.4.auto/mode"))
    examine(tree(**H3, devices=devices, udcs=udcs, files={mode: "b_idle\n"}))


@test("Jetson Orin with the gadget l4t of NVIDIA's system")
def jetson():
    node = "/bus@0/usb@3550000"
    board = {"compatible": ("nvidia,p3768-0000+p3767-0005", "nvidia,p3767-0005", "nvidia,tegra234"),
             "model": "NVIDIA Jetson Orin Nano Developer Kit",
             "nodes": {node: {"compatible": "nvidia,tegra234-xudc", "status": "okay"}},
             "devices": {"3550000.usb": (node, "tegra-xudc")}}
    role = {"sys/class/usb_role/usb2-0-role-switch/role": "host\n"}
    held = ("problem", "udc-held-by-gadget", "systemctl disable --now nv-l4t-usb-device-mode.service", "ffsctl down --force l4t")
    examine(tree(**board, udcs={"3550000.usb": ("3550000.usb", "l4t")}, gadgets=("l4t",), files=role), held,
            ("note", "role-is-host", "echo device > /sys/class/usb_role/usb2-0-role-switch/role"))
    # What a host has configured is no host
    examine(tree(**board, udcs={"3550000.usb": ("3550000.usb", "l4t", "configured")}, gadgets=("l4t",), files=role), held)


@test("a PC with nothing: no UDC, and what a virtual one needs")
def pc():
    found = examine(tree(loaded=(), gadgets=None), ("problem", "configfs-not-mounted", "mount -t configfs none /sys/kernel/config"),
                    ("problem", "no-libcomposite"), ("problem", "no-functionfs"), NO_UDC)
    contains(found["no-libcomposite"]["remedy"], "CONFIG_USB_CONFIGFS")
    contains(found["no-functionfs"]["remedy"], "CONFIG_USB_CONFIGFS_F_FS")
    contains(found["no-udc"]["remedy"], "PCs")
    examine(tree(loadable=("gadget/udc/dummy_hcd",)), (*NO_UDC, "modprobe dummy_hcd"))
    examine(tree(loadable=("usbip/usbip-vudc",)), (*NO_UDC, "modprobe usbip-vudc"))
    examine(tree(devices={"dummy_udc.0": ("", "dummy_udc")}, udcs={"dummy_udc.0": ("dummy_udc.0", "")}), ("note", "only-virtual-udcs", "ffsctl up serial --udc dummy_udc.0"))


@test("a PC whose port is a host now and can be a device: the file that changes the role")
def pc_with_two_roles():
    for switch in "sys/class/usb_role/intel_xhci_usb_sw-role-switch/role", "sys/kernel/debug/usb/dwc3.1.auto/mode":
        found = examine(tree(files={switch: "host\n"}), NO_UDC, ("problem", "role-is-host", f"echo device > /{switch}"))
        eq(found["no-udc"]["remedy"], None)
        contains(examine(tree(files={switch: "device\n"}), NO_UDC)["no-udc"]["remedy"], "PCs")


@test("modules: built into the kernel, unknown, with another spelling; configfs as a module, and mounted")
def modules():
    root = tree(loaded=(), gadgets=None, loadable=("fs/configfs",), files={"proc/filesystems": "nodev\tsysfs\n"})
    examine(root, ("problem", "configfs-not-mounted", "modprobe configfs", "mount -t configfs none /sys/kernel/config"),
            ("problem", "no-libcomposite"), ("problem", "no-functionfs"), NO_UDC)
    write(root, "proc/mounts", "none /sys/kernel/config configfs rw 0 0\n")
    write(root, f"lib/modules/{KERNEL}/modules.builtin", module_list([("libcomposite", ""), ("usb-f-fs", "")]))
    examine(root, NO_UDC)
    write(root, f"lib/modules/{KERNEL}/modules.builtin", module_list([("libcomposite-2", ""), ("not_usb_f_fs", "")]))
    examine(root, ("problem", "no-libcomposite"), ("problem", "no-functionfs"), NO_UDC)
    shutil.rmtree(root / "lib")
    examine(root, ("problem", "libcomposite-not-loaded", "modprobe libcomposite"), ("note", "functionfs-unknown", "modprobe usb_f_fs"),
            NO_UDC)
    write(root, "proc/filesystems", "nodev\tfunctionfs\n")
    examine(root, ("problem", "libcomposite-not-loaded", "modprobe libcomposite"), NO_UDC)


@test("gadget files: those with errors, and those whose functions the kernel lacks")
def gadget_files():
    root = tree(loadable=("usb_f_acm",))
    ids = "attrs = { idVendor = 0x1209; idProduct = 1; };\n"
    directory = "run/ffsctl/gadget.d/"
    for name, kind in (("a", "acm"), ("b", "ecm"), ("c", "acm"), ("d", "acm")):
        write(root, f"{directory}{name}.conf", ids + 'functions = { f = { type = "%s"; }; };\n' % kind)
    write(root, directory + "broken.conf", ids + "nonsense = 1;\nfunctions = { f = { type = \"acm\"; }; };\n")
    found = examine(root, NO_UDC, ("note", "gadget-file-has-warnings", f"ffsctl check {root}/{directory}b.conf"),
                    ("problem", "gadget-file-has-errors", f"ffsctl check {root}/{directory}broken.conf"))
    eq(found["gadget-file-has-warnings"]["why"], "the kernel has no module usb_f_ecm for the type 'ecm'")
    contains(found["gadget-file-has-errors"]["why"], "2:1: ")
    eq(found["gadget-files"]["what"], "3 gadget files have no errors and no warnings")


def fixes(release, files, version=""):
    """Returns the texts of the findings about fixes of the kernel, without directories, for gadget files ({name: text}) on a
    kernel of this release."""
    root = tree(files={"proc/sys/kernel/osrelease": release + "\n", **({"proc/version": version + "\n"} if version else {}),
                       **{f"run/ffsctl/gadget.d/{name}.conf": "attrs = { idVendor = 0x1209; idProduct = 1; };\n" + text
                          for name, text in files.items()}})
    document = json.loads(run("doctor", "--json", "--root", root).stdout)
    return [(f["id"].removeprefix("kernel-fix"), f["what"].replace(f"{root}/run/ffsctl/gadget.d/", "") + (f["why"] or ""))
            for f in document["findings"] if f["id"].startswith("kernel-fix")]


NCM, ACM, MIDI2 = (f'functions = {{ f = {{ type = "{kind}"; }}; }};\n' for kind in ("ncm", "acm", "midi2"))
NCM_BLOCK = "a host's malformed block puts memory of the kernel into network packets"
DEBIAN = "Linux version 6.1.0-49-amd64 (debian-kernel@lists.debian.org) (gcc-12) #1 SMP PREEMPT_DYNAMIC Debian 6.1.%d-2 (2026-11-16)"


@test("fixes of the kernel: those that a gadget file needs, each once, where the kernel is older")
def kernel_fixes():
    eq(fixes("6.12.117", {"n": NCM}), [("es", "Linux 6.12.117 has the fixes that the functions of these files need")])
    missing = ("-missing", f"n.conf: ncm: before Linux 6.12.101, unless your distribution has the fix, {NCM_BLOCK} (CVE-2026-68368)")
    eq(fixes("6.12.100", {"n": NCM}), [missing])
    eq(fixes("6.12.101", {"n": NCM})[0][0], "es")
    eq(fixes("6.12.100+rpt-rpi-v8", {"n": NCM, "two": NCM.replace("}; };", "}; g = { type = \"ncm\"; }; };")}),
       [missing, ("-missing", missing[1].replace("n.conf", "two.conf"))])
    eq([word for _, word in fixes("6.12.60", {"a": ACM})],
       ["a.conf: before Linux 6.12.61, unless your distribution has the fix, a host that disconnects while the UDC's driver is "
        "unloaded makes the kernel use freed memory (CVE-2025-68282)"])
    nowhere = ("-missing", "m.conf: midi2: without ffsctl's kernel patches endpoints of the next gadget on the UDC move no data")
    for release in ("6.12.117", "6.18.99", "7.3.0", "8.0.1"):
        eq(fixes(release, {"m": MIDI2}), [nowhere], release)
    eq(fixes("6.12.10", {}), [])


@test("fixes of the kernel: Debian's and Ubuntu's versions, unknown ones, and series without a table")
def kernel_fixes_of_distributions():
    eq(fixes("6.1.0-49-amd64", {"n": NCM}, DEBIAN % 192), [("es", "Linux 6.1.192 has the fixes that the functions of these files need")])
    contains(fixes("6.1.0-40-amd64", {"n": NCM}, DEBIAN % 182)[0][1], "before Linux 6.1.183")
    unknown = "it is unknown which fixes of USB functions this kernel has"
    for version in ("", "Linux version 6.1.0-49-amd64 Debian x"):
        eq(fixes("6.1.0-49-amd64", {"n": NCM}, version),
           [("es-unknown", unknown + "its release '6.1.0-49-amd64' does not contain the version of Linux")])
    series = "ffsctl knows those of Linux 6.1, 6.12 and 6.18, not of "
    eq(fixes("6.6.30", {"n": NCM}), [("es-unknown", unknown + series + "6.6.30")])
    eq(fixes("7.2.0", {"n": NCM})[0][0], "es-unknown")
    root = tree(files={"proc/sys/kernel/osrelease": "6.8.0-31-generic\n", "proc/version_signature": "Ubuntu 6.8.0-31.31-generic 6.8.1\n",
                       "run/ffsctl/gadget.d/n.conf": NCM})
    contains(run("doctor", "--root", root).stdout, series + "6.8.1\n")


@test("doc/security.md has the table of fixes that doctor has")
def fixes_are_documented():
    source = pathlib.Path(SRC, "src/probe/kernel_fixes.c").read_text(encoding="utf-8")
    rows = re.findall(r'\{ "([^"]*)", \{ ([^}]*) \}, (true|false), (?:NULL|"([^"]*)"),\s*((?:"[^"]*"\s*)+)\}', source)
    eq(len(rows), source.count("\t{ \""), "rows")

    def cell(series, last):
        return {"0": "-", "NEVER": "no"}.get(last, f"{series}.{last}")

    table = []
    for kind, lasts, ours, cve, words in rows:
        text = "".join(re.findall(r'"([^"]*)"', words))
        table.append("| %s | %s | %s | %s%s |" % (
            kind or "any", " | ".join(map(cell, ("6.1", "6.12", "6.18"), lasts.split(", "))), "yes" if ours == "true" else "no",
            text[0].upper() + text[1:], f" ({cve})" if cve else ""))
    page = pathlib.Path(SRC, "doc/security.md").read_text(encoding="utf-8").partition("## Fixes of the kernel")[2].partition("\n## ")[0]
    eq([line for line in page.splitlines() if line.startswith("| ") and " without it " not in line], table)


@test("text: each finding with why, remedy and commands, and the numbers; -q prints problems only")
def text():
    root = rk3588({"dr_mode": "host"})
    got = run("doctor", "--root", f"{root}/")
    eq((got.returncode, got.stderr), (69, ""))
    contains(got.stdout, "ok       configfs is mounted at /sys/kernel/config\n")
    contains(got.stdout, "problem  this system has no UDC\n         why: a gadget is bound to a UDC, the device side of a USB controller\n")
    contains(got.stdout, "         remedy: set dr_mode = ")
    contains(got.stdout, "\n\n2 problems, 2 notes\n")
    quiet = run("-q", "doctor", "--root", root)
    eq([line.split()[0] for line in quiet.stdout.splitlines() if line[0] != " "], ["problem", "problem"])
    contains(run("doctor", "--root", tree(loadable=("dummy_hcd",))).stdout, "\n         # modprobe dummy_hcd\n")
    # The names in a tree can be anything
    root = tree(("rockchip,rk3588",), "a\x1b[2Jb")
    ok("\x1b" not in run("doctor", "--root", root).stdout, "an escape sequence reaches the terminal")


@test("this system, with or without root: a valid document; other directories and arguments are errors")
def this_system():
    got = run("doctor", "--json")
    document = json.loads(got.stdout)
    schema = SCHEMAS["doctor.schema.json"]
    jsonschema.Draft202012Validator(schema, resolver=jsonschema.RefResolver("", schema, store=SCHEMAS)).validate(document)
    eq((got.stderr, document["kernel"]), ("", os.uname().release))
    eq(got.returncode, 69 if any(f["severity"] == "problem" for f in document["findings"]) else 0)
    eq(any(f["id"] == "another-system" for f in document["findings"]), False)
    eq(any(f["id"].startswith("features") for f in document["findings"]), True)
    got = run("doctor", "--root", "/nonexistent")
    eq((got.returncode, got.stdout, got.stderr), (66, "", "ffsctl: cannot open /nonexistent: No such file or directory\n"))
    eq(run("doctor", "--root", FFSCTL).returncode, 66)
    eq(run("doctor", "x").returncode, 64)


tap.main()
