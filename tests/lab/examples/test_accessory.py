#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=full timeout=300 real-time
# lab all: kernel=6.12,6.1 speed=full,high,super timeout=300 real-time
"""examples/accessory: one blocking descriptor for both directions, as for programs of the legacy accessory driver. The
device side calls os.read() and os.write() on /dev/usb_accessory."""

import contextlib
import errno
import fcntl
import os
import pathlib
import signal
import threading

import usb.util

import harness
import tap
from harness import EXAMPLES, ffsctl, must, up
from tap import eq, ok, test

SPEED = os.environ["LAB_SPEED"]
PACKET = {"full": 64, "high": 512, "super": 1024}[SPEED]
CONF = f"{EXAMPLES}/accessory/accessory.conf"
DEVICE = "/dev/usb_accessory"
MOST = 70000
# Once here; on both kernels at each speed by: lab/soak --runs 1 --kernel K --speed S -- TEST
EVERY_SIZE = tap.SOAKING or (SPEED, os.environ["LAB_KERNEL"]) == ("super", "6.12")
LARGE = 1 << 20
# No two messages of the same length begin alike, and no packet is like its neighbour.
DATA = os.urandom(LARGE + MOST)
TIMEOUT = 20000  # ms

harness.leaves_nothing()


class Accessory:
    """Both sides of the connection: `fd` is the descriptor of the program, `host` is the host."""

    def __enter__(self):
        up(CONF, "--wait-host")
        self.fd = os.open(DEVICE, os.O_RDWR)
        self.connect()
        return self

    def __exit__(self, *_):
        self.disconnect()
        os.close(self.fd)
        must(ffsctl("down", "accessory"))

    def connect(self):
        self.host = harness.device(0x18D1, 0x2D00)
        self.out, self.in_ = harness.endpoints(self.host)

    def disconnect(self):
        usb.util.dispose_resources(self.host)

    def cable(self):
        """Returns the attribute that disables the port of the root hub: the value 1 turns the power off, like an
        unplugged cable."""
        bus = self.host.bus
        return pathlib.Path(f"/sys/bus/usb/devices/{bus}-0:1.0/usb{bus}-port1/disable")

    def receive(self, most):
        """Returns the next message of the program, as the host receives it."""
        return bytes(self.in_.read(most + PACKET, TIMEOUT))

    def send(self, message):
        """Sends a message of the host. Users of libusb must end a message themselves."""
        eq(self.out.write(message, TIMEOUT), len(message))
        if len(message) % PACKET == 0:
            self.out.write(b"", TIMEOUT)


class Thread(threading.Thread):
    """A thread; join() raises the exception that the thread has raised."""

    def __init__(self, function, *args):
        super().__init__(daemon=True)
        self.function, self.args, self.error, self.value = function, args, None, None
        self.start()

    def run(self):
        try:
            self.value = self.function(*self.args)
        except BaseException as e:  # pylint: disable=broad-except
            self.error = e

    def join(self, timeout=60):
        super().join(timeout)
        ok(not self.is_alive(), "the call does not end")
        if self.error:
            raise self.error
        return self.value


def message(n):
    return DATA[n:2 * n] if 2 * n <= len(DATA) else DATA[:n]


def write_all(fd, sizes):
    for n in sizes:
        eq(os.write(fd, message(n)), n, "what write() returns")


def messages_arrive(accessory, sizes):
    """Checks that each message of these lengths arrives as one message, complete and correct."""
    writer = Thread(write_all, accessory.fd, sizes)
    most = max(sizes) + PACKET - max(sizes) % PACKET
    for n in sizes:
        got = accessory.receive(most)
        # eq() is not used, because its error text would contain the whole message
        ok(len(got) == n, f"a message of {n} bytes came as {len(got)}")
        ok(got == message(n), f"a message of {n} bytes came wrong")
    writer.join()


def around(step, most):
    """Returns every multiple of `step`, and the numbers before and after it."""
    return {n + d for n in range(step, most + 1, step) for d in (-1, 0, 1)}


def around_packets(most):
    """Returns lengths up to this one: the lengths close to the first 40 packets, all lengths shorter than two packets,
    then lengths close to pages."""
    sizes = set(range(1, 2 * PACKET)) | around(PACKET, min(40 * PACKET, most)) | around(4096, most) | {most}
    return sorted(n for n in sizes if n <= most)


@test("the device is the file of the pair")
def device_is_file_of_pair():
    with Accessory():
        eq(os.readlink(DEVICE), "/dev/ffs/accessory/data/ep1_rw")
        eq(sorted(os.listdir("/dev/ffs/accessory/data")), ["ep0", "ep1", "ep1_rw", "ep2"])


@test("writes of every size from 1 to 70,000 are messages" if EVERY_SIZE else
      "writes of sizes up to 70,000 around multiples of packets and pages are messages",
      only_all=EVERY_SIZE and "functionfs/zlp-of-the-first-endpoint-alone-counts: sizes around multiples of packets and pages "
                              "have a test")
def every_length_comes_back():
    with Accessory() as a:
        messages_arrive(a, range(1, MOST + 1) if EVERY_SIZE else around_packets(MOST))


@test("so are 1 MiB, and a byte more or less")
def around_one_mib_comes_back():
    with Accessory() as a:
        messages_arrive(a, [LARGE - 1, LARGE, LARGE + 1])


@test("a write of nothing is an empty message")
def empty_write_is_empty_message():
    with Accessory() as a:
        writer = Thread(os.write, a.fd, b"")
        eq(a.receive(PACKET), b"")
        eq(writer.join(), 0)


@test("the host's messages are read whole, up to the 16384 bytes of the legacy driver")
def long_messages_are_read_whole():
    with Accessory() as a:
        for n in around_packets(16383):
            sender = Thread(a.send, message(n))
            got = os.read(a.fd, 16384)
            sender.join()
            ok(got == message(n), f"a message of {n} bytes came as {len(got)}")


@test("a message that fills the read is followed by its end")
def full_read_is_followed_by_end():
    with Accessory() as a:
        sender = Thread(a.send, message(16384))
        ok(os.read(a.fd, 16384) == message(16384), "the message")
        eq(os.read(a.fd, 16384), b"")
        sender.join()


@test("a thread that waits for the host does not keep another from writing")
def reader_does_not_block_writer():
    with Accessory() as a:
        reader = Thread(os.read, a.fd, 16384)
        messages_arrive(a, range(1, 500))
        ok(reader.is_alive(), "the reader has returned without a message")
        a.send(b"at last")
        eq(reader.join(), b"at last")


@test("reading and writing at once: two streams of messages, each in its order")
def reads_and_writes_at_once():
    sizes = [1 + n * 37 % 9000 for n in range(500)]

    def read_all(fd):
        for n in sizes:
            ok(os.read(fd, 16384) == message(n), f"the host's message of {n} bytes")

    def send_all(accessory):
        for n in sizes:
            accessory.send(message(n))

    with Accessory() as a:
        threads = [Thread(read_all, a.fd), Thread(send_all, a)]
        messages_arrive(a, sizes)
        for thread in threads:
            thread.join()


def forked(function, *args):
    """Starts a process that calls the function. Its exit status is 0 or the errno."""
    pid = os.fork()
    if pid == 0:
        code = 255
        with contextlib.suppress(BaseException):
            try:
                function(*args)
                code = 0
            except OSError as e:
                code = e.errno
        os._exit(code)
    return pid


def exit_code(pid):
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])


def await_sleeping(pid):
    """Waits until the process sleeps: it can wait only for the host."""
    while harness.stat_of(pid)[1][0] != "S":
        ok(os.waitid(os.P_PID, pid, os.WEXITED | os.WNOHANG | os.WNOWAIT) is None, "it has ended")


class Interrupted(Exception):
    pass


def interrupt(*_):
    raise Interrupted


def call_twice(first, second, told):
    """A function for forked(): SIGUSR1 must interrupt the first call; the function reports this."""
    try:
        first()
    except Interrupted:
        os.write(told, b".")
        second()
        return
    raise AssertionError


def interrupted(first, second):
    """Forks, waits until the first call waits, and interrupts the call."""
    told = os.pipe()
    # The handler is set before the fork, so that the child only makes the call
    before = signal.signal(signal.SIGUSR1, interrupt)
    try:
        pid = forked(call_twice, first, second, told[1])
    finally:
        signal.signal(signal.SIGUSR1, before)
    await_sleeping(pid)
    os.kill(pid, signal.SIGUSR1)
    os.close(told[1])
    eq(os.read(told[0], 1), b".", "what the child tells of the signal")
    os.close(told[0])
    return pid


@test("a signal ends a waiting read; the next one gets what the host sends, whole")
def signal_ends_waiting_read():
    with Accessory() as a:
        def read():
            eq(os.read(a.fd, 16384), message(5000))

        pid = interrupted(read, read)
        a.send(message(5000))
        eq(exit_code(pid), 0)


@test("a signal ends a waiting write; nothing of it comes, and the next one does")
def signal_ends_waiting_write():
    with Accessory() as a:
        pid = interrupted(lambda: os.write(a.fd, message(3000)), lambda: os.write(a.fd, message(4096)))
        got = a.receive(8192)
        ok(got == message(4096), f"{len(got)} bytes")
        eq(exit_code(pid), 0)


@test("unplugged: what waits ends with ESHUTDOWN; plugged in again the same descriptor goes on")
def unplugged_and_plugged_in_again():
    with Accessory() as a:
        for _ in range(3):
            messages_arrive(a, [100, PACKET])
            pid = forked(os.read, a.fd, 16384)
            await_sleeping(pid)
            a.disconnect()
            a.cable().write_text("1")
            eq(exit_code(pid), errno.ESHUTDOWN)
            reader, writer = Thread(os.read, a.fd, 16384), Thread(os.write, a.fd, message(2 * PACKET))
            a.cable().write_text("0")
            up(CONF, "--wait-host")
            a.connect()
            ok(a.receive(8192) == message(2 * PACKET), "the message that waited for the host")
            eq(writer.join(), 2 * PACKET)
            a.send(b"again")
            eq(reader.join(), b"again")


@test("ioctls are not there, as README.md says")
def ioctls_are_missing():
    with Accessory() as a:
        for request in (0x40004D01, 0x4D08):  # ACCESSORY_GET_STRING_MANUFACTURER, IS_START_REQUESTED
            eq(tap.raises(OSError, fcntl.ioctl, a.fd, request, bytes(256)).errno, errno.ENOTTY)


tap.main()
