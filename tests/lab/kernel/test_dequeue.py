#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udc=dwc2,dwc3 build=plain
# lab stock: no, dwc2 has the bugs that fixes/0029, 0030 and 0034 mend
# lab i386: no, the models have not been tried with 32 bits
# lab all: kernel=6.12,6.1 udc=dwc2,dwc2-ddma,dwc3,chipidea,dummy build=plain
# lab all: kernel=6.12 flavour=debug udc=dwc2,dwc2-ddma,dwc3,chipidea build=plain
"""Asynchronous requests on an endpoint, of which a program cancels some, in any order: they end, and the others transfer
data in their order. UDC drivers differ in what they do when a request that runs, or one that waits, is dequeued, and when the
host clears a halt."""

import contextlib
import errno
import fcntl
import itertools
import os
import struct

import aio
import bridge
import ioctls
import tap
from aio import IOCB_CMD_PREAD, IOCB_CMD_PWRITE
from harness import REPORTS_CUT_READS
from tap import eq, ok, test
from worker_harness import Gadget

QUEUED = 3
ENABLE_ZLP = ioctls.number(ioctls.WRITE, "g", 134, "@I")  # FUNCTIONFS_ENDPOINT_ENABLE_ZLP of our patches
LENGTH = 200  # more than the FIFO of dummy_hcd, which takes shorter packets before the host asks
# A fault of dwc3: when a request that the controller has is dequeued, dwc3_gadget_ep_dequeue() of drivers/usb/dwc3/gadget.c gives back
# all of the endpoint, which programs have not cancelled (it moves the whole started_list to the cancelled_list)
ENDS_ALL = os.environ["LAB_UDC"] == "dwc3"
# A fault of chipidea: ep_dequeue() of drivers/usb/chipidea/udc.c flushes the endpoint and does not prime it again: what is still queued
# does not run
STOPS_ALL = os.environ["LAB_UDC"] == "chipidea"
# How many requests a driver gives back when the host clears a halt: dwc2 the one that runs (dwc2_hsotg_process_req_feature()), dwc3
# those that the controller has (__dwc3_gadget_ep_set_halt())
ENDED_BY_HALT = {"dwc2": 1, "dwc2-ddma": 1, "dwc3": QUEUED, "chipidea": 0, "dummy": 0}[os.environ["LAB_UDC"]]

@contextlib.contextmanager
def function(direction, opcode):
    with contextlib.ExitStack() as stack:
        gadget = stack.enter_context(Gadget([("bulk", direction)]))
        gadget.bind()
        requests = aio.Requests(f"{gadget.mount}/ep1", opcode)
        stack.callback(requests.close)
        yield requests, stack.enter_context(bridge.Usb())


def message(number):
    return bytes([number + 1]) * LENGTH


def cancel(requests, order):
    """Cancels requests in this order. Returns the numbers of those that are still queued."""
    for number in order:
        result = requests.cancel(number)
        eq(result in (0, -errno.EINPROGRESS, *[-errno.EINVAL] * ENDS_ALL), True, f"io_cancel: {result}")
    ended = set(range(QUEUED)) if ENDS_ALL else set(order)
    eq(requests.completed(len(ended)), [(number, -errno.ECONNRESET) for number in sorted(ended)], f"cancelled {order}")
    return sorted(set(range(QUEUED)) - ended)


def transfer(requests, host, number, order):
    """Makes the host transfer one message, which must be that of the request, and must end it."""
    if requests.opcode == IOCB_CMD_PREAD:
        eq(host.bulk(host.out, message(number)), LENGTH)
    else:
        eq(host.bulk(host.in_, length=1024), message(number), f"after {order}")
    eq(requests.completed(1), [(number, LENGTH)], f"after {order}")
    eq(requests.buffers[number].raw, message(number), f"after {order}")


def submit(requests, number):
    requests.submit(number, bytes(LENGTH) if requests.opcode == IOCB_CMD_PREAD else message(number))


def nothing_moves(requests, host, order):
    """Checks that the host transfers nothing: a transfer that goes on would use memory that is somebody else's by now."""
    try:
        if requests.opcode == IOCB_CMD_PREAD:
            moved = host.bulk(host.out, message(QUEUED), timeout=50)
        else:
            moved = host.bulk(host.in_, length=1024, timeout=50)
        ok(False, f"after {order}: the host has transferred {moved!r}")
    except TimeoutError:
        pass


@test("out: a read that is cancelled after the host has sent whole packets returns their data")
def packets_of_cancelled_read():
    with function("out", IOCB_CMD_PREAD) as (requests, host):
        for length in (1024, 3072):  # packets at every speed
            requests.submit(0, bytes(4096))
            eq(host.bulk(host.out, bytes([7]) * length), length)
            requests.cancel(0)
            eq(requests.completed(1), [(0, length if REPORTS_CUT_READS else -errno.ECONNRESET)], "cancelled")
            eq(requests.buffers[0].raw, bytes([7] * length * REPORTS_CUT_READS).ljust(4096, b"\0"))
            submit(requests, 1)
            transfer(requests, host, 1, "the cancelled read")


@test("in: a write is not followed by the empty packet that was due to one that was cancelled before")
def empty_packet_of_cancelled_write():
    with function("in", IOCB_CMD_PWRITE) as (requests, host):
        for length in 100, 1024:
            fcntl.ioctl(requests.fd, ENABLE_ZLP, struct.pack("I", 1))
            requests.submit(0, bytes(1024))
            requests.cancel(0)
            eq(requests.completed(1), [(0, -errno.ECONNRESET)], "cancelled")
            fcntl.ioctl(requests.fd, ENABLE_ZLP, struct.pack("I", 0))
            for number in 1, 2:
                requests.submit(number, bytes([number]) * length)
                eq(host.bulk(host.in_, length=length), bytes([number]) * length, f"{length} bytes")
                eq(requests.completed(1), [(number, length)], f"{length} bytes")


for direction_, opcode_ in ("out", IOCB_CMD_PREAD), ("in", IOCB_CMD_PWRITE):

    @test(f"{direction_}: when all were cancelled nothing moves, until there is a new request", direction_, opcode_)
    def all_cancelled(direction, opcode):
        with function(direction, opcode) as (requests, host):
            for order in itertools.permutations(range(QUEUED)):
                for number in range(QUEUED):
                    submit(requests, number)
                cancel(requests, order)
                nothing_moves(requests, host, order)
                submit(requests, QUEUED)
                transfer(requests, host, QUEUED, order)

    @test(f"{direction_}: the requests that were not cancelled transfer data in their order", direction_, opcode_)
    def some_cancelled(direction, opcode):
        with function(direction, opcode) as (requests, host):
            for order in (order for n in range(1, QUEUED) for order in itertools.permutations(range(QUEUED), n)):
                for number in range(QUEUED):
                    submit(requests, number)
                left = cancel(requests, order)
                if STOPS_ALL:
                    nothing_moves(requests, host, order)
                    host.set_interface(0)
                    eq(requests.completed(len(left)), [(number, -errno.ESHUTDOWN) for number in left], f"after {order}")
                    continue
                for number in left:
                    transfer(requests, host, number, order)

    @test(f"{direction_}: when the host clears a halt, a request that is given back has EPIPE, and the others transfer data", direction_, opcode_)
    def halt_is_cleared(direction, opcode):
        with function(direction, opcode) as (requests, host):
            endpoint = host.out if opcode == IOCB_CMD_PREAD else host.in_
            for _ in range(3):
                for number in range(QUEUED):
                    submit(requests, number)
                host.set_halt(endpoint)
                host.clear_halt(endpoint)
                eq(requests.completed(ENDED_BY_HALT), [(number, -errno.EPIPE) for number in range(ENDED_BY_HALT)], "given back")
                for number in range(ENDED_BY_HALT, QUEUED):
                    transfer(requests, host, number, "the halt")

    @test(f"{direction_}: an endpoint that was halted, and has requests, transfers data after the host has selected the interface", direction_, opcode_)
    def halted_and_disabled(direction, opcode):
        with function(direction, opcode) as (requests, host):
            for _ in range(3):
                for number in range(QUEUED):
                    submit(requests, number)
                host.set_halt(host.out if opcode == IOCB_CMD_PREAD else host.in_)
                host.set_interface(0)
                eq(requests.completed(QUEUED), [(number, -errno.ESHUTDOWN) for number in range(QUEUED)], "given back")
                for number in range(QUEUED):
                    submit(requests, number)
                for number in range(QUEUED):
                    transfer(requests, host, number, "the interface")


tap.main()
