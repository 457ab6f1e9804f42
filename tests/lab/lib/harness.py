# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers of the tests in the lab. They run ffsctl, inspect the system, and act as the USB host with libusb
(python3-usb). The lab has no udevd, from which libusb could learn that a new device is there. So a test searches for
the device only after `ffsctl up --wait-host` has returned.
"""

import contextlib
import errno
import json
import os
import pathlib
import re
import select
import signal
import socket
import subprocess
import time

import tap
import usb.backend.libusb1
import usb.core
import usb.util
import valid
from tap import patience

BUILD = os.path.realpath(os.environ["FFSCTL_BUILD"])
SRC = os.environ["FFSCTL_SRC"]
FFSCTL = f"{BUILD}/ffsctl"
FFSBENCH = f"{tap.HOST_BUILD}/ffsbench"
EXAMPLES = f"{SRC}/examples"
CONFIGFS = "/sys/kernel/config/usb_gadget"
USB_DEVICES = pathlib.Path("/sys/bus/usb/devices")
# The driver of the lab's UDCs: lab/run --udc
LAB_UDC = os.environ.get("LAB_UDC", "dummy")
# The `state` of a bound UDC that no host has seen since: usb_gadget_set_state() of dummy_hcd and dwc3, but not of dwc2
WITHOUT_HOST = "not attached" if LAB_UDC.startswith("dwc2") else "attached"
# The UDC for isochronous endpoints, which dummy_hcd does not have
ISOCHRONOUS_UDC = "usbip-vudc.0" if LAB_UDC == "dummy" else "dummy_udc.0"
ISOCHRONOUS_SPEED = "high" if LAB_UDC == "dummy" else os.environ["LAB_SPEED"]  # usbip-vudc has that one
# The address of the first OUT endpoint: dummy_hcd has ep1in-bulk and ep2out-bulk, other UDCs an endpoint of each number and direction
FIRST_OUT = 0x02 if LAB_UDC == "dummy" else 0x01
# The port of the models' host (lab/udc/host.c)
UDC_HOST_PORT = pathlib.Path("/sys/devices/platform/udc_host.0")
# Whether the UDC has LPM of USB 2.0, so that below SuperSpeed bcdUSB is 2.01 and there is a BOS (composite.c)
HAS_LPM = LAB_UDC == "dwc3"
# Whether the driver reports how much data a dequeued request has received. dwc3_gadget_ep_cleanup_cancelled_requests() and ep_dequeue() of
# chipidea do not look, dwc2_gadget_get_xfersize_ddma() counts only descriptors that have ended; what the controllers report of a transfer
# that was stopped is not public. Without it, the end of a worker cuts the beginning off a message, and no program gets an error
REPORTS_CUT_READS = LAB_UDC in ("dummy", "dwc2")
UDC_DRIVER = pathlib.Path("/sys/bus/platform/drivers",
                          {"dummy": "dummy_udc", "chipidea": "ci_hdrc"}.get(LAB_UDC, LAB_UDC.partition("-")[0]))

# In builds with test hooks this kills a keeper that makes a system call which its seccomp filter does not permit.
os.environ["FFSCTL_TEST_KILL"] = "1"
# The examples start programs by name.
os.environ["PATH"] = f"{BUILD}/examples:{BUILD}:" + os.environ["PATH"]
# The examples that are Python programs import the module ffsctl_worker from the directory where a package installs it. In
# the lab, whose file system is a copy, this directory gets a link to the module. (Outside of the lab, programs of
# tests/cli import this file, too; then no link is made.)
PYTHON_MODULE = pathlib.Path("/usr/lib/python3/dist-packages/ffsctl_worker")
if "LAB_KERNEL" in os.environ:
    PYTHON_MODULE.unlink(missing_ok=True)
    PYTHON_MODULE.symlink_to(f"{SRC}/python/ffsctl_worker")


def ffsctl(*args, fault=None, env=None, timeout=60):
    """Runs ffsctl. The result has returncode, and stdout and stderr as text."""
    more = {**(env or {}), **({"FFSCTL_TEST_FAULT": fault} if fault else {})}
    return subprocess.run([FFSCTL, *map(str, args)], env={**os.environ, **more} if more else None, timeout=patience(timeout),
                          stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True)


def must(result, code=0):
    """Checks that a command has ended with exit status `code`; returns its result."""
    if result.returncode != code:
        raise AssertionError(f"{' '.join(map(str, result.args))}: exit {result.returncode}, not {code}\n"
                             f"{result.stdout}{result.stderr}")
    return result


def predicted_interfaces(file):
    """Returns the interfaces of a gadget file, with the drivers of hosts, as `ffsctl descriptors` predicts them."""
    return document(must(ffsctl("descriptors", "--json", file)), "descriptors")["interfaces"]


def up(gadget, *args, **kwargs):
    return must(ffsctl("up", gadget, *args, **kwargs))


def down(*gadgets, **kwargs):
    return must(ffsctl("down", *gadgets, **kwargs))


def document(result, schema="output"):
    """Returns the JSON document on stdout, after validating it against its schema."""
    value = json.loads(result.stdout)
    valid.validator(schema)(value)
    return value


def status(name):
    """Returns the object of the gadget in `status --json`, which is None if the gadget is not up, and the exit status."""
    result = ffsctl("status", name, "--json")
    gadget = document(result)["gadgets"][0]
    return (None if gadget["state"] == "down" else gadget), result.returncode


def unpack(*names):
    """Unpacks Debian packages of lab/packages-inside into the lab's copy of the file system."""
    for name in names:
        deb, = pathlib.Path(os.environ["LAB_PACKAGES"]).glob(f"{name}_*.deb")
        files = subprocess.run(["dpkg-deb", "--fsys-tarfile", deb], stdout=subprocess.PIPE, check=True).stdout
        subprocess.run(["tar", "-x", "--keep-directory-symlink", "-C", "/"], input=files, check=True)


# --- the machine ------------------------------------------------------------------------------

KERNEL_THREADS = 2  # pid of kthreadd, the parent of all kernel threads


def proc_status(pid):
    """Returns the lines of /proc/PID/status as {key: value} (proc_pid_status(5))."""
    with open(f"/proc/{pid}/status", encoding="utf-8") as f:
        return dict(line.rstrip("\n").split(":\t", 1) for line in f)


def context_switches(pid):
    """Returns the numbers of the process's context switches, which stay the same as long as it does not run."""
    return [number for key, number in proc_status(pid).items() if "ctxt_switches" in key]


def stat_of(pid):
    """Returns the name of a process, and the fields of /proc/PID/stat that follow the name (proc_pid_stat(5))."""
    with open(f"/proc/{pid}/stat") as f:
        text = f.read()
    return text[text.index("(") + 1:text.rindex(")")], text[text.rindex(")") + 2:].split()


def processes():
    """Returns {pid: name} of all processes except kernel threads, this process and its children."""
    found = {}
    for pid in (int(entry) for entry in os.listdir("/proc") if entry.isdigit()):
        try:
            name, rest = stat_of(pid)
        except OSError:  # the process has just ended
            continue
        if pid != KERNEL_THREADS and int(rest[1]) != KERNEL_THREADS and rest[0] not in "ZX":
            found[pid] = name
    return found


STATUS_FILE = re.compile(r"/run/ffsctl/[^/]+/\.status\.new")


def open_files(pid):
    """Returns {descriptor: what it refers to} of a process. The process may run: a descriptor that it closes meanwhile is
    left out, and so is the status file, which a supervisor opens now and then, writes and closes."""
    found = {}
    for fd in os.listdir(f"/proc/{pid}/fd"):
        with contextlib.suppress(FileNotFoundError):
            found[int(fd)] = os.readlink(f"/proc/{pid}/fd/{fd}")
    return {fd: target for fd, target in found.items() if not STATUS_FILE.fullmatch(target)}


def text_of(path):
    """Returns the text of a file in /proc or /sys without the last newline, or None if it has gone: whatever a pattern has
    matched there, a process or a device, may end before it is read."""
    try:
        return pathlib.Path(path).read_text().removesuffix("\n")
    except OSError:
        return None


def tree(top):
    """Yields every path below `top`, without following links."""
    found, todo = [], [top]
    while todo:
        with contextlib.suppress(OSError), os.scandir(todo.pop()) as entries:  # the directory may have been removed
            for entry in entries:
                found.append(entry.path)
                if entry.is_dir(follow_symlinks=False):
                    todo.append(entry.path)
    return sorted(found)


def configfs(gadget):
    """Returns all attributes and links of a gadget as {path: value or target}. If an attribute cannot be read the value
    is the error."""
    top, found = pathlib.Path(CONFIGFS, gadget), {}
    for path in map(pathlib.Path, tree(top)):
        name = str(path.relative_to(top))
        if path.is_symlink():
            found[name] = os.readlink(path)
        elif path.is_dir():
            found[name] = "directory"
        elif path.stat().st_mode & 0o444:
            try:
                found[name] = path.read_bytes()
            except OSError as e:
                found[name] = e.strerror
            if path.name == "data" and (path.parent / "type").read_text().strip() in {"1", "2", "6"}:
                # Behind a string the kernel shows one byte of other memory (ext_prop_data_show())
                found[name] = found[name][:-1]
    return found


def names_in_order_of_creation(directory):
    """Returns the names of the items in a directory of configfs, in the order in which the items were made."""
    with os.scandir(CONFIGFS) as gadgets:
        gadget = next(gadgets).path
    names = [entry.name for entry in os.scandir(gadget)]
    found = [entry.name for entry in os.scandir(directory)]
    return found if names.index("functions") < names.index("configs") else found[::-1]


def snapshot():
    """Returns the state of everything that ffsctl may change: configfs, mounts, processes, /run, /dev."""
    return {
        "configfs": tree(CONFIGFS),
        "mounts": pathlib.Path("/proc/self/mounts").read_text().splitlines(),
        "processes": processes(),
        "run": tree("/run"),
        # The host's nodes come and go when it has noticed; /dev/snd/timer comes with a module that stays
        "dev": [p for p in tree("/dev") if not p.startswith(("/dev/bus/usb", "/dev/ttyACM")) and p not in ("/dev/snd", "/dev/snd/timer")],
    }


def private_memory_kib(pid, kind=r"\w+"):
    """Returns the private memory of a process in KiB. The kind "Dirty" excludes unchanged pages of files."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(map(int, re.findall(rf"^Private_{kind}:\s+(\d+)", text, re.M)))


def ends_within(pid, seconds):
    """Waits for at most `seconds`; returns whether the process has ended."""
    try:
        fd = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    try:
        return bool(select.select([fd], [], [], seconds)[0])
    finally:
        os.close(fd)


def check_same_snapshots(before, after):
    """Fails if two snapshots differ, and shows the differences. Before it compares the processes, it waits until new
    processes have ended, because the kernel kills the children of a killed supervisor with a delay."""
    for key, was in before.items():
        if key == "processes":
            after[key] = {pid: name for pid, name in after[key].items() if pid in was or not ends_within(pid, patience(5))}
        if after[key] != was:
            was, now = (set(x.items() if isinstance(x, dict) else x) for x in (was, after[key]))
            raise AssertionError(f"{key}: gone {sorted(map(str, was - now))}, left {sorted(map(str, now - was))}")


def host_devices():
    """Returns the devices on the host's buses, without root hubs."""
    return {p.name for p in USB_DEVICES.glob("*-*") if ":" not in p.name}


def usb_devices(**attributes):
    """Returns the directories in sysfs of the USB devices whose attributes have these values."""
    return [d for d in sorted(USB_DEVICES.iterdir()) if all(text_of(d / name) == value for name, value in attributes.items())]


def usb_device(**attributes):
    """Returns the directory of the only one of them; without an argument, of the one with the product id that most test
    gadgets have."""
    attributes = attributes or {"idProduct": "0104"}
    found = usb_devices(**attributes)
    if len(found) != 1:
        raise AssertionError(f"{len(found)} devices with {attributes}, not one")
    return found[0]


def devnums():
    """Returns {USB device: device number}. The device number changes with each enumeration."""
    found = {path.parent.name: text_of(path) for path in USB_DEVICES.glob("*/devnum")}
    return {name: number for name, number in found.items() if number}


def host_lets_go(before):
    """Waits until the host has removed all devices that are not in `before`. The host handles a disconnect with a
    delay. Does not wait while a gadget is bound, because the host keeps its device."""
    await_devices(lambda: not host_devices() - before
                  or any(text_of(p) for p in pathlib.Path(CONFIGFS).glob("*/UDC")))


def udc_goes(udc="dummy_udc.0"):
    """Takes a UDC from the machine, and waits until the host has noticed: if the UDC is back before, a host goes on with the
    device that it knows, and does not configure it anew."""
    (UDC_DRIVER / "unbind").write_text(udc)
    time.sleep(1)


def udc_comes(udc="dummy_udc.0"):
    (UDC_DRIVER / "bind").write_text(udc)


@contextlib.contextmanager
def udc_host_parameter(name, value):
    """Sets a parameter of the models' host (lab/udc/README.md), and at the end its value of before."""
    parameter = pathlib.Path("/sys/module/udc_host/parameters", name)
    before = parameter.read_text()
    parameter.write_text(str(value))
    try:
        yield
    finally:
        parameter.write_text(before)


def has_scatterlists():
    """Returns whether the lab's UDCs take scatterlists, without which FunctionFS has no DMABUFs."""
    if LAB_UDC != "dummy":
        return LAB_UDC in ("dwc2-ddma", "dwc3", "chipidea")
    parameter = pathlib.Path("/sys/module/dummy_hcd/parameters/gadget_sg")  # one of our patches
    return parameter.exists() and parameter.read_text() == "Y\n"


def load_host_drivers():
    """Loads drivers of the host, which udev does on other machines. User-Mode Linux has those that the tests use built
    in."""
    if not tap.USER_MODE_LINUX:
        for name in ("cdc_acm", "cdc_ncm", "rndis_host", "sd_mod", "snd_usb_audio", "usb_storage", "uvcvideo"):
            must(subprocess.run(["modprobe", name], capture_output=True, text=True))


@contextlib.contextmanager
def root_without_password():
    """Lets root log in without a password, in the lab's copy of the files, with a shell that does not read the files of this
    machine's root, which may take their time."""
    with contextlib.ExitStack() as stack:
        for file, line in (("/etc/shadow", "root::1::::::"), ("/etc/passwd", "root:x:0:0:root:/:/bin/sh")):
            path = pathlib.Path(file)
            stack.callback(path.write_text, path.read_text())
            path.write_text("".join(line + "\n" if old.startswith("root:") else old
                                    for old in path.read_text().splitlines(keepends=True)))
        yield


def leaves_nothing():
    """Takes a snapshot of the system and returns it. From now on every test fails that leaves the system in another
    state. After each test, brings down all gadgets that are still up."""
    before, devices = snapshot(), host_devices()

    @tap.cleanup
    def nothing_left():
        try:
            host_lets_go(devices)
            check_same_snapshots(before, snapshot())
        finally:
            ffsctl("down", "--all")

    return before


def wait_dead(pid):
    """Waits until a process has ended. The process need not be a child of this one."""
    with contextlib.suppress(ProcessLookupError):
        fd = os.pidfd_open(pid)
        try:
            select.select([fd], [], [])
        finally:
            os.close(fd)


def kill(pid, sig=signal.SIGKILL):
    """Kills a process and waits for its end."""
    fd = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(fd, sig)
        select.select([fd], [], [])
    finally:
        os.close(fd)


# --- the host -----------------------------------------------------------------------------------


# Contexts are never freed, because libusb_exit() crashes if a transfer of another thread ends at the same time.
_backends = []


def device(vendor=0x1D6B, product=0x0104):
    """Returns the only device with these ids. Uses a new libusb context, because the lab has no udevd: an old context does
    not find new devices."""
    # get_backend() is called only to load libusb. The libusb context that it returns is not used: it is always that of the
    # first call of get_backend(), and knows only the devices that existed then
    usb.backend.libusb1.get_backend()
    backend = usb.backend.libusb1._LibUSB(usb.backend.libusb1._lib)
    _backends.append(backend)
    found = list(usb.core.find(find_all=True, idVendor=vendor, idProduct=product, backend=backend))
    if len(found) != 1:
        raise AssertionError(f"{len(found)} devices {vendor:04x}:{product:04x}, not one")
    found[0].default_timeout = round(patience(1000))  # ms
    return found[0]


def endpoints(device, interface=0):
    """Returns the first OUT and the first IN endpoint of an interface."""
    found = list(device.get_active_configuration()[(interface, 0)])
    return tuple(next(e for e in found if bool(e.bEndpointAddress & 0x80) == is_in) for is_in in (False, True))


def claim(device):
    """Takes all interfaces of the device from the drivers of the host."""
    for interface in device.get_active_configuration():
        if device.is_kernel_driver_active(interface.bInterfaceNumber):  # a driver may have several
            device.detach_kernel_driver(interface.bInterfaceNumber)
        usb.util.claim_interface(device, interface.bInterfaceNumber)


def descriptors(vendor=0x1D6B, product=0x0104):
    """Returns as bytes the descriptors that the host has read from the only device with these ids: the device descriptor
    and the configuration descriptors."""
    return (usb_device(idVendor=f"{vendor:04x}", idProduct=f"{product:04x}") / "descriptors").read_bytes()


HUB = 0x0002  # the product of Linux' root hubs at high speed
SET_FEATURE, CLEAR_FEATURE = 3, 1
PORT_SUSPEND, PORT_POWER, C_PORT_SUSPEND = 2, 8, 18  # features of a hub's port (USB 2.0, 11.24.2)


def hub_port(request, feature):
    """Sets or clears a feature of the port of the only root hub at high speed."""
    device(product=HUB).ctrl_transfer(0x23, request, feature, 1)


def hub_port_is_suspended():
    """Returns the port's state. dummy_hcd ends a resumption, 20 ms after its start, when the hub driver asks for it."""
    time.sleep(0.1)
    return bool(device(product=HUB).ctrl_transfer(0xA3, 0, 0, 1, 4)[0] & 1 << PORT_SUSPEND)


def suspend_hub_port():
    hub_port(SET_FEATURE, PORT_SUSPEND)


def end_resumption():
    """Clears what the hub says of a resumption of the port. Without power management, the kernel does not. As long as it is
    set, dummy_hcd wakes the kernel's hub driver again and again."""
    hub_port(CLEAR_FEATURE, C_PORT_SUSPEND)


def resume_hub_port():
    hub_port(CLEAR_FEATURE, PORT_SUSPEND)
    if hub_port_is_suspended():
        raise AssertionError("the port does not resume")
    end_resumption()


NETLINK_KOBJECT_UEVENT = 15


@contextlib.contextmanager
def uevents():
    """Returns a socket that receives all uevents of the kernel from now on."""
    with socket.socket(socket.AF_NETLINK, socket.SOCK_DGRAM, NETLINK_KOBJECT_UEVENT) as socket_:
        socket_.bind((0, 1))
        socket_.settimeout(patience(60))
        yield socket_


def await_devices(find):
    """Calls `find` until it returns something true, again after each uevent of the kernel, and for the last time when no more
    come; returns its last result. A host binds its drivers after it has configured a gadget, and removes devices after a
    disconnect: each is a uevent. Files that programs make are none: gadgets.await_file()."""
    with uevents() as socket_:
        while not (found := find()):
            try:
                socket_.recv(65536)
            except TimeoutError:
                return find()
    return found


def open_device(path, flags):
    """Opens a device file as soon as it can be opened; returns its file descriptor. The kernel makes the directory in sysfs
    first and the file in /dev next; a terminal's file cannot be opened (ENXIO) until tty_cdev_add() has run. The uevent
    "add" comes after all of these."""
    def opened():
        try:
            return [os.open(path, flags)]
        except OSError as err:
            if err.errno not in (errno.ENOENT, errno.ENXIO):
                raise
            return []
    found = await_devices(opened)
    tap.ok(found, f"{path} does not come")
    return found[0]


@contextlib.contextmanager
def configured():
    """Runs the body of the `with` statement, then waits until the host has configured a new device: the host's generic
    USB driver configures the device when it is bound to it, and the kernel then sends the uevent "bind"."""
    with uevents() as socket_:
        # `ffsctl up --wait-host` returns before the host has sent the uevent of the device that it configures
        before = devnums()
        yield
        event = {}
        while not ((event.get("ACTION"), event.get("DEVTYPE")) == ("bind", "usb_device")
                   and before.get(os.path.basename(event["DEVPATH"])) != event["DEVNUM"].lstrip("0")):
            event = dict(word.split("=", 1) for word in socket_.recv(65536).decode().split("\0") if "=" in word)


USB_SPEEDS = {"full": 2, "high": 3}  # enum usb_device_speed


def attach(udc=ISOCHRONOUS_UDC, speed="high"):
    """Connects a gadget on a usbip-vudc with the virtual host controller vhci_hcd. Returns the sockets, which keep the
    connection open. Other UDCs need no connection. `speed`: that of the gadget, full or high."""
    if not udc.startswith("usbip-vudc."):
        return ()
    ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_STREAM)
    platform = pathlib.Path("/sys/devices/platform")
    (platform / udc / "usbip_sockfd").write_text(f"{ours.fileno()}\n")
    (platform / "vhci_hcd.0/attach").write_text(f"0 {theirs.fileno()} 0 {USB_SPEEDS[speed]}\n")
    return ours, theirs


def bench(*args, timeout=120):
    """Runs ffsbench, which must succeed; returns its output."""
    return must(subprocess.run([FFSBENCH, *map(str, args)], stdout=subprocess.PIPE,
                               stderr=subprocess.PIPE, text=True, timeout=patience(timeout)))
