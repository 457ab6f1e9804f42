#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's program for the plugin bridge: sends stdin to the device, and writes data of the device to
stdout. Ends when the device is disconnected, or 0.2 s after the end of stdin and the last data.

    host# ./bridge-host.py [VENDOR:PRODUCT]        (needs python3-usb; 1d6b:0104 if not given)
"""

import os
import sys
import threading

import usb.core
import usb.util

LENGTH = 16384  # bytes of a transfer: whole packets at every speed


def find(ids):
    vendor, product = (int(word, 16) for word in ids.split(":"))
    device = usb.core.find(idVendor=vendor, idProduct=product)
    if device is None:
        sys.exit(f"bridge-host.py: cannot find device {ids}")
    endpoints = list(device.get_active_configuration()[(0, 0)])
    return (next(e for e in endpoints if not e.bEndpointAddress & usb.util.ENDPOINT_IN),
            next(e for e in endpoints if e.bEndpointAddress & usb.util.ENDPOINT_IN))


def send(out):
    while data := os.read(0, LENGTH):
        out.write(data, timeout=0)
        # The device's read continues after a full packet; an empty one ends it.
        if len(data) % out.wMaxPacketSize == 0:
            out.write(b"", timeout=0)


def receive(in_, sender):
    while True:
        try:
            data = in_.read(LENGTH, timeout=200)
        except usb.core.USBTimeoutError:
            if not sender.is_alive():
                return
            continue
        view = memoryview(data.tobytes())
        while view:
            view = view[os.write(1, view):]


def main():
    out, in_ = find(sys.argv[1] if len(sys.argv) > 1 else "1d6b:0104")
    sender = threading.Thread(target=send, args=(out,), daemon=True)
    sender.start()
    try:
        receive(in_, sender)
    except usb.core.USBError as e:
        sys.exit(f"bridge-host.py: {e}")


main()
