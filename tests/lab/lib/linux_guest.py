# SPDX-License-Identifier: GPL-2.0-or-later
"""Debian's Linux in a machine of QEMU, at whose port gadgets come and go: the guest, and the tests that each architecture
has. nothing_is_up() is the cleanup of a test program."""

import hashlib
import os
import pathlib
import socket
import threading

import harness
import identity
import machine
from harness import SRC, down, must, patience
from tap import contains, eq

GADGETS = f"{SRC}/gadget.d"
MIB = 1 << 20
# Those of sound need isochronous endpoints, which dummy_hcd has not; aoa is another device, and iio needs its program
OTHERS = ("bridge", "keyboard", "kvm", "loopback", "network", "network-windows", "serial", "sourcesink")
IMAGE = pathlib.Path("/var/lib/ffsctl/storage.img")
DEVICE = "/sys/bus/usb/devices/[0-9]*-[1-9]*"


class Guest:
    """The machine, which starts when the first gadget is up."""

    system = "linux"  # which system it is (systems.py)
    machine = None
    foretold = None  # the drivers of the gadget's interfaces by the table of hosts; empty: its descriptors are unknown


def drivers():
    """Returns the names of the drivers that the guest has bound to the gadget's interfaces, None for none."""
    lines = Guest.machine.run(f"for i in {DEVICE}:*; do echo $(readlink $i/driver); done").splitlines()
    return [line.rpartition("/")[2] or None for line in lines]


def use(file, *args):
    """Brings a gadget up, and waits until the guest has configured it. Returns the guest."""
    must(harness.ffsctl("up", file, "--wait-host", *args))
    if Guest.machine:
        Guest.machine.plug()
    else:
        Guest.machine = machine.Machine(Guest.system, reboots=True).shell()
    Guest.machine.wait_for(f"ls -d {DEVICE}:* > /dev/null 2>&1")
    Guest.foretold = [None if row["driver"] is None or row["driver"].startswith("a program") else row["driver"]
                      for row in machine.foretold(file, "linux")]
    return Guest.machine


def nothing_is_up():
    """The guest has bound the drivers that `ffsctl descriptors --hosts` names. The next test gets the port, and sees no device of
    this one."""
    foretold, Guest.foretold = Guest.foretold, None
    bound = drivers() if foretold else foretold
    must(harness.ffsctl("down", "--all"))
    if Guest.machine:
        Guest.machine.unplug()
        Guest.machine.wait_for(f"! ls -d {DEVICE} > /dev/null 2>&1")
    eq(bound, foretold, "drivers, and those of the table of hosts")


def storage():
    IMAGE.parent.mkdir(parents=True, exist_ok=True)
    IMAGE.write_bytes(os.urandom(2 * MIB))
    guest = use(f"{GADGETS}/storage.conf")
    guest.wait_for("[ -b /dev/sda ]")
    eq(drivers(), ["usb-storage"])
    eq(guest.run("sha256sum < /dev/sda").split()[0], hashlib.sha256(IMAGE.read_bytes()).hexdigest())
    guest.run("dd if=/dev/urandom of=/tmp/new bs=64k count=16 2> /dev/null && dd if=/tmp/new of=/dev/sda bs=64k 2> /dev/null && sync")
    new = guest.run("sha256sum < /tmp/new").split()[0]
    down("storage")
    eq(hashlib.sha256(IMAGE.read_bytes()[:MIB]).hexdigest(), new)


def login():
    with harness.root_without_password():
        guest = use(f"{GADGETS}/login.conf")
        guest.wait_for("stty -F /dev/ttyACM0 raw -echo")
        eq(drivers(), ["cdc_acm", "cdc_acm"])
        guest.run("(cat < /dev/ttyACM0 > /tmp/line & echo $! > /tmp/cat); sleep 1")
        for _ in range(2):
            guest.run(": > /tmp/line; printf '\\r' > /dev/ttyACM0")
            guest.wait_for("grep -q 'login: ' /tmp/line || { printf '\\r' > /dev/ttyACM0; false; }")
            guest.run("printf 'root\\r' > /dev/ttyACM0")
            guest.wait_for("grep -q '# ' /tmp/line")
            guest.run("printf 'echo $((6 * 7))-$(tty)\\r' > /dev/ttyACM0")
            guest.wait_for("grep -q 42-/dev/ttyGS0 /tmp/line")
            guest.run("printf 'exit\\r' > /dev/ttyACM0")
        guest.run("kill $(cat /tmp/cat)")


def network_interface(want):
    """Waits for the network interface that these drivers make in the guest; returns its name."""
    Guest.machine.wait_for(f"ls {DEVICE}:*/net/* > /dev/null 2>&1")
    eq(drivers(), want)
    return Guest.machine.run(f"basename {DEVICE}:*/net/*").strip()


def transfer(address):
    """Sends 10 MB each way between the guest, which is 192.168.55.2, and this machine."""
    data = os.urandom(MIB) * 10
    with socket.create_server((address, 5555)) as server:
        server.settimeout(patience(60))

        def serve():
            connection, _ = server.accept()
            with connection:
                connection.sendall(data)
            connection, _ = server.accept()
            with connection:
                serve.got = b"".join(iter(lambda: connection.recv(65536), b""))

        thread = threading.Thread(target=serve)
        thread.start()
        eq(Guest.machine.run(f"nc {address} 5555 < /dev/null > /tmp/data; sha256sum < /tmp/data").split()[0],
           hashlib.sha256(data).hexdigest(), "from here to the guest")
        Guest.machine.run(f"nc {address} 5555 < /tmp/data")
        thread.join()
        eq(len(serve.got), len(data))
        eq(serve.got, data, "from the guest to here")


def dhcp():
    guest = use(f"{GADGETS}/network-dhcp.conf")
    interface = network_interface(["cdc_ncm", "cdc_ncm"])
    eq(guest.run(f"cat /sys/class/net/{interface}/address").strip(), identity.address("network-dhcp", "ncm.net", "host_addr"))
    contains(guest.run(f"ip link set {interface} up; udhcpc -i {interface} -n -q -s /bin/true 2>&1"), "lease of 192.168.55.2 obtained")
    guest.run(f"ip address add 192.168.55.2/24 dev {interface}")
    transfer("192.168.55.1")


def others():
    for name in OTHERS:
        guest = use(f"{GADGETS}/{name}.conf")
        bound = sum(driver is not None for driver in Guest.foretold)
        guest.wait_for(f"[ $(ls -d {DEVICE}:*/driver 2> /dev/null | wc -l) -eq {bound} ]")
        nothing_is_up()


# The tests of each architecture: {name: function}
SCENARIOS = {
    "storage: the guest's drive has the medium, and what it writes is in the file": storage,
    "login: the guest logs in over its /dev/ttyACM0, again after a logout": login,
    "network-dhcp: the guest gets its address from here, and 10 MB pass each way": dhcp,
    "the other gadget files: the guest has the drivers that the table of hosts names": others,
}
