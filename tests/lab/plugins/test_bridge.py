# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=sanitize timeout=400
# lab all: kernel=6.12,6.1 timeout=300
# lab all: kernel=6.12 speed=full,high timeout=300
# lab all: kernel=6.12 build=sanitize timeout=400
# lab all: kernel=6.12 flavour=debug timeout=400
# lab all: build=musl,i386 timeout=300
"""The plugin bridge moves all bytes and all messages in order and only once, for each type of peer, and even if the
host or the peer is slow."""

import contextlib
import fcntl
import os
import random
import socket
import struct
import tempfile
import termios
import tty

import bridge as b
from bridge import Bytes, Lengths, Packets, both_ways, bytes_both_ways, connect, gadget, listen
from tap import eq, main, ok, rounds, test

TMP = tempfile.mkdtemp(prefix="ffsctl-bridge-")
PLAIN = os.environ["LAB_FLAVOUR"] == "normal" and "ASAN_OPTIONS" not in os.environ
BYTES = 1 << 20 if PLAIN else 1 << 18
MESSAGES = 1000 if PLAIN else 300

UNIX, INET, INET6 = socket.AF_UNIX, socket.AF_INET, socket.AF_INET6
STREAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_SEQPACKET


def path(name):
    return os.path.join(TMP, name)


@contextlib.contextmanager
def listening(family, address, text, framing="none", **more):
    """Yields a bridge that listens, to which the test has connected."""
    kind = SEQPACKET if framing == "packet" else STREAM
    with gadget(listen=text, framing=framing, **more) as (g, w, usb), connect(family, kind, address) as sock:
        yield w, usb, sock


@contextlib.contextmanager
def connecting(family, address, text, framing="none", **more):
    """Yields a bridge that has connected to the test."""
    kind = SEQPACKET if framing == "packet" else STREAM
    with listen(family, kind, address) as server, gadget(connect=text, framing=framing, **more) as (g, w, usb):
        sock, _ = server.accept()
        with sock:
            sock.setblocking(True)
            yield w, usb, sock


ENDS = {
    "listening TCP": (listening, INET, ("127.0.0.1", 4000), "tcp:127.0.0.1:4000"),
    "listening TCP on every address": (listening, INET, ("127.0.0.1", 4000), "tcp:*:4000"),
    "listening Unix": (listening, UNIX, path("listening"), "unix:" + path("listening")),
    "listening abstract Unix": (listening, UNIX, "\0bridge", "unix:@bridge"),
    "connecting TCP": (connecting, INET, ("127.0.0.1", 4001), "tcp:127.0.0.1:4001"),
    "connecting TCP by name": (connecting, INET, ("127.0.0.1", 4001), "tcp:localhost:4001"),
    "connecting Unix": (connecting, UNIX, path("connecting"), "unix:" + path("connecting")),
}
if os.path.exists("/proc/net/if_inet6"):
    ENDS["listening IPv6"] = (listening, INET6, ("::1", 4000), "tcp:[::1]:4000")
    ENDS["connecting IPv6"] = (connecting, INET6, ("::1", 4001), "tcp:[::1]:4001")


def stream(end, family, address, text):
    with end(family, address, text) as (w, usb, sock):
        bytes_both_ways(usb, Bytes(sock, r=random.Random(1)), BYTES)
    if family == UNIX and end is listening:
        ok(not os.path.exists(address), "the path is left")


def lengths(end, family, address, text):
    with end(family, address, text, "length") as (w, usb, sock):
        both_ways(usb, Lengths(sock, r=random.Random(2)), MESSAGES)


def packets(end, family, address, text):
    with end(family, address, text, "packet") as (w, usb, sock):
        both_ways(usb, Packets(sock), MESSAGES)


for name_, end_ in ENDS.items():
    test(f"bytes, {name_} socket", *end_)(stream)
for name_ in ("listening TCP", "connecting Unix"):
    test(f"messages behind their lengths, {name_} socket", *ENDS[name_])(lengths)
for name_ in ("listening Unix", "listening abstract Unix", "connecting Unix"):
    test(f"messages as packets, {name_} socket", *ENDS[name_])(packets)


@contextlib.contextmanager
def fifos(**more):
    ends = path("in"), path("out")
    for name in ends:
        os.mkfifo(name)
    try:
        with gadget(fifo_in=ends[0], fifo_out=ends[1], **more) as (g, w, usb):
            with open(ends[0], "wb", buffering=0) as to, open(ends[1], "rb", buffering=0) as back:
                yield w, usb, back, to
    finally:
        for name in ends:
            os.unlink(name)


@contextlib.contextmanager
def terminal(**more):
    """Yields a bridge whose peer is a tty, and both ends of the tty."""
    master, slave = os.openpty()
    tty.setraw(master)
    try:
        with gadget(tty=os.ttyname(slave), **more) as (g, w, usb):
            yield w, usb, master, slave
    finally:
        os.close(master)
        os.close(slave)


@test("bytes, FIFOs")
def bytes_fifos():
    with fifos() as (w, usb, back, to):
        bytes_both_ways(usb, Bytes(back, to, random.Random(3)), BYTES)


@test("messages behind their lengths, FIFOs")
def lengths_fifos():
    with fifos(framing="length") as (w, usb, back, to):
        both_ways(usb, Lengths(back, to, random.Random(4)), MESSAGES)


@test("bytes, tty: as they are")
def bytes_tty():
    with terminal() as (w, usb, master, _):
        bytes_both_ways(usb, Bytes(master, r=random.Random(5)), BYTES // 8)


def baud(fd):
    """Returns the speed of a tty. The last word of struct termios2 (asm/termbits.h) is the speed as a number."""
    words = bytearray(44)
    fcntl.ioctl(fd, 0x802C542A, words)  # TCGETS2
    return struct.unpack_from("=I", words, 40)[0]


@test("a tty gets the baud rate and the flow control that the options say")
def tty_baud_rate_and_flow_control():
    with terminal() as (w, usb, master, slave):
        iflag, oflag, cflag, lflag, *_ = termios.tcgetattr(slave)
        eq((iflag, oflag, lflag, baud(slave)), (0, 0, 0, 115200))
        ok(not cflag & termios.CRTSCTS, "hardware flow control")
    with terminal(baud=250000, flow="hardware") as (w, usb, master, slave):
        iflag, _, cflag, *_ = termios.tcgetattr(slave)
        eq((iflag, bool(cflag & termios.CRTSCTS), baud(slave)), (0, True, 250000))
    with terminal(flow="software") as (w, usb, master, slave):
        eq(termios.tcgetattr(slave)[0], termios.IXON | termios.IXOFF)


@test("bytes, a command's input and output")
def bytes_command():
    with gadget(command="cat -u -") as (g, w, usb):
        data = random.Random(6).randbytes(BYTES)
        b.Threads(lambda: usb.write(data), lambda: eq(usb.read_bytes(len(data)), data)).join()


@test("one direction alone: IN from a command, OUT to a FIFO")
def single_direction_without_client():
    with gadget([("bulk", "in")], command="seq 1 20000") as (g, w, usb):
        wanted = "".join(f"{i}\n" for i in range(1, 20001)).encode()
        eq(usb.read_bytes(len(wanted)), wanted)
    os.mkfifo(path("out"))
    with gadget([("bulk", "out")], fifo_out=path("out")) as (g, w, usb):
        with open(path("out"), "rb", buffering=0) as back:
            usb.write(b"x" * 100)
            eq(os.read(back.fileno(), 1000), b"x" * 100)
    os.unlink(path("out"))


@test("one direction alone, with clients: what they send to no endpoint waits, their end is seen")
def single_direction_with_clients():
    for direction in ("in", "out"):
        with gadget([("bulk", direction)], listen="unix:@bridge") as (g, w, usb):
            for text in (b"first", b"second"):
                with connect(UNIX, STREAM, "\0bridge") as sock:
                    if direction == "in":
                        sock.sendall(text)
                        eq(usb.read(), text)
                    else:
                        sock.sendall(b"nobody wants this")
                        usb.write(text)
                        eq(sock.recv(100), text)


@test("what fills packets comes to the host at once: an empty packet ends it")
def full_packets_arrive_at_once():
    with listening(*ENDS["listening Unix"][1:]) as (w, usb, sock):
        for length in (1, usb.packet - 1, usb.packet, usb.packet * 3, 16384):
            sock.sendall(b"x" * length)
            eq(len(usb.read(32768)), length)


@test("a function of interrupt endpoints")
def interrupt_endpoints():
    with gadget([("interrupt", "in"), ("interrupt", "out")], command="cat", framing="length") as (g, w, usb):
        for length in (0, 1, 63, 64, 65, 1000):
            usb.write(b"i" * length)
            eq(usb.receive(), b"i" * length)


MANY, LESS = (rounds(2500, 5000, 20000), rounds(2500, 4000, 15000)) if PLAIN else (2500, 2500)


@test(f"{MANY:,} messages of random length through a command and back")
def random_lengths_command():
    with gadget(command="cat", framing="length", host=False):
        b.loop(MANY, 1)


@test(f"{LESS:,} messages of random length through a slow TCP client and back")
def random_lengths_slow_tcp():
    with listening(*ENDS["listening TCP"][1:], framing="length", host=False) as (w, _, sock):
        t = b.Threads(lambda: b.echo(sock.fileno(), sock.fileno(), 1))
        b.loop(LESS, 2)
        sock.shutdown(socket.SHUT_RDWR)
        t.join()


@test(f"{LESS:,} messages of random length through a slow client of packets and back")
def random_lengths_slow_packets():
    with connecting(*ENDS["connecting Unix"][1:], framing="packet", host=False) as (w, _, sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_PASSCRED, 1)
        t = b.Threads(lambda: b.echo_packets(sock, 1))
        b.loop(LESS, 3)
        sock.shutdown(socket.SHUT_RDWR)
        t.join()


@test("messages longer than a buffer: up to io.size × io.depth as one packet, without limit behind lengths")
def messages_longer_than_buffer():
    with listening(*ENDS["listening Unix"][1:], framing="packet", size=16384, depth=4) as (w, usb, sock):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, 1 << 20)
        for length in (16383, 16384, 16385, 49152, 65535):
            sock.send(b"l" * length)
            eq(len(usb.receive()), length)
            usb.write(b"m" * length)
            eq(len(sock.recv(1 << 20)), length)
        for side in (sock, usb):  # and then the next as if nothing had been
            side.send(b"t" * 70000)
            side.send(b"next")
        eq((usb.receive(), sock.recv(1 << 20)), (b"next", b"next"))
        eq(w.log().count("longer than io.size times io.depth"), 2, w.log())
    with listening(*ENDS["listening Unix"][1:], framing="length", size=4096, depth=2) as (w, usb, sock):
        both_ways(usb, Lengths(sock), 20, most=200000)


main()
