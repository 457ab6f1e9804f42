# SPDX-License-Identifier: GPL-2.0-or-later
"""Transfers of a program of the host that do not wait for each other, by usbfs."""

import ctypes
import fcntl
import struct

import ioctls
from tap import ok

LIBC = ctypes.CDLL(None, use_errno=True)
LIBC.ioctl.argtypes = ctypes.c_int, ctypes.c_ulong, ctypes.c_void_p
CONTROL, BULK = 2, 3


class Urb:
    """`data` is what is sent, or room for what comes; that of a control request begins with its SETUP packet."""

    def __init__(self, kind, endpoint, data):
        self.data = ctypes.create_string_buffer(data, len(data))
        self.urb = ctypes.create_string_buffer(struct.pack(ioctls.URB_FORM, kind, endpoint, 0, 0, ctypes.addressof(self.data), len(data),
                                                           0, 0, 0, 0, 0, 0))

    def submit(self, fd):
        # fcntl.ioctl() would give the kernel a copy, to which the result is written later
        ok(LIBC.ioctl(fd, ioctls.USBDEVFS_SUBMITURB, self.urb) == 0, ctypes.get_errno())

    @property
    def length(self):
        """So many bytes were transferred."""
        return struct.unpack_from(ioctls.URB_FORM, self.urb)[6]


def reap(fd):
    """Waits until one of the transfers has ended."""
    fcntl.ioctl(fd, ioctls.USBDEVFS_REAPURB, bytearray(8))
