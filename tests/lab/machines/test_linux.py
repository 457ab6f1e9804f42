#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12 speed=high,super machines mem=2G timeout=900
# lab qemu: no, an emulated machine in an emulated machine takes too long
"""Debian's Linux uses the gadgets, in a machine of QEMU: a host with another kernel, another host controller and more drivers than
the lab's own. One machine runs for all tests; the gadgets come and go at its port."""

import pathlib

import gadgets
import harness
import linux_guest
import tap
from gadgets import sh
from harness import kill, must
from linux_guest import DEVICE, GADGETS, Guest, drivers, network_interface, transfer, use
from tap import contains, eq, test

tap.cleanup(linux_guest.nothing_is_up)

for words, scenario in linux_guest.SCENARIOS.items():
    test(words)(scenario)


@test("login: its worker is killed while the guest reads the line: the guest keeps its device, and gets a prompt again")
def worker_killed():
    with harness.root_without_password():
        guest = use(f"{GADGETS}/login.conf")
        guest.wait_for("stty -F /dev/ttyACM0 raw -echo")
        number = guest.run(f"cat {DEVICE}/devnum")
        guest.run("(cat < /dev/ttyACM0 > /tmp/line & echo $! > /tmp/cat); sleep 1")
        for n in range(2):
            guest.run(": > /tmp/line")
            guest.wait_for("grep -q 'login: ' /tmp/line || { printf '\\r' > /dev/ttyACM0; false; }")
            kill(worker("login")["pid"])
            gadgets.await_status("login", lambda g, n=n: (g["functions"][0]["worker"]["restarts"],
                                                          g["functions"][0]["worker"]["state"]) == (n + 1, "ready"), "a new worker")
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


tap.main()
