# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=120
# lab all: kernel=6.12,6.1 timeout=120
"""Workers that end soon after their start: `up`, `reload` and `restart` fail, and say why. A worker with ready =
"started" must run for half a second. Time is virtual, and is compared exactly."""

import time

import gadgets
import harness
import tap
from gadgets import DIRECTORY, finish, gadget, start, worker
from harness import down, ffsctl, must, status, up
from tap import contains, eq, ok, test

harness.leaves_nothing()
STARTED_SECONDS = 0.5


def kernel_gadget(name, functions):
    """Writes a gadget file with kernel functions: {label: (type, text of its group `worker`)}."""
    path = DIRECTORY / f"{name}.conf"
    path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : {\n" + "".join(
        f'  {label} : {{ type = "{kind}"; {f"worker = {{ {group} }};" if group else ""} }};\n'
        for label, (kind, group) in functions.items()) + "};\n")
    return str(path)


def refused(path, *sentences):
    result = must(ffsctl("up", path), 76)
    for sentence in sentences:
        contains(result.stderr, sentence)
    eq(status("x"), (None, 3))
    return result


def sh(script, **settings):
    return worker(exec=["/bin/sh", "-c", script], **settings)


@test("up fails if a program ends at once, and removes everything")
def program_ends_at_once():
    refused(gadget("x", worker(exec=["/bin/false"])),
            "the worker of 'echo' (/bin/false) ended within 0.5 s of its start: exit 1\n")
    refused(gadget("x", worker(exec=["/bin/true"])), "ended within 0.5 s of its start: exit 0\n"
            'hint: a worker must keep running, unless it has restart = "on-failure" and its work is done')
    refused(gadget("x", sh("kill -9 $$")), "ended within 0.5 s of its start: signal 9 (Killed)\n")
    refused(gadget("x", {"a": worker(plugin="loopback"), "b": worker(exec=["/bin/false"], on_failed="stall")}),
            "the worker of 'b' (/bin/false) ended within 0.5 s of its start: exit 1\n")


@test("half a second decides: who ends before it fails, who ends after it was ready")
def half_a_second():
    tap.needs_virtual_time()
    # A shell needs some ticks until it sleeps, and to end
    path = gadget("x", sh(f"sleep {STARTED_SECONDS - 0.1}; exit 7"))
    refused(path, "ended within 0.5 s of its start: exit 7\n")
    path = gadget("x", sh(f"sleep {STARTED_SECONDS + 0.01}; exit 7", restart_delay=1000, restart_max_delay=1000))
    before = time.monotonic()
    process = start("up", path)
    must(finish(process))
    took = time.monotonic() - before
    ok(STARTED_SECONDS <= took < STARTED_SECONDS + 0.2, f"up took {took} s")
    down("x")


@test("a program that has done its work, with a policy that permits this, is no failure")
def work_is_done():
    up(gadget("x", worker(exec=["/bin/true"], restart="on-failure", on_failed="stall")))
    eq(status("x")[0]["functions"][0]["worker"]["state"], "done")
    down("x")


@test("the worker of a kernel function, too: up fails, or warns where the gadget stays without it")
def worker_of_kernel_function():
    for kind in ("acm", "ncm"):  # the device exists before the bind, or since the bind
        refused(kernel_gadget("x", {"a": (kind, worker(exec=["/bin/false"]))}),
                "the worker of 'a' (/bin/false) ended within 0.5 s of its start: exit 1\n")
        result = up(kernel_gadget("x", {"a": (kind, worker(exec=["/bin/false"])), "b": ("ecm", None)}))
        contains(result.stderr, "x: the worker of 'a' (/bin/false) ended within 0.5 s of its start: exit 1")
        down("x")
        eq(up(kernel_gadget("x", {"a": (kind, worker(exec=["/bin/sleep", "1000"]))})).stderr,
           "ffsctl: x: up on dummy_udc.0\n")
        eq(status("x")[0]["functions"][0]["worker"]["state"], "ready")
        down("x")


@test("while the worker of a kernel function starts with its device, nothing is wrong")
def starts_with_device():
    sleep = worker(exec=["/bin/sleep", "1000"], start="configured")
    up(kernel_gadget("x", {"a": ("acm", sleep)}), "--wait-host")
    gadgets.await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "starting", "starting")
    eq(status("x")[0]["state"], "ready")
    gadgets.await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "ready", "ready")
    down("x")


@test("a reload to a program that ends at once fails, and reverts")
def reload_to_program_that_ends():
    up(gadget("x", worker(exec=["/bin/sleep", "1000"])))
    gadget("x", worker(exec=["/bin/false"]))
    contains(must(ffsctl("reload", "x"), 76).stderr, "(/bin/false) ended within 0.5 s of its start: exit 1")
    eq(status("x")[0]["state"], "ready")
    down("x")


@test("a program that goes into the background is told to stay in the foreground")
def program_daemonizes():
    for settings in ({}, {"ready": "notify"}, {"user": "root"}):
        result = refused(gadget("x", sh("setsid sleep 1000 & exit 0", **settings)))
        contains(result.stderr, ": exit 0; s")  # sh, setsid or sleep
        contains(result.stderr, "), which it had started, still ran and was ended\nhint: a worker must not go into "
                 "the background: use the program's option to stay in the foreground\n")


@test("the log says it, too, of a program that goes into the background later")
def program_daemonizes_later():
    up(gadget("x", sh("sleep 1; sleep 1000 & exit 0", restart_delay=1000, restart_max_delay=1000)))
    gadgets.await_status("x", lambda g: g["functions"][0]["worker"]["state"] == "waiting", "waiting")
    log = must(ffsctl("log", "x")).stdout
    contains(log, "which the worker had started, still ran and was ended: a worker must not go into the background\n")
    down("x")


@test("who has failed for lack of permission is shown")
def which_user():
    program = ["/usr/bin/python3", "-c", "open('/etc/shadow')"]
    result = refused(gadget("x", worker(exec=program)), "PermissionError: ", "exit 1\nhint: it ran as the user id ",
                     ", which ffsctl reserves for it: if it needs the permissions of another user or group, "
                     "set 'user' or 'groups'\n")
    uid = int(result.stderr.split("the user id ")[1].split(",")[0])
    ok(uid > 1000, f"user id {uid}")
    refused(gadget("x", worker(exec=program, user="nobody")),
            "exit 1\nhint: it ran as the user 'nobody' ('user' in its group 'worker')\n")
    ok("it ran as" not in refused(gadget("x", worker(exec=["/bin/false"], user="root"))).stderr, "root lacks nothing")


tap.main()
