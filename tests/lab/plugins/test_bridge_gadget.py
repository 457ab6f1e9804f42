# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1 timeout=120
"""The plugin bridge in a gadget file: run by ffsctl, and as the user nobody."""

import os
import socket
import subprocess
import time

import gadgets
import harness
import tap
from gadgets import DIRECTORY, await_status, await_worker, kill_worker
from harness import down, ffsctl, must, status
from tap import contains, eq, ok, patience, test

harness.leaves_nothing()
STOP_TIMEOUT = patience(5)
SOCKETS = DIRECTORY / "sockets"
SOCKETS.mkdir()
os.chmod(SOCKETS, 0o777)  # for all users


def gadget(**options):
    text = " ".join(f"{key} = {value};" if isinstance(value, int) else f'{key} = "{value}";'
                    for key, value in options.items())
    return gadgets.gadget("bridge", 'plugin = "bridge"; restart_delay = 0; stop_timeout = %g; options : { %s };' % (STOP_TIMEOUT, text))


def up(**options):
    with harness.configured():
        must(ffsctl("up", gadget(**options)))
    return harness.endpoints(harness.device())


@test("options that cannot work: up fails, and says why")
def impossible_options():
    for options, text in (({}, "no peer: set one of the options"),
                          ({"listen": "unix:/run/bridge"}, "cannot listen on 'unix:/run/bridge': Permission denied; "
                           "the worker's user (worker.user) must be able to write to the directory"),
                          ({"listen": "tcp:127.0.0.1:22"}, "ports below 1024 need root, use a higher one")):
        result = ffsctl("up", gadget(**options))
        ok(result.returncode != 0, "it is up")
        contains(result.stderr, text)


@test("the status has the statistics")
def status_has_statistics():
    out, in_ = up(command="cat")
    out.write(b"x" * 1000)
    eq(len(in_.read(1024)), 1000)
    shown, _ = await_status("bridge", lambda g: (g["functions"][0]["worker"]["stats"] or {}).get("to_host"), "told")
    eq(shown["functions"][0]["worker"]["stats"], {"clients": 1, "from_host": 1000, "to_host": 1000, "dropped": 0})
    down("bridge")


def commands():
    """Returns the programs that the worker has started."""
    return [pid for pid in gadgets.processes_of("bridge") if harness.stat_of(pid)[0] == "cat"]


@test("a worker that is killed takes its command along; the next one has its own, and serves")
def killed_worker_takes_command_along():
    out, in_ = up(command="cat")
    first = commands()
    eq(len(first), 1)
    kill_worker("bridge")
    await_status("bridge", lambda g: g["functions"][0]["worker"]["restarts"] == 1, "restarted")
    await_worker("bridge", "ready")
    harness.wait_dead(first[0])
    for e in (out, in_):
        harness.usb.util.dispose_resources(e.device)
    out, in_ = harness.endpoints(harness.device())
    for e in (out, in_):
        e.device.clear_halt(e.bEndpointAddress)
    out.write(b"again")
    eq(bytes(in_.read(100)), b"again")
    down("bridge")


@test("a worker that is killed leaves its socket's path: the next one listens there")
def killed_worker_leaves_socket_path():
    where = str(SOCKETS / "socket")
    up(listen=f"unix:{where}", socket_mode="0600")
    before = os.stat(where)
    worker = harness.status("bridge")[0]["functions"][0]["worker"]["pid"]
    eq((before.st_uid, before.st_mode & 0o777), (os.stat(f"/proc/{worker}").st_uid, 0o600))
    kill_worker("bridge")
    await_status("bridge", lambda g: g["functions"][0]["worker"]["restarts"] == 1, "restarted")
    await_worker("bridge", "ready")
    out, in_ = harness.endpoints(harness.device())
    for e in (out, in_):
        e.device.clear_halt(e.bEndpointAddress)
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(where)
        client.sendall(b"hello")
        eq(bytes(in_.read(100)), b"hello")
    down("bridge")
    ok(not os.path.exists(where), "the path is left")


@test("an address that comes later can be listened on now")
def address_comes_later():
    out, in_ = up(listen="tcp:10.55.55.1:5511")
    subprocess.run(["ip", "address", "add", "10.55.55.1/32", "dev", "lo"], check=True)
    try:
        with socket.create_connection(("10.55.55.1", 5511), patience(10)) as client:
            client.sendall(b"hello")
            eq(bytes(in_.read(100)), b"hello")
    finally:
        subprocess.run(["ip", "address", "del", "10.55.55.1/32", "dev", "lo"], check=True)
    down("bridge")


@test("down while everything is blocked takes no longer than otherwise")
def down_while_all_blocked():
    out, _ = up(command="sleep 100000")
    for _ in range(100000):
        try:
            out.write(b"x" * 16384, timeout=300)
        except harness.usb.core.USBTimeoutError:
            break
    began = time.monotonic()
    down("bridge")
    ok(time.monotonic() - began < STOP_TIMEOUT, "it waited for stop_timeout")
    eq(status("bridge"), (None, 3))


tap.main()
