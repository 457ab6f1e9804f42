# SPDX-License-Identifier: GPL-2.0-or-later
"""Machines of QEMU at whose USB port is a gadget of the lab: hosts that nobody here wrote. lab/lib/machines.py has made their
disks, in $FFSCTL_MACHINES.

QEMU takes the device from the lab's host side through usbfs, and gives it to the machine's host controller. It passes
neither suspend nor remote wake-up. Firmware looks for devices once, so the gadget must be configured before."""

import json
import os
import pathlib
import re
import select
import socket
import subprocess
import time

import gadgets
import harness
from hosts_document import row_of_host
from systems import CONTROLLERS, QEMU, SYSTEMS

MACHINES = pathlib.Path(os.environ.get("FFSCTL_MACHINES", "/nonexistent"))
ANSI = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")
BEGUN_ANSI = re.compile(r"\x1b(\[[0-9;?]*)?\Z")


def command(system, controller=None, more=()):
    """Returns QEMU's command line, without the console and the gadget."""
    system = SYSTEMS[system]
    variables = "/run/OVMF_VARS.fd"
    if "{vars}" in system.arguments:
        pathlib.Path(variables).write_bytes(pathlib.Path("/usr/share/OVMF/OVMF_VARS.fd").read_bytes())
    words = system.arguments.format(machines=MACHINES, vars=variables).split()
    return [QEMU[system.architecture], "-accel", "tcg", "-m", str(system.memory), "-display", "none", "-nodefaults",
            *(w.replace("#", " ") for w in words), *more, "-device", f"{CONTROLLERS[controller or system.controller]},id=usb"]


def port():
    """Returns the properties of QEMU's device for the gadget, which is the host's only device. Not by its bus and port: QEMU
    takes a new device there for the old one, with its alternate settings, and ends."""
    device, = harness.host_devices()
    number = [int(harness.text_of(harness.USB_DEVICES / device / name)) for name in ("busnum", "devnum")]
    return {"driver": "usb-host", "id": "gadget", "bus": "usb.0", "hostdevice": "/dev/bus/usb/%03d/%03d" % tuple(number)}


def drive(file, cdrom=False, before="", behind="", removable=False):
    """Writes a gadget file, whose drive has this file of the machines' as its medium, None for none, with other functions before and
    behind it; returns its path. Another medium is put into it by another call and `ffsctl reload`, if it is removable."""
    medium = f'file = "{MACHINES}/{file}";' if file else ""
    path = gadgets.DIRECTORY / "medium.conf"
    path.write_text(f"""
attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
strings = ( {{ manufacturer = "ffsctl"; product = "Medium"; serialnumber = "0123456789ABCDEF"; }} );
functions : {{ {before} disk : {{ type = "mass_storage"; attrs : {{ luns = ( {{
  {medium} ro = true; cdrom = {str(cdrom).lower()}; removable = {str(removable).lower()}; }} ); }}; }}; {behind} }};
""")
    return path


def foretold(file, host):
    """Returns what `ffsctl descriptors` says of a host, for each interface of the configuration that it selects: of interfaces that
    have the driver of another one, what it says of that."""
    interfaces = harness.predicted_interfaces(file)
    own = {(i["configuration"], i["interface"]): row_of_host(i, host) for i in interfaces}
    return [row for i in interfaces if (row := own[i["configuration"], i["driver_from"]])]


def as_option(properties):
    """Returns the properties of a device as QEMU's option -device has them."""
    return ",".join([properties["driver"], *(f"{k}={v}" for k, v in properties.items() if k != "driver")])


class Machine:
    """A machine that runs. Its console is the serial port."""

    def __init__(self, system, controller=None, more=(), reboots=False):
        self.system, self.text, self.begun, self.taken = SYSTEMS[system], "", "", 0
        argv, theirs = command(system, controller, more), []
        argv += ["-device", as_option(port()), *["-no-reboot"] * (not reboots)]
        for name, option in (("console", ["-serial", "chardev:console"]), ("monitor", ["-qmp", "chardev:monitor"])):
            ours, other = socket.socketpair()
            setattr(self, name, ours)
            theirs.append(other)
            argv += ["-chardev", f"socket,id={name},fd={other.fileno()}", *option]
        self.process = subprocess.Popen(argv, stdin=subprocess.DEVNULL, pass_fds=[s.fileno() for s in theirs])
        for other in theirs:
            other.close()
        self.answers = self.monitor.makefile("r")
        self.answers.readline()  # QEMU's greeting
        self.ask("qmp_capabilities")

    def ask(self, name, **arguments):
        """Asks QEMU's monitor; returns its answer."""
        self.monitor.sendall(json.dumps({"execute": name, "arguments": arguments}).encode())
        for line in self.answers:
            answer = json.loads(line)
            if "error" in answer:
                raise AssertionError(f"{name}: {answer['error']}")
            if "return" in answer:
                return answer["return"]
        raise AssertionError(f"{name}: QEMU has ended")

    def plug(self):
        """Puts the cable of the gadget that is up into the machine."""
        self.ask("device_add", **port())

    def unplug(self):
        """Pulls the cable, if it is in the machine, and waits until it is out."""
        if any(device["name"].startswith("gadget") for device in self.ask("qom-list", path="/machine/peripheral")):
            self.ask("device_del", id="gadget")

    def reset(self):
        """Presses the reset button."""
        self.ask("system_reset")

    def __enter__(self):
        return self

    def __exit__(self, *unused):
        self.process.kill()
        self.process.wait()
        self.answers.close()
        self.monitor.close()
        self.console.close()

    def expect(self, pattern, timeout=300):
        """Waits for a regular expression in what the console prints after the last match. Returns the match. Sequences that
        move the cursor or change the colour are left out."""
        end = time.monotonic() + harness.patience(timeout)
        while not (found := re.compile(pattern).search(self.text, self.taken)):
            left = end - time.monotonic()
            data = b""
            if left > 0 and select.select([self.console], [], [], left)[0]:
                data = self.console.recv(65536)
            if not data:
                raise AssertionError(f"the console lacks {pattern}: {self.text[self.taken:][-2000:]}")
            self._print(data)
        self.taken = found.end()
        return found

    def _print(self, data):
        """GRUB sometimes ends in the middle of a sequence. What was left of one must not make another one with what comes after it."""
        text = self.begun + data.decode(errors="replace")
        begun = BEGUN_ANSI.search(text)
        self.begun = begun[0] if begun else ""
        self.text += ANSI.sub("", text[:begun.start()] if begun else text)

    def ready(self, timeout=600):
        """Waits until the system takes input."""
        self.expect(re.escape(self.system.ready), timeout)
        return self

    def send(self, text):
        self.console.sendall(text.encode())

    def shell(self, ready=True):
        """Waits for the shell of Linux, whose commands run() runs."""
        if ready:
            self.ready()
        self.send("stty -echo; PS1=; dmesg -n 1; echo \"<$?>\"\n")
        self.expect(r"\n<0>\r\n")
        return self

    def run(self, line, timeout=60):
        """Runs a command, which must succeed; returns its output. A background job of it must be in a subshell, "(job &)": the
        shell of busybox ends when a job of its own ends while it waits for input."""
        self.send(f"{line}; echo \"<$?>\"\n")
        found = self.expect(r"((?:.|\n)*?)<(\d+)>\r\n", timeout)
        if found[2] != "0":
            raise AssertionError(f"{line}: exit {found[2]}: {found[1]}")
        return found[1].replace("\r", "")

    def wait_for(self, condition, seconds=30):
        """Waits until a command succeeds; if it does not, the error has what the guest's kernel said last."""
        end = time.monotonic() + harness.patience(seconds)
        while self.run(f"{condition}; echo $?").split()[-1] != "0":
            if time.monotonic() > end:
                raise AssertionError(f"not so after {seconds} s: {condition}\n{self.run('dmesg | tail -n 30; ps | tail -n 20')}")
            self.run("sleep .1")

    def ends(self, timeout=60):
        """Waits until the machine is off."""
        if self.process.wait(harness.patience(timeout)):
            raise AssertionError(f"QEMU: exit {self.process.returncode}")
