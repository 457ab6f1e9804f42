#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
"""The Python module ffsctl_worker, with sockets in place of endpoints: one packet is one transfer."""

import contextlib
import json
import os
import shutil
import socket
import struct
import subprocess
import sys

from paths import SRC
import tap

PYTHON = os.path.join(SRC, "python")
EVENT, SETUP, DATA, PING, STOP = 1, 2, 3, 4, 5
READY, ACCEPT, STALL, PONG, STATS, SWITCH, TRAFFIC, CUT, WAKEUP = 33, 34, 35, 36, 37, 38, 39, 40, 41
BIND, ENABLE, DISABLE, HIGH, SUPER = 0, 2, 3, 3, 5
PACKET = {"full": 64, "high": 512, "super": 1024}
CONFIG = {"ffsctl": {"schema": 1}, "gadget": "g", "function": "f", "mount": "/dev/ffs/g/f", "engine": "auto", "size": 2048, "depth": 0,
          "options": {"word": "x"}, "endpoints": [
              {"name": "ep1-in", "file": "ep1", "address": 0x81, "type": "bulk", "direction": "in", "packet": PACKET},
              {"name": "ep2-out", "file": "ep2", "address": 2, "type": "bulk", "direction": "out", "packet": PACKET}]}
START = """
import os, errno, asyncio, sys
os.environ["LISTEN_PID"] = str(os.getpid())
from ffsctl_worker import *
worker = Worker()
source, sink = worker.outs[0], worker.ins[0]
"""
ECHO = """
def echo():
    for message in source.messages():
        sink.send(message)
"""


class Ffsctl:
    """The ffsctl of a worker: the other ends of its descriptors."""

    def __init__(self, code):
        self.control, control = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.in_, in_ = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        self.out, out = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        config = os.memfd_create("config")
        os.write(config, json.dumps(CONFIG).encode())
        fds = [config, control.fileno(), in_.fileno(), out.fileno()]

        def move():
            high = [os.dup2(fd, 50 + i) for i, fd in enumerate(fds)]
            for i, fd in enumerate(high):
                os.dup2(fd, 3 + i)

        self.process = subprocess.Popen([sys.executable, "-c", START + code], preexec_fn=move, close_fds=False, text=True,
                                        env={"PYTHONPATH": PYTHON, "LISTEN_FDNAMES": "config:control:ep1-in:ep2-out",
                                             "PYTHONDONTWRITEBYTECODE": "1"}, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        os.close(config)
        for s in (control, in_, out):
            s.close()
        for s in (self.control, self.in_, self.out):
            s.settimeout(tap.patience(20))

    def send(self, kind, body=b"", id=0):
        self.control.send(struct.pack("<HHII", 1, kind, len(body), id) + body)

    def receive(self):
        packet = self.control.recv(70000)
        _, kind, length, id = struct.unpack_from("<HHII", packet)
        return kind, id, packet[12:12 + length]

    def setup(self, request_type, request, length, id=7):
        self.send(SETUP, struct.pack("<BBHHH", request_type, request, 0, 0, length), id)
        return self.receive()

    def end(self):
        out, err = self.process.communicate(timeout=tap.patience(20))
        return self.process.returncode, out, err


@contextlib.contextmanager
def worker(code, status=0, errors=""):
    """Runs a worker, which has reported that it is ready; stops it, and checks its exit status and stderr."""
    f = Ffsctl(code)
    tap.eq(f.receive(), (READY, 0, b""))
    try:
        yield f
        with contextlib.suppress(BrokenPipeError):  # the test has stopped it
            f.send(STOP)
        code, out, err = f.end()
        tap.eq((code, out), (status, ""))
        tap.ok(errors in err if errors else not err, err)
    finally:
        f.process.kill()


@tap.test("a worker reports that it is ready, answers a ping and ends with 0 after STOP")
def ready_ping_stop():
    with worker("worker.run()") as f:
        f.send(PING, id=3)
        tap.eq(f.receive(), (PONG, 3, b""))


@tap.test("a worker ends with 0 when ffsctl closes the control socket")
def closed():
    f = Ffsctl("worker.run()")
    f.receive()
    f.control.close()
    tap.eq(f.end(), (0, "", ""))


@tap.test("a message of whole packets is sent with a zero-length packet, another one without")
def ends_of_messages():
    with worker(ECHO + "worker.run(echo)") as f:
        f.send(EVENT, bytes([ENABLE, HIGH, 0, 0]))
        f.send(PING, id=1)  # the event has been handled when the answer comes
        f.receive()
        f.out.send(b"a" * 100)
        tap.eq(f.in_.recv(4096), b"a" * 100)
        f.out.send(b"b" * 1024)
        tap.eq((f.in_.recv(4096), f.in_.recv(4096)), (b"b" * 1024, b""))
        f.out.send(b"c" * 2048)  # a whole transfer: the message goes on
        f.out.send(b"d")
        tap.eq((f.in_.recv(4096), f.in_.recv(4096)), (b"c" * 2048, b"d"))
        f.out.send(b"e" * 2048)
        f.out.send(b"")
        tap.eq((f.in_.recv(4096), f.in_.recv(4096)), (b"e" * 2048, b""))


@tap.test("a message that is too long is dropped, and the next one is received")
def too_long():
    with worker("source.max_message = 5000\n" + ECHO + "worker.run(echo)", errors="a message of 6145 bytes from ep2-out") as f:
        for data in (b"a" * 2048, b"b" * 2048, b"c" * 2048, b"d", b"e" * 100):
            f.out.send(data)
        tap.eq(f.in_.recv(4096), b"e" * 100)


@tap.test("without a handler a control request is refused")
def no_handler():
    with worker("worker.run()") as f:
        tap.eq(f.setup(0xC0, 1, 64), (STALL, 7, b""))


HANDLER = """
@worker.on_request
def handle(request):
    if request.number == 1:
        return b"0123456789"
    if request.number == 2:
        return request.read() == b"data" and None
    if request.number == 3:
        return True
    if request.number == 4:
        raise ValueError("a mistake")
    if request.number == 5:
        return "no bytes"
    return (request.kind, request.recipient, request.is_in) == ("class", "interface", False)
worker.run()
"""


@tap.test("the answer of a handler: data no longer than wLength, an acknowledgement, a refusal")
def answers():
    with worker(HANDLER, errors="() returned str, not bytes, True or None") as f:
        tap.eq(f.setup(0xC0, 1, 64), (DATA, 7, b"0123456789"))
        tap.eq(f.setup(0xC0, 1, 4), (DATA, 7, b"0123"))
        tap.eq(f.setup(0xC0, 3, 4), (DATA, 7, b""))
        tap.eq(f.setup(0x40, 3, 0), (ACCEPT, 7, b""))
        tap.eq(f.setup(0x40, 9, 0), (STALL, 7, b""))
        tap.eq(f.setup(0x21, 9, 0), (ACCEPT, 7, b""))
        tap.eq(f.setup(0xC0, 4, 4), (STALL, 7, b""))
        tap.eq(f.setup(0xC0, 5, 4), (STALL, 7, b""))


@tap.test("a handler reads the data of an OUT request, while other messages wait")
def out_data():
    with worker(HANDLER) as f:
        tap.eq(f.setup(0x40, 2, 4), (ACCEPT, 7, b""))
        f.send(PING, id=5)
        f.send(DATA, b"data", 7)
        tap.eq(f.receive(), (PONG, 5, b""))


@tap.test("a request that the host gives up ends the wait for its data")
def given_up():
    with worker(HANDLER, errors="before it sent the data") as f:
        tap.eq(f.setup(0x40, 2, 4), (ACCEPT, 7, b""))
        tap.eq(f.setup(0xC0, 1, 2, id=8), (DATA, 8, b"01"))


@tap.test("events set speed and enabled, and an unknown event is ignored")
def events():
    code = """
@worker.on_event
def show(event):
    worker.stats({"event": event.name, "speed": worker.speed, "enabled": worker.enabled, "packet": sink.packet_size})
worker.run()
"""
    with worker(code) as f:
        f.send(EVENT, bytes([9, 0, 0, 0]))
        for event, speed, wanted in ((ENABLE, SUPER, ("ENABLE", "super", True, 1024)), (DISABLE, 0, ("DISABLE", "super", False, 1024)),
                                     (ENABLE, HIGH, ("ENABLE", "high", True, 512))):
            f.send(EVENT, bytes([event, speed, 0, 0]))
            kind, _, body = f.receive()
            tap.eq((kind, tuple(json.loads(body).values())), (STATS, wanted))


@tap.test("transfers are as long as the UDC allows, which comes with the event ENABLE")
def longest_transfer():
    code = """
@worker.on_event
def show(event):
    worker.stats({"length": source.transfer_size})
worker.size = 65536
worker.run()
"""
    with worker(code) as f:
        for event, kib, wanted in ((BIND, 0, 16), (ENABLE, 0, 64), (ENABLE, 16, 16), (ENABLE, 8192, 64)):
            f.send(EVENT, struct.pack("=BBH", event, HIGH, kib))
            kind, _, body = f.receive()
            tap.eq((kind, json.loads(body)), (STATS, {"length": wanted * 1024}), (event, kib))


@tap.test("a message goes on behind a transfer of the length that was asked for, if longer ones are allowed then")
def length_grows_in_a_message():
    code = """
real = os.read
def read(fd, size):
    data = real(fd, size)
    if fd == source.fd:
        worker._longest_transfer = 1 << 20  # as by the event, while the read waited
    return data
os.read = read
worker.size = 65536
""" + ECHO + "worker.run(echo)"
    with worker(code) as f:
        for part in (b"a" * 16384, b"b" * 10):
            f.out.send(part)
        tap.eq(f.in_.recv(65536), b"a" * 16384 + b"b" * 10)


@tap.test("a link that goes down drops a message, and the worker continues")
def link_down():
    code = """
real, calls = os.read, []
def read(fd, size):
    calls.append(fd)
    if fd == source.fd and len(calls) == 1:
        raise OSError(errno.ESHUTDOWN, "down")
    return real(fd, size)
os.read = read
""" + ECHO + "worker.run(echo)"
    with worker(code) as f:
        f.out.send(b"x")
        tap.eq(f.in_.recv(4096), b"x")


@tap.test("a UDC whose driver refuses transfers of more than 16 KiB: messages of any length, in shorter transfers")
def refused_length():
    code = """
def limited(call, length):
    def limited_call(fd, what):
        if fd in (source.fd, sink.fd) and length(what) > 16384:
            raise OSError(errno.EMSGSIZE, "too long")
        return call(fd, what)
    return limited_call
os.read, os.write = limited(os.read, int), limited(os.write, len)
worker.size = 65536
def greet_and_echo():
    sink.send(bytes(20000))
    try:
        source.read(65536)
    except OSError as e:
        sink.send(errno.errorcode[e.errno].encode())
    echo()
""" + ECHO + "worker.run(greet_and_echo)"
    with worker(code) as f:
        tap.eq([len(f.in_.recv(65536)) for _ in range(2)], [16384, 20000 - 16384])
        tap.eq(f.in_.recv(100), b"EMSGSIZE", "a length that the program has chosen")
        parts = [b"a" * 16384, b"b" * 16384, b"c" * 1000]
        for part in parts:
            f.out.send(part)
        tap.eq([f.in_.recv(65536) for _ in parts], parts)


SLOW = """
import time
real = os.write
def write(fd, data):
    n = real(fd, data)
    if fd == sink.fd:
        time.sleep(0.05)  # other threads run before this one returns
    return n
os.write = write
"""
ASYNC_ECHO = """
async def aecho():
    while True:
        await sink.asend(await source.areceive())
"""


@tap.test("a write that has ended when the worker is stopped is not reported as cut, although its thread has not gone on")
def ended_write_is_not_cut():
    for run in ("worker.run(echo)", ASYNC_ECHO + "worker.arun(aecho)"):
        with worker(SLOW + ECHO + run) as f:
            f.out.send(b"x")
            tap.eq(f.in_.recv(4096), b"x")
            f.send(STOP)
            tap.eq(f.control.recv(100), b"", run)


@tap.test("a write that waits for the host when the worker is stopped is reported as cut, also one to a pair")
def waiting_write_is_cut():
    for file in "sink", "Pair(sink.fd, 'pair', sink, source)":
        with worker(f"""
file = {file}
def fill():
    while True:
        file.write(b"x" * 100)
worker.run(fill)
""") as f:
            f.send(STOP)
            tap.eq(f.receive(), (CUT, 0, bytes([1, 0])), file)


@tap.test("a loop that raises an exception ends the worker with 1 and a traceback")
def failed_loop():
    f = Ffsctl("def fails():\n    raise ValueError('broken')\nworker.run(fails)")
    code, _, err = f.end()
    tap.eq((code, "ValueError: broken" in err), (1, True))


@tap.test("messages to ffsctl: traffic, switch and wake-up")
def other_messages():
    with worker("worker.ready()\nworker.traffic([1, 2])\nworker.switch('other', {'a': 1})\nworker.wakeup()\nworker.run()") as f:
        tap.eq(f.receive(), (TRAFFIC, 0, struct.pack("<QQ", 1, 2)))
        tap.eq(f.receive(), (SWITCH, 0, b'other\0{"a": 1}'))
        tap.eq(f.receive(), (WAKEUP, 0, b""))
        tap.eq(f.receive(), (READY, 0, b""))


ASYNC = """
async def echo():
    while True:
        await sink.asend(await source.areceive())

@worker.on_request
async def handle(request):
    await asyncio.sleep(0)
    if request.is_in:
        return b"answer"
    worker.stats({"data": (await request.aread()).decode()})

worker.arun(echo)
"""


@tap.test("with asyncio: endpoints, a handler that is a coroutine, data of an OUT request, ping and stop")
def with_asyncio():
    with worker(ASYNC) as f:
        f.out.send(b"x")
        tap.eq(f.in_.recv(4096), b"x")
        tap.eq(f.setup(0xC0, 1, 64), (DATA, 7, b"answer"))
        tap.eq(f.setup(0x40, 2, 4), (ACCEPT, 7, b""))
        f.send(PING, id=5)
        f.send(DATA, b"data", 7)
        tap.eq(f.receive(), (PONG, 5, b""))
        tap.eq(f.receive(), (STATS, 0, b'{"data": "data"}'))


@tap.test("with asyncio: a task that raises an exception ends the worker with 1")
def failed_task():
    f = Ffsctl("async def fails():\n    raise ValueError('broken')\nworker.arun(fails)")
    code, _, err = f.end()
    tap.eq((code, "ValueError: broken" in err), (1, True))


@tap.test("a program that ffsctl has not started gets an error that says so")
def not_started():
    got = subprocess.run([sys.executable, "-c", "import ffsctl_worker; ffsctl_worker.Worker()"], env={"PYTHONPATH": PYTHON},
                         stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    tap.ok("must be started by ffsctl" in got.stderr, got.stderr)


@tap.test("the types of the module have no error (mypy --strict)")
def types():
    if not shutil.which("mypy"):
        tap.skip("mypy is not installed")
    got = subprocess.run(["mypy", "--strict", "--cache-dir=/dev/null", os.path.join(PYTHON, "ffsctl_worker")], stdout=subprocess.PIPE,
                         stderr=subprocess.STDOUT, text=True)
    tap.eq(got.returncode, 0, got.stdout)


@tap.test("without the module, the example says which package has it")
def example_without_module():
    got = subprocess.run(["/usr/bin/python3", "-IS", os.path.join(SRC, "examples/python-echo.py")], stdout=subprocess.PIPE,
                         stderr=subprocess.PIPE, text=True, stdin=subprocess.DEVNULL, check=False)
    tap.eq((got.returncode, got.stdout, got.stderr.count("\n")), (1, "", 1), got.stderr)
    tap.contains(got.stderr, "no Python module ffsctl_worker; 'make install' and the package python3-ffsctl-worker install it")


tap.main()
