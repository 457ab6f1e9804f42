# SPDX-License-Identifier: GPL-2.0-or-later
"""A daemon that opens ep0 itself: ep0_daemon.py MOUNT [WORD...]. The words select its behaviour:

tell FIFO       writes a line to the FIFO, to report that it has started
slow            writes the descriptors after SIGUSR1
never           writes no descriptors
exit            ends with exit status 3
greedy          writes descriptors of more endpoints than a UDC has
bare            writes descriptors without endpoints
pause FIFO      writes a line to the FIFO after the descriptors, and the strings after SIGUSR1
packet SIZE     writes descriptors whose endpoints have this maximum packet size at each speed
speeds N        writes descriptors of the first N of full, high and super speed
wrong           writes descriptors that the kernel refuses, and ends with exit status 4
linger SECONDS  closes its files when it gets SIGTERM, and ends SECONDS later
reopen          closes its files and begins again when the kernel reports FUNCTIONFS_UNBIND, which it prints first
react SECONDS   does so SECONDS later
reset           closes its files and begins again when the host has disabled its interface, as at each reset of the port
die             ends with exit status 5 when the kernel reports FUNCTIONFS_UNBIND
flap            closes its files and begins again when the kernel reports FUNCTIONFS_BIND
short N         takes only N bytes of the data of a control request, and answers the next one with what it got: a number of
                bytes, or the name of an error
fork            a child does all this, and when the child ends, another one

It answers each control request of the host with $NAME. After SIGUSR2 it closes its files and begins again, after SIGHUP
it closes them and begins again after SIGUSR2 only.
"""

import errno
import os
import signal
import struct
import sys
import time

BIND, UNBIND, ENABLE, DISABLE, SETUP = range(5)  # of FunctionFS' events
mount, *words = sys.argv[1:]
ENDPOINTS = 15 if "greedy" in words else 0 if "bare" in words else 1
SPEEDS = (1, 64, b""), (2, 512, b""), (4, 1024, struct.pack("<BBBBH", 6, 0x30, 0, 0, 0))  # full, high, super
def argument(word):
    """Returns what follows a word of the command line; None: it does not have the word."""
    return words[words.index(word) + 1] if word in words else None


def descriptors(further_flags=0):
    interface = struct.pack("<BBBBBBBBB", 9, 4, 0, 0, ENDPOINTS, 0xFF, 0, 0, 1)
    speeds = int(argument("speeds") or 3)
    flags, counts, body = further_flags, [], b""
    for flag, size, companion in SPEEDS[:speeds]:
        size = int(argument("packet") or size)
        body += interface + b"".join(struct.pack("<BBBBHB", 7, 5, 0x81 + n, 2, size, 0) + companion for n in range(ENDPOINTS))
        flags |= flag
        counts.append(1 + ENDPOINTS * (2 if companion else 1))
    head = struct.pack("<%dI" % len(counts), *counts)
    return struct.pack("<III", 3, 12 + len(head) + len(body), flags) + head + body


def strings():
    text = b"own\0"
    return struct.pack("<IIII", 2, 16 + 2 + len(text), 1, 1) + struct.pack("<H", 0x409) + text


def report(path):
    with open(path, "w") as fifo:
        fifo.write("%d\n" % os.getpid())


def report_and_wait(path):
    report(path)
    signal.sigwait({signal.SIGUSR1})


class Again(Exception):
    """Ends one use of the files, so that the next one begins."""


def on_signal(number, _):
    if number == signal.SIGTERM:
        sys.exit(0)
    raise Again(number)


def refused():
    ep0 = os.open(mount + "/ep0", os.O_RDWR)
    try:
        os.write(ep0, descriptors(1 << 31))
    except OSError:
        sys.exit(4)


def answer(ep0, event, text):
    """Answers a control request. Returns the answer to the next one."""
    direction, _, _, _, length = struct.unpack_from("<BBHHH", event)
    try:
        if direction & 0x80:
            os.write(ep0, text[:length])
        elif "short" in words:
            return b"%d" % len(os.read(ep0, min(length, int(argument("short")))))
        else:
            os.read(ep0, length)
    except OSError as e:  # the host has cancelled the request
        return errno.errorcode[e.errno].encode() if "short" in words else text
    return text


def serve(ep0):
    os.write(ep0, descriptors())
    if "pause" in words:
        report_and_wait(argument("pause"))
    os.write(ep0, strings())
    text = os.environ.get("NAME", "own").encode()
    enabled = False
    while True:
        events = os.read(ep0, 12 * 4)
        for at in range(0, len(events), 12):
            kind = events[at + 8]
            if kind == SETUP:
                text = answer(ep0, events[at:], text)
            elif kind == UNBIND and "die" in words:
                sys.exit(5)
            elif (kind, "reopen" in words) == (UNBIND, True) or (kind, "flap" in words) == (BIND, True):
                print(f"event {kind}", file=sys.stderr, flush=True)
                time.sleep(float(argument("react") or 0))
                raise Again(signal.SIGUSR2)
            elif "reset" in words and (kind == DISABLE or kind == ENABLE and enabled):  # ENABLE replaces an unread DISABLE
                raise Again(signal.SIGUSR2)
            enabled = enabled or kind == ENABLE


def run():
    while True:
        ep0 = os.open(mount + "/ep0", os.O_RDWR)
        why = None
        try:
            serve(ep0)
        except Again as again:
            why, = again.args
        finally:
            os.close(ep0)
            if why is None:  # it ends
                time.sleep(float(argument("linger") or 0))
        if why == signal.SIGHUP:
            signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
            signal.sigwait({signal.SIGUSR2})
            signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})


def run_in_children():
    while True:
        child = os.fork()
        if child == 0:
            catch_signals()
            run()
        for number in signal.SIGUSR2, signal.SIGHUP:
            signal.signal(number, lambda number, _, child=child: os.kill(child, number))
        os.waitpid(child, 0)


def catch_signals():
    for number in signal.SIGUSR2, signal.SIGHUP:
        signal.signal(number, on_signal)
    if "linger" in words:
        signal.signal(signal.SIGTERM, on_signal)


signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR1})
if "tell" in words:
    report(argument("tell"))
if "slow" in words:
    signal.sigwait({signal.SIGUSR1})
if "never" in words:
    while True:
        signal.pause()
if "exit" in words:
    sys.exit(3)
if "wrong" in words:
    refused()
if "fork" in words:
    run_in_children()
catch_signals()
run()
