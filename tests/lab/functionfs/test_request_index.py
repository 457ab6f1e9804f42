# SPDX-License-Identifier: GPL-2.0-or-later
# lab:
# lab: stock
# lab all: kernel=6.12,6.1 speed=full,super
# lab all: kernel=6.12,6.1 speed=full,super stock
"""wIndex of control requests as workers get it: what the host has sent, as far as the kernel reports it. With the patches of
this project it reports all of it, a stock kernel what can be rebuilt."""

import contextlib
import os
import struct

import usb.util

import harness
import tap
from gadgets import DIRECTORY, LOOPBACK, odd, worker
from harness import down, up
from tap import eq, ok, test

PATCHED = os.environ["LAB_MODULES"] == "patched"
FUNCTION, REBUILT, HOST = 0, 1, 2  # enum ffsctl_index_origin
PAIR = '{ endpoints = ( "bulk-out", "bulk-in" ); }'

harness.leaves_nothing()


def gadget(interfaces, group, extra="", alone=False):
    """Writes a gadget file whose second function, or only one, has these interfaces and this worker."""
    first = "" if alone else f"first : {{ ffs : {{ interfaces = ( {PAIR} ); }}; worker : {{ {LOOPBACK} }}; }};"
    path = DIRECTORY / "x.conf"
    path.write_text(f"""
attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
functions : {{
  {first}
  second : {{ ffs : {{ {extra} interfaces = ( {", ".join(interfaces)} ); }}; worker : {{ {group} }}; }};
}};
""")
    return str(path)


@contextlib.contextmanager
def bound(path):
    up(path, "--wait-host")
    device = harness.device()
    device.set_configuration()
    yield device
    usb.util.dispose_resources(device)
    down("x")


def request(device, request_type, index, number=12):
    """Sends an IN request with all 16 bits of wIndex, which pyusb would change, and returns the answer."""
    buffer = usb.util.create_buffer(64)
    n = device._ctx.backend.ctrl_transfer(device._ctx.handle, request_type, number, 0x1234, index, buffer, 5000)  # pylint: disable=protected-access
    return bytes(buffer[:n])


def got(device, request_type, index, number=12):
    """Returns wIndex, the function's index and the origin that the worker got."""
    body = request(device, request_type, index, number)
    eq(len(body), 12, "bytes of SETUP")
    request_type_seen, number_seen, value, seen, length, function_index, origin, reserved = struct.unpack("<BBHHHHBB", body)
    eq((request_type_seen, number_seen, value, length, reserved), (request_type, number, 0x1234, 64, 0))
    return seen, function_index, origin


def addresses(device, interface):
    return [e.bEndpointAddress for e in device.get_active_configuration()[interface, 0]]


def check_requests(device, ask):
    """Checks what `ask` gets for each kind of recipient. The second function has the interfaces 1 and 2."""
    for n in (0, 1):
        eq(ask(0xC1, n + 1), (n + 1, n, HOST if PATCHED else REBUILT))
        eq(ask(0xC1, 0x0500 + n + 1), (0x0500 + n + 1, n, HOST) if PATCHED else (n + 1, n, REBUILT))
    for n, address in enumerate(addresses(device, 1) + addresses(device, 2), 1):
        eq(ask(0xC2, address), (address, n, HOST if PATCHED else REBUILT))
        eq(ask(0xC2, 0x0300 + address), (0x0300 + address, n, HOST) if PATCHED else (address, n, REBUILT))
    eq(ask(0xC0, 0xABCD), (0xABCD, 0xABCD, HOST))  # to the device: no kernel changes it


@test("a program gets wIndex as the host sent it, what FunctionFS makes of it, and which of both the kernel reports")
def program():
    with bound(gadget([PAIR, PAIR], odd("ready", "setup"), "all_ctrl_recip = true;")) as device:
        check_requests(device, lambda *request: got(device, *request))


@test("a plugin gets the same in struct ffsctl_setup")
def plugin():
    with bound(gadget([PAIR, PAIR], worker(plugin=f"{harness.BUILD}/tests/lab/workers/probe.so"),
                      "all_ctrl_recip = true;")) as device:
        check_requests(device, lambda *sent: struct.unpack("<HHB", request(device, *sent, 11)))


PROGRAM = """
import struct
from ffsctl_worker import Worker

worker = Worker()

@worker.on_request
def answer(request):
    return struct.pack("<HHB", request.index, request.function_index, ("function", "rebuilt", "host").index(request.index_origin))

worker.run()
"""


@test("a program in Python gets the same in Request")
def python():
    script = DIRECTORY / "index.py"
    script.write_text(PROGRAM)
    with bound(gadget([PAIR, PAIR], worker(exec=["/usr/bin/python3", str(script)], ready="notify"),
                      "all_ctrl_recip = true;")) as device:
        check_requests(device, lambda *sent: struct.unpack("<HHB", request(device, *sent)))


@test("of an endpoint whose number an endpoint of the other direction has, a stock kernel reports too little: said so")
def shared_numbers():
    with bound(gadget([PAIR] * 4, odd("ready", "setup"), alone=True)) as device:
        found = [address for n in range(4) for address in addresses(device, n)]
        shared = [a for a in found if a ^ 0x80 in found]
        ok(set(found) - set(shared) or harness.LAB_UDC != "dummy", f"all are shared: {found}")
        for n, address in enumerate(found, 1):
            seen, function_index, origin = got(device, 0xC2, address)
            if PATCHED:
                eq((seen, origin), (address, HOST))
            elif address in shared:
                ok(origin == FUNCTION and seen == function_index and found[seen - 1] & 0xF == address & 0xF, (address, seen, origin))
            else:
                eq((seen, function_index, origin), (address, n, REBUILT))


@test("with virtual_addr the function's number of an endpoint is its address in the gadget file")
def virtual_addresses():
    # A stock kernel only enables an endpoint that has this address on the bus, too, as on dummy_hcd (config_ep_by_speed)
    pair = ('{ endpoints = ( { type = "bulk"; direction = "out"; address = 0x02; }, '
            '{ type = "bulk"; direction = "in"; address = 0x81; } ); }')
    with bound(gadget([pair], odd("ready", "setup"), "virtual_addr = true;", alone=True)) as device:
        eq(got(device, 0xC1, 0x0700), (0x0700, 0, HOST) if PATCHED else (0, 0, REBUILT))
        for address, real in zip((0x02, 0x81), addresses(device, 0)):
            eq(got(device, 0xC2, 0x0900 + real), (0x0900 + real, address, HOST) if PATCHED else (address, address, REBUILT))


tap.main()
