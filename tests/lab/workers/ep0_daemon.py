# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that opens ep0 itself: ep0_daemon.py MOUNT [WORD...]. The words select its behaviour:

tell FIFO   writes a line to the FIFO, to report that it has started
slow        writes the descriptors after SIGUSR1
never       writes no descriptors
exit        ends with exit status 3
wrong       writes descriptors that the kernel refuses, and ends with exit status 4

Afterwards it answers each control request of the host with $NAME.
"""

import os
import signal
import struct
import sys

ep0 = os.open(sys.argv[1] + "/ep0", os.O_RDWR)
words = iter(sys.argv[2:])
signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})

INTERFACE = struct.pack("<BBBBBBBBB", 9, 4, 0, 0, 1, 0xFF, 0, 0, 1)
BODY = b"".join(INTERFACE + struct.pack("<BBBBHB", 7, 5, 0x81, 2, size, 0) + companion
                for size, companion in ((64, b""), (512, b""), (1024, struct.pack("<BBBBH", 6, 0x30, 0, 0, 0))))
FLAGS, COUNTS = 1 | 2 | 4, (2, 2, 3)  # full, high and super speed


def descriptors(flags=FLAGS):
    head = struct.pack("<IIIIII", 3, 24 + len(BODY), flags, *COUNTS)
    return head + BODY


def strings():
    text = b"own\0"
    return struct.pack("<IIII", 2, 16 + 2 + len(text), 1, 1) + struct.pack("<H", 0x409) + text


for word in words:
    if word == "tell":
        with open(next(words), "w") as fifo:
            fifo.write("%d\n" % os.getpid())
    elif word == "slow":
        signal.sigwait({signal.SIGUSR1})
    elif word == "never":
        while True:
            signal.pause()
    elif word == "exit":
        sys.exit(3)
    elif word == "wrong":
        try:
            os.write(ep0, descriptors(1 << 31))
        except OSError:
            sys.exit(4)
os.write(ep0, descriptors())
os.write(ep0, strings())
answer = os.environ.get("NAME", "own").encode()
while True:
    events = os.read(ep0, 12 * 4)
    for at in range(0, len(events), 12):
        kind, = struct.unpack_from("B", events, at + 8)
        if kind != 4:  # SETUP
            continue
        direction, _, _, _, length = struct.unpack_from("<BBHHH", events, at)
        try:
            if direction & 0x80:
                os.write(ep0, answer[:length])
            else:
                os.read(ep0, length)
        except OSError:
            pass  # the host has cancelled the request
