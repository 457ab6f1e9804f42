#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The app of an Android accessory, as a worker: sends back every message, and asks to be the phone
again when the host has gone. See app.conf, and ffsctl-worker(7) for what is on `control`."""

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
MOST = 16384  # bytes of a message that hosts send at once
COMES, GOES = 10, 2  # seconds in which a host must come; and in which one that resets us is back

if "LISTEN_FDNAMES" not in os.environ:
    sys.exit("app.py: started by ffsctl only")
fds = {name: 3 + i for i, name in enumerate(os.environ["LISTEN_FDNAMES"].split(":"))}
config = json.loads(os.pread(fds["config"], 1 << 20, 0))
control = socket.socket(fileno=fds["control"])


def send(kind, id=0, body=b""):
    control.send(struct.pack("<HHII", 1, kind, len(body), id) + body)


def echo(fd):
    """One read is one message of the host's, one write one of ours."""
    while True:
        try:
            os.write(fd, os.read(fd, MOST))
        except OSError as e:
            if e.errno != errno.ESHUTDOWN:  # the link was down; the next call waits for it
                os.abort()


def serve(phone):
    """Until we are told to stop. `phone`: what to be again; None: nothing."""
    patience = COMES
    while True:
        if not select.select([control], [], [], patience if phone else None)[0]:
            print("the host has gone", flush=True)
            send(SWITCH, 0, phone.encode())
            patience = None
            continue
        packet = control.recv(12 + 65535)
        if not packet:
            return
        kind, id = struct.unpack_from("<2xH4xI", packet)
        if kind == EVENT and packet[12] in (ENABLE, DISABLE):
            patience = None if packet[12] == ENABLE else GOES
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
os._exit(0)  # the other thread waits inside a system call
