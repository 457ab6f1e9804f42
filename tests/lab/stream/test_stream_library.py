#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab cross: no, Python cannot load a library of another C library or architecture
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
# lab all: kernel=6.12 speed=high,full
"""libffsctl-stream in a program that has opened its endpoint files itself: this test, with ctypes and only the structs
of the header. (test_echo.py tests it in stream-echo, which is a worker.)"""

import ctypes
import errno
import os
import select
import threading

import usb.util

import harness
import tap
from gadgets import gadget
from harness import down, ffsctl, must, up
from tap import eq, ok, test

harness.leaves_nothing()
PACKET = {"full": 64, "high": 512, "super": 1024}[os.environ["LAB_SPEED"]]
STREAM, MESSAGE = 1, 2
OUT, IN = 0, 1
END = 1
lib = ctypes.CDLL(f"{harness.BUILD}/libffsctl-stream.so.1")


class Endpoint(ctypes.Structure):
    _fields_ = [("name", ctypes.c_char_p), ("address", ctypes.c_uint32), ("type", ctypes.c_uint),
                ("direction", ctypes.c_uint), ("max_packet", ctypes.c_uint32)]


class Transfer(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("capacity", ctypes.c_size_t), ("length", ctypes.c_size_t),
                ("flags", ctypes.c_uint32), ("endpoint", ctypes.c_uint32), ("status", ctypes.c_int),
                ("user", ctypes.c_void_p)]


LINK = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_void_p)
DONE = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.POINTER(Transfer), ctypes.c_void_p)
LOG = ctypes.CFUNCTYPE(None, ctypes.c_void_p, ctypes.c_char_p, ctypes.c_void_p)


class Config(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("framing", ctypes.c_uint), ("engine", ctypes.c_char_p),
                ("transfer_size", ctypes.c_uint32), ("transfers_per_endpoint", ctypes.c_uint32), ("out_transfer_length", ctypes.c_uint32),
                ("user", ctypes.c_void_p), ("enable", LINK), ("disable", LINK), ("done", DONE), ("log", LOG)]


for name, result, *arguments in (
        ("endpoint", ctypes.POINTER(Endpoint), ctypes.c_void_p, ctypes.c_uint32), ("engine", ctypes.c_char_p, ctypes.c_void_p),
        ("get_transfer", ctypes.POINTER(Transfer), ctypes.c_void_p, ctypes.c_uint32),
        ("release_transfer", None, ctypes.c_void_p, ctypes.POINTER(Transfer)),
        ("submit", ctypes.c_int, ctypes.c_void_p, ctypes.c_uint32, ctypes.POINTER(Transfer)),
        ("add_endpoint", ctypes.c_int, ctypes.c_void_p, ctypes.c_int, ctypes.c_char_p),
        ("cancel", None, ctypes.c_void_p, ctypes.c_uint32), ("free", None, ctypes.c_void_p),
        *((n, ctypes.c_int, ctypes.c_void_p) for n in ("add_passed_endpoints", "open", "fd", "flush", "enable", "n_endpoints")),
        *((n, None, ctypes.c_void_p) for n in ("dispatch", "disable"))):
    f = getattr(lib, "ffsctl_stream_" + name)
    f.restype, f.argtypes = result, arguments


class Stream:
    """The echo of examples/stream-echo.c, written in Python."""

    def __init__(self, paths, **settings):
        self.fds = [os.open(path, os.O_RDWR | os.O_NONBLOCK) for path in paths]
        self.ups, self.downs, self.said, self.messages = 0, 0, [], []
        self.config = Config(ctypes.sizeof(Config), enable=LINK(self.on_enable), disable=LINK(self.on_disable),
                             done=DONE(self.on_done), log=LOG(lambda s, text, user: self.said.append(text)),
                             **{"framing": MESSAGE, **settings})
        self.s = ctypes.c_void_p()
        eq(lib.ffsctl_stream_new(ctypes.byref(self.s), ctypes.byref(self.config)), 0)
        eq([lib.ffsctl_stream_add_endpoint(self.s, fd, b"e%d" % i) for i, fd in enumerate(self.fds)], list(range(len(self.fds))))
        self.opened = lib.ffsctl_stream_open(self.s)

    def endpoint(self, direction):
        n = lib.ffsctl_stream_n_endpoints(self.s)
        return next(i for i in range(n) if lib.ffsctl_stream_endpoint(self.s, i)[0].direction == direction)

    def submit(self, endpoint, t):
        if lib.ffsctl_stream_submit(self.s, endpoint, t) < 0:
            lib.ffsctl_stream_release_transfer(self.s, t)

    def on_enable(self, *_):
        self.ups += 1
        out = self.endpoint(OUT)
        while t := lib.ffsctl_stream_get_transfer(self.s, out):
            self.submit(out, t)

    def on_disable(self, *_):
        self.downs += 1

    def on_done(self, _, t, __):
        if t[0].status < 0:
            lib.ffsctl_stream_release_transfer(self.s, t)
        elif t[0].endpoint == self.endpoint(OUT):
            self.messages.append((t[0].length, t[0].flags))
            self.submit(self.endpoint(IN), t)
        else:
            self.submit(self.endpoint(OUT), t)

    def turn(self, until, *others, seconds=20):
        """Runs the event loop until the condition holds. Other descriptors may change the condition."""
        p = select.poll()
        for fd in (lib.ffsctl_stream_fd(self.s), *others):
            p.register(fd, select.POLLIN)
        while not until():
            more = lib.ffsctl_stream_flush(self.s)
            if not p.poll(0 if more else seconds * 1000) and not more:
                raise AssertionError(f"nothing happens within {seconds} s")
            lib.ffsctl_stream_dispatch(self.s)

    def close(self):
        lib.ffsctl_stream_free(self.s)
        for fd in self.fds:
            os.close(fd)


class Host(threading.Thread):
    """The host, which sends and receives messages in a thread."""

    def __init__(self, messages):
        super().__init__()
        self.messages, self.back, self.device = messages, [], harness.device()
        self.device.set_configuration()
        in_, out = sorted(self.device.get_active_configuration()[(0, 0)], key=lambda e: -e.bEndpointAddress)
        self.in_, self.out = in_, out
        self.ended, self.ending = os.pipe()

    def run(self):
        try:
            self.talk()
        finally:
            os.close(self.ending)

    def talk(self):
        for message in self.messages:
            self.out.write(message, 10000)
            if len(message) % PACKET == 0:
                self.out.write(b"", 10000)
            self.back.append(bytes(self.in_.read(len(message) + PACKET, 10000)))
        usb.util.dispose_resources(self.device)


def messages(n):
    return [(bytes((i + k) % 256 for k in range(256)) * 79)[:1 + i * 997 % 20000] for i in range(n)] + [bytes(PACKET * 3)]


def serve(stream, sent):
    """The host takes its configuration, which is a new link; nobody but us can tell the stream."""
    host = Host(sent)
    eq(lib.ffsctl_stream_enable(stream.s), 0)
    host.start()
    stream.turn(lambda: select.select([host.ended], [], [], 0)[0], host.ended)
    host.join()
    os.close(host.ended)
    eq([len(b) for b in host.back], [len(m) for m in sent])
    ok(host.back == sent, "what comes back is not what was sent")


def paths(name):
    return [f"/dev/ffs/{name}/echo/ep{i}" for i in (1, 2)]


def round_trips(engine):
    up(gadget("own", None), "--wait-host")
    s = Stream(paths("own"), engine=engine, transfer_size=16384, transfers_per_endpoint=4)
    eq(s.opened, 0)
    ok(lib.ffsctl_stream_engine(s.s) in (b"copy", b"mmap"), "engine")
    eq(bool(lib.ffsctl_stream_get_transfer(s.s, 9)), False, "a transfer of no endpoint")
    eq(lib.ffsctl_stream_submit(s.s, 0, t := lib.ffsctl_stream_get_transfer(s.s, 0)), -errno.ESHUTDOWN, "before enable")
    lib.ffsctl_stream_release_transfer(s.s, t)
    serve(s, messages(60))
    eq((s.ups, lib.ffsctl_stream_endpoint(s.s, s.endpoint(IN))[0].max_packet), (1, PACKET))
    # Off the bus and on again: what was out comes back, and it goes on.
    must(ffsctl("unbind", "own"))
    eq(s.downs, 0, "the stream has not been told yet")
    lib.ffsctl_stream_disable(s.s)
    eq(s.downs, 1)
    eq(lib.ffsctl_stream_enable(s.s), -errno.EAGAIN, "enable while it is off the bus")
    with harness.configured():
        must(ffsctl("bind", "own"))
    serve(s, messages(20))
    eq((s.ups, s.downs, s.said), (2, 1, []))
    s.close()
    down("own")


for engine_ in (b"copy", b"mmap", None):
    test(f"round trips with engine {engine_}, also after unbind and bind", engine_)(round_trips)


@test("what is wrong is told, and costs nothing")
def errors_cost_nothing():
    s = ctypes.c_void_p()
    for config in (Config(8, framing=MESSAGE), Config(ctypes.sizeof(Config), framing=7),
                   Config(ctypes.sizeof(Config), framing=STREAM, transfer_size=512, out_transfer_length=1024),
                   Config(ctypes.sizeof(Config), framing=STREAM, transfers_per_endpoint=100000)):
        eq((lib.ffsctl_stream_new(ctypes.byref(s), ctypes.byref(config)), s.value), (-errno.EINVAL, None))
    eq(lib.ffsctl_stream_new(ctypes.byref(s), ctypes.byref(Config(ctypes.sizeof(Config), framing=MESSAGE, engine=b"warp"))), 0)
    eq(lib.ffsctl_stream_open(s), -errno.EINVAL)
    eq(lib.ffsctl_stream_add_endpoint(s, 99, b"x"), -errno.EBADF)
    eq(lib.ffsctl_stream_add_passed_endpoints(s), -errno.ENOENT)
    eq((lib.ffsctl_stream_fd(s), lib.ffsctl_stream_enable(s), lib.ffsctl_stream_flush(s)), (-errno.EINVAL, -errno.EINVAL, 0))
    lib.ffsctl_stream_free(s)
    lib.ffsctl_stream_free(None)


@test("a packet that does not fit into a transfer is told at enable")
def oversized_packet_is_told():
    up(gadget("own", None), "--wait-host")
    s = Stream(paths("own"), transfer_size=PACKET - 1)
    eq((s.opened, lib.ffsctl_stream_enable(s.s)), (0, -errno.EMSGSIZE))
    s.close()
    down("own")


@test("transfers that are in flight when the stream is freed are taken back")
def freed_stream_takes_transfers_back():
    up(gadget("own", None), "--wait-host")
    s = Stream(paths("own"))
    eq(lib.ffsctl_stream_enable(s.s), 0)
    lib.ffsctl_stream_flush(s.s)
    s.close()
    s = Stream(paths("own"))
    serve(s, messages(5))
    lib.ffsctl_stream_cancel(s.s, s.endpoint(OUT))
    lib.ffsctl_stream_flush(s.s)
    s.close()
    down("own")


tap.main()
