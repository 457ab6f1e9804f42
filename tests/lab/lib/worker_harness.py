# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes a gadget in configfs and starts a worker for it without ffsctl. This module does for the worker what the supervisor
does (ffsctl-worker(7)). Tests in the lab use it like this:

    with Gadget([("bulk", "in"), ("bulk", "out")]) as g:
        worker = g.worker([WORKER, PLUGIN])
        g.bind()
        ...
"""

import ctypes
import errno
import fcntl
import glob
import json
import os
import select
import signal
import socket
import struct
import subprocess
import threading

import ioctls
from tap import HOST_BUILD, patience

CONFIGFS = "/sys/kernel/config"
BUILD = os.environ.get("FFSCTL_BUILD", ".")
WORKER = os.path.join(BUILD, "ffsctl-worker")
BENCH = os.path.join(HOST_BUILD, "ffsbench")
LOOPBACK = os.path.join(BUILD, "src/plugins/loopback.so")
PROBE = os.path.join(BUILD, "tests/lab/workers/probe.so")

EVENT, SETUP, DATA, PING, STOP = 1, 2, 3, 4, 5
READY, ACCEPT, STALL, PONG, STATS, SWITCH = 33, 34, 35, 36, 37, 38
BIND, UNBIND, ENABLE, DISABLE, EP0_SETUP, SUSPEND, RESUME = range(7)
SPEEDS = {"full": 2, "high": 3, "super": 5}
NETLINK_KOBJECT_UEVENT = 15
SYSFS_SPEEDS = {"full-speed": 2, "high-speed": 3, "super-speed": 5, "super-speed-plus": 6}
PACKETS = {
    "bulk": {"full": 64, "high": 512, "super": 1024},
    "interrupt": {"full": 64, "high": 64, "super": 64},
}


def message(kind, id=0, body=b""):
    return struct.pack("<HHII", 1, kind, len(body), id) + body


def parse(packet):
    version, kind, length, id = struct.unpack_from("<HHII", packet)
    assert version == 1 and len(packet) == 12 + length, packet
    return kind, id, packet[12:]


def event(kind, speed=0):
    return message(EVENT, 0, struct.pack("<BBH", kind, speed, 0))


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def read(path):
    with open(path) as f:
        return f.read().strip()


class Endpoint:
    def __init__(self, number, kind, direction):
        self.file = "ep%d" % number
        self.address = number | (0x80 if direction == "in" else 0)
        self.name = "ep%d-%s" % (number, direction)
        self.kind, self.direction = kind, direction

    def descriptor(self, speed):
        kind = {"bulk": 2, "interrupt": 3}[self.kind]
        interval = 0 if kind == 2 else 1
        d = struct.pack("<BBBBHB", 7, 5, self.address, kind, PACKETS[self.kind][speed], interval)
        if speed == "super":
            per_interval = PACKETS[self.kind][speed] if kind == 3 else 0
            d += struct.pack("<BBBBH", 6, 0x30, 0, 0, per_interval)
        return d


def descriptors(endpoints):
    """Returns the descriptor blob for FunctionFS, version 2, for three speeds."""
    body, counts = b"", []
    for speed in ("full", "high", "super"):
        body += struct.pack("<BBBBBBBBB", 9, 4, 0, 0, len(endpoints), 255, 0, 0, 0)
        body += b"".join(e.descriptor(speed) for e in endpoints)
        counts.append(1 + len(endpoints) * (2 if speed == "super" else 1))
    head = struct.pack("<IIIIII", 3, 24 + len(body), 1 | 2 | 4, *counts)
    return head + body


class Worker:
    """A worker process. `messages` has all messages that the worker has sent on its control socket."""

    def __init__(self, gadget, argv, blocking=False, size=0, depth=0, options=None, env=None,
                 engine="auto"):
        self.config = dict(gadget.config(size, depth, options or {}), engine=engine)
        self.control, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        flags = os.O_RDWR | (0 if blocking else os.O_NONBLOCK)
        memfd = os.memfd_create("config")
        os.write(memfd, json.dumps(self.config).encode())
        self.stderr = os.memfd_create("log")
        fds = [memfd, theirs.fileno()]
        fds += [os.open(gadget.mount + "/" + e.file, flags) for e in gadget.endpoints]
        names = ["config", "control"] + [e.name for e in gadget.endpoints]
        self.messages = []
        self.pid = os.fork()
        if self.pid == 0:
            try:
                os.dup2(self.stderr, 2)
                high = [os.dup2(fd, 900 + i, False) for i, fd in enumerate(fds)]
                for i, fd in enumerate(high):
                    os.dup2(fd, 3 + i, True)
                os.closerange(3 + len(fds), 1000)
                e = {
                    "PATH": os.environ["PATH"],
                    "LISTEN_FDS": str(len(fds)),
                    "LISTEN_PID": str(os.getpid()),
                    "LISTEN_FDNAMES": ":".join(names),
                    "FFSCTL_GADGET": "hand",
                    "FFSCTL_FUNCTION": "echo",
                    "FFSCTL_MOUNT": gadget.mount,
                }
                e.update({k: v for k, v in os.environ.items() if k.endswith("SAN_OPTIONS")})
                e.update(env or {})
                os.execve(argv[0], argv, e)
            finally:
                os._exit(127)
        theirs.close()
        for fd in [memfd] + fds[2:]:
            os.close(fd)

    def send(self, packet):
        try:
            self.control.send(packet)
        except (BrokenPipeError, ConnectionResetError):
            pass  # the worker has died; wait() reports that

    def log(self):
        """Returns the text that the worker has written to stderr."""
        return os.pread(self.stderr, 1 << 20, 0).decode()

    def receive(self, timeout=10):
        """Waits for the next message and returns it; None if the worker has ended."""
        if self.messages:
            return self.messages.pop(0)
        if not select.select([self.control], [], [], patience(timeout))[0]:
            raise AssertionError("no message from the worker in %d s" % timeout)
        try:
            packet = self.control.recv(70000)
        except ConnectionResetError:
            return None
        return parse(packet) if packet else None

    def wait_ready(self):
        m = self.receive()
        assert m and m[0] == READY, "READY expected, not %s\n%s" % (m, self.log())
        return m[2].decode()

    def wait(self, timeout=10):
        """Waits until the worker has ended; returns its exit status in the form of os.waitstatus_to_exitcode()."""
        fd = os.pidfd_open(self.pid)
        if not select.select([fd], [], [], patience(timeout))[0]:
            os.kill(self.pid, signal.SIGKILL)
            os.close(fd)
            os.waitpid(self.pid, 0)
            raise AssertionError("the worker did not end in %d s" % timeout)
        os.close(fd)
        return os.waitstatus_to_exitcode(os.waitpid(self.pid, 0)[1])

    def kill(self, sig=signal.SIGKILL):
        os.kill(self.pid, sig)
        return self.wait()

    def stop(self):
        self.send(message(STOP))
        return self.wait()


class Gadget:
    """A gadget with one FunctionFS function. `endpoints`: [(type, direction)] in the order of the descriptors."""

    def __init__(self, endpoints, name="hand"):
        self.name = name
        self.endpoints = [Endpoint(i + 1, *e) for i, e in enumerate(endpoints)]
        self.dir = CONFIGFS + "/usb_gadget/" + name
        self.mount = "/dev/ffs-" + name
        self.events = []  # events of ep0, in the order of their arrival
        self.ep0 = -1
        self.current = None  # the worker that gets the events
        self.enabled_at = 0
        self.enabled, self.unbound = threading.Event(), threading.Event()
        self.unanswered = 0  # number of SETUPs without an answer

    def __enter__(self):
        if not os.path.isdir(CONFIGFS + "/usb_gadget"):
            subprocess.run(["mount", "-t", "configfs", "none", CONFIGFS], check=True)
        d = self.dir
        os.makedirs(d + "/strings/0x409")
        write(d + "/idVendor", "0x1d6b")
        write(d + "/idProduct", "0x0104")
        write(d + "/strings/0x409/serialnumber", "lab")
        os.mkdir(d + "/functions/ffs." + self.name)
        os.mkdir(d + "/configs/c.1")
        os.symlink(d + "/functions/ffs." + self.name, d + "/configs/c.1/f")
        os.makedirs(self.mount, exist_ok=True)
        subprocess.run(["mount", "-t", "functionfs", self.name, self.mount], check=True)
        self.ep0 = os.open(self.mount + "/ep0", os.O_RDWR)
        os.write(self.ep0, descriptors(self.endpoints))
        os.write(self.ep0, struct.pack("<IIII", 2, 16, 0, 0))
        self.done = os.eventfd(0)
        self.reader = threading.Thread(target=self._read_events, daemon=True)
        self.reader.start()
        return self

    def __exit__(self, *_):
        self.unbind()
        os.eventfd_write(self.done, 1)
        self.reader.join()
        if self.current:
            try:
                self.current.kill()
            except ProcessLookupError:
                pass
        os.close(self.ep0)
        subprocess.run(["umount", self.mount], check=True)
        d = self.dir
        os.unlink(d + "/configs/c.1/f")
        for sub in ("configs/c.1", "functions/ffs." + self.name, "strings/0x409", ""):
            os.rmdir(d + "/" + sub)

    def config(self, size, depth, options):
        return {
            "ffsctl": {"schema": 1},
            "gadget": self.name,
            "function": "echo",
            "mount": self.mount,
            "endpoints": [
                {
                    "name": e.name,
                    "file": e.file,
                    "address": e.address,
                    "type": e.kind,
                    "direction": e.direction,
                    "packet": PACKETS[e.kind],
                }
                for e in self.endpoints
            ],
            "engine": "auto",
            "size": size,
            "depth": depth,
            "options": options,
        }

    def _read_events(self):
        poll = select.poll()
        poll.register(self.ep0, select.POLLIN)
        poll.register(self.done, select.POLLIN)
        while True:
            ready = dict(poll.poll())
            if self.done in ready:
                return
            data = os.read(self.ep0, 12 * 4)
            for i in range(0, len(data), 12):
                self._event(data[i : i + 8], data[i + 8])

    def _event(self, setup, kind):
        self.events.append(kind)
        if kind == EP0_SETUP:
            self._setup(setup)
            return
        if kind == ENABLE:
            self.enabled_at = self.speed()
        elif kind in (DISABLE, UNBIND):
            self.enabled_at = 0
        if self.current:
            self.current.send(event(kind, self.speed() if kind == ENABLE else 0))
        if kind == ENABLE:
            self.enabled.set()
        if kind == UNBIND:
            self.unbound.set()

    def _stall(self, to_host):
        try:
            if to_host:
                os.read(self.ep0, 0)
            else:
                os.write(self.ep0, b"")
        except OSError:
            pass  # EL2HLT is the result of a successful stall

    def _setup(self, setup):
        to_host, length = setup[0] & 0x80, struct.unpack_from("<H", setup, 6)[0]
        worker = self.current
        worker.send(message(SETUP, 7, setup))
        others, kind = [], None
        try:
            while kind not in (ACCEPT, STALL, DATA):
                kind, id, body = worker.receive(0.5)
                if kind not in (ACCEPT, STALL, DATA):
                    others.append((kind, id, body))
        except (AssertionError, TypeError):
            kind = STALL  # there was no answer within 500 ms, or the worker has ended
            self.unanswered += 1
        worker.messages += others
        if kind == STALL:
            self._stall(to_host)
        elif to_host:
            os.write(self.ep0, body)
        elif not length:
            os.read(self.ep0, 0)
        else:
            worker.send(message(DATA, 7, os.read(self.ep0, length)))

    def speed(self):
        return SYSFS_SPEEDS.get(read("/sys/class/udc/dummy_udc.0/current_speed"), 0)

    def worker(self, argv, **kw):
        """Starts a worker. Sends ENABLE to the worker if the host has already enabled the function."""
        w = Worker(self, argv, **kw)
        self.current = w
        if self.enabled_at:
            w.send(event(ENABLE, self.enabled_at))
        return w

    def halt(self):
        """Halts the endpoints, as the supervisor does after the death of a worker. The host's transfers end with a stall."""
        for e in self.endpoints:
            fd = os.open(self.mount + "/" + e.file, os.O_RDWR | os.O_NONBLOCK)
            try:
                os.write(fd, b"x") if e.direction == "out" else os.read(fd, 1)
            except OSError as why:  # EAGAIN: the UDC has data in its FIFO, which cannot be removed
                assert why.errno in (errno.EBADMSG, errno.EAGAIN), why
            os.close(fd)

    def bind(self):
        """Binds the gadget. Waits until the host has found the interface, and until ENABLE was sent to the worker."""
        self.enabled.clear()
        with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, NETLINK_KOBJECT_UEVENT) as uevents:
            uevents.bind((0, 1))
            uevents.settimeout(patience(10))
            write(self.dir + "/UDC", "dummy_udc.0")
            while True:
                event = uevents.recv(8192)
                if event.startswith(b"add@") and b"\0DEVTYPE=usb_interface\0" in event:
                    break
        assert self.enabled.wait(patience(10)), "the host did not enable the function"

    def unbind(self):
        """Unbinds the gadget. Waits until FunctionFS has reported this and UNBIND was sent to the worker."""
        self.unbound.clear()
        if read(self.dir + "/UDC"):
            write(self.dir + "/UDC", "\n")
            assert self.unbound.wait(patience(10)), "no UNBIND"


class Host:
    """The host: single calls of usbfs, for requests that ffsbench cannot make."""

    class Control(ctypes.Structure):
        _fields_ = [("type", ctypes.c_uint8), ("request", ctypes.c_uint8)] + [
            (n, ctypes.c_uint16) for n in ("value", "index", "length")
        ] + [("timeout", ctypes.c_uint32), ("data", ctypes.c_void_p)]

    class Bulk(ctypes.Structure):
        _fields_ = [(n, ctypes.c_uint) for n in ("ep", "length", "timeout")] + [
            ("data", ctypes.c_void_p)
        ]

    def __init__(self):
        for path in glob.glob("/sys/bus/usb/devices/*/serial"):
            if read(path) == "lab":
                d = os.path.dirname(path)
                self.place = (int(read(d + "/busnum")), int(read(d + "/devnum")))
        self.fd = os.open("/dev/bus/usb/%03d/%03d" % self.place, os.O_RDWR)
        self.call(0x8004550F, ctypes.c_uint(0))  # claim interface 0

    def __enter__(self):
        return self

    def __exit__(self, *_):
        os.close(self.fd)

    def call(self, request, argument):
        return fcntl.ioctl(self.fd, request, argument)

    def control(self, kind, request, value=0, data=b"", length=0, timeout=round(patience(2000)), index=0):
        """Sends a control request. Returns the data if the direction is IN. `kind`: bmRequestType."""
        buffer = ctypes.create_string_buffer(data, max(len(data), length, 1))
        size = length if kind & 0x80 else len(data)
        c = Host.Control(kind, request, value, index, size, timeout, ctypes.addressof(buffer))
        n = self.call(ioctls.USBDEVFS_CONTROL, c)
        return buffer.raw[:n]

    def bulk(self, ep, data=b"", length=0, timeout=round(patience(2000))):
        """Transfers data. Returns the number of bytes if the direction is OUT, the data if it is IN."""
        buffer = ctypes.create_string_buffer(data, max(len(data), length, 1))
        size = length if ep & 0x80 else len(data)
        b = Host.Bulk(ep, size, timeout, ctypes.addressof(buffer))
        n = self.call(ioctls.USBDEVFS_BULK, b)
        return buffer.raw[:n] if ep & 0x80 else n

    def set_halt(self, ep):
        self.control(0x02, 3, index=ep)  # SET_FEATURE(ENDPOINT_HALT)

    def clear_halt(self, ep):
        self.call(0x80045515, ctypes.c_uint(ep))

    def set_interface(self, alternate):
        self.call(0x80085504, (ctypes.c_uint * 2)(0, alternate))

    def set_configuration(self, value):
        self.call(0x80045505, ctypes.c_uint(value))

    def release(self):
        self.call(0x80045510, ctypes.c_uint(0))

    def claim(self):
        self.call(0x8004550F, ctypes.c_uint(0))

    def reset(self):
        self.call(0x5514, 0)


def bench(*args, status=0, timeout=60):
    """Runs ffsbench loop; returns its output on stdout and stderr."""
    p = subprocess.run([BENCH, "loop", "--timeout", str(patience(5)), *args], capture_output=True, text=True,
                       timeout=patience(timeout))
    assert p.returncode == status, "ffsbench loop %s: status %d\n%s%s" % (
        " ".join(args), p.returncode, p.stdout, p.stderr)
    return p.stdout, p.stderr
