# SPDX-License-Identifier: GPL-2.0-or-later
# lab: none
# lab all: kernel=6.12,6.1 timeout=900
# lab qemu: no, nothing in it depends on the machine
# lab cross: no, the programs are those of Debian's amd64
"""Programs of hosts that keep a device open, unchanged, through restarts and crashes of the worker. doc/halts.md has the
results."""

import contextlib
import ctypes
import http.client
import os
import pathlib
import re
import socket
import subprocess
import threading
import time

import harness
import tap
from gadgets import AT_ONCE, DIRECTORY, Fifo, await_status, worker
from harness import SRC, devnums, down, ffsctl, kill, must, status, up
from tap import eq, ok, patience, test

harness.unpack("pcscd", "libccid", "libpcsclite1", "ipp-usb", "libavahi-client3", "libavahi-common3", "openocd",
               "libcapstone4", "libftdi1-2", "libgpiod2", "libhidapi-hidraw0", "libjaylink0", "libjim0.81",
               "python3-pyvisa", "python3-pyvisa-py", "python3-typing-extensions")
subprocess.run(["ldconfig"], check=True)
tap.cleanup(lambda: ffsctl("down", "--all"))
HELD = DIRECTORY / "held"
TOLD = Fifo()

# These programs learn from udevd that a device is there
must(subprocess.run(["/lib/systemd/systemd-udevd", "--daemon"], capture_output=True, text=True))
must(subprocess.run(["udevadm", "settle"], capture_output=True, text=True))


def spawn(name, *words, **kwargs):
    out = open(DIRECTORY / f"{name}.log", "wb")
    return subprocess.Popen(words, stdin=subprocess.DEVNULL, stdout=out, stderr=subprocess.STDOUT, **kwargs)


def output(name):
    return (DIRECTORY / f"{name}.log").read_text(errors="replace")


class Client:
    """A program of the host. try_() uses the device once, and raises an OSError or a RuntimeError if that fails."""

    def __enter__(self):
        self.process = self.start()
        return self

    def __exit__(self, *_):
        self.process.kill()
        self.process.wait()


CCID_DESCRIPTOR = [0x36, 0x21, 0x10, 0x01, 0, 1, 3, 0, 0, 0, 0xA0, 0x0F, 0, 0, 0xA0, 0x0F, 0, 0, 0, 0, 0x2A, 0, 0, 0x2A,
                   0, 0, 0, 0xFE, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xBA, 0x04, 0x04, 0, 0x0F, 1, 0, 0, 0xFF, 0xFF, 0, 0, 0, 1]


class Pcscd(Client):
    """pcscd with Debian's CCID driver, and a program that talks to its card. The ids are in the list of the driver."""

    kind, ids = "ccid", (0x234B, 0x0000)
    interfaces = ('{ class = "smart-card"; extra = ( [ %s ] ); endpoints = ( "bulk-out", "bulk-in", "interrupt-in" ); }' %
                  ", ".join(map(str, CCID_DESCRIPTOR)))

    def start(self):
        process = spawn("pcscd", "pcscd", "--foreground", "--debug")
        self.lib = ctypes.CDLL("libpcsclite.so.1")
        self.context = ctypes.c_ulong()
        return process

    def try_(self):
        self.connect()
        try:
            self.call("SCardTransmit", self.card, self.pci, b"\x00\xa4\x00\x00", ctypes.c_ulong(4), None,
                      (answer := ctypes.create_string_buffer(258)), ctypes.byref(length := ctypes.c_ulong(258)))
            eq(answer.raw[:length.value], b"\x90\x00")
        finally:
            self.lib.SCardReleaseContext(self.context)

    def call(self, name, *args):
        result = getattr(self.lib, name)(*args) & 0xFFFFFFFF
        if result:
            self.lib.pcsc_stringify_error.restype = ctypes.c_char_p
            raise RuntimeError(self.lib.pcsc_stringify_error(ctypes.c_ulong(result)).decode())

    def connect(self):
        self.call("SCardEstablishContext", ctypes.c_ulong(2), None, None, ctypes.byref(self.context))
        names = ctypes.create_string_buffer(1000)
        self.call("SCardListReaders", self.context, None, names, ctypes.byref(ctypes.c_ulong(1000)))
        self.card, protocol = ctypes.c_ulong(), ctypes.c_ulong()
        self.call("SCardConnect", self.context, names.value, ctypes.c_ulong(2), ctypes.c_ulong(3), ctypes.byref(self.card),
                  ctypes.byref(protocol))
        self.pci = ctypes.byref(ctypes.c_ulong.in_dll(self.lib, "g_rgSCardT1Pci"))


class IppUsb(Client):
    kind, ids = "ipp", (0x1D6B, 0x0104)
    interfaces = ", ".join(['{ class = "printer"; subclass = 1; protocol = 4; endpoints = ( "bulk-out", "bulk-in" ); }'] * 2)

    def start(self):
        config = pathlib.Path("/etc/ipp-usb/ipp-usb.conf")
        config.write_text("[network]\nhttp-min-port = 60000\nhttp-max-port = 60009\ndns-sd = disable\ninterface = loopback\n"
                          "ipv6 = disable\n[logging]\nconsole-log = debug\n")
        return spawn("ipp-usb", "ipp-usb", "debug")

    def try_(self):
        if "0 in use" not in (["", *re.findall("USB.*", output("ipp-usb"))])[-1]:
            raise RuntimeError("ipp-usb itself still asks the printer")
        connection = http.client.HTTPConnection("127.0.0.1", 60000, timeout=patience(60))
        try:
            connection.request("POST", "/ipp/print", b"\x02\x00\x00\x0b\x00\x00\x00\x01\x03",
                               {"Content-Type": "application/ipp"})
            answer = connection.getresponse()
            if answer.status != 200 or b"printer-uuid" not in answer.read():
                raise RuntimeError(f"status {answer.status}")
        finally:
            connection.close()


class OpenOcd(Client):
    kind, ids = "dap", (0x1D6B, 0x0104)
    interfaces = '{ string = "CMSIS-DAP"; endpoints = ( "bulk-out", "bulk-in" ); }'

    def start(self):
        return spawn("openocd", "openocd", "-c", "adapter driver cmsis-dap", "-c", "cmsis_dap_backend usb_bulk",
                     "-c", "cmsis_dap_vid_pid 0x1d6b 0x0104", "-c", "transport select swd", "-c", "adapter speed 100",
                     "-c", "init")

    def try_(self):
        with socket.create_connection(("127.0.0.1", 6666), timeout=patience(60)) as s:
            s.sendall(b"capture {cmsis-dap cmd 0x00 0xfe}\x1a")
            answer = b""
            while not answer.endswith(b"\x1a"):
                answer += s.recv(1000) or b"closed\x1a"
        if not answer.startswith(b"Returned data 01 01 "):
            raise RuntimeError(answer.decode())


VISA = """
import sys
import pyvisa

session = pyvisa.ResourceManager("@py").open_resource("USB0::0x1d6b::0x0104::1::0::INSTR")
for line in sys.stdin:
    try:
        print(session.query("*IDN?").strip(), flush=True)
    except Exception as e:
        print("failed:", repr(e), flush=True)
"""


class PyVisa(Client):
    kind, ids = "usbtmc", (0x1D6B, 0x0104)
    interfaces = '{ class = "application"; subclass = 3; endpoints = ( "bulk-out", "bulk-in" ); }'

    def start(self):
        return subprocess.Popen(["/usr/bin/python3", "-c", VISA], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                stderr=open(DIRECTORY / "pyvisa.log", "wb"), text=True)

    def try_(self):
        self.process.stdin.write("\n")
        self.process.stdin.flush()
        if (line := self.process.stdout.readline()) != "ffsctl,stand-in,1,0\n":
            raise RuntimeError(line + output("pyvisa"))


def gadget_of(client, **settings):
    path = DIRECTORY / "x.conf"
    stand_in = worker(exec=["/usr/bin/python3", f"{SRC}/tests/lab/workers/stand_in.py", client.kind, str(HELD), TOLD.path],
                      ready="notify", **AT_ONCE, **settings)
    path.write_text("attrs = { idVendor = %d; idProduct = %d; };\n"
                    'strings = ( { product = "stand-in"; serialnumber = "1"; } );\n'
                    "functions : { f : { ffs : { interfaces = ( %s ); }; worker : { %s}; }; };\n" %
                    (*client.ids, client.interfaces, stand_in))
    return str(path)


CLIENTS = (Pcscd, IppUsb, OpenOcd, PyVisa)


def works(client, tries=1):
    """Uses the device until that succeeds, `tries` times at most; returns the number of failures, or None."""
    for n in range(tries):
        try:
            client.try_()
            return n
        except (OSError, RuntimeError, http.client.HTTPException) as e:
            print(f"# {type(client).__name__}: {e!r}"[:300].replace("\n", " "))
            time.sleep(1)
    return None


@contextlib.contextmanager
def used(client, **settings):
    """Runs the gadget, and the program of the host, which has used it once."""
    HELD.unlink(missing_ok=True)
    up(gadget_of(client, **settings), "--wait-host")
    must(subprocess.run(["udevadm", "settle"], capture_output=True, text=True))
    with client() as running:
        ok(works(running, 20) is not None, "the program does not work from the start")
        yield running
    down("x")


def pid_of_worker():
    return status("x")[0]["functions"][0]["worker"]["pid"]


def crash():
    pid = pid_of_worker()
    kill(pid)
    HELD.unlink(missing_ok=True)
    await_status("x", lambda g: g["state"] == "ready" and g["functions"][0]["worker"]["pid"] not in (None, pid), "ready again")
    must(ffsctl("wait", "x", "--for", "configured"))


def crash_before_answer(client):
    """Ends the worker when it has a message of the host and has not answered it."""
    def use():
        with contextlib.suppress(OSError, RuntimeError, http.client.HTTPException):
            client.try_()

    HELD.touch()
    user = threading.Thread(target=use, daemon=True)
    user.start()
    TOLD.wait()
    crash()
    began = time.monotonic()
    user.join(patience(600))
    print(f"# the message that was cut: ended after {time.monotonic() - began:.1f} s")
    ok(not user.is_alive(), "the program waits for an answer for ever")


FRAMED = (Pcscd, OpenOcd, PyVisa)  # on_crash is "hold" for these


def each(clients, sentence):
    """A test for each of these programs, with a sentence about it."""
    def add(function):
        for client in clients:
            def run(client=client):
                function(client)
            run.__name__ = f"{function.__name__}_{client.__name__.lower()}"
            test(f"{client.__name__}: {sentence}")(run)
        return function
    return add


@each(CLIENTS, "works after each of three planned restarts, without help")
def planned_restart(client):
    with used(client) as running:
        for _ in range(3):
            must(ffsctl("restart", "x"))
            eq(works(running), 0)


@each(FRAMED, "works after a crash with the default on_crash, without help")
def crash_with_default(client):
    with used(client) as running:
        numbers = devnums()
        crash()
        eq(works(running), 0)
        eq(devnums(), numbers)


@each(FRAMED, "works after a crash between message and answer, once its time limit has passed")
def crash_in_a_transaction(client):
    with used(client) as running:
        crash_before_answer(running)
        ok(works(running, 5) is not None, "it never works again")


@each(CLIENTS, "never recovers from a halt")
def crash_with_stall(client):
    with used(client, on_crash="stall") as running:
        crash()
        eq(works(running, 5), None)


@each((Pcscd, IppUsb), "works with the new device of on_crash = reconnect")
def crash_with_reconnect(client):
    with used(client, on_crash="reconnect") as running:
        crash()
        ok(works(running, 20) is not None, "it never works again")


@each((IppUsb,), "works after a crash with on_crash = hold")
def crash_with_hold(client):
    with used(client, on_crash="hold") as running:
        crash()
        eq(works(running), 0)


tap.main()
