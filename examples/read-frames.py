#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The host's program for camera-frames.conf: writes the frames of the camera to stdout.

    host# ./read-frames.py [COUNT] > frames        (needs python3-usb; without COUNT until Ctrl-C)

Prints the format and size of the frames on stderr.
"""

import errno
import struct
import sys

import usb.core

GET_FORMAT = 1  # as in camera-frames.c


def frames(device):
    """Yields the frames. Each is one transfer, which ends with a short packet."""
    interface = device.get_active_configuration()[(0, 0)]
    endpoint, = interface
    answer = device.ctrl_transfer(0xC1, GET_FORMAT, 0, interface.bInterfaceNumber, 20)
    fourcc, width, height, _, size = struct.unpack("<4s4I", answer)
    print(f"read-frames.py: {fourcc.decode()}, {width}x{height}, {size} bytes in a frame", file=sys.stderr)
    # Longer than a frame: what a broken transfer has left before a frame makes the read longer, and it is dropped
    length = (size // endpoint.wMaxPacketSize + 1) * endpoint.wMaxPacketSize
    while True:
        try:
            data = endpoint.read(length, timeout=0)
        except usb.core.USBError as e:
            if e.errno != errno.EPIPE:
                raise
            device.clear_halt(endpoint)  # the device's program has ended; the next one starts with a whole frame
            continue
        if len(data) == size:
            yield data
        elif data:
            print(f"read-frames.py: dropped {len(data)} bytes that are not one frame", file=sys.stderr)


def main():
    device = usb.core.find(idVendor=0x1D6B, idProduct=0x0104)
    if device is None:
        sys.exit("read-frames.py: cannot find device 1d6b:0104")
    left = int(sys.argv[1]) if len(sys.argv) > 1 else -1
    for frame in frames(device):
        sys.stdout.buffer.write(frame)
        sys.stdout.buffer.flush()
        left -= 1
        if left == 0:
            return


try:
    main()
except (usb.core.USBError, BrokenPipeError) as e:
    sys.exit(f"read-frames.py: {e}")
except KeyboardInterrupt:
    pass
