# SPDX-License-Identifier: GPL-2.0-or-later
# lab: real-time
# lab all: kernel=6.12,6.1 timeout=120 real-time
# lab all: build=musl,i386 real-time
"""What a worker gets, and that it gets nothing else: descriptors, environment, configuration, privileges. And the ways
in which it can report that it is ready."""

import contextlib
import json
import os
import pathlib
import re
import resource
import shutil
import socket
import subprocess
import sys

import gadgets
import harness
import tap
import valid
from gadgets import Fifo, finish, gadget, odd, open_file, start, worker
from harness import EXAMPLES, down, ffsctl, kill, must, status, up
from tap import contains, eq, ok, rounds, test

DIRECTORY = gadgets.DIRECTORY
NOBODY, NOGROUP = 65534, 65534
KEPT_CAPABILITIES = pathlib.Path("/proc/self/status").read_text().split("CapEff:\t")[1].split("\n")[0]

harness.leaves_nothing()


def dumped(words=("notify",), ffsctl_with=None, **settings):
    """Returns what odd_worker.c gets as the function `echo` of the gadget `given`."""
    path = open_file("dump.json")
    conf = gadget("given", odd("dump", path, *words, "wait", **settings))
    must((ffsctl_with or ffsctl)("up", conf))
    found = json.loads(path.read_text())
    eq(found["pid"], status("given")[0]["functions"][0]["worker"]["pid"])
    down("given")
    return found


def ids(found, what):
    return [int(word) for word in found["status"][what].split()]


@test("descriptors: 0 to 2, config, control and the endpoints, and no others")
def descriptors_and_no_others():
    found = dumped()
    fds = found["fds"]
    names = found["environ"]["LISTEN_FDNAMES"].split(":")
    eq(names, ["config", "control", "ep1-out", "ep2-in"])
    # The additional descriptor is the directory that the worker lists.
    opened = sorted(int(fd) for fd in fds)
    eq(opened, list(range(7)))
    eq(fds["0"], "/dev/null")
    ok(fds["1"].startswith("pipe:") and fds["1"] == fds["2"], f"output: {fds['1']}, {fds['2']}")
    ok(fds["3"].startswith("/memfd:"), fds["3"])
    ok(fds["4"].startswith("socket:"), fds["4"])
    eq((fds["5"], fds["6"]), ("/dev/ffs/given/echo/ep1", "/dev/ffs/given/echo/ep2"))
    flags = {name: int(text.split("flags:\t")[1].split()[0], 8) for name, text in found["flags"].items()}
    eq(flags["config"] & 3, os.O_RDONLY, "access to config")
    eq([flags[name] & os.O_NONBLOCK for name in ("ep1-out", "ep2-in")], [0, 0], "O_NONBLOCK of a program")
    eq([flags[name] & os.O_CLOEXEC for name in names], [0] * 4, "O_CLOEXEC")


@test("blocking = false opens the endpoints so")
def nonblocking_endpoints():
    found = dumped(blocking=False)
    for name in ("ep1-out", "ep2-in"):
        ok(int(found["flags"][name].split("flags:\t")[1].split()[0], 8) & os.O_NONBLOCK, name)


@test("descriptors that ffsctl was given go to nobody")
def descriptors_of_ffsctl_stay():
    def with_more(*args):
        fds = [os.open("/dev/zero", os.O_RDONLY) for _ in range(5)] + list(os.pipe())
        for fd in fds:
            os.set_inheritable(fd, True)
        try:
            return finish(start(*args, pass_fds=fds))
        finally:
            for fd in fds:
                os.close(fd)

    eq(sorted(map(int, dumped(ffsctl_with=with_more)["fds"])), list(range(7)))
    must(with_more("up", f"{EXAMPLES}/loopback.conf"))
    now = status("loopback")[0]
    for pid in (now["supervisor"], now["functions"][0]["keeper"], now["functions"][0]["worker"]["pid"]):
        held = harness.open_files(pid)
        ok("/dev/zero" not in held.values(), f"{harness.processes()[pid]}: {held}")
    down("loopback")


def open_now(supervisor):
    # The supervisor takes what it is sent in turn: once it has hung up on us it is done with the rest.
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect("/run/ffsctl/given/control")
        s.send(b"{}")
        while s.recv(65536):
            pass
    return sorted(target.split(":")[0] for target in harness.open_files(supervisor).values())


@test("a hundred restarts leave no descriptor behind, and no process")
def restarts_leak_no_descriptor():
    up(gadget("given", worker(plugin="loopback")))
    supervisor = status("given")[0]["supervisor"]
    must(ffsctl("restart", "given"))
    held, there = open_now(supervisor), len(harness.processes())
    for _ in range(100):
        must(ffsctl("restart", "given"))
    eq(open_now(supervisor), held, "descriptors of the supervisor")
    eq(len(harness.processes()), there, "processes")
    down("given")


@test("starts that fail leave no descriptor behind")
def failed_starts_leak_no_descriptor():
    program = DIRECTORY / "program"
    for ready, words in ("started", ""), ("fd", "echo >&$NOTIFY_FD; "):
        shutil.copy("/bin/sh", program)
        up(gadget("given", worker(exec=[str(program), "-c", f"{words}exec sleep 100000"], ready=ready, restart="never")))
        program.unlink()
        supervisor = status("given")[0]["supervisor"]
        ffsctl("restart", "given")
        contains(must(ffsctl("log", "given")).stdout, f"cannot start {program}")
        held = open_now(supervisor)
        for _ in range(3):
            ffsctl("restart", "given")
        eq(open_now(supervisor), held, "descriptors of the supervisor")
        down("given")


@test("the environment: what is documented, and what `env` says")
def environment_as_documented():
    os.environ["SECRET"] = "of the caller"
    found = dumped()
    common = {
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "FFSCTL_GADGET": "given", "FFSCTL_FUNCTION": "echo", "FFSCTL_MOUNT": "/dev/ffs/given/echo",
        "LISTEN_FDS": "4", "LISTEN_PID": str(found["pid"]), "LISTEN_FDNAMES": "config:control:ep1-out:ep2-in",
    }
    # Python may add this variable itself.
    found["environ"].pop("LC_CTYPE", None)
    eq(found["environ"], {**common, "NOTIFY_SOCKET": "/run/ffsctl/given/notify-echo"})
    found = dumped(words=("fd",), ready="fd", env={"PATH": "/bin", "WHO": "${gadget}/${function} on ${mount}",
                                                  "DIR": "${dir}"})
    common.update(LISTEN_PID=str(found["pid"]), PATH="/bin", NOTIFY_FD="7", DIR=str(DIRECTORY),
                  WHO="given/echo on /dev/ffs/given/echo")
    found["environ"].pop("LC_CTYPE", None)
    eq(found["environ"], common)
    del os.environ["SECRET"]


@test("the configuration is sealed, and valid against its schema")
def configuration_is_sealed_and_valid():
    found = dumped()
    valid.validator("worker-config")(found["config"])
    eq([(e["name"], e["direction"]) for e in found["config"]["endpoints"]],
       [("ep1-out", "out"), ("ep2-in", "in")])


def has_no_rights(found, uid, gid, groups):
    for what in ("CapInh", "CapPrm", "CapEff", "CapBnd", "CapAmb"):
        eq(int(found["status"][what], 16), 0, what)
    eq(found["status"]["NoNewPrivs"], "1", "NoNewPrivs")
    eq(ids(found, "Uid"), [uid] * 4, "Uid")
    eq(ids(found, "Gid"), [gid] * 4, "Gid")
    eq(sorted(ids(found, "Groups")), sorted(groups), "Groups")


def own_user(label="echo", name="given"):
    """Returns the user id that is only used by the worker of this function."""
    links = pathlib.Path("/run/ffsctl/.users")
    return next(int(link.name) for link in links.iterdir() if os.readlink(link) == f"{name}/{label}")


def own_group():
    """Returns the group id by which ffsctl identifies all processes that a worker of this function starts."""
    return ids(dumped(), "Gid")[0]


@test("rights: a user of its own without any by default, in a session of its own")
def rights_of_own_user():
    found = dumped()
    uid = ids(found, "Uid")[0]
    ok(uid >= 70000, f"{uid}")
    has_no_rights(found, uid, uid, [])
    eq((found["sid"], found["pgid"]), (found["pid"], found["pid"]))
    eq(found["cwd"], "/")
    eq(int(found["status"]["SigBlk"], 16), 0, "blocked signals")


@test("user, groups and directory, by name and by number")
def user_groups_directory():
    own = own_group()
    has_no_rights(dumped(user="nobody"), NOBODY, NOGROUP, [own])
    has_no_rights(dumped(user="nobody", groups=["adm", "4242"]), NOBODY, NOGROUP, [4, 4242, own])
    has_no_rights(dumped(user="1234"), 1234, 1234, [own])
    has_no_rights(dumped(user="root"), 0, 0, [own])

    def with_groups(*args):
        return finish(start(*args, extra_groups=[4, 4242]))

    has_no_rights(dumped(ffsctl_with=with_groups, user="nobody"), NOBODY, NOGROUP, [own])
    found = dumped(user="nobody", directory=str(DIRECTORY))
    eq(found["cwd"], str(DIRECTORY))


@test("limits: none but the caller's, or those of the file, also more than the supervisor's")
def limits_of_caller_or_file():
    eq(dumped()["limits"], {name: list(resource.getrlimit(getattr(resource, "RLIMIT_" + name)))
                            for name in ("AS", "NOFILE", "CPU")})
    eq(dumped(limits={"memory": "300M", "files": 64, "cpu": 1000})["limits"],
       {"AS": [300 << 20] * 2, "NOFILE": [64, 64], "CPU": [1000, 1001]})

    def poor(*args):
        return finish(start(*args, preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (256, 256))))

    eq(dumped(ffsctl_with=poor, limits={"files": 512})["limits"]["NOFILE"], [512, 512])


@test("a worker that wants more memory than its limit gets none")
def memory_limit():
    result = must(ffsctl("up", gadget("given", odd("take", 400 << 20, "notify", "wait", limits={"memory": "300M"}))), 76)
    tap.contains(result.stderr, "419430400 bytes: ENOMEM")


@test("a worker whose processor time is over is ended and restarted, with all of it again")
def processor_time_limit():
    up(gadget("given", odd("notify", "spin", limits={"cpu": 1}, restart_delay=0)))
    for restarts in rounds((1,), (1, 2)):
        found, _ = gadgets.await_status("given", lambda g: g["functions"][0]["worker"]["restarts"] >= restarts, "restarted")
        tap.contains(found["functions"][0]["worker"]["last_exit"], "CPU time limit exceeded")
    down("given")


def tasks_of(uid):
    """Returns the number of processes and threads of a user."""
    found = 0
    for task in pathlib.Path("/proc").glob("[0-9]*/task/*"):
        with contextlib.suppress(OSError):  # a task of another user has just ended
            found += task.stat().st_uid == uid
    return found


@test("a worker with a user of its own has 256 processes and threads at most, or as many as limits says")
def process_limit():
    script = "sleep 1; for i in $(seq 400); do sleep 100000 & done; wait"
    for settings, most in (({}, 256), ({"limits": {"tasks": 20}}, 20)):
        up(gadget("given", worker(exec=["/bin/sh", "-c", script], ready="started", restart="never", **settings)))
        uid = own_user()
        # dash ends if it cannot fork
        gadgets.await_status("given", lambda g, uid=uid: g["functions"][0]["worker"]["state"] == "done", "done")
        contains(must(ffsctl("log", "given")).stdout, "Cannot fork")
        eq(tasks_of(uid), 0, "what it has left")
        down("given")
    with open(f"/proc/{os.getpid()}/limits", encoding="ascii") as f:
        mine = re.search(r"Max processes +(\S+)", f.read())[1]
    up(gadget("given", odd("notify", "wait", user="nobody")))
    with open(f"/proc/{status('given')[0]['functions'][0]['worker']['pid']}/limits", encoding="ascii") as f:
        eq(re.search(r"Max processes +(\S+)", f.read())[1], mine)
    down("given")


@test("a low limit of open files is enough for a gadget that needs no more")
def low_open_file_limit():
    path = gadget("given", worker(plugin="loopback"))
    must(subprocess.run([harness.FFSCTL, "up", path], capture_output=True, text=True, check=False,
                        preexec_fn=lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (64, 64))))
    eq(status("given")[0]["state"], "ready")
    down("given")


@test("reload restarts a worker for another limit")
def reload_for_another_limit():
    up(gadget("given", worker(plugin="loopback", limits={"files": 64})))
    before = status("given")[0]["functions"][0]["worker"]["pid"]
    must(ffsctl("reload", gadget("given", worker(plugin="loopback", limits={"files": 64}))))
    eq(status("given")[0]["functions"][0]["worker"]["pid"], before)
    must(ffsctl("reload", gadget("given", worker(plugin="loopback", limits={"files": 65}))))
    after = status("given")[0]["functions"][0]["worker"]["pid"]
    ok(after != before)
    eq(resource.prlimit(after, resource.RLIMIT_NOFILE), (65, 65))
    down("given")


@test("reload restarts a worker for another user")
def reload_for_another_user():
    group = {"exec": ["/bin/sleep", "100000"], "ready": "started"}
    for settings, user in (({"user": "1234"}, 1234), ({"user": "1235"}, 1235), ({}, None)):
        path = gadget("given", worker(**group, **settings))
        must(ffsctl("up" if user == 1234 else "reload", path))
        pid = status("given")[0]["functions"][0]["worker"]["pid"]
        eq(os.stat(f"/proc/{pid}").st_uid, user or own_user(), "whose it is")
    down("given")


@test("privileges = keep keeps them")
def privileges_keep():
    found = dumped(user="root", privileges="keep")
    eq(found["status"]["CapEff"], KEPT_CAPABILITIES)
    eq(found["status"]["NoNewPrivs"], "0")


@test("a plugin is a user of its own without rights")
def plugin_has_own_user():
    up(f"{EXAMPLES}/loopback.conf")
    pid = status("loopback")[0]["functions"][0]["worker"]["pid"]
    uid = own_user("echo", "loopback")
    has_no_rights({"status": harness.proc_status(pid)}, uid, uid, [])
    words = pathlib.Path(f"/proc/{pid}/environ").read_bytes().split(b"\0")
    eq(sorted(w.split(b"=")[0].decode() for w in words if w),
       ["FFSCTL_FUNCTION", "FFSCTL_GADGET", "FFSCTL_MOUNT", "LISTEN_FDNAMES", "LISTEN_FDS", "LISTEN_PID", "PATH"])
    down("loopback")


@test("the keeper: its session, ep0, each endpoint file once, its sockets, no directory of anybody")
def keeper_holds_only_what_it_needs():
    up(f"{EXAMPLES}/interrupt.conf")
    keeper = status("interrupt")[0]["functions"][0]["keeper"]
    held = sorted(harness.open_files(keeper).values())
    speed = os.path.realpath("/sys/class/udc/dummy_udc.0/current_speed")
    eq([h.split(":")[0] for h in held],
       [f"/dev/ffs/interrupt/meter/ep{n}" for n in range(6)] + ["/dev/null"] * 3 + [speed, "anon_inode"] + ["socket"] * 2)
    eq(os.getsid(keeper), keeper)
    eq(os.readlink(f"/proc/{keeper}/cwd"), "/")
    down("interrupt")


@test("ready by each of the four ways; the bind waits for it")
def four_ways_to_be_ready():
    for words, ready in ((["ready"], "notify"), (["notify"], "notify"), (["fd"], "fd"), ([], "started")):
        told = Fifo()
        up(gadget("given", odd("tell", told.path, *words, "stop", ready=ready)))
        eq(status("given")[1], 0)
        told.wait()
        down("given")


SEND = ("import socket, sys; socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM).sendto(b'READY=1', sys.argv[1]); "
        "print('sent', flush=True); sys.stdin.read()")


def send_ready(user):
    """As a process of that user, which is no worker's, and goes on: of one that has ended only its user is known."""
    return subprocess.Popen([sys.executable, "-c", SEND, "/run/ffsctl/given/notify-echo"], user=user,
                            stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)


@test("READY=1 is taken from the worker's user only, and counts only if it is a process of the worker")
def ready_only_from_worker():
    told = Fifo()
    path = gadget("given", odd("tell", told.path, "wait", user="4321"))
    front = start("up", path)
    told.wait()
    contains(send_ready(1234).communicate()[1], "PermissionError")
    senders = [send_ready(user) for user in (0, 4321)]
    for sender in senders:
        eq(sender.stdout.readline(), "sent\n")
    # The supervisor has read both when it has begun to wait with us
    must(ffsctl("wait", "given", "--timeout", "0.2"), 75)
    eq(status("given")[0]["state"], "starting")
    for sender in senders:
        sender.communicate()
    down("given")
    must(finish(front), 75)


@test("what a worker prints is kept, and bounded")
def output_is_kept_and_bounded():
    up(gadget("given", odd("notify", "flood", "wait")))
    log = pathlib.Path("/run/ffsctl/given/log")
    seen = set()
    for _ in range(50):
        seen.add(log.stat().st_size)
        status("given")
    ok(max(seen) <= 2 * 65536, f"the log grows to {max(seen)}")
    ok(len(seen) > 1, "nothing is written")
    down("given")
    up(gadget("given", worker(exec=["/bin/sh", "-c", "sleep 1; echo to stdout; echo to stderr >&2; kill -KILL $$"],
                              ready="started")))
    gadgets.await_status("given", lambda g: g["functions"][0]["worker"]["last_exit"], "ended")
    text = log.read_text()
    ok("| to stdout\n" in text and "| to stderr\n" in text, text)
    down("given")


@test("a flood of empty lines neither blinds log nor pushes out what happened")
def flood_of_empty_lines():
    up(gadget("given", {"flood": worker(exec=["/bin/sh", "-c", "exec yes ''"], ready="started"), "quiet": odd("notify", "wait")}))
    log = pathlib.Path("/run/ffsctl/given/log")
    first = log.stat().st_ino
    seen = {first}
    while len(seen) < 8:  # so often it was cut
        text = must(ffsctl("log", "given")).stdout
        seen.add(log.stat().st_ino)
        ok(len(text) <= 2 * 65536, f"{len(text)} bytes")
    for words in ("flood: worker ready", "quiet: worker ready", "up on "):
        eq(sum(words in line for line in must(ffsctl("log", "given")).stdout.splitlines()), 1, words)
    down("given")


def shell(script):
    return worker(exec=["/bin/sh", "-c", script + "; exec sleep 1000"], ready="started", restart="never")


@test("log: what happened and what workers print, with times, each line whose it is")
def log_lines_say_when_and_whose():
    up(gadget("given", {"one": shell(r"printf 'bad \\033[31m\\tword\\nhalf a line'"),
                        "two": shell("echo in between")}))
    gadgets.await_status("given", lambda g: "half" in must(ffsctl("log", "given")).stdout and
                         "between" in must(ffsctl("log", "given")).stdout, "printed")
    kill(status("given")[0]["functions"][0]["worker"]["pid"])
    gadgets.await_status("given", lambda g: g["functions"][0]["worker"]["last_exit"], "ended")
    lines = must(ffsctl("log", "given")).stdout.splitlines()
    for line in lines:
        ok(re.match(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \S", line), line)
    words = [line.split(" ", 2)[2] for line in lines]
    for wanted in ("one| bad ?[31m\tword", "one| half a line", "two| in between", "up on dummy_udc.0",
                   "one: worker ended: signal 9 (Killed)"):
        ok(wanted in words, f"{wanted!r} is not in {words}")
    down("given")


@test("log of a gadget that is not up, and of one in the foreground")
def log_of_gadget_that_is_down():
    tap.contains(must(ffsctl("log", "given"), 69).stderr, "'given' is not up")
    front = start("run", gadget("given", worker(plugin="loopback")), "--udc", "dummy_udc.0")
    gadgets.await_state("given", "ready")
    tap.contains(must(ffsctl("log", "given"), 69).stderr, "its supervisor logs to stderr")
    front.terminate()
    must(finish(front))


tap.main()
