# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=120
# lab all: kernel=6.12,6.1 timeout=120
"""listen_fds = "systemd": a program that was written for systemd's ListenUSBFunction= (workers/usb_service.py) gets ep0 and
the endpoint files as from systemd, and nothing else."""

import os
import pathlib

import harness
import tap
from gadgets import await_state, gadget, kill_worker, traffic, worker
from harness import SRC, down, ffsctl, kill, must, status, up
from tap import eq, patience, test

harness.leaves_nothing()
SERVICE = ["/usr/bin/python3", f"{SRC}/tests/lab/workers/usb_service.py"]
HAND_OVER = {"listen_fds": "systemd", "restart_delay": 0}


@tap.cleanup
def take_down():
    ffsctl("down", "x", "terminal")


def service(*words, **settings):
    return worker(exec=[*SERVICE, *words], **{**HAND_OVER, **settings})


def worker_of(name="x", label="echo"):
    return next(f["worker"] for f in status(name)[0]["functions"] if f["label"] == label)


def given(pid):
    """Returns what a program has open besides its standard streams, and the LISTEN_ variables."""
    fds = {fd: target for fd, target in harness.open_files(pid).items() if fd > 2}
    words = pathlib.Path(f"/proc/{pid}/environ").read_text().split("\0")
    return ([os.path.basename(fds[n]) for n in sorted(fds)], sorted(fds),
            dict(word.split("=", 1) for word in words if word.startswith("LISTEN_")))


def flags(pid, fd):
    text = pathlib.Path(f"/proc/{pid}/fdinfo/{fd}").read_text()
    return int(text.split("flags:")[1].split()[0], 8)


def request(device, value):
    interface = device.get_active_configuration()[(0, 0)].bInterfaceNumber
    return bytes(device.ctrl_transfer(0xC1, 0x42, value, interface, 64, timeout=round(patience(5000))))


@test("a program gets ep0 as 3, then the endpoint files by the text of their names, in the mode of 'blocking', and no more")
def order_of_systemd():
    sleep = {"exec": ["/bin/sleep", "100000"], **HAND_OVER}
    path = pathlib.Path(gadget("x", worker(**sleep)))
    text = path.read_text()
    path.write_text(text.replace('"bulk-out", "bulk-in"', ", ".join(['"bulk-out", "bulk-in"'] * 6)))
    up(path, "--no-bind")
    names, numbers, variables = given(worker_of()["pid"])
    eq(names, ["ep0"] + sorted(f"ep{n}" for n in range(1, 13)))
    eq(names, sorted(os.listdir("/dev/ffs/x/echo")))
    eq(numbers, list(range(3, 16)))
    eq(variables, {"LISTEN_FDS": "13", "LISTEN_PID": str(worker_of()["pid"]), "LISTEN_FDNAMES": ":".join(["echo"] * 13)})
    eq({flags(worker_of()["pid"], n) & os.O_NONBLOCK for n in numbers}, {0})
    down("x")
    path.write_text(text.replace("ffs : {", "ffs : { rw_proxy = true;").replace('"bulk-in"', '{ type = "bulk"; direction = "in"; zlp = true; }')
                    .replace("exec =", "blocking = false; exec ="))
    up(path, "--no-bind")
    names, numbers, _ = given(worker_of()["pid"])
    eq(names, ["ep0", "ep1", "ep1_rw", "ep2"])
    eq(names, sorted(os.listdir("/dev/ffs/x/echo")))
    eq({flags(worker_of()["pid"], n) & os.O_NONBLOCK for n in numbers}, {os.O_NONBLOCK})
    down("x")


@test("a service of systemd serves unchanged: data and control requests; after its end it serves again, bound again")
def service_serves():
    for words, settings in (((), {}), (("notify",), {"ready": "notify"})):
        up(gadget("x", service(*words, **settings)), "--wait-host")
        with traffic() as flow:
            eq(request(flow.device, 0x1234), b"value 1234")
        for end in (lambda: kill_worker("x"), lambda: must(ffsctl("restart", "x"))):
            with harness.configured():
                end()
            await_state("x", "ready")
            with traffic() as flow:
                eq(request(flow.device, 0x5678), b"value 5678")
        eq(status("x")[1], 0)
        down("x")


@test("a supervisor's death and a takeover leave the service alone")
def takeover():
    path = gadget("x", service())
    up(path, "--wait-host")
    with traffic() as flow:
        pid = worker_of()["pid"]
        kill(status("x")[0]["supervisor"])
        flow.more()
        up(path)
        eq(worker_of()["pid"], pid)
        flow.more()
    kill_worker("x")
    await_state("x", "ready")
    down("x")


@test("a reload with other descriptors starts the service again, with these")
def reload_descriptors():
    path = pathlib.Path(gadget("x", service()))
    up(path, "--wait-host")
    path.write_text(path.read_text().replace("interfaces = ( {", 'interfaces = ( { protocol = 7;'))
    with harness.configured():
        must(ffsctl("reload", "x"))
    await_state("x", "ready")
    with traffic() as flow:
        eq(flow.device.get_active_configuration()[(0, 0)].bInterfaceProtocol, 7)
    down("x")


tap.main()
