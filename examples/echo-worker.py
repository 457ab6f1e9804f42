#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A worker in Python, with the standard library only: sends back every message the host sends.

In the gadget file: worker : { exec = [ "./echo-worker.py" ]; ready = "notify"; };
What ffsctl passes, and every message of the control socket: ffsctl-worker(7).
"""

import errno
import json
import os
import socket
import struct
import threading

EVENT, SETUP, DATA, PING, STOP = 1, 2, 3, 4, 5  # ffsctl to worker
READY, ACCEPT, STALL, PONG = 33, 34, 35, 36  # worker to ffsctl
SIZE = 65536  # bytes of a read: whole packets at every speed
SPEEDS = {2: "full", 3: "high", 5: "super", 6: "super"}

speed = "high"


def echo(out, in_, packets):
    """One pair of endpoints. A read ends when it is full or with a packet that is not (also an
    empty one): with that the message ends, too. Both calls wait for the host."""
    while True:
        try:
            data = os.read(out, SIZE)
            if data:
                os.write(in_, data)
            if len(data) < SIZE and len(data) % packets[speed] == 0:
                os.write(in_, b"")  # no short packet would show the end: an empty one does
        except OSError as e:
            if e.errno != errno.ESHUTDOWN:  # the link went down: read() waits until it is up
                os.abort()


def main():
    global speed
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        raise SystemExit("echo-worker.py: started by ffsctl only")
    names = os.environ["LISTEN_FDNAMES"].split(":")
    fds = {name: 3 + i for i, name in enumerate(names)}
    config = json.loads(os.pread(fds["config"], 1 << 20, 0))
    control = socket.socket(fileno=fds["control"])
    both = [[e for e in config["endpoints"] if e["direction"] == d] for d in ("out", "in")]
    for out, in_ in zip(*both):
        arguments = (fds[out["name"]], fds[in_["name"]], in_["packet"])
        threading.Thread(target=echo, args=arguments, daemon=True).start()

    def send(kind, id=0):
        control.send(struct.pack("<HHII", 1, kind, 0, id))

    send(READY)
    while packet := control.recv(12 + 65535):  # empty: the supervisor is gone
        kind, id = struct.unpack_from("<2xH4xI", packet)
        if kind == EVENT and packet[12] == 2:  # enable
            speed = SPEEDS[packet[13]]
        elif kind == SETUP:
            send(STALL, id)
        elif kind == PING:
            send(PONG, id)
        elif kind == STOP:
            break
    os._exit(0)  # the threads are inside system calls


main()
