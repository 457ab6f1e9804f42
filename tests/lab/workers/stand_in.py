#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""Devices as programs of hosts expect them, with no more than these programs ask for: a smart card reader (ccid), a debug
probe (dap), an instrument (usbtmc) and a printer (ipp). Each answers one message of the host after the other. While the file
of the second argument exists, no answer is sent, and the FIFO of the third one gets a line for each that waits: so a test
can end the worker between a message and its answer."""

import os
import pathlib
import struct
import sys
import time

from ffsctl_worker import LinkDown, Worker

worker = Worker()
HELD = pathlib.Path(sys.argv[2])


def send(sink, answer):
    if HELD.exists():
        pathlib.Path(sys.argv[3]).write_text(f"{os.getpid()}\n")
    while HELD.exists():
        time.sleep(0.01)
    sink.send(answer)


def each_message(handle):
    """Returns a loop that answers each message of an OUT endpoint on the IN endpoint of the same interface."""
    def loops(source, sink):
        def serve():
            for message in source.messages():
                if answer := handle(message):
                    send(sink, answer)
        return serve
    return loops


# --- CCID 1.1: a reader with a card that answers each command with 90 00 -----------------------------------------------------

ATR = bytes.fromhex("3b8001 81")  # T=1, no historical bytes
PARAMETERS_T1 = bytes.fromhex("11 10 00 15 00 fe 00")


def ccid(message):
    kind, _, slot, seq = struct.unpack_from("<BIBB", message)
    answers = {0x62: (0x80, ATR), 0x6F: (0x80, b"\x90\x00"), 0x65: (0x81, b""), 0x63: (0x81, b""),
               0x61: (0x82, PARAMETERS_T1), 0x6C: (0x82, PARAMETERS_T1), 0x6D: (0x82, PARAMETERS_T1)}
    if kind not in answers:
        return struct.pack("<BIBBBBB", 0x81, 0, slot, seq, 0x40, 0, 0)  # command not supported
    answer, data = answers[kind]
    return struct.pack("<BIBBBBB", answer, len(data), slot, seq, 0, 0, answer == 0x82) + data


# --- CMSIS-DAP 2.0: a probe without a target ----------------------------------------------------------------------------------

DAP_INFO = {0x01: b"ffsctl\0", 0x02: b"stand-in\0", 0x03: b"1\0", 0x04: b"2.0.0\0", 0xF0: b"\x01", 0xFE: b"\x01",
            0xFF: struct.pack("<H", 512)}


def dap(message):
    command = message[0]
    if command == 0x00:  # DAP_Info
        info = DAP_INFO.get(message[1], b"")
        return bytes([0, len(info)]) + info
    if command == 0x02:  # DAP_Connect
        return bytes([command, 1])
    return bytes([command, 0])


# --- USBTMC 1.0: an instrument with one answer --------------------------------------------------------------------------------

IDENTITY = b"ffsctl,stand-in,1,0\n"


def usbtmc(message):
    kind, tag, inverse, length = struct.unpack_from("<BBBxI", message)
    if kind != 2 or tag ^ inverse != 0xFF:  # a command, or no message
        return None
    answer = struct.pack("<BBBxIB3x", 2, tag, inverse, len(IDENTITY), 1) + IDENTITY
    return answer + bytes(-len(answer) % 4)


@worker.on_request
def control(request):
    if sys.argv[1] == "usbtmc" and request.kind == "class" and request.is_in:
        return (b"\x01" + bytes(23))[:request.length]  # success; no capabilities
    return None


# --- IPP over USB: HTTP, and the attributes of a printer --------------------------------------------------------------------

def attribute(tag, name, value):
    return struct.pack(">BH", tag, len(name)) + name.encode() + struct.pack(">H", len(value)) + value


PRINTER = b"".join(attribute(tag, name, value) for tag, name, value in (
    (0x42, "printer-name", b"stand-in"), (0x41, "printer-make-and-model", b"ffsctl stand-in"),
    (0x41, "printer-info", b"stand-in"), (0x45, "printer-uuid", b"urn:uuid:00000000-0000-0000-0000-000000000001"),
    (0x49, "document-format-supported", b"image/pwg-raster"), (0x23, "printer-state", struct.pack(">I", 3))))


def ipp_answer(request):
    return (b"\x02\x00\x00\x00" + request[4:8] + b"\x01" + attribute(0x47, "attributes-charset", b"utf-8") +
            attribute(0x48, "attributes-natural-language", b"en") + b"\x04" + PRINTER + b"\x03")


def http_requests(source):
    """Yields method and body of each request. Begins anew when the host has enabled the function anew."""
    data = b""

    def more():
        nonlocal data
        data += source.read()

    while True:
        try:
            while b"\r\n\r\n" not in data:
                more()
            head, data = data.split(b"\r\n\r\n", 1)
            fields = head.decode("latin-1").lower().split("\r\n")
            body = b""
            if "transfer-encoding: chunked" in fields:
                while not data.endswith(b"0\r\n\r\n"):  # of one client, which waits for the answer
                    more()
                body, data = data.split(b"\r\n", 1)[1], b""
            for field in fields:
                if field.startswith("content-length:"):
                    length = int(field.split(":")[1])
                    while len(data) < length:
                        more()
                    body, data = data[:length], data[length:]
            yield fields[0].split()[0], body
        except LinkDown:
            data = b""


def ipp(source, sink):
    def serve():
        for method, body in http_requests(source):
            answer = ipp_answer(body) if method == "post" else b""
            status = b"200 OK" if method == "post" else b"404 Not Found"
            send(sink, b"HTTP/1.1 %s\r\nContent-Type: application/ipp\r\nContent-Length: %d\r\n\r\n" % (status, len(answer)) +
                 answer)
    return serve


loops = {"ccid": each_message(ccid), "dap": each_message(dap), "usbtmc": each_message(usbtmc), "ipp": ipp}[sys.argv[1]]
bulk_in = [endpoint for endpoint in worker.ins if endpoint.type == "bulk"]
worker.run(*map(loops, worker.outs, bulk_in))
