#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=high
# lab all: kernel=6.12,6.1 speed=full,high,super
"""The function ncm collects frames in an NTB (NCM 1.0, 3.2), and sends it when it is full, or 300 microseconds after its first
frame: also while the host reads nothing, and after it has chosen the interface anew. The test reads NTBs itself."""

import os
import socket
import struct
import time

import gadgets
import harness
import tap
import usb.core
import usb.util
from harness import patience, up
from tap import eq, test

OURS, THEIRS = "02:00:00:00:00:01", "02:00:00:00:00:02"
LOCAL_EXPERIMENTAL = 0x88B5  # EtherType, IEEE 802
DATA = 1  # the interface
# Frames of 1400 bytes in an NTB of 16 KiB, and NTBs that the kernel sends at once (u_ether.c, qlen(): two, times qmult above full
# speed). Further frames wait in the network device's queue, where they may survive that the host leaves the interface
IN_NTB, NTBS = 11, 2 if os.environ["LAB_SPEED"] == "full" else 10
FILE = gadgets.DIRECTORY / "net.conf"
FILE.write_text(f"""
attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
functions : {{ net : {{ type = "ncm"; attrs : {{ dev_addr = "{OURS}"; host_addr = "{THEIRS}"; }}; }}; }};
""")
tap.cleanup(lambda: harness.ffsctl("down", "--all"))


class Host:
    """The host's side, without a driver."""

    def __init__(self):
        self.device = harness.device()
        for interface in (0, DATA):
            if self.device.is_kernel_driver_active(interface):
                self.device.detach_kernel_driver(interface)
            usb.util.claim_interface(self.device, interface)

    def choose(self, alternate):
        self.device.set_interface_altsetting(DATA, alternate)

    def frames(self):
        """Returns the numbers of the frames in the NTBs that come, until none comes for a second."""
        found = []
        while True:
            try:
                ntb = bytes(self.device.read(0x81, 16384, timeout=round(patience(1000))))
            except usb.core.USBTimeoutError:
                return found
            signature, _, _, _, ndp = struct.unpack_from("<4sHHHH", ntb)
            eq((signature, ntb[ndp:ndp + 4]), (b"NCMH", b"NCM0"))
            for at in range(ndp + 8, len(ntb), 4):
                index, length = struct.unpack_from("<HH", ntb, at)
                if not index:
                    break
                frame = ntb[index:index + length]
                if frame[12:14] == LOCAL_EXPERIMENTAL.to_bytes(2, "big"):
                    found.append(int.from_bytes(frame[14:18], "big"))


def frame(number):
    return bytes.fromhex((THEIRS + OURS).replace(":", "")) + struct.pack(">HI", LOCAL_EXPERIMENTAL, number) + bytes(1400 - 18)


def started():
    """Returns the host, which has chosen the interface that has data, and a socket for the frames that it gets."""
    for path in ("all", "default"):
        with open(f"/proc/sys/net/ipv6/conf/{path}/disable_ipv6", "w", encoding="ascii") as f:
            f.write("1")
    with harness.configured():
        up(FILE)
    name = gadgets.interface_of(OURS)
    host = Host()
    host.choose(1)
    gadgets.sh(f"ip link set {name} up")
    s = socket.socket(socket.AF_PACKET, socket.SOCK_RAW, 0)
    s.bind((name, LOCAL_EXPERIMENTAL))
    # Room for all frames of a test: at full speed, and on a slow machine, few of them are in NTBs before the host reads
    s.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
    time.sleep(1)
    return host, s


@test("frames that come while all requests wait for the host: the host gets them, to the last one", 1)
@test("the same with more frames behind them", 5)
def host_reads_late(more):
    host, here = started()
    count = NTBS * IN_NTB + more
    with here:
        for n in range(count):
            here.send(frame(n))
        time.sleep(1)
        eq(host.frames(), list(range(count)))


@test("a frame that waits when the host leaves the interface holds up none of those after it has come back")
def host_comes_back():
    host, here = started()
    with here:
        for n in range(NTBS * IN_NTB + 1):
            here.send(frame(n))
        time.sleep(1)
        host.choose(0)
        host.choose(1)
        time.sleep(1)
        here.send(frame(1000))
        eq(host.frames(), [1000])


tap.main()
