#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
"""In every state of a gadget, the JSON documents of all commands are valid and have the same contents as the text
output. tests/cli/test_examples_check.py tests the documents that need no kernel."""

import os
import pathlib
import tempfile

import gadgets
import harness
import tap
from harness import EXAMPLES, document, down, ffsctl, must, up
from tap import contains, eq, ok, test

LOOPBACK = f"{EXAMPLES}/loopback.conf"
# Isochronous endpoints are nothing for dummy_hcd; some need a camera, or a newer kernel. Other tests have them.
OTHERS = {"camera-frames.conf", "webcam.conf"} | ({"dfu.conf", "webusb.conf"} if os.environ["LAB_KERNEL"] == "6.1" else set())
ALL = sorted(str(p) for p in pathlib.Path(EXAMPLES).glob("*.conf") if p.name not in OTHERS)

before = harness.snapshot()
directory = tempfile.TemporaryDirectory()
os.chmod(directory.name, 0o755)


@tap.cleanup
def nothing_left():
    for name in os.listdir(harness.CONFIGFS):
        with open(os.devnull, "w"):
            ffsctl("down", name)
            if os.path.isdir(f"{harness.CONFIGFS}/{name}"):
                os.rmdir(f"{harness.CONFIGFS}/{name}")  # a test's foreign gadget
    harness.check_same_snapshots(before, harness.snapshot())


def file_with(text, name="test.conf"):
    path = pathlib.Path(directory.name, name)
    path.write_text(text)
    return str(path)


def worker(program, more=""):
    """Writes a gadget file with one pair of bulk endpoints and this worker."""
    return file_with("""attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };
        functions : { f : {
          ffs : { interfaces = ( { endpoints = ( "bulk-in", "bulk-out" ); } ); };
          worker : { exec = [ "/bin/sh", "-c", "%s" ]; %s };
        }; };\n""" % (program, more))


def gadget(*args, code=0):
    """The one gadget of a document, the same document without `supervisor` times being words."""
    only, = document(must(ffsctl(*args, "--json"), code))["gadgets"]
    return only


def life(path):
    name = os.path.basename(path)[:-5]
    shown = gadget("up", path, "--wait-host")
    eq((shown["name"], shown["file"], shown["state"], shown["udc"]), (name, path, "ready", "dummy_udc.0"))
    eq(gadget("status", name), gadget("status", path), "by name and by file")
    eq(document(must(ffsctl("status", "--json")))["gadgets"], [gadget("status", name)], "all of the machine")
    eq(gadget("up", path)["supervisor"], shown["supervisor"], "up again")
    words = must(ffsctl("status", name)).stdout.splitlines()
    contains(words[0], f"{name}: ready on dummy_udc.0, configured, ")
    eq([line.split()[0] for line in words[1:]], [f["label"] for f in shown["functions"]], "functions in the words")
    eq(gadget("down", name), {"name": name, "file": None, "state": "down"})
    eq(gadget("down", name)["state"], "down")
    eq(gadget("status", name, code=3)["state"], "down")


for example in ALL:
    test(f"{os.path.basename(example)}: up, status, up again, down", example)(life)


@test("up --no-bind: unbound, 1")
def up_no_bind():
    eq(gadget("up", LOOPBACK, "--no-bind")["state"], "unbound")
    eq(gadget("status", "loopback", code=1)["udc"], None)
    contains(must(ffsctl("status", "loopback"), 1).stdout, "loopback: unbound\n")


@test("status -o: bare values, of a gadget and of its functions")
def status_bare_values():
    def values(*words, code=0):
        return [line.split("\t") for line in must(ffsctl("status", *words), code).stdout.splitlines()]

    up(f"{EXAMPLES}/two-functions.conf", "--wait-host")
    shown, _ = harness.status("two-functions")
    first, second = shown["functions"]
    eq(must(ffsctl("status", "two-functions", "-o", "udc")).stdout, "dummy_udc.0\n")
    members = ["name", "file", "state", "udc", "udc_state", "speed", "configured_by", "since", "supervisor"]
    eq(values("two-functions", "-o", ",".join(members)), [[str(shown[m]) for m in members]])
    label = first["label"]
    eq(values("-o", f"{label}.mount,{label}.worker.pid,{label}.ifname", "-o", "state"),
       [[first["mount"], str(first["worker"]["pid"]), "-", "ready"]])
    eq(values("two-functions", "-o*.label,name,*.keeper,*.worker.state"),
       [[f["label"], "two-functions", str(f["keeper"]), (f["worker"] or {"state": "-"})["state"]] for f in (first, second)])
    eq(values("two-functions", "-o", "none.device"), [["-"]])
    eq(values("two-functions", "none", "-o", "name,state", code=3), [["two-functions", "ready"], ["none", "down"]])
    down("two-functions")


@test("status -o: of others' gadgets, whose labels have dots")
def status_labels_with_dots():
    os.mkdir(f"{harness.CONFIGFS}/theirs")
    os.mkdir(f"{harness.CONFIGFS}/theirs/functions/acm.gs0")
    eq(must(ffsctl("status", "theirs", "-o", "acm.gs0.type,acm.gs0.device,acm.gs0.worker.pid"), 4).stdout,
       "acm\t/dev/ttyGS0\t-\n")
    os.rmdir(f"{harness.CONFIGFS}/theirs/functions/acm.gs0")


@test("the supervisor killed: degraded, 1, and a problem that says what to do")
def supervisor_killed():
    harness.kill(gadget("up", LOOPBACK)["supervisor"])
    shown = gadget("status", "loopback", code=1)
    eq((shown["state"], shown["supervisor"]), ("degraded", None))
    contains(shown["problems"][0]["text"], "ffsctl down loopback")
    contains(must(ffsctl("status", "loopback"), 1).stdout, shown["problems"][0]["text"])
    eq(must(ffsctl("status"), 1).returncode, 1)
    down("loopback")


@test("the keeper killed: failed, 1")
def keeper_killed():
    shown = gadget("up", LOOPBACK)
    harness.kill(shown["functions"][0]["keeper"])
    must(ffsctl("restart", "loopback"), 73)
    shown = gadget("status", "loopback", code=1)
    eq(shown["state"], "failed")
    ok(shown["problems"], "no word about why")


def worker_until(*states):
    """Waits until the worker of the gadget `test` is in one of these states; returns the worker."""
    def is_there(shown):
        state = shown["functions"][0]["worker"]
        # ready without a pid: the worker has ended, but the supervisor has not noticed it yet
        return state["state"] in states and (state["pid"] or state["state"] != "ready")
    return gadgets.await_status("test", is_there, " or ".join(states))[0]["functions"][0]["worker"]


@test("a worker that waits for its restart: degraded, 1")
def worker_waits_for_restart():
    shown = gadget("up", worker("exec sleep 1000", "restart_delay = 1000; restart_max_delay = 1000;"))
    harness.kill(shown["functions"][0]["worker"]["pid"])
    eq(worker_until("waiting")["last_exit"], "signal 9 (Killed)")
    shown = gadget("status", "test", code=1)
    eq((shown["state"], shown["functions"][0]["worker"]["pid"]), ("degraded", None))
    contains(must(ffsctl("status", "test"), 1).stdout, "worker waiting, last ended by signal 9 (Killed)")
    must(ffsctl("restart", "test"))
    eq(gadget("status", "test")["functions"][0]["worker"]["restarts"], 1)


@test("a worker that has failed for good: failed, 1, until restart takes it back")
def worker_failed_for_good():
    up(worker("exec sleep 1000", "restart_delay = 0.01; restart_limit = 2;"))
    kills = 0
    while (state := worker_until("ready", "failed"))["state"] == "ready":
        harness.kill(state["pid"])
        kills += 1
        ok(kills < 10, "restart_limit does not count")
    eq((kills, state["restarts"], state["pid"]), (3, 2, None), "kills, restarts, pid")
    eq(gadget("status", "test", code=1)["state"], "failed")
    must(ffsctl("restart", "test"))
    eq(gadget("status", "test")["state"], "ready")


@test("a worker that is done")
def worker_done():
    up(worker("exit 0", 'restart = "never";'))
    eq(worker_until("done")["pid"], None)
    shown, code = harness.status("test")
    eq((shown["state"], code), ("ready", 0))


@test("a foreign gadget: 4, in all of them 0")
def foreign_gadget():
    os.mkdir(f"{harness.CONFIGFS}/theirs")
    os.mkdir(f"{harness.CONFIGFS}/theirs/functions/acm.gs0")
    shown = gadget("status", "theirs", code=4)
    eq((shown["state"], [f["type"] for f in shown["functions"]]), ("foreign", ["acm"]))
    eq(gadget("status")["state"], "foreign")
    os.rmdir(f"{harness.CONFIGFS}/theirs/functions/acm.gs0")


# --- errors ---------------------------------------------------------------------------------------


def failed(code, *args, says, fault=None):
    """Runs a command that fails; checks that its text output and its document have the same contents."""
    words = must(ffsctl(*args, fault=fault), code).stderr
    contains(words, says)
    error, = document(must(ffsctl(*args, "--json", fault=fault), code))["errors"]
    eq(error["exit"], code)
    contains(error["text"], says)
    contains(tap.with_hints(words), error["text"], "stderr")
    return error


@test("69: no such UDC, a UDC that is held")
def udc_missing_or_held():
    failed(69, "up", LOOPBACK, "--udc", "none.0", says="no UDC 'none.0'")
    up(f"{EXAMPLES}/interrupt.conf")
    failed(69, "up", LOOPBACK, says="gadget 'interrupt'")


@test("69: no such program, at its line")
def program_missing():
    path = file_with(pathlib.Path(EXAMPLES, "exec-worker.conf").read_text().replace("blocking-echo\" ]", "no-such\" ]"))
    error = failed(69, "up", path, says="no-such")
    ok(error["file"] == path and error["line"], "the error has no place")


@test("71: a step that the kernel refuses")
def step_refused_by_kernel():
    error = failed(71, "up", LOOPBACK, says="No space left on device", fault="fail=1:28")
    eq((error["errno"], error["path"]), (28, f"{harness.CONFIGFS}/loopback"))


@test("73: different, foreign")
def different_and_foreign_gadget():
    up(LOOPBACK)
    failed(73, "up", f"{EXAMPLES}/interrupt.conf", "--name", "loopback", says="a different gadget 'loopback' is up")
    down("loopback")
    os.mkdir(f"{harness.CONFIGFS}/theirs")
    failed(73, "down", "theirs", says="not made by ffsctl")
    failed(73, "up", LOOPBACK, "--name", "theirs", says="'theirs'")


@test("75: a worker that is never ready")
def worker_never_ready():
    path = worker("exec sleep 1000", 'ready = "notify"; start_timeout = 0.2;')
    failed(75, "up", path, says="ready")


@test("76: a worker that ends before it is ready")
def worker_ends_before_ready():
    path = worker("exit 3", 'ready = "notify";')
    failed(76, "up", path, says="3")


@test("77: not root")
def caller_is_not_root():
    program = os.open(harness.FFSCTL, os.O_RDONLY)
    result = harness.subprocess.run([f"/proc/self/fd/{program}", "up", LOOPBACK, "--json"], user="nobody", group="nogroup",
                                    extra_groups=[], pass_fds=(program,), stdout=-1, stderr=-1, text=True)
    os.close(program)
    error, = document(must(result, 77))["errors"]
    contains(error["text"], "root")


tap.main()
