#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A service for systemd's ListenUSBFunction=, which knows nothing of ffsctl: gets ep0 and the endpoint files from
sd_listen_fds(3), sends back what it gets after ENABLE, and answers a vendor request. With the argument "notify" it tells
its service manager when it is ready."""

import ctypes
import os
import struct
import sys
import threading

systemd = ctypes.CDLL("libsystemd.so.0")
BIND, UNBIND, ENABLE, DISABLE, SETUP = range(5)
EVENT = struct.Struct("<BBHHHB3x")
IN = 0x80


def echo(out, into):
    while True:
        try:
            os.write(into, os.read(out, 16384))
        except OSError:
            return  # until the next ENABLE


def main():
    if systemd.sd_listen_fds(0) != 3:
        sys.exit("not started with ep0 and two endpoints")
    ep0, out, into = range(3, 6)
    if "notify" in sys.argv:
        systemd.sd_notify(0, b"READY=1")
    while True:
        for request_type, request, value, _, length, kind in EVENT.iter_unpack(os.read(ep0, 4 * EVENT.size)):
            if kind == ENABLE:
                threading.Thread(target=echo, args=(out, into), daemon=True).start()
            elif kind == SETUP and request_type & IN and request == 0x42:
                os.write(ep0, b"value %04x" % value)
            elif kind == SETUP and length == 0 and request == 0x42:
                os.read(ep0, 0)
            elif kind == SETUP:
                try:  # stalls the request
                    os.read(ep0, 0) if request_type & IN else os.write(ep0, b"")
                except OSError:
                    pass


main()
