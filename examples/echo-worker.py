#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A worker in Python, with the standard library only: sends back every message the host sends.

In the gadget file: worker : { exec = [ "./echo-worker.py" ]; ready = "notify"; };
ffsctl-worker(7) describes what ffsctl passes, and the messages of the control socket.
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


def repeat(call, *args):
    """Some UDC drivers give a transfer back when the host clears a halt: it has moved no data then."""
    while True:
        try:
            return call(*args)
        except (BrokenPipeError, BlockingIOError):  # EPIPE, EINPROGRESS
            pass


def echo(out, in_, packets):
    """Serves a pair of endpoints. A short or empty packet ends a read before it is full, and with it the
    message. Both calls wait for the host."""
    while True:
        try:
            data = repeat(os.read, out, SIZE)
            if data:
                repeat(os.write, in_, data)
            if len(data) < SIZE and len(data) % packets[speed] == 0:
                repeat(os.write, in_, b"")  # end a message of whole packets
        except OSError as e:
            if e.errno != errno.ESHUTDOWN:  # the host disabled the function; read() waits
                os.abort()


def main():
    global speed
    if os.environ.get("LISTEN_PID") != str(os.getpid()):
        raise SystemExit("echo-worker.py: must be started by ffsctl")
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
    while packet := control.recv(12 + 65535):  # empty: ffsctl has ended
        kind, id = struct.unpack_from("<2xH4xI", packet)
        if kind == EVENT and packet[12] == 2:  # enable
            speed = SPEEDS[packet[13]]
        elif kind == SETUP:
            send(STALL, id)
        elif kind == PING:
            send(PONG, id)
        elif kind == STOP:
            break
    os._exit(0)  # does not wait for the threads' system calls


main()
