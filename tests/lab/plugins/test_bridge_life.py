# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
# lab all: kernel=6.12 build=sanitize timeout=300
# lab all: kernel=6.12 flavour=debug timeout=300
"""Clients, servers, programs, links and workers of the plugin bridge start and end. No data is lost that can be
delivered, and no peer waits for a client that has disconnected."""

import contextlib
import errno
import fcntl
import os
import pathlib
import re
import signal
import socket
import struct
import tempfile
import termios
import time
import tty

import bridge as b
from bridge import BULK, Lengths, connect, gadget, listen
from tap import at_most, contains, eq, in_words_of_libc, main, ok, raises, test
from worker_harness import PING, PONG, WORKER, Gadget, message

TMP = tempfile.mkdtemp(prefix="ffsctl-bridge-")
os.chmod(TMP, 0o777)
UNIX, INET = socket.AF_UNIX, socket.AF_INET
STREAM, SEQPACKET = socket.SOCK_STREAM, socket.SOCK_SEQPACKET
TCP = ("127.0.0.1", 4000)
SHORT = 2000  # ms of virtual time, which passes when there is nothing to do
NEVER = 125
AT_ONCE = os.environ.get("LAB_UDC", "dummy") == "dummy"  # dummy_hcd takes a short packet before the host asks for it


def path(name):
    return os.path.join(TMP, name)


def client(address="\0bridge", kind=STREAM):
    return connect(UNIX, kind, address)


def takes_nothing(usb, data=b"x"):
    """The host's data is not wanted now."""
    eq(raises(OSError, usb.write, data, SHORT).errno, errno.ETIMEDOUT)


def has_nothing(usb):
    eq(raises(OSError, usb.read_some, SHORT).errno, errno.ETIMEDOUT)


def silent(sock):
    sock.settimeout(SHORT / 1000)
    raises(TimeoutError, sock.recv, 1)
    sock.settimeout(None)


# --- options --------------------------------------------------------------------------------------

SOME = {"listen": "unix:@bridge"}
REFUSED = [
    ({}, "no peer: set one of the options"),
    ({"listen": "tcp:127.0.0.1:4000", "tty": "/dev/tty0"}, "options 'listen' and 'tty' exclude each other"),
    ({"fifo_in": "/f", "command": "cat"}, "options 'fifo_in' and 'command'"),
    ({"listen": "127.0.0.1:4000"}, "neither \"tcp:HOST:PORT\" nor \"unix:PATH\""),
    *(({"listen": "tcp:" + text}, "is not \"tcp:HOST:PORT\"") for text in
      ("4000", ":4000", "localhost", "localhost:", "localhost:0", "localhost:65536", "localhost:4000x", "::1:4000")),
    ({"listen": "unix:relative"}, "the path of a socket must begin with '/'"),
    ({"listen": "unix:@"}, "the path of a socket must begin with '/'"),
    ({"listen": "unix:/" + "x" * 107}, "is limited to 107 bytes"),
    ({"listen": "unix:/nowhere/socket"}, "cannot listen on 'unix:/nowhere/socket': No such file or directory; "
                                         "the directory does not exist"),
    ({"listen": "tcp:no.such.host.invalid:1"}, "cannot find the address of 'no.such.host.invalid'"),
    ({"connect": "tcp:127.0.0.1:4000", "clients": 2}, "option 'clients' can be used only with 'listen', not with 'connect'"),
    ({"command": "cat", "baud": 9600}, "option 'baud' can be used only with 'tty', not with 'command'"),
    ({"command": "cat", "flow": "none"}, "option 'flow' can be used only with 'tty'"),
    ({"command": "cat", "socket_mode": "0600"}, "option 'socket_mode' can be used only with 'listen'"),
    ({"command": " "}, "option 'command' is empty"),
    ({"command": "/no/such/program -x"}, "cannot start '/no/such/program': No such file or directory"),
    ({"command": "/etc/passwd"}, "cannot start '/etc/passwd': Permission denied"),
    ({"command": "nosuchprogram"}, "cannot start 'nosuchprogram': not found in PATH"),
    ({"command": "cat", "framing": "packet"}, "framing \"packet\" is for Unix sockets, not for 'command'"),
    ({"listen": "tcp:127.0.0.1:4000", "framing": "packet"}, "is for Unix sockets, not for TCP"),
    ({**SOME, "framing": "length", "clients": 9}, "it must be at most io.depth (8)"),
    ({**SOME, "socket_mode": "0600"}, "option 'socket_mode' can be used only with \"unix:/PATH\""),
    ({"listen": "unix:/tmp/x", "socket_mode": "rw"}, "option 'socket_mode' is 'rw'; it must be octal"),
    ({"tty": "ttyS0"}, "option 'tty' is 'ttyS0'; it must be an absolute path"),
    ({"tty": "/dev/x", "retry_delay": 0.0}, "option 'retry_delay' must be 0.01 to 86400 seconds, not 0"),
    ({"tty": "/dev/x", "retry_max_delay": 1e9}, "option 'retry_max_delay'"),
]


@test("what cannot work is refused at the start, with the reason")
def impossible_start_is_refused():
    with Gadget(BULK) as g:
        for options, text in REFUSED:
            w = g.worker([WORKER, b.BRIDGE], options=options)
            eq(w.wait(), NEVER, str(options))
            contains(w.log(), text)
    for endpoints, text in (([("bulk", "in")] * 2, "endpoint ep2-in is one too many"),
                            ([("bulk", "out")], "option 'fifo_in': the function has no IN endpoint")):
        with Gadget(endpoints) as g:
            w = g.worker([WORKER, b.BRIDGE], options={"fifo_in": "/fifo"})
            eq(w.wait(), NEVER)
            contains(w.log(), text)


# --- back-pressure --------------------------------------------------------------------------------


def write_until_full(usb, table):
    """Sends packets until no more is accepted; returns the number of bytes."""
    for at in range(0, len(table), usb.packet):
        try:
            usb.bulk(usb.out, table[at:at + usb.packet], timeout=SHORT)
        except OSError as e:
            eq(e.errno, errno.ETIMEDOUT)
            return at
    raise AssertionError("it takes everything")


def send_until_full(sock, table):
    sock.settimeout(SHORT / 1000)
    at = 0
    with contextlib.suppress(TimeoutError):
        while at < len(table):
            at += sock.send(table[at:at + 16384])
    ok(at < len(table), "it takes everything")
    sock.settimeout(None)
    return at


TABLE = os.urandom(1 << 22)


@test("a client that does not read stops the host; then it gets every byte")
def idle_client_stops_host():
    with gadget(listen="unix:@bridge") as (g, w, usb), client() as sock:
        n = write_until_full(usb, TABLE)
        ok(8 * 65536 <= n <= 8 * 65536 + (1 << 20), f"{n} bytes are buffered")
        peer = b.Bytes(sock)
        ok(peer.read(n) == TABLE[:n], "not what was sent")
        silent(sock)
        usb.write(b"more")
        eq(peer.read(4), b"more")


@test("a host that does not read stops the client; then it gets every byte")
def idle_host_stops_client():
    with gadget(listen="unix:@bridge") as (g, w, usb), client() as sock:
        n = send_until_full(sock, TABLE)  # how much data a transfer has depends on which side was faster
        ok(8 * 16384 <= n <= 8 * 65536 + (1 << 20), f"{n} bytes are buffered")
        ok(usb.read_bytes(n) == TABLE[:n], "not what was sent")
        has_nothing(usb)
        sock.sendall(b"more")
        eq(usb.read_some(), b"more")


@test("a client that goes while the host does not read: every byte that it sent comes; then the next client's")
def client_leaves_before_host_reads():
    with gadget(listen="unix:@bridge") as (g, w, usb):
        with client() as sock:
            n = send_until_full(sock, TABLE)
        with client() as sock:
            sock.sendall(b"next")
            ok(usb.read_bytes(n) == TABLE[:n], "not what was sent")
            eq(usb.read_some(), b"next")


@test("both sides are blocked: STOP ends the worker at once")
def stop_while_both_block():
    with gadget(listen="unix:" + path("stop")) as (g, w, usb), client(path("stop")) as sock:
        write_until_full(usb, TABLE)
        send_until_full(sock, TABLE)
    ok(not os.path.exists(path("stop")), "the path is left")


# --- clients --------------------------------------------------------------------------------------


@test("without a client the host's data waits")
def without_client_data_waits():
    with gadget(listen="unix:@bridge") as (g, w, usb):
        takes_nothing(usb)
        with client() as sock:
            usb.write(b"one")
            eq(sock.recv(100), b"one")
        time.sleep(SHORT / 1000)  # until its end is seen
        usb.write(b"two")  # transfers are there: it waits in them
        with client() as sock:
            eq(sock.recv(100), b"two")


@test("without_client = \"discard\": it is thrown away, and counted")
def without_client_discard():
    with gadget(listen="unix:@bridge", without_client="discard") as (g, w, usb):
        usb.write(b"x" * 3000)
        eq(b.stats(w), {"clients": 0, "to_host": 0, "from_host": 0, "dropped": 3000})
        with client() as sock:
            sock.sendall(b"hello")
            eq(usb.read(), b"hello")
            usb.write(b"one")
            eq(sock.recv(100), b"one")
            eq(b.stats(w), {"clients": 1, "to_host": 5, "from_host": 3, "dropped": 3000})


@test("without_client = \"discard\": a client that goes in the middle of a transfer takes nothing of the next one's")
def discard_keeps_transfers_apart():
    with gadget(listen="unix:@bridge", without_client="discard", size=1 << 20, depth=2) as (g, w, usb):
        with client() as sock:
            usb.write(TABLE[:900000])  # one transfer, more than the socket has room for
            time.sleep(SHORT / 1000)
            has = struct.unpack("i", fcntl.ioctl(sock, termios.FIONREAD, bytes(4)))[0]
            ok(0 < has < 900000, f"it has {has} bytes of the transfer: nothing is tested")
        while b.stats(w)["clients"]:
            pass
        with client() as sock:
            time.sleep(SHORT / 1000)
            sock.settimeout(SHORT / 1000)
            for data in (TABLE[100:600100], b"more"):
                usb.write(data)
                got = b""
                while len(got) < len(data):
                    more = sock.recv(1 << 20)
                    ok(more, f"the connection ends after {len(got)} bytes")
                    got += more
                ok(got == data, "not what was sent")


@test("one client at a time: the next waits, and loses nothing")
def one_client_at_a_time():
    with gadget(listen="unix:@bridge") as (g, w, usb), client() as first, client() as second:
        second.sendall(b"second")
        first.sendall(b"first")
        eq(usb.read(), b"first")
        has_nothing(usb)
        usb.write(b"to the first")
        eq(first.recv(100), b"to the first")
        silent(second)
        first.close()
        eq(usb.read(), b"second")
        usb.write(b"to the second")
        eq(second.recv(100), b"to the second")


@test("clients = 3: each gets everything, the slowest gives the pace, and no message comes into another")
def three_clients_get_everything():
    with gadget(listen="unix:@bridge", clients=3, framing="length", size=4096) as (g, w, usb):
        socks = [client() for _ in range(4)]
        peers = [Lengths(s) for s in socks]
        time.sleep(SHORT / 1000)  # until all three are served: who comes later gets nothing of before
        usb.write(b"all")
        eq([p.receive() for p in peers[:3]], [b"all"] * 3)
        silent(socks[3])
        # Long ones, from all three at once
        sent = [bytes([65 + i]) * 20000 for i in range(3)]
        b.Threads(*(lambda p=p, m=m: [p.send(m) for _ in range(10)] for p, m in zip(peers, sent)),
                  lambda: eq(sorted(usb.receive() for _ in range(30)), sorted(sent * 10))).join()
        # One client does not read: the others get the same data as this client, and little more
        n, got = 0, b""
        with contextlib.suppress(TimeoutError):
            while usb.write(b"n" * 1000, SHORT) is None:
                n += 1
        socks[0].settimeout(SHORT / 1000)
        with contextlib.suppress(TimeoutError):
            while more := socks[0].recv(1 << 20):
                got += more
        socks[0].settimeout(None)
        ok(0 < len(got) < n * 1004, f"{len(got)} bytes of {n} messages")
        b.Threads(*(lambda p=p, n=n * 1004 - (len(got) if p is peers[0] else 0): p.read(n) for p in peers[:3])).join()
        usb.write(b"end")
        eq([p.receive() for p in peers[:3]], [b"end"] * 3)
        for s in socks:
            s.close()


@test("a client that never stops sending keeps no other from the host")
def busy_client_keeps_no_other():
    for framing in ("none", "packet"):
        kind = SEQPACKET if framing == "packet" else STREAM
        with gadget(listen="unix:@bridge", clients=2, framing=framing, depth=4) as (g, w, usb):
            with client(kind=kind) as greedy, client(kind=kind) as other:
                greedy.settimeout(SHORT / 1000)
                with contextlib.suppress(TimeoutError):
                    while True:
                        greedy.send(b"g" * 5000)
                other.send(b"other")
                time.sleep(SHORT / 1000)
                for n in range(1, 100):
                    if usb.receive() == b"other":
                        break
                ok(n <= 6, f"it came as number {n}")


@test("a packet that needs several transfers gets them, also beside short ones that never stop")
def long_packet_beside_short_ones():
    with gadget(listen="unix:@bridge", clients=2, framing="packet", size=4096, depth=4) as (g, w, usb):
        with client(kind=SEQPACKET) as greedy, client(kind=SEQPACKET) as other:
            greedy.setblocking(False)
            long = b"l" * 10000
            for n in range(30):
                with contextlib.suppress(BlockingIOError):
                    while True:
                        greedy.send(b"short")
                if n == 0:
                    time.sleep(SHORT / 1000)  # until it has all transfers
                    other.send(long)
                time.sleep(SHORT / 1000)
                if usb.receive() == long:  # only one transfer comes back
                    break
            # All transfers that were out, and one that may have had its turn
            ok(n <= 5, f"{n} short ones came before it")


@test("a client that comes in the middle of a message begins with the next one")
def client_joins_in_mid_message():
    with gadget(listen="unix:@bridge", clients=2, framing="length", size=4096) as (g, w, usb):
        with client() as first:
            usb.bulk(usb.out, b"a" * 4096)  # the first piece; no end
            eq(first.recv(4), struct.pack("<I", 4096 | b.MORE))
            with client() as second:
                time.sleep(SHORT / 1000)
                usb.write(b"b" * 10)
                usb.write(b"next")
                eq(Lengths(second).receive(), b"next")
            eq(b.Bytes(first).read(4096), b"a" * 4096)
            eq(Lengths(first).receive(), b"b" * 10)
            eq(Lengths(first).receive(), b"next")


@test("a client that goes in the middle of a message from the host: the next one begins with the next message")
def client_leaves_in_mid_message():
    with gadget(listen="unix:@bridge", framing="length", size=4096) as (g, w, usb):
        with client() as sock:
            usb.bulk(usb.out, b"a" * 4096)  # the first piece; no end
            eq(sock.recv(4), struct.pack("<I", 4096 | b.MORE))
        time.sleep(SHORT / 1000)
        usb.write(b"b" * 10)
        usb.write(b"next")
        with client() as sock:
            eq(Lengths(sock).receive(), b"next")
            write_until_full(usb, TABLE)  # without a short packet: all of it is one message
            sock.recv(1)
        with client() as sock:
            usb.write(b"its end")
            usb.write(b"next")
            eq(Lengths(sock).receive(), b"next")


@test("a client that goes while it has a part of a message: the next one gets that message from its start")
def message_restarts_for_next_client():
    with gadget(listen="unix:@bridge", framing="length") as (g, w, usb):
        n = 0
        with client() as sock, contextlib.suppress(TimeoutError):
            while True:
                usb.write(struct.pack("<I", n) + b"m" * 5000, SHORT)
                n += 1
        with client() as sock:
            peer = Lengths(sock)
            first = message = struct.unpack_from("<I", peer.receive())[0]
            while message < n - 1:
                got = peer.receive()
                eq(got, struct.pack("<I", message + 1) + b"m" * 5000)
                message += 1
            ok(0 < first < n - 1, f"{first} of {n}")


@test("half close: a client that has ended its side still gets data, until another needs its place")
def half_closed_client():
    for family, kind, address, text in ((INET, STREAM, TCP, "tcp:127.0.0.1:4000"),
                                        (UNIX, STREAM, "\0bridge", "unix:@bridge")):
        with gadget(listen=text) as (g, w, usb), connect(family, kind, address) as first:
            first.sendall(b"question")
            first.shutdown(socket.SHUT_WR)
            eq(usb.read(), b"question")
            time.sleep(100)
            usb.write(b"answer")
            eq(first.recv(100), b"answer")
            with connect(family, kind, address) as second:
                eq(first.recv(100), b"")
                usb.write(b"other")
                eq(second.recv(100), b"other")


@test("a client of TCP that has closed makes room at once")
def closed_tcp_client_makes_room():
    with gadget(listen="tcp:127.0.0.1:4000") as (g, w, usb):
        for text in (b"a", b"b", b"c"):
            with connect(INET, STREAM, TCP) as sock:
                sock.sendall(text)
                eq(usb.read(), text)
                usb.write(text * 2)
                eq(sock.recv(100), text * 2)


@test("a client that has closed makes room also when the host reads nothing")
def closed_client_makes_room_unread():
    with gadget(listen="tcp:127.0.0.1:4000", depth=2) as (g, w, usb):
        with connect(INET, STREAM, TCP) as sock:
            for _ in range(2 + AT_ONCE):  # two fill the transfers
                sock.sendall(b"x")
                time.sleep(SHORT / 1000)
        with connect(INET, STREAM, TCP) as sock:
            time.sleep(SHORT / 1000)
            usb.write(b"hello")
            eq(sock.recv(100), b"hello")


@test("a client goes in the middle of a message: it is cut, told, and the next one is whole")
def cut_message_is_told():
    with gadget(listen="unix:@bridge", framing="length", size=16384) as (g, w, usb):
        with client() as sock:
            sock.sendall(struct.pack("<I", 100000) + b"c" * 50000)
            got = usb.read(16384)
        with client() as sock:
            Lengths(sock).send(b"whole")
            got += usb.receive()
            ok(got == b"c" * len(got) and len(got) < 100000, f"{len(got)} bytes")
            eq(usb.receive(), b"whole")
        contains(w.log(), "truncated a message to the host")
        with client() as sock:  # of a short one nothing has been sent yet
            sock.sendall(struct.pack("<I", 100) + b"d" * 50)
        with client() as sock:
            Lengths(sock).send(b"whole")
            eq(usb.receive(), b"whole")


@test("the socket's mode: 0600 if not given")
def socket_mode():
    def try_as_nobody():
        pid = os.fork()
        if pid == 0:
            try:
                os.setuid(65534)
                client(path("mode")).close()
                os._exit(0)
            except PermissionError:
                os._exit(1)
            finally:
                os._exit(2)
        return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])

    for options, mode, result in (({}, 0o600, 1), ({"socket_mode": "0666"}, 0o666, 0)):
        with gadget(listen="unix:" + path("mode"), **options):
            eq(os.stat(path("mode")).st_mode & 0o777, mode)
            eq(try_as_nobody(), result)


# --- servers, ttys, FIFOs ---------------------------------------------------------------------------


def delays(times, *wanted):
    """The times between are these; what runs in between takes some, too."""
    got = [later - earlier for earlier, later in zip(times, times[1:])]
    ok(len(got) == len(wanted) and all(w <= g < at_most(w * 1.4) for g, w in zip(got, wanted)), f"{got}, not {wanted}")


def accepts(server, n):
    """When so many connections came, each of which was closed at once."""
    times = []
    for _ in range(n):
        server.accept()[0].close()
        times.append(time.monotonic())
    return times


@test("connecting again: with a delay that doubles, up to a limit; after 10 s of service anew")
def reconnect_delay_doubles():
    with listen(UNIX, STREAM, path("server")) as server:
        with gadget(connect="unix:" + path("server"), retry_delay=0.5, retry_max_delay=3.0) as (g, w, usb):
            delays(accepts(server, 6), 0.5, 1, 2, 3, 3)
            sock = server.accept()[0]
            sock.sendall(b"hello")
            eq(usb.read(), b"hello")
            time.sleep(11)
            sock.close()
            delays(accepts(server, 3), 1, 2)
            contains(w.log(), f"unix:{path('server')} was closed; trying again")


@test("a server that is not there yet: told once, found as soon as it is")
def server_appears_later():
    where = path("late")
    with gadget(connect="unix:" + where, retry_delay=0.1, retry_max_delay=0.2) as (g, w, usb):
        time.sleep(5)
        takes_nothing(usb)
        with listen(UNIX, STREAM, where) as server:
            with server.accept()[0] as sock:
                usb.write(b"now")
                eq(sock.recv(100), b"now")
        log = w.log()
        eq(log.count("cannot connect to"), 1, log)
        contains(log, f"cannot connect to unix:{where}: No such file or directory")
        contains(log, f"unix:{where} is open")
    with gadget(connect="tcp:127.0.0.1:4009", retry_delay=0.1) as (g, w, usb):
        time.sleep(5)
        contains(w.log(), "cannot connect to tcp:127.0.0.1:4009: Connection refused; no program listens there; trying again")
    with gadget(connect="tcp:no.such.host.invalid:4009", retry_delay=0.1) as (g, w, usb):
        time.sleep(5)
        contains(w.log(), "cannot find the address of no.such.host.invalid")


@test("a connection that breaks in the middle: the next one goes on with the byte behind the last that was taken")
def connection_breaks():
    with listen(UNIX, STREAM, path("server")) as server:
        with gadget(connect="unix:" + path("server"), retry_delay=0.01) as (g, w, usb):
            with server.accept()[0] as sock:
                sock.settimeout(None)
                n = write_until_full(usb, TABLE)
                taken = b.Bytes(sock).read(100000)
                time.sleep(SHORT / 1000)  # until the socket is full again
                sock.setblocking(False)
                with contextlib.suppress(BlockingIOError):
                    sock.shutdown(socket.SHUT_WR)  # the server closes the connection
                    time.sleep(SHORT / 1000)
                    while more := sock.recv(1 << 20):
                        taken += more
            with server.accept()[0] as sock:
                sock.settimeout(None)
                rest = b.Bytes(sock).read(n - len(taken))
                ok(taken + rest == TABLE[:n], "not what was sent")


@test("a tty that goes and comes again")
def tty_goes_and_returns():
    link = path("tty")
    master, slave = os.openpty()
    os.symlink(os.ttyname(slave), link)
    with gadget(tty=link, retry_delay=0.1) as (g, w, usb):
        os.close(slave)
        os.write(master, b"one")
        eq(usb.read(), b"one")
        os.close(master)
        time.sleep(1)
        usb.write(b"meanwhile ")
        master, slave = os.openpty()
        tty.setraw(master)
        os.unlink(link)
        os.symlink(os.ttyname(slave), link)
        time.sleep(10)
        os.write(master, b"two")
        eq(usb.read(), b"two")
        usb.write(b"back")
        eq(b.Bytes(master).read(14), b"meanwhile back")
        contains(w.log(), f"{link} was closed")
    os.close(master)
    os.close(slave)


@test("what is not a tty, or no FIFO, is told, and tried again")
def not_a_tty_or_fifo():
    pathlib.Path(path("file")).touch()
    for options, text in (({"tty": path("file")}, f"cannot open {path('file')}: Inappropriate ioctl for device; it is not a tty"),
                          ({"fifo_in": path("file")}, f"cannot open {path('file')}: not a FIFO; use mkfifo(1)"),
                          ({"fifo_out": path("fifo")}, f"cannot open {path('fifo')}: No such file or directory; trying again")):
        with gadget(**options, retry_delay=0.1) as (g, w, usb):
            time.sleep(2)
            takes_nothing(usb)
            eq(w.log().count(in_words_of_libc(text)), 1, w.log())
            if "fifo_out" in options:
                os.mkfifo(path("fifo"))
                with open(path("fifo"), "rb", buffering=0) as fifo:
                    usb.write(b"there")
                    eq(os.read(fifo.fileno(), 100), b"there")


# --- commands -----------------------------------------------------------------------------------------


def script(name, text):
    pathlib.Path(path(name)).write_text("#!/bin/sh\n" + text)
    os.chmod(path(name), 0o755)
    return path(name)


@test("a command that ends is started again, later each time; its errors are in the log")
def command_is_started_again():
    command = script("ends", "date +%s.%N; echo oops >&2; exit 3\n")
    with gadget(command=command, retry_delay=1.0, retry_max_delay=4.0) as (g, w, usb):
        times = [float(usb.read()) for _ in range(6)][1:]  # the first has waited for the host
        delays(times, 2, 4, 4, 4)
        contains(w.log(), "oops\n")
        contains(w.log(), f"bridge: '{command}' exited with status 3")


@test("all that a command has written comes, though it has ended; the next one starts after that")
def ended_command_is_drained():
    with gadget(command="seq 1 200000", retry_delay=0.01) as (g, w, usb):
        wanted = "".join(f"{i}\n" for i in range(1, 200001)).encode()
        time.sleep(5)
        for _ in range(2):
            got = b""
            while len(got) < len(wanted):
                got += usb.read()
            ok(got == wanted, "not what was written")


@test("a command that reads nothing stops the host; one that has closed its output still gets input")
def deaf_command():
    with gadget(command="sleep 1000000") as (g, w, usb):
        n = write_until_full(usb, TABLE)
        ok(8 * 65536 <= n <= 8 * 65536 + (1 << 17), f"{n} bytes")
    command = script("reads", f"exec >&-\nexec cat >{path('got')}\n")
    with gadget(command=command) as (g, w, usb):
        usb.write(b"input")
        time.sleep(1)
        eq(pathlib.Path(path("got")).read_text(), "input")


@test("a command of a function without IN endpoint: what it prints is in the log")
def command_without_in_endpoint():
    command = script("prints", f"echo printed; exec cat >{path('got')}\n")
    with gadget([("bulk", "out")], command=command) as (g, w, usb):
        usb.write(b"its input")
        time.sleep(1)
        eq(pathlib.Path(path("got")).read_text(), "its input")
        contains(w.log(), "printed\n")


@test("a program that has gone: the log says so, and it is tried again")
def program_is_gone():
    command = script("gone", "rm $0; echo there\n")
    with gadget(command=command, retry_delay=0.5) as (g, w, usb):
        eq(usb.read(), b"there\n")
        time.sleep(2)
        contains(w.log(), f"cannot start '{command}': No such file or directory")
        script("gone", "echo again; exec sleep 1000000\n")
        eq(usb.read(), b"again\n")


@test("a command has the default signals, no descriptors but its own, and ends with the worker")
def command_is_given_little():
    command = script("looks", "grep -E 'Sig(Blk|Ign)' /proc/self/status; ls -l /proc/$$/fd; echo $$; exec sleep 1000000\n")
    with gadget(command=command) as (g, w, usb):
        text = b""
        while not (found := re.search(rb"^(\d+)\n$", text, re.M)):
            text += usb.read()
        # (we are Python, which ignores SIGXFSZ)
        eq([int(mask, 16) & ~(1 << signal.SIGXFSZ - 1) for mask in re.findall(rb"Sig\w+:\t(\w+)", text)], [0, 0])
        numbers = set(re.findall(rb" (\d+) ->", text))
        ok(numbers <= {b"0", b"1", b"2", b"10"}, text.decode())  # 10: dash's, of the script
        pid = int(found[1])
        ok(os.path.exists(f"/proc/{pid}"), "it has ended")
    ok(not os.path.exists(f"/proc/{pid}"), "it goes on")
    with Gadget(BULK) as g:
        w = b.bridge(g, command="sleep 1000000")
        children = pathlib.Path(f"/proc/{w.pid}/task/{w.pid}/children").read_text().split()
        eq(len(children), 1)
        fd = os.pidfd_open(int(children[0]))
        w.kill()
        b.select.select([fd], [], [])
        os.close(fd)


# --- workers and links --------------------------------------------------------------------------------


@test("a worker that was killed has left its path: the next one listens there")
def stale_path_of_killed_worker():
    where = path("left")
    with Gadget(BULK) as g:
        w = b.bridge(g, listen="unix:" + where)
        eq(w.kill(), -signal.SIGKILL)
        ok(os.path.exists(where), "no path was left: nothing is tested")
        w = b.bridge(g, listen="unix:" + where)
        g.bind()
        with b.Usb() as usb, client(where) as sock:
            usb.write(b"again")
            eq(sock.recv(100), b"again")
        eq(w.stop(), 0)
    ok(not os.path.exists(where), "the path is left")


@test("a path where somebody listens, or that is no socket, is not removed")
def path_of_somebody_else_stays():
    where = path("taken")
    with Gadget(BULK) as g, listen(UNIX, STREAM, where) as server:
        w = g.worker([WORKER, b.BRIDGE], options={"listen": "unix:" + where})
        eq(w.wait(), NEVER)
        contains(w.log(), f"cannot listen on 'unix:{where}': Address already in use; remove it")
        client(where).close()
        server.accept()[0].close()
    os.unlink(where)
    pathlib.Path(where).write_text("precious")
    with Gadget(BULK) as g:
        w = g.worker([WORKER, b.BRIDGE], options={"listen": "unix:" + where})
        eq(w.wait(), NEVER)
    eq(pathlib.Path(where).read_text(), "precious")
    with listen(INET, STREAM, TCP), Gadget(BULK) as g:
        w = g.worker([WORKER, b.BRIDGE], options={"listen": "tcp:127.0.0.1:4000"})
        eq(w.wait(), NEVER)
        contains(w.log(), "another program listens there")


@test("a path that has become somebody else's is left to them")
def path_taken_over_stays():
    where = path("other")
    with gadget(listen="unix:" + where):
        os.unlink(where)
        server = listen(UNIX, STREAM, where)
    ok(os.path.exists(where), "it is gone")
    server.close()


@contextlib.contextmanager
def replugged(g):
    """The gadget leaves the bus, and comes back. What a worker does before it knows that it has left is
    lost."""
    g.unbind()
    g.current.send(message(PING, 1))
    while g.current.receive()[0] != PONG:
        pass
    yield
    g.bind()


@test("the link goes and comes: bytes that the host had sent, and what clients send meanwhile, come")
def link_goes_and_returns():
    with Gadget(BULK) as g:
        w = b.bridge(g, listen="unix:@bridge")
        g.bind()
        with client() as sock:
            with b.Usb() as usb:
                n = write_until_full(usb, TABLE)
            with replugged(g):
                sock.sendall(b"meanwhile")
                time.sleep(1)
            ok(b.Bytes(sock).read(n) == TABLE[:n], "not what was sent")
            with b.Usb() as usb:
                eq(usb.read(), b"meanwhile")
                usb.write(b"again")
                eq(sock.recv(100), b"again")
        eq(w.stop(), 0)


@test("a client that goes while the link is down makes room, one that comes is served after it")
def clients_change_while_link_is_down():
    for family, address, text in ((INET, TCP, "tcp:127.0.0.1:4000"), (UNIX, "\0bridge", "unix:@bridge")):
        with Gadget(BULK) as g:
            w = b.bridge(g, listen=text)
            with connect(family, STREAM, address):
                pass
            with connect(family, STREAM, address) as sock:
                sock.sendall(b"second")
                g.bind()
                with b.Usb() as usb:
                    eq(usb.read(), b"second")
                    usb.write(b"answer")
                    eq(sock.recv(100), b"answer")
            eq(w.stop(), 0)


@test("the link goes in the middle of a message to the host: its rest is dropped, the next is whole")
def link_lost_in_message_to_host():
    with Gadget(BULK) as g:
        w = b.bridge(g, listen="unix:@bridge", framing="length", size=4096, depth=2)
        g.bind()
        with client() as sock:
            sock.sendall(struct.pack("<I", 100000) + b"r" * 50000)
            with b.Usb() as usb:
                eq(usb.read(4096), b"r" * 4096)
            with replugged(g):
                pass
            sock.sendall(b"r" * 50000)
            Lengths(sock).send(b"whole")
            with b.Usb() as usb:
                eq(usb.receive(), b"whole")
        eq(w.stop(), 0)


@test("the link goes in the middle of a message from the host: who has a part of it sees its connection end")
def link_lost_in_message_from_host():
    with Gadget(BULK) as g:
        w = b.bridge(g, listen="unix:@bridge", clients=2, framing="length", size=4096)
        g.bind()
        with client() as first:
            with b.Usb() as usb:
                usb.write(b"whole")
                usb.bulk(usb.out, b"p" * 4096)
                eq(Lengths(first).receive(), b"whole")
                eq(first.recv(4), struct.pack("<I", 4096 | b.MORE))
                eq(b.Bytes(first).read(4096), b"p" * 4096)
            with client() as second:  # it got no part of the message
                time.sleep(SHORT / 1000)
                with replugged(g):
                    pass
                eq(first.recv(100), b"")
                with b.Usb() as usb:
                    usb.write(b"next")
                    eq(Lengths(second).receive(), b"next")
        eq(w.stop(), 0)


@test("the host resets the device in the middle of everything: both directions go on")
def reset_in_the_middle():
    with gadget(command="cat", framing="length") as (g, w, usb):
        for i in range(20):
            for _ in range(i):
                usb.write(b"x" * 5000)
            usb.reset()
            for _ in range(100):  # what was on its way, whole messages all of them
                usb.write(b"mark %d" % i)
                while (got := usb.receive()) == b"x" * 5000:
                    pass
                if got == b"mark %d" % i:
                    break
            else:
                raise AssertionError("the mark does not come")


main()
