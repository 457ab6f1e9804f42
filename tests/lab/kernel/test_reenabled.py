#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: append=dummy_hcd.gadget_sg=1 build=plain
# lab stock: no, no kernel has the fix that this tests
# lab all: kernel=6.12,6.1 udc=dwc2,dwc2-ddma,dwc3,chipidea build=plain
# lab all: kernel=6.12,6.1 append=dummy_hcd.gadget_sg=1 build=plain
# lab all: kernel=6.12 flavour=debug append=dummy_hcd.gadget_sg=1 build=plain
"""Reads and writes that wait for another one of the same endpoint, when the host disables the endpoint and enables it at once, as
SET_INTERFACE does: they end as the other one does. Their data are of the session that is over."""

import contextlib
import errno
import fcntl
import os
import struct
import threading
import time

import bridge
import harness
import ioctls
import tap
from tap import eq, test
from worker_harness import Gadget

LENGTH = 200  # more than the FIFO of dummy_hcd, which takes shorter packets before the host asks
SET_INTERFACE = 0x01, 11
SIZE = 8192
UDMABUF_FORM = "@IIQQ"  # struct udmabuf_create, include/uapi/linux/udmabuf.h
UDMABUF_CREATE = ioctls.number(ioctls.WRITE, "u", 0x42, UDMABUF_FORM)
TRANSFER_FORM = "@iIQ"  # struct usb_ffs_dmabuf_transfer_req, include/uapi/linux/usb/functionfs.h
DMABUF_ATTACH = ioctls.number(ioctls.WRITE, "g", 131, "@i")
DMABUF_TRANSFER = ioctls.number(ioctls.WRITE, "g", 133, TRANSFER_FORM)


class Call(threading.Thread):
    """A call that runs in a thread; `result` is what it has returned, or the number of its error."""

    def __init__(self, function, *args):
        super().__init__(daemon=True)
        self.call, self.result = (function, *args), None
        self.start()
        time.sleep(0.1)  # of virtual time: it waits in the kernel then

    def run(self):
        try:
            self.result = self.call[0](*self.call[1:])
        except OSError as e:
            self.result = e.errno


@contextlib.contextmanager
def endpoint(direction):
    with contextlib.ExitStack() as stack:
        gadget = stack.enter_context(Gadget([("bulk", direction)]))
        gadget.bind()
        fd = os.open(f"{gadget.mount}/ep1", os.O_RDWR)
        stack.callback(os.close, fd)
        yield fd, stack.enter_context(bridge.Usb())


def end_session(host, calls):
    host.control(*SET_INTERFACE)
    for call in calls:
        call.join(5)
    eq([call.result for call in calls], [errno.ESHUTDOWN] * len(calls))


def read_new(fd, host):
    """Checks that a read of the new session gets what the host sends in it."""
    call = Call(os.read, fd, 1024)
    eq(host.bulk(host.out, b"n" * LENGTH), LENGTH)
    call.join()
    eq(call.result, b"n" * LENGTH)


@test("in: writes of the session that is over are not sent")
def writes():
    with endpoint("in") as (fd, host):
        end_session(host, [Call(os.write, fd, bytes([number]) * LENGTH) for number in range(3)])
        call = Call(os.write, fd, b"n" * LENGTH)
        eq(host.bulk(host.in_, length=1024), b"n" * LENGTH)
        call.join()
        eq(call.result, LENGTH)


@test("out: reads of the session that is over take nothing of the next one")
def reads():
    with endpoint("out") as (fd, host):
        end_session(host, [Call(os.read, fd, 1024) for _ in range(3)])
        read_new(fd, host)


@contextlib.contextmanager
def dmabuf():
    memory = os.memfd_create("buffer", os.MFD_ALLOW_SEALING)
    os.truncate(memory, SIZE)
    fcntl.fcntl(memory, fcntl.F_ADD_SEALS, fcntl.F_SEAL_SHRINK)
    with open("/dev/udmabuf", "rb+", buffering=0) as device:
        buffer = fcntl.ioctl(device, UDMABUF_CREATE, bytearray(struct.pack(UDMABUF_FORM, memory, 0, 0, SIZE)))
    try:
        yield buffer
    finally:
        os.close(buffer)
        os.close(memory)


def transfers_into_dmabufs():
    with endpoint("out") as (fd, host), dmabuf() as buffer:
        transfer = fd, DMABUF_TRANSFER, struct.pack(TRANSFER_FORM, buffer, 0, SIZE)
        fcntl.ioctl(fd, DMABUF_ATTACH, struct.pack("@i", buffer))
        fcntl.ioctl(*transfer)
        # It waits until the other one no longer writes into the buffer
        end_session(host, [Call(fcntl.ioctl, *transfer)])
        read_new(fd, host)


if harness.has_scatterlists():
    test("out: a transfer into a DMABUF of the session that is over takes nothing of the next one")(transfers_into_dmabufs)


tap.main()
