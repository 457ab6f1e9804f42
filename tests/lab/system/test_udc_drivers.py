#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udc=dwc2,dwc3
# lab i386: no, the models have not been tried with 32 bits
# lab all: kernel=6.12,6.1 udc=dwc2,dwc2-ddma,dwc3,chipidea speed=full,high
"""The kernel's drivers of UDCs on models of their hardware (lab/udc): what gadgets and hosts see of a board's UDC. One test of
each kind of transfer; other programs test the same on dummy_hcd at length."""

import contextlib
import json
import os
import pathlib
import random
import signal
import socket
import subprocess
import threading
import time

import gadgets
import harness
import tap
import usb.core
import usb.util
from gadgets import raw_terminal, read_until
from harness import EXAMPLES, SRC, bench, down, ffsctl, must, up
from tap import contains, eq, ok, patience, rounds, test

SPEED = os.environ["LAB_SPEED"]
PACKET = {"full": 64, "high": 512}[SPEED]
GADGETS = f"{SRC}/gadget.d"
KEYS = "Hello, board"
CABLE = harness.UDC_HOST_PORT / "cable"

random.seed(os.environ.get("SOAK_SEED", "1"))
harness.leaves_nothing()


@contextlib.contextmanager
def gadget(path):
    up(path, "--wait-host")
    name = pathlib.Path(path).stem
    try:
        yield harness.status(name)[0]
    finally:
        down(name)


@test("udc: lists the UDC with its driver")
def udc_is_listed():
    text = must(ffsctl("udc")).stdout
    contains(text, f"dummy_udc.0: {harness.UDC_DRIVER.name}")
    contains(text, " KiB a transfer: ")


@test("loopback: lengths around those of one and two packets, and a long one")
def echo():
    lengths = [1, 2, 3, 4, *(n * PACKET + more for n in (1, 2) for more in (-1, 0, 1)), 65536]
    with gadget(f"{EXAMPLES}/loopback.conf"):
        result = json.loads(bench("loop", "--lengths", ",".join(map(str, lengths)), "--timeout", 20, "--json").stdout)["loop"]
        eq((result["ok"], result["messages"], result["recoveries"]), (True, len(lengths), 0))
        eq((result["device"]["speed"], result["device"]["packet"]), (SPEED, PACKET), "what the bench has seen")


@test("loopback: an empty packet ends a message of full packets, and an empty message comes back")
def zero_length_packets():
    with gadget(f"{EXAMPLES}/loopback.conf"):
        device = harness.device()
        out, in_ = sorted(device.get_active_configuration()[(0, 0)], key=lambda e: e.bEndpointAddress)
        for length in (PACKET, 4 * PACKET):
            out.write(bytes(length))
            out.write(b"")
            eq(bytes(in_.read(8 * PACKET)), bytes(length), f"{length} bytes and an empty packet")


@test("loopback: a worker that is killed is replaced without a disconnect, and its requests do not disturb those of the next one")
def killed_worker():
    with gadget(f"{EXAMPLES}/loopback.conf"):
        device = (harness.usb_device() / "devnum").read_text()
        for number in range(1, 4):
            gadgets.kill_worker("loopback")
            gadgets.await_status("loopback", lambda g, number=number: g["functions"][0]["worker"]["restarts"] == number, "restarted")
            gadgets.await_worker("loopback", "ready")
            must(bench("loop", "--lengths", f"1,{PACKET},{PACKET + 1},65536", "--timeout", 20))
        eq((harness.usb_device() / "devnum").read_text(), device, "the number of the device")


@test("a worker is killed while transfers are under way, again and again: the host keeps the device, and the next one's transfers work")
def kills_under_transfers():
    with gadget(gadgets.gadget("x", gadgets.worker(plugin="loopback", **gadgets.AT_ONCE))):
        device = (harness.usb_device() / "devnum").read_text()
        traffic = gadgets.Traffic(timeout=200)
        for number in range(1, rounds(5, 50, 500) + 1):
            traffic.more(random.randint(1, 3))
            gadgets.kill_worker("x")
            gadgets.await_status("x", lambda g, number=number: g["functions"][0]["worker"]["restarts"] == number, "restarted")
        traffic.more()
        traffic.end()
        must(bench("loop", "--lengths", f"1,{PACKET},{PACKET + 1},65536", "--timeout", 20))
        eq((harness.usb_device() / "devnum").read_text(), device, "the number of the device")


@test("the cable is pulled out and plugged in while transfers are under way and workers restart, again and again")
def pulled_cables():
    with gadget(gadgets.gadget("x", gadgets.worker(plugin="loopback", **gadgets.AT_ONCE))):
        for number in range(rounds(5, 50, 200)):
            traffic = gadgets.Traffic(timeout=200)
            traffic.more(random.randint(1, 3))
            if number % 3 == 2:
                gadgets.kill_worker("x")
            CABLE.write_text("0")
            traffic.end()
            harness.await_devices(lambda: not harness.host_devices())
            gadgets.await_status("x", lambda g: g["udc_state"] == "not attached", "not attached")
            with harness.configured():
                CABLE.write_text("1")
            gadgets.await_status("x", lambda g: (g["udc_state"], g["state"]) == ("configured", "ready"), "ready and configured")
        must(bench("loop", "--lengths", f"1,{PACKET},{PACKET + 1},65536", "--timeout", 20))


def host_clears_halts(config):
    """Sends a message after the host has cleared a halt of each endpoint, which is set or not, many times."""
    with gadget(config):
        worker = harness.status(pathlib.Path(config).stem)[0]["functions"][0]["worker"]
        device = harness.device()
        ends = {usb.util.endpoint_direction(e.bEndpointAddress): e for e in device.get_active_configuration()[(0, 0)]}
        out, in_ = ends[usb.util.ENDPOINT_OUT], ends[usb.util.ENDPOINT_IN]
        for number in range(4):
            for halted in (False, True):
                for endpoint in (out, in_):
                    if halted:
                        device.ctrl_transfer(0x02, 3, 0, endpoint.bEndpointAddress)  # SET_FEATURE(ENDPOINT_HALT)
                    device.clear_halt(endpoint.bEndpointAddress)
                    message = f"{number}: after a halt of {endpoint.bEndpointAddress:#x}, {'set' if halted else 'not set'}".encode()
                    out.write(message)
                    eq(bytes(in_.read(8 * PACKET)), message)
        out.write(b"waits")
        time.sleep(0.1)  # its answer is in flight when the halt is cleared
        device.clear_halt(in_.bEndpointAddress)
        eq(bytes(in_.read(8 * PACKET)), b"waits")
        now = harness.status(pathlib.Path(config).stem)[0]["functions"][0]["worker"]
        eq((now["pid"], now["restarts"]), (worker["pid"], worker["restarts"]), "the worker lives on")


@test("a host clears halts of a plugin's endpoints: nothing is lost, and the worker lives on")
def halts_of_plugin():
    host_clears_halts(f"{EXAMPLES}/loopback.conf")


@test("a host clears halts of a Python worker's endpoints: nothing is lost, and the worker lives on")
def halts_of_python():
    host_clears_halts(f"{EXAMPLES}/python-echo.conf")


@test("a host clears halts of the endpoints of a program with blocking reads and writes: nothing is lost, and it lives on")
def halts_of_program():
    host_clears_halts(f"{EXAMPLES}/exec-worker.conf")


SENDER = gadgets.DIRECTORY / "sender.py"
SENDER.write_text("""
import socket
import sys
from ffsctl_worker import Worker

worker = Worker()
client = socket.socket(socket.AF_UNIX)
client.bind("\\0sends")
client.listen()

def send():
    connection, _ = client.accept()
    while data := connection.recv(4096):
        worker.ins[0].write(data)

async def asend():
    import asyncio
    reader, _ = await asyncio.open_connection(sock=(await asyncio.get_running_loop().sock_accept(client))[0])
    while data := await reader.read(4096):
        await worker.ins[0].awrite(data)

if sys.argv[1] == "threads":
    worker.run(send)
else:
    client.setblocking(False)
    worker.arun(asend)
""")


def python_sender(kind):
    return gadgets.worker(exec=["/usr/bin/python3", str(SENDER), kind], ready="notify", start_timeout=30)


for who_, worker_ in (("bridge", gadgets.worker(plugin="bridge", options={"listen": "unix:@sends"})),
                      ("Python", python_sender("threads")), ("Python, asyncio", python_sender("asyncio"))):
    @test(f"{who_}: what is sent while the host has suspended the device comes after the resume, and the worker lives on", worker_)
    def sends_while_suspended(worker):
        data = random.randbytes(100 * PACKET)
        with gadget(gadgets.gadget("sends", worker)), socket.socket(socket.AF_UNIX) as client:
            device = harness.device()
            _, in_ = harness.endpoints(device)
            client.connect("\0sends")
            for part in (b"before", data, data):
                if part == data:
                    (harness.UDC_HOST_PORT / "suspended").write_text("1")
                    time.sleep(1)
                client.sendall(part)
                time.sleep(1)
                if part == data:
                    (harness.UDC_HOST_PORT / "suspended").write_text("0")
                got = b""
                while len(got) < len(part):
                    got += bytes(in_.read(64 * PACKET, 5000))
                ok(got == part, f"{len(got)} bytes of {len(part)}")
            eq(harness.status("sends")[0]["functions"][0]["worker"]["restarts"], 0, "restarts")
            usb.util.dispose_resources(device)


@test("libffsctl-stream: the echo of a message whose host has suspended the device comes after the resume, and the worker lives on")
def answers_while_suspended():
    with gadget(f"{EXAMPLES}/stream-echo.conf"):
        def worker():
            return harness.status("stream-echo")[0]["functions"][0]["worker"]

        device = harness.device()
        out, in_ = harness.endpoints(device)
        for length in (3, 100 * PACKET + 1):
            data = random.randbytes(length)
            os.kill(worker()["pid"], signal.SIGSTOP)
            out.write(data, 5000)
            (harness.UDC_HOST_PORT / "suspended").write_text("1")
            time.sleep(1)
            os.kill(worker()["pid"], signal.SIGCONT)
            time.sleep(1)
            (harness.UDC_HOST_PORT / "suspended").write_text("0")
            eq(bytes(in_.read(200 * PACKET, 5000)), data)
        eq(worker()["restarts"], 0, "restarts")
        usb.util.dispose_resources(device)


@test("a gadget is unbound while the host sends one control request after the other: the keeper lives")
def unbound_during_control_requests():
    with gadget(gadgets.gadget("asks", gadgets.odd("ready", "setup"))) as before:
        keeper = before["functions"][0]["keeper"]
        for _ in range(rounds(10, 100)):
            device = harness.device()

            def ask():
                with contextlib.suppress(usb.core.USBError):
                    while True:
                        device.ctrl_transfer(0xC1, 12, 0, 0, 64, 2000)

            asking = threading.Thread(target=ask)
            asking.start()
            time.sleep(0.01)
            with harness.configured():
                must(ffsctl("unbind", "asks"))
                asking.join()
                must(ffsctl("bind", "asks"))
            usb.util.dispose_resources(device)
            now = gadgets.await_state("asks", "ready")[0]["functions"][0]
            eq((now["keeper"], now["worker"]["restarts"]), (keeper, 0), gadgets.log("asks"))


@test("a daemon closes its files: no other program is blamed, however long the driver needs to unbind the gadget")
def daemon_closes_files():
    with gadget(gadgets.ep0_daemon("own", "bare")) as status:
        for n in range(1, 7):
            os.kill(status["functions"][0]["worker"]["pid"], signal.SIGUSR2)
            gadgets.await_log_count("own", "rebound to", n)
            gadgets.await_status("own", lambda g: g["udc_state"] == "configured", "configured")
        contains(gadgets.log("own"), "unbound by the kernel, because a daemon closed its FunctionFS files")
        ok("another program" not in gadgets.log("own"), gadgets.log("own"))


@test("serial: bytes in both directions")
def serial():
    with gadget(f"{GADGETS}/serial.conf") as status:
        ends = [raw_terminal(path) for path in ("/dev/ttyACM0", status["functions"][0]["device"])]
        try:
            for source, target in (ends, ends[::-1]):
                data = bytes(range(256)) * 8
                os.write(source, data + b"end")
                eq(read_until(target, b"end"), data + b"end")
        finally:
            for fd in ends:
                os.close(fd)


@test("keyboard: the host reads what is typed")
def keyboard():
    with contextlib.ExitStack() as stack:
        with gadget(f"{GADGETS}/keyboard.conf"):
            host = stack.enter_context(subprocess.Popen(
                [f"{EXAMPLES}/read-keys.py"], stdout=subprocess.PIPE, stderr=subprocess.PIPE))
            stack.callback(host.kill)
            contains(host.stderr.readline(), b"until Ctrl-C")
            must(subprocess.run([f"{EXAMPLES}/keyboard-mouse.py", "--gadget", "keyboard", "type", KEYS, "enter"], check=False))
            eq(read_until(host.stdout.fileno(), b"board\n"), KEYS.encode() + b"\n")
        eq(host.wait(timeout=patience(20)), 0, "exit status")


tap.main()
