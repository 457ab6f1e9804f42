#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12 speed=high,super machines mem=2G timeout=900
# lab qemu: no, an emulated machine in an emulated machine takes too long
"""Debian's Linux uses the gadgets, in a machine of QEMU: a host with another kernel, another host controller and more drivers than
the lab's own. One machine runs for all tests; the gadgets come and go at its port."""

import hashlib
import os
import pathlib
import signal
import socket
import threading

import gadgets
import harness
import identity
import machine
import tap
from gadgets import sh
from harness import SRC, down, must, patience
from tap import contains, eq, test

GADGETS = f"{SRC}/gadget.d"
MIB = 1 << 20
# Those of sound need isochronous endpoints, which dummy_hcd has not; aoa is another device, and iio needs its program
OTHERS = ("bridge", "keyboard", "kvm", "loopback", "network", "network-windows", "serial", "sourcesink")
IMAGE = pathlib.Path("/var/lib/ffsctl/storage.img")
DEVICE = "/sys/bus/usb/devices/[0-9]*-[1-9]*"


class Guest:
    """The machine, which starts when the first gadget is up."""

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
        Guest.machine = machine.Machine("linux", reboots=True).shell()
    Guest.machine.wait_for(f"ls -d {DEVICE}:* > /dev/null 2>&1")
    Guest.foretold = [None if row["driver"] is None or row["driver"].startswith("a program") else row["driver"]
                      for row in machine.foretold(file, "linux")]
    return Guest.machine


@tap.cleanup
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


@test("storage: the guest's drive has the medium, and what it writes is in the file")
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


@test("login: the guest logs in over its /dev/ttyACM0, again after a logout")
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


@test("login: its worker is killed while the guest reads the line: the guest keeps its device, and gets a prompt again")
def worker_killed():
    with harness.root_without_password():
        guest = use(f"{GADGETS}/login.conf")
        guest.wait_for("stty -F /dev/ttyACM0 raw -echo")
        number = guest.run(f"cat {DEVICE}/devnum")
        guest.run("(cat < /dev/ttyACM0 > /tmp/line & echo $! > /tmp/cat); sleep 1")
        for _ in range(2):
            guest.run(": > /tmp/line")
            guest.wait_for("grep -q 'login: ' /tmp/line || { printf '\\r' > /dev/ttyACM0; false; }")
            os.kill(worker("login")["pid"], signal.SIGKILL)
            gadgets.await_status("login", lambda g: g["functions"][0]["worker"]["state"] == "ready", "a new worker")
        eq(guest.run(f"cat {DEVICE}/devnum"), number)
        guest.run("kill $(cat /tmp/cat)")
        eq(worker("login")["restarts"], 2)


@test("loopback: a reboot of the guest enumerates the gadget anew; its worker lives on, and status is right")
def reboot():
    guest = use(f"{GADGETS}/loopback.conf")
    before = worker("loopback")
    guest.reset()
    guest.shell()
    guest.wait_for(f"ls -d {DEVICE}:* > /dev/null 2>&1")
    gadgets.await_status("loopback", lambda g: g["udc_state"] == "configured", "configured")
    now = worker("loopback")
    eq((now["pid"], now["restarts"], now["state"]), (before["pid"], 0, "ready"))


def worker(name):
    return harness.status(name)[0]["functions"][0]["worker"]


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


@test("network-dhcp: the guest gets its address from here, and 10 MB pass each way")
def dhcp():
    guest = use(f"{GADGETS}/network-dhcp.conf")
    interface = network_interface(["cdc_ncm", "cdc_ncm"])
    eq(guest.run(f"cat /sys/class/net/{interface}/address").strip(), identity.address("network-dhcp", "ncm.net", "host_addr"))
    contains(guest.run(f"ip link set {interface} up; udhcpc -i {interface} -n -q -s /bin/true 2>&1"), "lease of 192.168.55.2 obtained")
    guest.run(f"ip address add 192.168.55.2/24 dev {interface}")
    transfer("192.168.55.1")


def network(kind):
    return f"""
attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
functions : {{ net : {{ type = "{kind}"; attrs : {{ host_addr = "02:00:00:00:00:02"; dev_addr = "02:00:00:00:00:01"; }}; }}; }};
"""


@test("network by ECM: 10 MB each way", "ecm", ["cdc_ether", "cdc_ether"])
@test("network by EEM: 10 MB each way", "eem", ["cdc_eem"])
@test("network by RNDIS: 10 MB each way", "rndis", ["rndis_host", "rndis_host"])
def networks(kind, want):
    path = pathlib.Path("/run/net.conf")
    path.write_text(network(kind))
    guest = use(path)
    interface = network_interface(want)
    guest.run(f"ip link set {interface} up; ip address add 192.168.55.2/24 dev {interface}")
    here = must(harness.ffsctl("status", "net", "-o", "net.ifname")).stdout.strip()
    sh(f"ip address replace 192.168.55.1/24 dev {here} && ip link set {here} up")
    transfer("192.168.55.1")


@test("midi: the guest's sound system has the ports")
def midi():
    guest = use(f"{GADGETS}/midi.conf")
    guest.wait_for("[ -c /dev/snd/midiC0D0 ]")
    eq(drivers(), ["snd-usb-audio", "snd-usb-audio"])
    with open(sh("ls /dev/snd/midiC*D0").strip(), "r+b", buffering=0) as port:
        guest.run("(head -c 3 < /dev/snd/midiC0D0 > /tmp/notes &); sleep 1")
        port.write(b"\x90\x3c\x40")
        guest.wait_for("[ -s /tmp/notes ]")
        eq(guest.run("xxd -p /tmp/notes").strip(), "903c40")


@test("printer: the guest's /dev/usb/lp0 takes a job")
def printer():
    guest = use(f"{GADGETS}/printer.conf")
    guest.wait_for("[ -c /dev/usb/lp0 ]")
    eq(drivers(), ["usblp"])
    contains(guest.run(f"cat {DEVICE}:*/ieee1284_id"), "MFG:ffsctl;MDL:Virtual printer;")
    guest.run("(seq 10000 > /dev/usb/lp0 &)")
    job = "".join(f"{n}\n" for n in range(1, 10001)).encode()
    data = b""
    with open("/dev/g_printer0", "rb", buffering=0) as there:
        while len(data) < len(job):
            data += there.read(8192)
    eq(data, job)


@test("mtp: the guest lists the interface, which waits for a program")
def mtp():
    use(f"{GADGETS}/mtp.conf")
    eq(drivers(), [None])
    eq(Guest.machine.run(f"cat {DEVICE}:*/bInterfaceClass").strip(), "06")


@test("composite: a drive, a network and a serial line at once")
def composite():
    guest = use(f"{GADGETS}/composite.conf")
    guest.wait_for("[ -b /dev/sda ] && [ -c /dev/ttyACM0 ]")
    eq(drivers(), ["cdc_acm", "cdc_acm", "cdc_ncm", "cdc_ncm", "usb-storage"])


@test("the other gadget files: the guest has the drivers that the table of hosts names")
def others():
    for name in OTHERS:
        guest = use(f"{GADGETS}/{name}.conf")
        bound = sum(driver is not None for driver in Guest.foretold)
        guest.wait_for(f"[ $(ls -d {DEVICE}:*/driver 2> /dev/null | wc -l) -eq {bound} ]")
        nothing_is_up()


tap.main()
