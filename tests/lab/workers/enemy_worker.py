# SPDX-License-Identifier: GPL-2.0-or-later
"""The attacker that is the program of a worker. It has the moves of a user (enemy.py), and attacks with the descriptors
that it got."""

import ctypes
import fcntl
import json
import mmap
import os
import random
import signal
import socket
import struct
import sys

sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import enemy  # noqa: E402
from enemy import LIBC, left_running, move, refused  # noqa: E402

CONFIG, CONTROL, ENDPOINTS = 3, 4, (5, 6)
READY, ACCEPT, STALL, PONG, STATS, SWITCH, TRAFFIC = 33, 34, 35, 36, 37, 38, 39


def message(kind, body=b"", number=0, version=1, length=None):
    return struct.pack("<HHII", version, kind, len(body) if length is None else length, number) + body


def speak(data, fds=()):
    with socket.socket(fileno=os.dup(CONTROL)) as control:
        rights = [(socket.SOL_SOCKET, socket.SCM_RIGHTS, struct.pack(f"{len(fds)}i", *fds))] if fds else []
        control.sendmsg([data], rights, socket.MSG_DONTWAIT | socket.MSG_NOSIGNAL)


def any_bytes(rng, most):
    return rng.randbytes(rng.choice((0, 1, 11, 12, 13, rng.randrange(most), most)))


@move(20)
def send_any_message(rng):
    for _ in range(rng.randrange(1, 6)):
        kind = rng.choice((rng.randrange(1, 6), rng.randrange(33, 40), rng.randrange(1 << 16)))
        length = rng.choice((None, None, rng.getrandbits(32)))
        number, version = rng.choice((0, 1, rng.getrandbits(32))), rng.choice((1, 1, 1, rng.getrandbits(16)))
        speak(message(kind, any_bytes(rng, 70000), number, version, length))


@move(6)
def send_no_message(rng):
    for _ in range(rng.randrange(1, 6)):
        speak(any_bytes(rng, 100000))


@move(10)
def report_statistics(rng):
    deep = "[" * rng.randrange(1, 2000)
    body = rng.choice((b'{"a":1}', b'{"a":' + b"[" * 2000, json.dumps({str(n): n for n in range(rng.randrange(300))}).encode(),
                       b'{"a":[' + b"[]," * 1300 + b"1]}", b'{"\xff":1}', b'{"a":1,"a":2}', deep.encode(), any_bytes(rng, 5000),
                       json.dumps({"\x1b[31m\n": "\x1b]0;x\x07" * 100}).encode()))
    for _ in range(rng.choice((1, 1, 200))):
        speak(message(STATS, body))


@move(6)
def report_traffic(rng):
    for _ in range(rng.choice((1, 1, 200))):
        speak(message(TRAFFIC, any_bytes(rng, rng.choice((16, 240, 4000)))))


@move(8)
def ask_for_another_gadget(rng):
    name = rng.choice((b"victim", b"x", b"../../etc/passwd", b"", b"y" * 3000, rng.randbytes(20), b"other"))
    speak(message(SWITCH, name + rng.choice((b"", b"\0{}", b"\0" + b"[" * 3000, b"\0{\"a\":1}\0"))))


@move(6)
def be_ready_again(rng):
    speak(message(READY, rng.choice((b"", b"copy", b"mmap", b"\x1b[31m", b"x" * 1000, rng.randbytes(30)))))
    speak(message(rng.choice((PONG, ACCEPT, STALL)), b"", rng.getrandbits(16)))


@move(6)
def hand_over_more_descriptors(rng):
    null = os.open("/dev/null", os.O_RDONLY)
    try:
        for _ in range(rng.randrange(1, 5)):
            speak(message(rng.choice((READY, STATS, 1000)), b"{}"), [null] * rng.randrange(1, 20))
    finally:
        os.close(null)


@move(3)
def fill_the_control_socket(rng):
    for _ in range(400):
        speak(message(rng.choice((STALL, STATS, READY, 4711)), rng.randbytes(1000)))


@move(4)
def take_what_is_sent(_rng):
    with socket.socket(fileno=os.dup(CONTROL)) as control:
        while control.recv(65536, socket.MSG_DONTWAIT):
            pass


@move(12)
def notify(rng):
    path = os.environ["NOTIFY_SOCKET"]
    words = rng.choice((b"READY=1", b"WATCHDOG=1", b"STOPPING=1\nSTATUS=x", b"FDSTORE=1", b"BARRIER=1", b"MAINPID=1", b"\0" * 100,
                        b"READY=1\n" * 1000, rng.randbytes(100), b""))
    null = os.open("/dev/null", os.O_RDONLY)
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM | socket.SOCK_NONBLOCK) as s:
            s.connect(path)
            for _ in range(rng.choice((1, 3, 300))):
                if rng.randrange(2):
                    socket.send_fds(s, [words], [null] * rng.randrange(1, 10))
                else:
                    s.send(words)
    finally:
        os.close(null)


@move(8)
def print_something(rng):
    fcntl.fcntl(1, fcntl.F_SETFL, os.O_WRONLY | os.O_NONBLOCK)
    text = rng.choice((b"\n" * 4096, b"x" * 60000, b"\x1b[2J\x1b]0;x\x07\n", b"2026-11-21 14:30:05 up on dummy_udc.0\n",
                       rng.randbytes(5000)))
    for _ in range(rng.choice((1, 1, 10))):
        os.write(1, text)


@move(6)
def write_to_the_configuration(rng):
    path = f"/proc/self/fd/{CONFIG}"
    refused(os.write, CONFIG, b"x")
    refused(os.ftruncate, CONFIG, rng.choice((0, 1 << 20)))
    refused(mmap.mmap, CONFIG, 0, mmap.MAP_SHARED, mmap.PROT_READ | mmap.PROT_WRITE)
    refused(enemy.written, path, b"x")
    refused(os.truncate, path, 0)


def system_call(name, *args):
    """Makes a system call directly, because Python would repeat it when a signal arrives."""
    return getattr(LIBC, name)(*args)


@move(10)
def use_the_endpoints(rng):
    """Uses them for some milliseconds, because the host sends and reads no data."""
    signal.signal(signal.SIGALRM, lambda *_: None)
    signal.siginterrupt(signal.SIGALRM, True)
    signal.setitimer(signal.ITIMER_REAL, 0.005, 0.005)
    try:
        fd = rng.choice(ENDPOINTS)
        room = ctypes.create_string_buffer(65536)
        for _ in range(rng.randrange(1, 4)):
            name, *args = rng.choice((("read", fd, room, rng.randrange(65536)), ("write", fd, room, rng.randrange(65536)),
                                      ("ioctl", fd, 0x6700 | rng.randrange(256), rng.getrandbits(16)),
                                      ("ioctl", fd, rng.getrandbits(31), room), ("fcntl", fd, 4, os.O_NONBLOCK), ("fsync", fd),
                                      ("lseek", fd, rng.getrandbits(20), 0), ("ioctl", fd, 0x80096782, room)))
            system_call(name, *args)
    finally:
        signal.setitimer(signal.ITIMER_REAL, 0)
        signal.signal(signal.SIGALRM, enemy.give_up)


def leave():
    os.setsid()
    if os.fork():
        os._exit(0)
    signal.setitimer(signal.ITIMER_REAL, 2)
    signal.pause()


def leave_naked():
    os.setsid()
    if os.fork():
        os._exit(0)
    os.execve("/bin/sleep", ["[kworker/0:0]", "2"], {})


@move(4)
def leave_the_session(rng):
    for _ in range(rng.randrange(1, 4)):
        left_running(rng.choice((leave, leave_naked)))


@move(1)
def close_something(rng):
    os.close(rng.choice((CONFIG, CONTROL, 0, *ENDPOINTS)))


@move(5)
def end(rng):
    """Ends the process so that it is restarted: not with exit status 125."""
    if rng.randrange(3) == 0:
        left_running(rng.choice((leave, leave_naked)))
    if rng.randrange(2):
        os._exit(rng.choice((0, 1, 75, 124, 255)))
    sig = rng.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGSEGV, signal.SIGABRT, signal.SIGALRM))
    signal.signal(sig, signal.SIG_DFL) if sig != signal.SIGKILL else None
    os.kill(os.getpid(), sig)


if __name__ == "__main__":
    random.seed()
    speak(message(READY))
    enemy.main()
