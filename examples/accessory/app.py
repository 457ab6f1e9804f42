#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A worker for Android accessory mode: sends back every message, and requests the switch back to the
phone when the host disconnects. See app.conf, and ffsctl-worker(7) for the messages on `control`."""

import errno
import json
import os
import select
import socket
import struct
import sys
import threading

EVENT, SETUP, PING, STOP, READY, STALL, PONG, SWITCH = 1, 2, 4, 5, 33, 35, 36, 38
ENABLE, DISABLE = 2, 3
MESSAGE_MAX = 16384  # bytes
CONNECT, RECONNECT = 10, 2  # seconds until a host must connect, and connect again after a reset

if "LISTEN_FDNAMES" not in os.environ:
    sys.exit("app.py: must be started by ffsctl")
fds = {name: 3 + i for i, name in enumerate(os.environ["LISTEN_FDNAMES"].split(":"))}
config = json.loads(os.pread(fds["config"], 1 << 20, 0))
control = socket.socket(fileno=fds["control"])


def send(kind, id=0, body=b""):
    control.send(struct.pack("<HHII", 1, kind, len(body), id) + body)


def repeat(call, *args):
    """Some UDC drivers give a transfer back when the host clears a halt: it has moved no data then (ffsctl-worker(7))."""
    while True:
        try:
            return call(*args)
        except (BrokenPipeError, BlockingIOError):  # EPIPE, EINPROGRESS
            pass


def echo(fd):
    """A read is a message from the host, a write is a message to it."""
    while True:
        try:
            repeat(os.write, fd, repeat(os.read, fd, MESSAGE_MAX))
        except OSError as e:
            if e.errno != errno.ESHUTDOWN:  # the link was down; the next call waits until it is up
                os.abort()


def serve(phone):
    """Runs until STOP. `phone`: the gadget to switch back to; None: none."""
    patience = CONNECT
    while True:
        if not select.select([control], [], [], patience if phone else None)[0]:
            print("the host disconnected", flush=True)
            send(SWITCH, 0, phone.encode())
            patience = None
            continue
        packet = control.recv(12 + 65535)
        if not packet:
            return
        kind, id = struct.unpack_from("<2xH4xI", packet)
        if kind == EVENT and packet[12] in (ENABLE, DISABLE):
            patience = None if packet[12] == ENABLE else RECONNECT
        elif kind == SETUP:
            send(STALL, id)
        elif kind == PING:
            send(PONG, id)
        elif kind == STOP:
            return


switched = config.get("switch", {})
print("accessory:", json.dumps(switched.get("message", {})), flush=True)
threading.Thread(target=echo, args=[fds["ep1_rw"]], daemon=True).start()
send(READY)
serve(switched.get("from"))
os._exit(0)  # does not wait for the other thread's system call
