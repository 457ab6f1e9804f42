# SPDX-License-Identifier: GPL-2.0-or-later
"""Both sides of the plugin bridge: the host, and the peer with which the bridge connects the host. Each side sends
pseudo-random messages. The bytes of the messages depend on a seed that both sides know, so each side knows which bytes
it must receive."""

import contextlib
import json
import os
import pathlib
import random
import select
import socket
import struct
import subprocess
import threading
import time

from tap import eq, ok, patience
from worker_harness import BENCH, BUILD, STATS, WORKER, Gadget, Host, parse, read

BRIDGE = os.path.join(BUILD, "src/plugins/bridge.so")
BULK = [("bulk", "in"), ("bulk", "out")]
MORE = 0x80000000
PATIENCE = round(patience(30000))  # time limit of a transfer, ms


def bridge(g, depth=0, size=0, **options):
    """Starts the worker and waits until it is ready; returns it."""
    w = g.worker([WORKER, BRIDGE], options=options, depth=depth, size=size)
    w.wait_ready()
    return w


@contextlib.contextmanager
def gadget(endpoints=BULK, host=True, **options):
    """Yields the gadget, the worker and the host of a bridge with these options. The host is None if `host` is
    False."""
    with Gadget(endpoints) as g:
        w = bridge(g, **options)
        try:
            g.bind()
            with Usb() if host else contextlib.nullcontext() as usb:
                yield g, w, usb
        except BaseException:
            print(w.log())
            raise
        eq(w.stop(), 0, "the worker's end")


def stats(w):
    """Returns the last statistics that the worker has sent; waits for the first ones."""
    while True:
        kind, _, body = w.receive()
        if kind == STATS:
            last = body
            while select.select([w.control], [], [], 0)[0]:
                kind, _, body = parse(w.control.recv(70000))
                last = body if kind == STATS else last
            return json.loads(last)


# --- the data that is sent ---------------------------------------------------------------------------------


def messages(seed, n, most=3000):
    """Returns n messages of random length: short messages, longer ones, and some whose length is close to a multiple
    of the packet size."""
    r = random.Random(seed)
    table = random.Random(1).randbytes(1 << 18)
    for _ in range(n):
        length = r.choice((r.randrange(64), r.randrange(most), 512 * r.randrange(1 + most // 512) + r.randrange(-1, 2)))
        if r.randrange(200) == 0:
            length = r.choice((65535, 65536, 65537, r.randrange(100000)))
        length = max(0, length)
        at = r.randrange(len(table) - length)
        yield table[at:at + length]


def pause(r, slow):
    """Sleeps for a random time. With virtual time (lab/run --virtual-time) the sleep takes no real time."""
    if slow and r.randrange(100) == 0:
        time.sleep(r.random() / 50)


# --- the host -------------------------------------------------------------------------------------


class Usb(Host):
    def __init__(self):
        super().__init__()
        [device] = [p.parent for p in pathlib.Path("/sys/bus/usb/devices").glob("*/serial") if read(p) == "lab"]
        rest = (device / "descriptors").read_bytes()
        while rest:
            if rest[1] == 5:  # an endpoint descriptor (USB 2.0, 9.6.6)
                if rest[2] & 0x80:
                    self.in_ = rest[2]
                else:
                    self.out = rest[2]
                self.packet, = struct.unpack_from("<H", rest, 4)
            rest = rest[rest[0]:]

    def write(self, data, timeout=PATIENCE):
        """Sends bytes. Adds a zero-length packet if the last packet is not short."""
        for at in range(0, len(data), 16384):
            self.bulk(self.out, data[at:at + 16384], timeout=timeout)
        if len(data) % self.packet == 0:
            self.bulk(self.out, b"", timeout=timeout)

    def read(self, length=16384, timeout=PATIENCE):
        return self.bulk(self.in_, length=length, timeout=timeout)

    def read_some(self, timeout=PATIENCE):
        """Returns the bytes of the next packet that is not empty."""
        while not (data := self.read(timeout=timeout)):
            pass
        return data

    def read_bytes(self, length):
        """Returns `length` bytes, which may come in any number of packets."""
        data = b""
        while len(data) < length:
            data += self.read()
        eq(len(data), length, "bytes from the device")
        return data

    send = write

    def receive(self):
        """Returns a message: the bytes up to a short packet."""
        parts = []
        while not parts or len(parts[-1]) == 16384:
            parts.append(self.read())
        return b"".join(parts)


# --- the peer ------------------------------------------------------------------------


class Bytes:
    """A peer with framing "none". It reads from the file `source` and writes to the file `sink`; without `sink` it does
    both with `source`. `r`: a random generator for the sizes of reads and writes; without it they are large."""

    def __init__(self, source, sink=None, r=None):
        self.source, self.sink, self.r = source, source if sink is None else sink, r

    def fileno(self, what):
        return what if isinstance(what, int) else what.fileno()

    def write(self, data):
        data = memoryview(data)
        while data:
            n = self.r.randrange(1, 20000) if self.r else len(data)
            data = data[os.write(self.fileno(self.sink), data[:n]):]

    def read(self, length):
        data = b""
        while len(data) < length:
            n = min(length - len(data), self.r.randrange(1, 20000) if self.r else 1 << 20)
            more = os.read(self.fileno(self.source), n)
            if not more:
                raise EOFError(f"after {len(data)} of {length} bytes")
            data += more
        return data


class Lengths(Bytes):
    """A peer with framing "length". If the random generator `r` is set, the peer sends some messages in two pieces."""

    def send(self, data):
        out, cut = b"", len(data)
        if self.r and self.r.randrange(4) == 0:
            cut = self.r.randrange(len(data) + 1)
            out = struct.pack("<I", cut | MORE) + data[:cut]
            data = data[cut:]
        self.write(out + struct.pack("<I", len(data)) + data)

    def receive(self):
        data, more = b"", True
        while more:
            word, = struct.unpack("<I", self.read(4))
            data, more = data + self.read(word & ~MORE), word & MORE
        return data


class Packets:
    """A peer with framing "packet"."""

    def __init__(self, sock, r=None):
        self.sock, self.r = sock, r

    def send(self, data):
        self.sock.send(data)

    def receive(self):
        return self.sock.recv(1 << 20)


def connect(family, kind, address):
    sock = socket.socket(family, kind)
    sock.settimeout(PATIENCE / 1000)
    sock.connect(address)
    sock.setblocking(True)
    return sock


def listen(family, kind, address, backlog=5):
    sock = socket.socket(family, kind)
    with contextlib.suppress(OSError, TypeError, ValueError):
        os.unlink(address)
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    sock.bind(address)
    sock.listen(backlog)
    sock.settimeout(PATIENCE / 1000)
    return sock


# --- together ---------------------------------------------------------------------------------------


def lengths_at_random(n, seed, most):
    r = random.Random(seed)
    return ",".join(str(r.choice((r.randrange(64), r.randrange(most)))) for _ in range(n))


def loop(n, seed=1, most=2000):
    """Sends n messages of random length, several of which are in flight, and compares each echo."""
    while n > 0:
        now = min(n, 12500)
        p = subprocess.run([BENCH, "loop", "--timeout", str(PATIENCE // 1000), "--lengths",
                            lengths_at_random(now, seed, most)], capture_output=True, text=True)
        eq((p.returncode, p.stderr), (0, ""), f"ffsbench loop with the lengths of seed {seed}")
        n, seed = n - now, seed + 1


class Threads:
    """Runs functions in parallel threads. join() raises the first exception that one of them has raised."""

    def __init__(self, *functions):
        self.error = None
        self.threads = [threading.Thread(target=self._run, args=(f,), daemon=True) for f in functions]
        for t in self.threads:
            t.start()

    def _run(self, function):
        try:
            function()
        except BaseException as e:  # noqa: B902
            self.error = self.error or e

    def join(self, timeout=300):
        end = time.monotonic() + patience(timeout)
        for t in self.threads:
            t.join(max(0, end - time.monotonic()))
            if self.error:
                raise self.error
            ok(not t.is_alive(), "it does not end")


def both_ways(usb, peer, n, seed=1, slow=True, most=3000):
    """Sends n messages in each direction at the same time, and checks that all arrive in order. If `slow`, both sides
    pause at random."""
    def sender(side, seed):
        def run():
            r = random.Random(seed)
            for message in messages(seed, n, most):
                side.send(message)
                pause(r, slow)
        return run

    def receiver(side, seed):
        def run():
            r = random.Random(seed + 1)
            for i, message in enumerate(messages(seed, n, most)):
                got = side.receive()
                ok(got == message, f"message {i} of {len(message)} bytes came as {len(got)} bytes, or as others")
                pause(r, slow)
        return run

    Threads(sender(usb, seed), receiver(peer, seed), sender(peer, seed + 100), receiver(usb, seed + 100)).join()


def bytes_both_ways(usb, peer, length=1 << 20, seed=1, slow=True):
    """Sends `length` bytes in each direction at the same time, and compares them."""
    out, back = (random.Random(s).randbytes(length) for s in (seed, seed + 100))

    def send(side, data, seed):
        def run():
            r, at = random.Random(seed), 0
            while at < len(data):
                n = r.choice((1, 512, 1024, r.randrange(1, 5000), r.randrange(1, 70000)))
                side.write(data[at:at + n])
                at += n
                pause(r, slow)
        return run

    def host_receives():
        r, got = random.Random(seed), b""
        while len(got) < length:
            got += usb.read()
            ok(got == back[:len(got)] if len(got) < 70000 else back.startswith(got), "not what was sent")
            pause(r, slow)

    def peer_receives():
        ok(peer.read(length) == out, "not what was sent")

    Threads(send(usb, out, seed), send(peer, back, seed), host_receives, peer_receives).join()


def echo(source, sink, seed=None):
    """Sends back all data that it reads, until end of file. With a seed it pauses at random, and reads and writes
    random amounts, so that the other side must wait."""
    r = random.Random(seed)
    waiting = b""
    while True:
        room = 65536 - len(waiting)
        if room > 0 and (not waiting or select.select([source], [], [], 0)[0] and r.randrange(2)):
            more = os.read(source, room if seed is None else r.randrange(1, room + 1))
            if not more:
                return
            waiting += more
        n = len(waiting) if seed is None else r.randrange(len(waiting) + 1)
        waiting = waiting[os.write(sink, waiting[:n]) if n else 0:]
        pause(r, seed is not None)


def echo_packets(sock, seed=None):
    r = random.Random(seed)
    while True:
        # An empty packet differs from the end of file only in the sender's credentials
        data, control, *_ = sock.recvmsg(1 << 20, socket.CMSG_SPACE(12))
        if not data and not control:
            return
        sock.send(data)
        pause(r, seed is not None)
