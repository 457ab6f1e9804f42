# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
# lab all: build=musl,i386 timeout=240
"""The supervisor dies while data flows: keepers and workers continue, the host notices nothing, and a new supervisor
takes over. If there is no new supervisor in time, all processes end."""

import json
import os
import pathlib
import signal
import subprocess

import usb.util

import gadgets
import harness
import ptrace
import tap
from gadgets import (AT_ONCE, LOOPBACK, TAKEN_OVER, await_state, await_status, gadget, no_host, odd, processes,
                     running, traffic, worker)
from harness import FFSCTL, devnums, down, ffsctl, kill, must, status, up, wait_dead
from tap import contains, eq, ok, patience, rounds, test

harness.leaves_nothing()


def orphaned(name):
    """Kills the supervisor, and checks what `status` reports about it."""
    now, code = status(name)
    eq((now["state"], code), ("ready", 0))
    kill(now["supervisor"])
    after, code = status(name)
    eq((after["state"], after["supervisor"], code), ("degraded", None, 1))
    contains(after["problems"][0]["text"], "its workers continue for a while: 'ffsctl up' takes them over")
    eq([f["worker"]["state"] for f in after["functions"] if f["worker"]],
       [f["worker"]["state"] for f in now["functions"] if f["worker"]])
    return now


KILLS = rounds(10, 20, 100)


@test(f"killed {KILLS} times while data flows: up takes over, no disconnect, no worker is restarted")
def killed_under_load_up_takes_over():
    path = gadget("flow", LOOPBACK)
    up(path, "--wait-host")
    numbers, before = devnums(), processes("flow")
    with traffic() as t:
        for _ in range(KILLS):
            orphaned("flow")
            t.more(2)
            contains(up(path).stderr, f"flow: {TAKEN_OVER}\nffsctl: flow: up on dummy_udc.0")
            eq(processes("flow"), before)
            t.more(2)
    eq(devnums(), numbers, "devices")
    now, code = status("flow")
    eq((now["state"], code, now["problems"]), ("ready", 0, []))
    eq(now["functions"][0]["worker"]["restarts"], 0)
    contains(must(ffsctl("log", "flow")).stdout, "taken over; up on dummy_udc.0")
    down(path)


@test(f"the keeper is killed {KILLS} times while data flows: failed, and the next up begins anew")
def keeper_killed_under_load():
    path = gadget("flow", LOOPBACK)
    up(path, "--wait-host")
    for _ in range(KILLS):
        with traffic() as t:
            now, _ = status("flow")
            kill(now["functions"][0]["keeper"])
            after, code = await_state("flow", "failed")
            eq((after["supervisor"], code), (now["supervisor"], 1))
            contains(after["problems"][0]["text"], "the keeper of 'echo' has died, so the function does not work any more")
            wait_dead(now["functions"][0]["worker"]["pid"])
            t.thread.join(patience(60))  # the device was removed
            ok(t.gone, "the device is still there")
        contains(up(path, "--wait-host").stderr, "flow: has failed; taking it down first")
    down(path)


@test("run takes over from up, and up from run; TERM ends what run has taken over")
def run_and_up_take_over():
    path = gadget("flow", {"echo": LOOPBACK, "talk": odd("ready", "stop", stop_timeout=1)})
    up(path, "--wait-host")
    before = processes("flow")
    with traffic() as t:
        orphaned("flow")
        with running(path) as (child, said):
            contains(said, "flow: taken over; up on dummy_udc.0")
            eq(status("flow")[0]["supervisor"], child.pid)
            eq(processes("flow"), before)
            t.more(2)
        wait_dead(child.pid)
        t.more(2)
        contains(up(path).stderr, TAKEN_OVER)
        eq(processes("flow"), before)
        t.more(2)
        orphaned("flow")
        with running(path) as (child, _):
            t.more(2)
            t.end()
            child.terminate()
            eq(child.wait(patience(30)), 0)
    eq(status("flow"), (None, 3))


@test("run prints what a worker says that up has started")
def run_prints_adopted_output():
    fifo = gadgets.Fifo()
    path = gadget("flow", odd("ready", "tell", fifo.path, "flood", "wait", stop_timeout=0.2))
    up(path)
    fifo.wait()
    orphaned("flow")
    with running(path) as (child, _):
        for line in child.stderr:
            if "no play makes jack a dull boy" in line:
                break
        else:
            raise AssertionError("it does not print what the worker says")
        # Afterwards nobody reads
        child.stderr.close()
        must(ffsctl("down", "flow"))


@test("without a supervisor control requests are answered, and a reset of the link is told")
def control_requests_without_supervisor():
    path = gadget("ctl", odd("ready", "echo", "setup"))
    up(path, "--wait-host")
    device = harness.device()
    orphaned("ctl")
    device.ctrl_transfer(0x41, 2, 0, 0, b"kept meanwhile")
    eq(bytes(device.ctrl_transfer(0xC1, 1, 0, 0, 100)), b"kept meanwhile")
    device.reset()
    out, in_ = harness.endpoints(device)
    out.write(b"after a reset")
    eq(bytes(in_.read(100)), b"after a reset")
    contains(up(path).stderr, TAKEN_OVER)
    eq(bytes(device.ctrl_transfer(0xC1, 1, 0, 0, 100)), b"kept meanwhile")
    must(ffsctl("wait", "ctl", "--for", "configured"))
    usb.util.dispose_resources(device)
    down("ctl")


@test("a worker that ended meanwhile is started anew; one that ends later, and its end is not known")
def worker_ended_meanwhile():
    path = gadget("flow", worker(plugin="loopback", **AT_ONCE))
    up(path, "--wait-host")
    now = orphaned("flow")
    kill(now["functions"][0]["worker"]["pid"])
    up(path)
    after, _ = await_state("flow", "ready")
    w = after["functions"][0]["worker"]
    eq((w["restarts"], w["last_exit"]), (1, "unknown"))
    eq(after["functions"][0]["keeper"], now["functions"][0]["keeper"])
    # This one is the supervisor's child; of the one that the next takes over it is not
    kill(w["pid"])
    w = await_status("flow", lambda g: g["functions"][0]["worker"]["restarts"] == 2 and g["state"] == "ready",
                     "ready again")[0]["functions"][0]["worker"]
    eq(w["last_exit"], "signal 9 (Killed)")
    orphaned("flow")
    up(path)
    eq(status("flow")[0]["functions"][0]["worker"], w)
    kill(w["pid"])
    w = await_status("flow", lambda g: g["functions"][0]["worker"]["restarts"] == 3 and g["state"] == "ready",
                     "ready again")[0]["functions"][0]["worker"]
    eq(w["last_exit"], "unknown")
    with traffic() as t:
        t.more(5)
    down("flow")


@test("what a worker that was taken over has started ends with it")
def left_processes_end_with_worker():
    path = gadget("flow", odd("ready", "children", "daemon", "wait", stop_timeout=0.3, **AT_ONCE))
    up(path)
    now = orphaned("flow")
    up(path)
    kill(now["functions"][0]["worker"]["pid"])
    first = set(gadgets.processes_of("flow"))
    await_status("flow", lambda g: g["functions"][0]["worker"]["restarts"] == 1 and g["state"] == "ready", "restarted")
    await_status("flow", lambda g: not first & set(gadgets.processes_of("flow")) or
                 len(gadgets.processes_of("flow")) == 4, "only the new one's")
    down("flow")
    eq(gadgets.processes_of("flow"), [])


@test("the keeper of a gadget that was taken over is killed: failed, and up begins anew")
def keeper_killed_after_takeover():
    path = gadget("flow", LOOPBACK)
    up(path)
    now = orphaned("flow")
    up(path)
    kill(now["functions"][0]["keeper"])
    after, _ = await_state("flow", "failed")
    contains(after["problems"][0]["text"], "the keeper of 'echo' has died")
    wait_dead(now["functions"][0]["worker"]["pid"])
    contains(up(path).stderr, "has failed; taking it down first")
    down("flow")


@test("down takes all away, keepers and workers as well")
def down_without_supervisor():
    path = gadget("flow", {"echo": LOOPBACK, "none": None, "odd": odd("ready", "deaf", "daemon", "wait")})
    up(path)
    orphaned("flow")
    contains(down("flow").stderr, "its supervisor had died; cleared what it left")
    eq(status("flow"), (None, 3))


@test("--hold 0: all ends with the supervisor")
def hold_zero():
    path = gadget("flow", LOOPBACK)
    up(path, "--hold", "0")
    now, _ = status("flow")
    kill(now["supervisor"])
    wait_dead(now["functions"][0]["keeper"])
    wait_dead(now["functions"][0]["worker"]["pid"])
    eq(pathlib.Path(harness.CONFIGFS, "flow/UDC").read_text().strip(), "", "UDC")
    after, code = status("flow")
    eq((after["state"], after["functions"][0]["worker"]["state"], code), ("degraded", "stopped", 1))
    contains(after["problems"][0]["text"], "'ffsctl down flow' removes what is left")
    contains(up(path).stderr, "flow: clearing what a dead supervisor has left")
    down("flow")


@test("nobody comes in the time that they hold: keeper and worker end, and the gadget leaves the bus")
def hold_runs_out():
    path = gadget("flow", LOOPBACK)
    up(path, "--hold", "0.7")
    now = orphaned("flow")
    wait_dead(now["functions"][0]["keeper"])
    wait_dead(now["functions"][0]["worker"]["pid"])
    eq(pathlib.Path(harness.CONFIGFS, "flow/UDC").read_text().strip(), "", "UDC")
    contains(status("flow")[0]["problems"][0]["text"], "'ffsctl down flow' removes what is left")
    contains(up(path).stderr, "flow: clearing what a dead supervisor has left")
    down("flow")


@test("another gadget file, another UDC, a keeper that died: what is left is cleared, and it comes up anew")
def takeover_impossible():
    path = pathlib.Path(gadget("flow", {"a": LOOPBACK, "b": LOOPBACK}))
    text = path.read_text()

    def anew(*args):
        said = up(str(path), *args).stderr
        contains(said, "flow: clearing what a dead supervisor has left")
        ok("taken over" not in said, said)
        eq(status("flow")[1], 0)

    up(str(path))
    orphaned("flow")
    path.write_text(text.replace('product = "flow"', 'product = "other"'))
    anew()
    now = orphaned("flow")
    kill(now["functions"][1]["keeper"])
    anew()
    before = processes("flow")
    orphaned("flow")
    path.write_text(text.replace('product = "flow"', 'product = "other"') + "autostart = true;\n")
    contains(up(str(path)).stderr, TAKEN_OVER)
    eq(processes("flow"), before)
    down("flow")


@test("off the bus stays off it, by unbind or by another program; bind, restart, reload and down work after it")
def unbound_stays_unbound():
    path = pathlib.Path(gadget("flow", LOOPBACK))
    up(str(path))
    before = processes("flow")
    must(ffsctl("unbind", "flow"))
    kill(status("flow")[0]["supervisor"])
    contains(up(str(path)).stderr, f"{TAKEN_OVER}\nffsctl: flow: up, not bound")
    eq(status("flow")[0]["state"], "unbound")
    must(ffsctl("bind", "flow"))
    eq((processes("flow"), status("flow")[1]), (before, 0))
    kill(status("flow")[0]["supervisor"])
    pathlib.Path(harness.CONFIGFS, "flow/UDC").write_text("\n")
    not_bound = "not bound to its UDC dummy_udc.0; 'ffsctl status flow' shows why"
    contains(up(str(path)).stderr, f"{TAKEN_OVER}\nffsctl: flow: up, {not_bound}")
    contains(must(ffsctl("log", "flow")).stdout, "taken over; up, not bound to its UDC dummy_udc.0")
    contains(up(str(path)).stderr, f"flow: up already, {not_bound}")
    contains(status("flow")[0]["problems"][0]["text"], "another program unbound it from its UDC dummy_udc.0")
    must(ffsctl("bind", "flow"))
    eq((processes("flow"), status("flow")[1]), (before, 0))
    orphaned("flow")
    up(str(path))
    path.write_text(path.read_text() + 'max_speed = "high";\n')
    contains(must(ffsctl("reload", str(path))).stderr, "reloaded with a rebind")
    eq((processes("flow"), status("flow")[1]), (before, 0))
    orphaned("flow")
    up(str(path), "--wait-host")
    must(ffsctl("restart", "flow"))
    eq(status("flow")[0]["functions"][0]["worker"]["restarts"], 1)
    with traffic() as t:
        t.more(3)
    down("flow")


@test("restart takes over first: no disconnect, new workers, and a supervisor that goes on as the dead one would have")
def restart_takes_over_first():
    path = pathlib.Path(gadget("flow", {"a": LOOPBACK, "b": LOOPBACK}))
    text = path.read_text()
    up(str(path), "--wait-host", "--hold", "33")
    path.unlink()  # it is not needed, as it is not for reexec
    numbers, before = devnums(), processes("flow")
    with traffic() as t:
        orphaned("flow")
        eq(must(ffsctl("restart", "flow", "b")).stderr, f"ffsctl: flow: {TAKEN_OVER}\nffsctl: flow: b ready again\n")
        now, code = status("flow")
        eq((now["state"], code, now["problems"]), ("ready", 0, []))
        (keeper, worker_), (other, new) = processes("flow")
        eq([(keeper, worker_), other], [before[0], before[1][0]])
        ok(new != before[1][1], "the worker is the old one")
        eq([f["worker"]["restarts"] for f in now["functions"]], [0, 1])
        ok(now["supervisor"] and os.readlink(f"/proc/{now['supervisor']}/cwd") == "/", "it is not in the background")
        t.more(3)
    eq(devnums(), numbers, "devices")
    contains(must(ffsctl("log", "flow")).stdout, "taken over; up on dummy_udc.0")
    record = json.loads(pathlib.Path("/run/ffsctl/flow/record").read_text())
    eq((record["hold"], record["file"]), (33.0, str(path)))
    must(ffsctl("restart", "flow"))
    orphaned("flow")
    path.write_text(text)
    contains(must(ffsctl("restart", str(path))).stderr, "flow: ready again")
    contains(up(str(path)).stderr, "up already")
    eq(devnums(), numbers, "devices")
    down("flow")


@test("restart where nothing can be taken over: 69, what to do, and nothing is changed")
def restart_cannot_take_over():
    path = gadget("flow", LOOPBACK)
    for name, args in (("flow", ()), ("other", ("--name", "other"))):
        up(path, "--hold", "0", *args)
        now, _ = status(name)
        kill(now["supervisor"])
        wait_dead(now["functions"][0]["keeper"])
        wait_dead(now["functions"][0]["worker"]["pid"])
        left = harness.tree(harness.CONFIGFS)
        for _ in range(2):
            eq(must(ffsctl("restart", name), 69).stderr,
               f"ffsctl: '{name}' has no supervisor, and cannot be taken over\n"
               f"hint: 'ffsctl up{' --name other' * (name == 'other')} {path}' brings it up again\n")
        eq((harness.tree(harness.CONFIGFS), status(name)[1]), (left, 1))
        contains(up(path, *args).stderr, f"{name}: clearing what a dead supervisor has left")
        down(name)


@test("restart by somebody who may not take over: 77, and the gadget waits for somebody who may")
def restart_by_somebody_else():
    path = gadget("flow", LOOPBACK)
    up(path)
    before = processes("flow")
    orphaned("flow")
    program = os.open(FFSCTL, os.O_RDONLY)
    result = subprocess.run([f"/proc/self/fd/{program}", "restart", "flow"], user="nobody", group="nogroup", extra_groups=[],
                            pass_fds=(program,), stdout=-1, stderr=-1, text=True)
    os.close(program)
    contains(must(result, 77).stderr, "this needs root")
    contains(up(path).stderr, TAKEN_OVER)
    eq(processes("flow"), before)
    down("flow")


@test("a gadget of the kernel's functions alone is taken over as well, also when its host is there")
def kernel_functions_are_taken_over():
    path = gadgets.DIRECTORY / "serial.conf"
    path.write_text('attrs = { idVendor = 0x1d6b; idProduct = 0x0104; }; functions : { tty : { type = "acm"; }; };\n')
    up(str(path), "--wait-host")
    now, _ = status("serial")
    kill(now["supervisor"])
    eq(status("serial")[1], 1)
    contains(up(str(path)).stderr, TAKEN_OVER)
    after, code = status("serial")
    eq((after["state"], after["udc_state"], after["since"], code), ("ready", "configured", now["since"], 0))
    must(ffsctl("wait", "serial", "--for", "configured"))
    down("serial")


@test("up is killed at any moment while it takes over: the next one does")
def up_killed_during_takeover():
    path = gadget("flow", {"echo": LOOPBACK, "two": LOOPBACK})
    up(path, "--wait-host")
    before = processes("flow")
    for calls in range(0, 360, rounds(27, 18, 9)):  # a takeover is about 340 system calls
        kill(status("flow")[0]["supervisor"])
        command, supervisor = ptrace.run_child([FFSCTL, "up", path], calls, stderr=subprocess.DEVNULL,
                                               start_new_session=True)
        ok(supervisor, f"no supervisor after {calls} calls")
        os.kill(supervisor, signal.SIGKILL)
        os.waitpid(supervisor, ptrace.WALL)
        wait_dead(supervisor)
        command.kill()
        command.wait()
        contains(up(path).stderr, TAKEN_OVER)
        eq(processes("flow"), before)
        eq(status("flow")[1], 0)
    with traffic() as t:
        t.more(3)
    down("flow")


@test("what attributes were before is known after a take-over and a reexec: a key that is removed brings it back")
def old_attributes_survive_takeover():
    attributes = {"bcdDevice": "0x0321", "bcdUSB": "0x0210", "bDeviceClass": "0xef"}
    directory = pathlib.Path("/sys/kernel/config/usb_gadget/x")
    path = pathlib.Path(gadget("x", LOOPBACK))
    text = path.read_text()
    # The kernel changes bcdUSB when a host reads it
    with no_host():
        up(path)
        before = {name: (directory / name).read_text() for name in attributes}
        down("x")
        for change in ("kill", "reexec"):
            path.write_text(text.replace("attrs = {", "attrs = { " + " ".join(f"{n} = {v};" for n, v in attributes.items())))
            up(path)
            eq({name: int((directory / name).read_text(), 16) for name in attributes},
               {name: int(value, 16) for name, value in attributes.items()})
            if change == "kill":
                harness.kill(status("x")[0]["supervisor"])
                up(path)
            else:
                must(ffsctl("reexec", "x"))
            path.write_text(text)
            must(ffsctl("reload", "x"))
            eq({name: (directory / name).read_text() for name in attributes}, before, change)
            down("x")


tap.main()
