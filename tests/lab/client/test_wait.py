#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""`wait` returns when a gadget is ready, when its host has configured it, or when the host has disconnected. It also
returns when this cannot happen any more, or when its time limit is reached."""

import json
import os
import pathlib
import resource
import signal
import socket
import time

import gadgets
import harness
import tap
from gadgets import (FRAGILE, LOOPBACK, SLOW, Fifo, continue_stopped_worker, fail_for_good, finish, gadget, leave_without_worker, no_host,
                     odd, read_lines_until, start, unconfigure)
from harness import down, ffsctl, must, stat_of, status, up
from tap import contains, eq, ok, test

harness.leaves_nothing()


def waiting(*words):
    """Starts a `wait` and returns when the supervisor has received it: the supervisor answers a second request in
    order."""
    process = start("-v", "wait", "x", *words)
    contains(must(ffsctl("wait", "x", *words, "--timeout", "0.2"), 75).stderr, "after 0.2 s")
    eq(process.poll(), None, "it has ended")
    return process


@test("ready: at once when it is, by name and by file")
def ready_at_once():
    path = gadget("x", LOOPBACK)
    up(path)
    for word in ("x", path):
        eq(must(ffsctl("wait", word)).stderr, "ffsctl: x: ready\n")
        found, = harness.document(must(ffsctl("wait", word, "--json")))["gadgets"]
        eq((found["name"], found["state"]), ("x", "ready"))
    down("x")


@test("--timeout 0: what is true now is answered, also if the supervisor is a little slow")
def true_now():
    up(gadget("x", LOOPBACK))
    supervisor = status("x")[0]["supervisor"]
    os.kill(supervisor, signal.SIGSTOP)
    process, trace = gadgets.start_traced(["wait", "x", "--timeout", "0"])
    while process.poll() is None and "ppoll" not in trace.read_text():
        os.sched_yield()
    os.kill(supervisor, signal.SIGCONT)
    must(finish(process))
    down("x")


@test("ready: of a gadget that is coming up, when it has")
def ready_after_coming_up():
    told = Fifo()
    coming = start("up", gadget("x", odd("tell", told.path, "raise", int(signal.SIGSTOP), "notify", "wait")))
    pid = told.wait()
    eq(status("x")[0]["state"], "starting")
    process = waiting()
    continue_stopped_worker(pid)
    must(finish(process))
    eq(status("x")[0]["state"], "ready")
    must(finish(coming))
    down("x")


@test("ready: of what is unbound, when it is bound")
def ready_after_bind():
    up(gadget("x", LOOPBACK), "--no-bind")
    process = waiting()
    must(ffsctl("bind", "x"))
    must(finish(process))
    down("x")


@test("ready: not of what somebody else has taken off the bus, until it is back")
def not_ready_while_unbound_externally():
    up(gadget("x", LOOPBACK))
    attribute = pathlib.Path(harness.CONFIGFS, "x", "UDC")
    udc = attribute.read_text()
    attribute.write_text("\n")
    process = waiting()
    attribute.write_text(udc)
    must(finish(process))
    down("x")


@test("however often it is stopped and continued")
def stopped_and_continued():
    up(gadget("x", LOOPBACK), "--no-bind")
    process = waiting()
    for _ in range(3):
        process.send_signal(signal.SIGSTOP)
        os.waitid(os.P_PID, process.pid, os.WSTOPPED)
        process.send_signal(signal.SIGCONT)
        os.waitid(os.P_PID, process.pid, os.WCONTINUED)
        must(ffsctl("wait", "x", "--timeout", "0.1"), 75)
    eq(process.poll(), None, "it has ended")
    must(ffsctl("bind", "x"))
    must(finish(process))
    down("x")


def processor_time(pid):
    """Returns the processor time of the process in seconds."""
    fields = stat_of(pid)[1]
    return sum(int(n) for n in fields[11:13]) / os.sysconf("SC_CLK_TCK")


def connect(command=None):
    client = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    client.connect("/run/ffsctl/x/control")
    if command:
        client.send(command)
    return client


@test("more than 16 at once: 73, and all else is still taken")
def too_many_waiters():
    up(gadget("x", LOOPBACK), "--no-bind")
    processes = [connect(b'{"command": "wait", "for": "ready"}') for _ in range(16)]
    contains(must(ffsctl("wait", "x"), 73).stderr, "too many commands wait for the gadget's supervisor already")
    must(ffsctl("bind", "x"))
    for client in processes:
        with client:
            eq(client.recv(100), b'{"exit":0}')
    must(ffsctl("wait", "x"))
    processes = [connect(b'{"command": "wait", "for": "configured"}') for _ in range(16)]
    must(ffsctl("unbind", "x"))
    down("x")
    for client in processes:
        client.close()


@test("a supervisor without a place for one more says so, every time")
def supervisor_without_place():
    tap.needs_virtual_time()  # a connection without a command is closed after a while
    up(gadget("x", LOOPBACK))
    clients = []
    while ffsctl("-q", "wait", "x", "--timeout", "10").returncode == 0:
        clients.append(connect())
    for _ in range(30):
        contains(must(ffsctl("down", "x"), 73).stderr, "too many commands wait for the gadget's supervisor already")
    for client in clients:
        client.close()
    down("x")


@test("a supervisor without a descriptor for one more says so, and does nothing else meanwhile")
def supervisor_without_descriptor():
    up(gadget("x", LOOPBACK))
    pid = status("x")[0]["supervisor"]
    taken = harness.open_files(pid)
    limits = resource.prlimit(pid, resource.RLIMIT_NOFILE)
    resource.prlimit(pid, resource.RLIMIT_NOFILE, (max(taken) + 1, limits[1]))
    clients = [connect() for _ in range(max(taken) + 1 - len(taken))]  # in the places between them
    while len(harness.open_files(pid)) <= max(taken):
        time.sleep(0.01)
    before = processor_time(pid)
    for _ in range(3):
        with connect() as late:
            answer = json.loads(late.recv(65536))
            eq((answer["exit"], answer["text"]), (71, "the gadget's supervisor has no file descriptor left (RLIMIT_NOFILE)"))
    time.sleep(1)
    ok(processor_time(pid) - before < 0.5, "it spins")
    resource.prlimit(pid, resource.RLIMIT_NOFILE, limits)
    must(ffsctl("wait", "x"))
    for client in clients:
        client.close()
    down("x")


@test("ready: of a worker that is being restarted, when it is back")
def ready_after_worker_restart():
    up(gadget("x", SLOW))
    leave_without_worker("x")
    process = waiting()
    must(ffsctl("restart", "x"))
    must(finish(process))
    down("x")


@test("ready: a worker that has failed for good ends it, 76")
def ready_never_after_failure():
    up(gadget("x", FRAGILE))
    fail_for_good("x")
    contains(must(ffsctl("wait", "x"), 76).stderr, "the worker of 'echo' has failed: signal 9 (Killed)")
    down("x")


@test("configured and disconnected: with and without a host")
def configured_and_disconnected():
    with no_host():
        up(gadget("x", LOOPBACK))
        must(ffsctl("wait", "x", "--for", "disconnected"))
        process = waiting("--for", "configured")
    must(finish(process))
    must(ffsctl("wait", "--for=configured", "x"))
    eq(status("x")[0]["udc_state"], "configured")
    process = waiting("--for", "disconnected")
    unconfigure()
    must(finish(process))
    must(ffsctl("wait", "x", "--for", "configured", "--timeout", "0.2"), 75)
    down("x")


@test("disconnected after unbind, configured after bind")
def disconnected_by_unbind():
    up(gadget("x", LOOPBACK), "--wait-host")
    must(ffsctl("unbind", "x"))
    must(ffsctl("wait", "x", "--for", "disconnected"))
    must(ffsctl("wait", "x", "--for", "configured", "--timeout", "0"), 75)
    must(ffsctl("bind", "x"))
    must(ffsctl("wait", "x", "--for", "configured"))
    harness.device()
    down("x")


@test("whatever it is, also of a gadget that still waits for a UDC")
def gadget_without_udc():
    coming = start("up", gadget("x", LOOPBACK), "--udc", "none.0", "--wait-udc=1000")
    read_lines_until(coming.stderr, "waiting for a UDC")
    for condition in ("ready", "configured", "disconnected"):
        must(ffsctl("wait", "x", "--for", condition, "--timeout", "0.1"), 75)
    down("x")
    must(finish(coming), 75)


def only_gadget():
    eq(os.path.exists("/run/ffsctl"), False, "the run directory")


def another_gadget():
    up(gadget("y", LOOPBACK), "--no-bind")


def killed_supervisor():
    up(gadget("x", LOOPBACK))
    harness.kill(status("x")[0]["supervisor"])


for before in (only_gadget, another_gadget, killed_supervisor):

    @test(f"with --timeout what has no supervisor: until one comes ({before.__name__.replace('_', ' ')})", before)
    def timeout_without_supervisor(before):
        before()
        process = start("wait", "x", "--timeout", "60")
        while not stat_of(process.pid)[1][0] == "S" or not any(
                "inotify" in (harness.text_of(p) or "") for p in pathlib.Path(f"/proc/{process.pid}/fdinfo").iterdir()):
            os.sched_yield()
        up(gadget("x", LOOPBACK))
        must(finish(process))
        down("--all")


@test("a gadget that goes down meanwhile ends it: 71")
def gadget_goes_down_meanwhile():
    up(gadget("x", LOOPBACK), "--no-bind")
    process = waiting()
    down("x")
    contains(must(finish(process), 71).stderr, "ended before it replied")


def kernels_only(text='functions : { tty : { type = "acm"; }; };'):
    path = gadgets.DIRECTORY / "x.conf"
    path.write_text(f"attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};\n{text}\n")
    return path


@test("what has only functions of the kernel's: the UDC tells, not of an earlier gadget")
def kernel_functions_ask_udc():
    up(kernels_only(), "--wait-host")
    down("x")
    for _ in range(2):
        with no_host():
            up(kernels_only())
            must(ffsctl("wait", "x", "--for", "disconnected"))
            process = waiting("--for", "configured")
            eq(status("x")[0]["udc_state"], harness.WITHOUT_HOST)
        must(finish(process))
        must(ffsctl("wait", "x", "--for", "configured"))
        harness.device()
        eq(status("x")[0]["udc_state"], "configured")
        down("x")


@test("what has only functions of the kernel's: disconnected after unbind, configured after bind")
def kernel_functions_after_bind():
    up(kernels_only(), "--wait-host")
    process = waiting("--for", "disconnected")
    must(ffsctl("unbind", "x"))
    must(finish(process))
    eq(status("x")[0]["udc_state"], None)
    must(ffsctl("bind", "x"))
    must(ffsctl("wait", "x", "--for", "configured"))
    harness.device()
    down("x")


@test("a configuration without FunctionFS that the host takes")
def configuration_without_functionfs():
    up(kernels_only("""functions : {
        tty : { type = "acm"; };
        echo : { ffs : { interfaces = ( { endpoints = ( "bulk-in", "bulk-out" ); } ); }; };
      };
      configs = ( { id = 1; functions = ( "tty" ); }, { id = 2; functions = ( "echo" ); } );"""), "--wait-host")
    eq(harness.device().get_active_configuration().bConfigurationValue, 1)
    down("x")


tap.main()
