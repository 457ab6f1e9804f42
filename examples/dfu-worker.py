#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The device side of DFU 1.1 for dfu.conf, with the module ffsctl_worker: a download replaces the file
given as argument, completely or not at all; an upload reads it.

The state machine is figure A.1 of "Universal Serial Bus Device Class Specification for Device
Firmware Upgrade", without the parts for devices that leave application mode or write slowly.
"""

import os
import sys

from ffsctl_worker import Worker

DNLOAD, UPLOAD, GETSTATUS, CLRSTATUS, GETSTATE, ABORT = 1, 2, 3, 4, 5, 6
IDLE, DNLOAD_SYNC, DNLOAD_IDLE, MANIFEST_SYNC, UPLOAD_IDLE, ERROR = 2, 3, 5, 6, 9, 10
OK, ERR_WRITE, ERR_STALLEDPKT = 0, 3, 15
TRANSFER = 1024  # wTransferSize of dfu.conf


class Dfu:
    """The state of a firmware. Requests return the bytes of the answer, b"" to acknowledge, or None to
    stall."""

    def __init__(self, path):
        self.path = path
        self.state, self.status, self.image = IDLE, OK, b""

    def fail(self, status):
        self.state, self.status, self.image = ERROR, status, b""

    def refuse(self):
        self.fail(ERR_STALLEDPKT)

    def download(self, data):
        """Appends a block; an empty block ends the download."""
        if self.state == IDLE and data:
            self.image = data
        elif self.state == DNLOAD_IDLE:
            self.image += data
        else:
            return self.refuse()
        self.state = DNLOAD_SYNC if data else MANIFEST_SYNC
        return b""

    def upload(self, block, length):
        if self.state not in (IDLE, UPLOAD_IDLE) or length > TRANSFER:
            return self.refuse()
        try:
            with open(self.path, "rb") as f:
                data = os.pread(f.fileno(), length, block * TRANSFER)
        except FileNotFoundError:
            data = b""
        self.state = IDLE if len(data) < length else UPLOAD_IDLE
        return data

    def manifest(self):
        """Writes the file; a reader sees either the old or the new firmware."""
        try:
            with open(self.path + ".new", "wb") as f:
                f.write(self.image)
                f.flush()
                os.fsync(f.fileno())
            os.rename(self.path + ".new", self.path)
        except OSError as e:
            print(f"dfu-worker.py: {e}", file=sys.stderr, flush=True)
            return self.fail(ERR_WRITE)
        self.state, self.image = IDLE, b""

    def get_status(self):
        if self.state == MANIFEST_SYNC:
            self.manifest()
        elif self.state == DNLOAD_SYNC:
            self.state = DNLOAD_IDLE
        # bStatus, bwPollTimeout (0: nothing takes time), bState, iString
        return bytes([self.status, 0, 0, 0, self.state, 0])

    def clear(self, _):
        if self.state != ERROR:
            return self.refuse()
        self.state, self.status = IDLE, OK
        return b""

    def abort(self, _):
        if self.state == ERROR:
            return self.refuse()
        self.state, self.image = IDLE, b""
        return b""

    def read(self, request, value, length):
        """Handles requests with IN data."""
        if request == UPLOAD:
            return self.upload(value, length)
        if request == GETSTATUS:
            return self.get_status()
        return bytes([self.state]) if request == GETSTATE else self.refuse()

    def write(self, request, data):
        """Handles requests without IN data."""
        known = {DNLOAD: self.download, CLRSTATUS: self.clear, ABORT: self.abort}
        return known[request](data)


def main(path):
    worker, dfu = Worker(), Dfu(path)

    @worker.on_request
    def handle(request):
        if (request.kind, request.recipient) != ("class", "interface"):
            return dfu.refuse()
        if request.is_in:
            return dfu.read(request.number, request.value, request.length)
        if request.number == DNLOAD and 0 < request.length <= TRANSFER:
            # Reading the data acknowledges it: reject it before that if the state is wrong.
            if dfu.state not in (IDLE, DNLOAD_IDLE):
                return dfu.refuse()
            return dfu.write(DNLOAD, request.read())
        if request.number in (DNLOAD, CLRSTATUS, ABORT) and request.length == 0:
            return dfu.write(request.number, b"")
        return dfu.refuse()

    worker.run()


main(sys.argv[1])
