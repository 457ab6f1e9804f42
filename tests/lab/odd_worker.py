#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""A worker for the tests, which does what its arguments say, one word after the other.

ready notify fd    say that it is ready: control socket, NOTIFY_SOCKET, NOTIFY_FD
bound              wait until the function is bound: `up` would not like an earlier end
tell FIFO          write a line to it: whoever reads it knows that we are here
dump FILE          what we were given, as JSON
children           two children that do nothing, in our session
daemon             one that has left it, in a session of its own, as daemons do
naked-daemon       one that has also thrown its environment away
deaf               ignore SIGTERM
take N             N bytes of memory, for as long as it lives
spin               work for ever
beat SECONDS       send WATCHDOG=1 for ever, so far apart
flood              print without end
shut               close the control socket
fill               send what nobody asked for until the socket is full
garbage            send what is no message
echo               send back what comes on the first OUT endpoint on the first IN endpoint
setup              serve control requests; see Setups
only N,N...        of what Setups knows; all else is refused
switch NAME        ask to become that gadget
unbound            wait until the function is unbound
stats FIFO         send what comes there as STATS: each line is a number of times and bytes, in hex
traffic N SECONDS  say each second that N more bytes were moved on the first endpoint, twice as
                   many on the second
exit N, raise N    end so
wait               for ever
stop               until we are told to stop
"""

# What only some words need is imported there: a worker is started a thousand times
import errno
import os
import signal
import socket
import struct
import sys
import time

EVENT, SETUP, DATA, PING, STOP = 1, 2, 3, 4, 5
READY, ACCEPT, STALL, PONG, STATS, SWITCH, TRAFFIC = 33, 34, 35, 36, 37, 38, 39
BIND, UNBIND = 0, 1  # of EVENT

names = os.environ.get("LISTEN_FDNAMES", "").split(":")
fds = {name: 3 + i for i, name in enumerate(names)}
control = socket.socket(fileno=fds["control"])


def message(kind, id=0, body=b""):
    return struct.pack("<HHII", 1, kind, len(body), id) + body


def send(kind, id=0, body=b""):
    control.send(message(kind, id, body))


def forever():
    while True:
        signal.pause()


def fork(then):
    """A child that has begun with what it does when we return."""
    read, write = os.pipe()
    if os.fork() == 0:
        os.close(read)
        then(write)
        forever()
    os.close(write)
    os.read(read, 1)
    os.close(read)


def child(write):
    os.write(write, b".")
    os.close(write)


def daemon(write):
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    child(write)


def naked_daemon(write):
    os.setsid()
    if os.fork() != 0:
        os._exit(0)
    # It has begun when the exec closes this end. It keeps the endpoints.
    os.set_inheritable(write, False)
    for fd in fds.values():
        os.set_inheritable(fd, True)
    os.execve("/bin/sleep", ["naked", "100000"], {})


def dump(path):
    import json
    import resource

    opened = [fd for fd in os.listdir("/proc/self/fd") if os.path.lexists("/proc/self/fd/" + fd)]
    status = dict(line.split(":\t", 1) for line in open("/proc/self/status").read().splitlines())
    with open(path, "w") as f:
        json.dump({
            "status": status,
            "environ": dict(os.environ),
            "fds": {fd: os.readlink("/proc/self/fd/" + fd) for fd in opened},
            "flags": {name: open("/proc/self/fdinfo/%d" % fd).read() for name, fd in fds.items()},
            "cwd": os.getcwd(),
            "pid": os.getpid(),
            "sid": os.getsid(0),
            "pgid": os.getpgrp(),
            "blocked": status["SigBlk"],
            "ignored": status["SigIgn"],
            "limits": {name: resource.getrlimit(getattr(resource, "RLIMIT_" + name)) for name in ("AS", "NOFILE", "CPU")},
            "config": json.loads(os.pread(fds["config"], 1 << 20, 0)),
        }, f)


def in_background(run):
    import threading

    threading.Thread(target=run, daemon=True).start()


def flood():
    def run():
        while True:
            os.write(1, b"all work and no play makes jack a dull boy\n" * 100)

    in_background(run)


def fill():
    control.setblocking(False)
    try:
        for _ in range(100000):
            send(STALL, 12345, bytes(1000))
    except BlockingIOError:
        pass


def garbage():
    for data in (b"x", os.urandom(11), os.urandom(12), os.urandom(4000), bytes(60000),
                 struct.pack("<HHII", 1, DATA, 0xFFFFFFFF, 0), message(SETUP, 1, bytes(8)),
                 message(STOP), message(4711, 4711, b"?"), message(DATA, 99, b"never asked"),
                 struct.pack("<HHII", 77, STALL, 0, 0), b""):  # the last one is taken for the end
        control.send(data)


def echo():
    out = next(fd for name, fd in fds.items() if name.endswith("-out"))
    in_ = next(fd for name, fd in fds.items() if name.endswith("-in"))

    def run():
        while True:
            try:
                os.write(in_, os.read(out, 65536))
            except OSError as e:
                if e.errno != errno.ESHUTDOWN:
                    os.abort()

    in_background(run)


class Setups:
    """bRequest: 1 returns what 2 has written; 3 takes no data; 4 is refused; 5 is never answered; 6
    is answered when 600 ms are over; 7 ends us; 8 is answered with another id first, and twice; 9
    sends more than was asked for; 10 is accepted, and what 2 has written asked for in a SWITCH."""

    def __init__(self, known):
        self.known = known
        self.kept, self.pending = b"nothing", None

    def handle(self, id, setup):
        kind, request, value, index, length = struct.unpack("<BBHHH", setup)
        if request not in self.known:
            send(STALL, id)
        elif request == 1:
            send(DATA, id, self.kept)
        elif request == 2:
            self.pending = id
            send(ACCEPT, id)
        elif request == 3:
            self.kept = struct.pack("<HH", value, index)
            send(ACCEPT, id)
        elif request == 5:
            pass
        elif request == 6:
            time.sleep(0.6)
            send(DATA, id, b"late")
        elif request == 7:
            os._exit(1)
        elif request == 8:
            send(DATA, id + 1, b"wrong")
            send(DATA, id, b"right")
            send(DATA, id, b"again")
        elif request == 9:
            send(DATA, id, bytes(1000))
        elif request == 10:
            send(ACCEPT, id)
            send(SWITCH, 0, self.kept)
        else:
            send(STALL, id)

    def serve(self):
        while packet := control.recv(12 + 65535):
            kind, id = struct.unpack_from("<2xH4xI", packet)
            if kind == SETUP:
                self.handle(id, packet[12:])
            elif kind == DATA and id == self.pending:
                self.kept = packet[12:]
            elif kind == STOP:
                break


def main(words):
    words, taken, known = iter(words), [], range(1, 11)
    for word in words:
        if word == "ready":
            send(READY)
        elif word == "notify":
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                s.sendto(b"STATUS=here\nREADY=1\n", os.environ["NOTIFY_SOCKET"])
        elif word == "fd":
            os.write(int(os.environ["NOTIFY_FD"]), b"\n")
            os.close(int(os.environ["NOTIFY_FD"]))
        elif word in ("bound", "unbound"):
            packet, event = b"", BIND if word == "bound" else UNBIND
            while (packet[2:4], packet[12:13]) != (struct.pack("<H", EVENT), bytes([event])):
                packet = control.recv(12 + 65535)
        elif word == "switch":
            send(SWITCH, 0, next(words).encode())
        elif word == "tell":
            with open(next(words), "w") as f:
                f.write("%d\n" % os.getpid())
        elif word == "dump":
            dump(next(words))
        elif word == "children":
            fork(child)
            fork(child)
        elif word == "daemon":
            fork(daemon)
        elif word == "naked-daemon":
            fork(naked_daemon)
        elif word == "deaf":
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
        elif word == "take":
            taken.append(bytearray(int(next(words))))
        elif word == "beat":
            seconds = float(next(words))
            with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
                while True:
                    s.sendto(b"WATCHDOG=1\n", os.environ["NOTIFY_SOCKET"])
                    time.sleep(seconds)
        elif word == "spin":
            while True:
                pass
        elif word == "flood":
            flood()
        elif word == "shut":
            control.close()
        elif word == "fill":
            fill()
        elif word == "garbage":
            garbage()
        elif word == "echo":
            echo()
        elif word == "only":
            known = [int(n) for n in next(words).split(",")]
        elif word == "setup":
            Setups(known).serve()
        elif word == "traffic":
            each, seconds = int(next(words)), int(next(words))
            for n in range(1, seconds + 1):
                send(TRAFFIC, 0, struct.pack("<QQ", each * n, 2 * each * n))
                time.sleep(1)
        elif word == "stats":
            with open(next(words)) as lines:
                for times, *body in map(str.split, lines):
                    for _ in range(int(times)):
                        send(STATS, body=bytes.fromhex("".join(body)))
        elif word == "stop":
            while control.recv(12 + 65535)[2:4] != struct.pack("<H", STOP):
                pass
        elif word == "exit":
            os._exit(int(next(words)))
        elif word == "raise":
            signal.raise_signal(int(next(words)))
        elif word == "wait":
            forever()
        else:
            raise SystemExit("odd_worker.py: what is '%s'?" % word)
    os._exit(0)  # the threads are inside system calls


main(sys.argv[1:])
