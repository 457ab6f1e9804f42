# SPDX-License-Identifier: GPL-2.0-or-later
"""Asynchronous requests on endpoint files, by the C library libaio."""

import ctypes
import os

from tap import eq, patience

IOCB_CMD_PREAD, IOCB_CMD_PWRITE = 0, 1  # linux/aio_abi.h
MAXIMUM = 16

libaio = ctypes.CDLL("libaio.so.1")


class Iocb(ctypes.Structure):
    """struct iocb of linux/aio_abi.h, little-endian."""
    _fields_ = [("data", ctypes.c_uint64), ("key", ctypes.c_uint32), ("rw_flags", ctypes.c_uint32), ("opcode", ctypes.c_uint16),
                ("priority", ctypes.c_int16), ("fd", ctypes.c_uint32), ("buffer", ctypes.c_uint64), ("length", ctypes.c_uint64),
                ("offset", ctypes.c_int64), ("reserved", ctypes.c_uint64), ("flags", ctypes.c_uint32), ("eventfd", ctypes.c_uint32)]


class Event(ctypes.Structure):
    """struct io_event of linux/aio_abi.h."""
    _fields_ = [("data", ctypes.c_uint64), ("iocb", ctypes.c_uint64), ("result", ctypes.c_int64), ("result2", ctypes.c_int64)]


class Timespec(ctypes.Structure):
    _fields_ = [("seconds", ctypes.c_long), ("nanoseconds", ctypes.c_long)]


class Requests:
    """Requests on one endpoint file, each with a number."""

    def __init__(self, path, opcode):
        self.fd, self.opcode = os.open(path, os.O_RDWR), opcode
        self.context = ctypes.c_void_p()
        eq(libaio.io_setup(MAXIMUM, ctypes.byref(self.context)), 0, "io_setup")
        self.iocbs, self.buffers = {}, {}

    def close(self):
        libaio.io_destroy(self.context)
        os.close(self.fd)

    def submit(self, number, data):
        """`data` is what a write sends, and what a read overwrites."""
        self.buffers[number] = ctypes.create_string_buffer(data, len(data))
        self.iocbs[number] = Iocb(data=number, opcode=self.opcode, fd=self.fd, buffer=ctypes.addressof(self.buffers[number]), length=len(data))
        eq(libaio.io_submit(self.context, ctypes.c_long(1), ctypes.byref(ctypes.pointer(self.iocbs[number]))), 1, "io_submit")

    def cancel(self, number):
        """Returns what io_cancel() returns, 0 or a negative error."""
        unused = Event()
        return libaio.io_cancel(self.context, ctypes.byref(self.iocbs[number]), ctypes.byref(unused))

    def completed(self, count):
        """Waits for `count` requests to complete; returns their (number, result). (FunctionFS completes reads by a work
        queue, in any order.)"""
        events = (Event * count)()
        timeout = Timespec(round(patience(5)), 0)
        found = libaio.io_getevents(self.context, ctypes.c_long(count), ctypes.c_long(count), events, ctypes.byref(timeout))
        return sorted((event.data, event.result) for event in events[:found])
