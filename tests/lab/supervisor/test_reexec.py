# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
# lab all: build=musl,i386 timeout=240
"""A supervisor becomes another ffsctl program while data flows. Process, workers and binding stay, and the supervisor
is notified when workers end. If the new program cannot continue, only the supervisor ends."""

import json
import os
import pathlib
import shutil
import socket
import subprocess
import time

import usb.util

import gadgets
import harness
import tap
from gadgets import (AT_ONCE, LOOPBACK, TAKEN_OVER, await_status, gadget, odd, processes, running,
                     traffic, worker)
from harness import FFSCTL, devnums, down, ffsctl, kill, must, status, up, wait_dead
from tap import contains, eq, ok, patience, rounds, test

harness.leaves_nothing()


def reexec(*gadgets_, program=FFSCTL, code=0):
    return must(subprocess.run([program, "reexec", *gadgets_], capture_output=True, text=True), code)


TIMES = rounds(10, 20, 100)
VERSION = must(ffsctl("--version")).stdout.strip()  # "ffsctl 0.2.0"


@test(f"{TIMES} times while data flows: same process, no disconnect, no worker is restarted")
def under_load_nothing_restarts():
    path = gadget("flow", LOOPBACK)
    up(path, "--wait-host")
    numbers, before, pid = devnums(), processes("flow"), status("flow")[0]["supervisor"]
    with traffic() as t:
        for _ in range(TIMES):
            contains(reexec("flow").stderr, f"flow: continues as {VERSION}")
            now, code = status("flow")
            eq((now["state"], now["supervisor"], code), ("ready", pid, 0))
            eq(processes("flow"), before)
            t.more(1)
    eq(devnums(), numbers, "devices")
    eq(status("flow")[0]["functions"][0]["worker"]["restarts"], 0)
    contains(must(ffsctl("log", "flow")).stdout, ": worker ready (pid ")
    contains(must(ffsctl("log", "flow")).stdout, f" continues as {VERSION}")
    down(path)


@test("it becomes the program whose command it is, and knows how a worker ends")
def becomes_program_of_command():
    directory = gadgets.DIRECTORY / "bin"
    directory.mkdir()
    for name in ("ffsctl", "ffsctl-worker"):
        shutil.copy(pathlib.Path(FFSCTL).with_name(name), directory / name)
    path = gadget("flow", worker(plugin=f"{pathlib.Path(FFSCTL).parent}/src/plugins/loopback.so", **AT_ONCE))
    up(path)
    now, _ = status("flow")
    reexec("--all", program=str(directory / "ffsctl"))
    eq(os.readlink(f"/proc/{now['supervisor']}/exe"), str(directory / "ffsctl"))
    kill(now["functions"][0]["worker"]["pid"])
    after = await_status("flow", lambda g: g["functions"][0]["worker"]["restarts"] == 1 and g["state"] == "ready",
                         "ready again")[0]
    eq((after["functions"][0]["worker"]["last_exit"], after["supervisor"]), ("signal 9 (Killed)", now["supervisor"]))
    reexec("flow")
    eq(os.readlink(f"/proc/{now['supervisor']}/exe"), os.path.realpath(FFSCTL))
    eq(status("flow")[0]["functions"], after["functions"])
    down("flow")


@test("run goes on in the foreground: its process, its words, TERM")
def run_stays_in_foreground():
    path = gadget("flow", {"echo": LOOPBACK, "odd": odd("ready", "stop", stop_timeout=1)})
    with running(path) as (child, _):
        before = processes("flow")
        reexec("flow")
        eq((status("flow")[0]["supervisor"], processes("flow")), (child.pid, before))
        for line in child.stderr:
            if "flow: continues as ffsctl" in line:
                break
        kill(before[0][1])
        for line in child.stderr:
            if "echo: worker ended: signal 9 (Killed)" in line:
                break
        await_status("flow", lambda g: g["state"] == "ready", "ready")
        child.terminate()
        eq(child.wait(patience(30)), 0)
    eq(status("flow"), (None, 3))


@test("what it was is what it is: a changed file, another one's plan; reload and down work after it")
def file_and_plan_stay():
    path = pathlib.Path(gadget("flow", LOOPBACK))
    up(str(path), "--hold", "7")
    before = processes("flow")
    path.write_text(path.read_text() + 'max_speed = "high";\n')
    reexec("flow")
    eq((processes("flow"), status("flow")[1]), (before, 0))
    # As a version would leave it that gives workers something else
    record = pathlib.Path("/run/ffsctl/flow/record")
    document = json.loads(record.read_text())
    eq(document["hold"], 7)
    for step in document["plan"]:
        if step["do"] in ("start-worker", "await-ready"):
            step["value"] = step["value"].replace(step["value"].split()[2], "0123456789abcdef")
    record.write_text(json.dumps(document))
    reexec("flow")
    eq((processes("flow"), status("flow")[1]), (before, 0))
    contains(must(ffsctl("reload", "flow")).stderr, "reloaded with a rebind")
    eq(status("flow")[1], 0, status("flow"))
    ok(processes("flow")[0][1] != before[0][1], "the worker must be another one")
    down("flow")


@test("a program that is not there changes nothing; one that is no ffsctl leaves all to the next up")
def missing_or_wrong_program():
    path = gadget("flow", LOOPBACK)
    up(path, "--hold", "0")
    before, pid = processes("flow"), status("flow")[0]["supervisor"]

    def ask(program):
        """Sends the command with the path of another program."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.connect("/run/ffsctl/flow/control")
            s.send(json.dumps({"command": "reexec", "program": program}).encode())
            return s.recv(65536)

    answer = json.loads(ask("/nowhere/ffsctl"))
    eq((answer["exit"], answer["text"]), (69, "cannot execute /nowhere/ffsctl: No such file or directory"))
    eq(json.loads(ask("ffsctl"))["exit"], 64)
    eq((processes("flow"), status("flow")[0]["supervisor"], status("flow")[1]), (before, pid, 0))
    eq(ask("/bin/true"), b"")
    wait_dead(pid)
    eq(status("flow")[0]["supervisor"], None)
    contains(up(path).stderr, TAKEN_OVER)
    eq(processes("flow"), before)
    down("flow")


def sockets_of(pid):
    return sum(target.startswith("socket:") for target in harness.open_files(pid).values())


@test("commands that wait, and who has not given one yet, are told to try again")
def waiting_commands_try_again():
    gate = gadgets.DIRECTORY / "gate"
    script = f"while test -e {gate}; do sleep 1; done; echo >&$NOTIFY_FD; exec sleep 100000"
    up(gadget("flow", worker(exec=["/bin/sh", "-c", script], ready="fd")), "--wait-host")
    gate.touch()
    supervisor = status("flow")[0]["supervisor"]
    time.sleep(0.1)  # of virtual time: the supervisor has closed the connection of this `status`
    before = sockets_of(supervisor)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as idle:
        idle.connect("/run/ffsctl/flow/control")
        waiting = [gadgets.start("wait", "flow", "--for", "disconnected"), gadgets.start("restart", "flow")]
        await_status("flow", lambda g:
                     sockets_of(supervisor) == before + 3 and g["functions"][0]["worker"]["state"] == "starting", "starting")
        reexec("flow")
        for process in waiting:
            result = gadgets.finish(process)
            eq(result.returncode, 75)
            contains(result.stderr, "the gadget's supervisor is about to execute another program\nhint: try again")
        answer = json.loads(idle.recv(65536))
        eq((answer["exit"], answer["text"]), (75, "the gadget's supervisor is about to execute another program; try again"))
    gate.unlink()
    await_status("flow", lambda g: g["state"] == "ready", "ready")
    down("flow")


@test("what a new program cannot go on with lives on, for the next up")
def new_program_cannot_go_on():
    path = gadget("flow", {"first": LOOPBACK, "second": LOOPBACK})
    up(path)
    before, pid = processes("flow"), status("flow")[0]["supervisor"]
    keeper = pathlib.Path("/run/ffsctl/flow/keeper-second")
    keeper.rename("/run/ffsctl/flow/elsewhere")
    contains(reexec("flow", code=71).stderr, "cannot continue 'flow'")
    wait_dead(pid)
    pathlib.Path("/run/ffsctl/flow/elsewhere").rename(keeper)
    contains(up(path).stderr, TAKEN_OVER)
    eq(processes("flow"), before)
    down("flow")


@test("it switches to another gadget as before, within the time that up was given")
def switches_as_before():
    gadget("b", odd("ready", "setup"))
    path = gadget("a", odd("ready", "setup"), 'switch_to = [ "b" ];')
    up(path, "--wait-host", "--udc", "dummy_udc.0")
    reexec("a")
    host = harness.device()
    with harness.configured():
        host.ctrl_transfer(0x41, 2, 0, 0, b"b")
        host.ctrl_transfer(0x41, 10, 0, 0, None)
        usb.util.dispose_resources(host)
    eq((status("a"), status("b")[1]), ((None, 3), 0))
    contains(reexec("b", code=73).stderr, "has become another gadget (switch_to)")
    down("b")


@test("what has failed, or is not there, cannot become another one")
def failed_gadget_cannot():
    contains(reexec("flow", code=69).stderr, "'flow' is not up")
    reexec("--all")
    up(gadget("flow", odd("ready", "bound", "exit", "125")))
    await_status("flow", lambda g: g["state"] == "failed", "failed")
    contains(reexec("flow", code=73).stderr, "'flow' has failed")
    down("flow")


tap.main()
