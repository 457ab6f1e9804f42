# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12
"""Only root may be able to write what root uses: gadget files, the files that they include, programs and plugins. This
holds for `run` and for the directories in which names are searched."""

import contextlib
import errno
import json
import os
import pathlib
import shutil
import socket
import struct
import subprocess
import sys

import harness
import tap
from gadgets import DIRECTORY, LOOPBACK, gadget, odd, worker
from harness import BUILD, FFSCTL, down, ffsctl, must, status, up
from tap import contains, eq, ok, patience, skip, test

harness.leaves_nothing()

USER, OTHER_USER = 1000, 1001


def refused(words, *args, code=77):
    result = must(ffsctl(*args), code)
    contains(result.stderr, words)
    eq(status("x")[1], 3)


def file_in(directory, text=None, name="x.conf"):
    directory.mkdir(exist_ok=True)
    directory.chmod(0o755)
    path = directory / name
    path.write_text(text or pathlib.Path(gadget("x", LOOPBACK)).read_text())
    path.chmod(0o644)
    return path


@test("a gadget file that others may write, or in a directory of which that is true")
def gadget_file_others_may_write():
    path = file_in(DIRECTORY / "a")
    path.chmod(0o666)
    refused(f"cannot use {path} as root: others may write to it (mode 0666); a user who can change the file could act as root",
            "up", str(path))
    path.chmod(0o664)
    os.chown(path, USER, 100)
    refused("others may write to it (mode 0664)", "up", str(path))
    path.chmod(0o644)
    path.parent.chmod(0o777)
    refused(f"others may write in the directory {path.parent} (mode 0777)", "up", str(path))
    # Reading the file is permitted
    for look in (["check"], ["descriptors"], ["up", "--dry-run"]):
        must(ffsctl(*look, str(path)))
    link = file_in(DIRECTORY / "b", name="y.conf")
    link.unlink()
    link.symlink_to(path)
    refused(f"others may write in the directory {path.parent}", "up", str(link))
    # Where only its owner can replace it, and in a group of the owner's own
    path.parent.chmod(0o1777)
    refused("others may write in the directory", "up", str(path))
    os.chown(path, 0, 0)
    up(str(path))
    down("x")
    os.chown(path, USER, USER)
    path.chmod(0o664)
    path.parent.chmod(0o755)
    up(str(path))
    down("x")


@test("a user's own file: up of its path takes it; run, and a directory for names, do not")
def file_of_other_user():
    path = file_in(DIRECTORY / "c")
    os.chown(path, USER, USER)
    up(str(path))
    down("x")
    refused(f"cannot use {path} as root: it belongs to user {USER}, not to root", "run", "--udc", "dummy_udc.0", str(path))
    refused(f"it belongs to user {USER}, not to root", "--dir", str(path.parent), "up", "x")
    os.chown(path, 0, 0)
    os.chown(path.parent, USER, USER)
    refused(f"the directory {path.parent} belongs to user {USER}, not to root", "--dir", str(path.parent), "up", "x")
    os.chown(path.parent, 0, 0)
    must(ffsctl("--dir", str(path.parent), "up", "x"))
    down("x")


@test("what it includes, and its drop-ins")
def includes_and_drop_ins():
    path = file_in(DIRECTORY / "d", '@include "more.inc"\n' + pathlib.Path(gadget("x", LOOPBACK)).read_text())
    more = file_in(path.parent, 'max_speed = "high";\n', "more.inc")
    more.chmod(0o646)
    refused(f"x.conf:1:10: error: cannot include {more}: others may write to it (mode 0646)", "up", str(path), code=65)
    more.chmod(0o644)
    drop_in = file_in(path.with_name("x.conf.d"), "autostart = true;\n", "10.conf")
    drop_in.chmod(0o622)
    refused(f"cannot read {drop_in}: others may write to it (mode 0622)", "up", str(path), code=65)
    drop_in.chmod(0o644)
    up(str(path))
    down("x")


@test("programs and plugins, at their places in the file")
def programs_and_plugins():
    directory = DIRECTORY / "e"
    program = file_in(directory, "#!/bin/sh\nexec sleep 100000\n", "program")
    plugin = directory / "mine.so"
    shutil.copy(f"{BUILD}/src/plugins/loopback.so", plugin)
    for path, group in ((program, worker(exec=[str(program)])), (plugin, worker(plugin=str(plugin)))):
        conf = gadget("x", group)
        path.chmod(0o757)
        refused("x.conf:6:2", "up", conf)
        refused(f"cannot use {path} as root: others may write to it (mode 0757)", "up", conf)
        path.chmod(0o755)
        up(conf)
        down("x")
        os.chown(path, USER, USER)
        up(conf)
        down("x")
        refused(f"cannot use {path} as root: it belongs to user {USER}", "run", "--udc", "dummy_udc.0", conf)


@test("every directory on the way, also behind a link; what is no regular file; access lists")
def whole_path_and_access_lists():
    text = pathlib.Path(gadget("x", LOOPBACK)).read_text()
    high = DIRECTORY / "high"
    high.mkdir()
    path = file_in(high / "low", text)
    os.chown(high, USER, USER)
    # Its entry can be renamed by somebody else, whatever the directory and the file are
    refused(f"the directory {high} belongs to user {USER}, not to root", "up", str(path))
    for link, target in (("direct", path), ("through", path.parent), ("relative", "high/low/x.conf")):
        link = DIRECTORY / link
        link.symlink_to(target)
        path_by_link = link / "x.conf" if link.name == "through" else link
        refused(f"the directory {high} belongs to user {USER}", "up", str(path_by_link), "--name", "x")
    os.chown(path, USER, USER)
    os.chown(path.parent, USER, USER)
    up(str(path))
    down("x")
    os.chown(path.parent, OTHER_USER, OTHER_USER)
    refused(f"the directory {path.parent} belongs to user {OTHER_USER}, not to root or to user {USER}", "up", str(path))
    fifo = DIRECTORY / "fifo.conf"
    os.mkfifo(fifo, 0o644)
    os.chown(fifo, USER, USER)
    refused(f"it belongs to user {USER}, not to root", "run", "--udc", "dummy_udc.0", str(fifo))
    # A pipe of the caller's is the caller's
    read, write = os.pipe()
    os.write(write, text.encode())
    os.close(write)
    must(subprocess.run([FFSCTL, "up", "--name", "x", f"/dev/fd/{read}"], pass_fds=[read], capture_output=True, text=True))
    down("x")
    path = file_in(DIRECTORY / "acl", text)
    path.chmod(0o664)
    user_may_write = struct.pack("<I" + "HHI" * 5, 2, 1, 6, 2**32 - 1, 2, 6, USER, 4, 4, 2**32 - 1, 16, 6, 2**32 - 1,
                                 32, 4, 2**32 - 1)
    try:
        os.setxattr(path, "system.posix_acl_access", user_may_write)
    except OSError as e:
        eq(e.errno, errno.EOPNOTSUPP)
        skip("no file system here has access lists")
    refused("others may write to it (mode 0664)", "up", str(path))


@test("a program is looked at again before each start, and one for reexec before that")
def checked_before_each_start():
    high = DIRECTORY / "bin"
    high.mkdir()
    program = file_in(high / "low", "#!/bin/sh\nexec sleep 100000\n", "program")
    program.chmod(0o755)
    up(gadget("x", worker(exec=[str(program)])))
    before = status("x")[0]["functions"][0]["worker"]["pid"]
    os.chown(high, USER, USER)
    result = must(ffsctl("restart", "x"), 76)
    words = f"cannot use {program} as root: the directory {high} belongs to user {USER}, not to root"
    contains(result.stderr + must(ffsctl("log", "x")).stdout, words)
    os.chown(high, 0, 0)
    must(ffsctl("restart", "x"))
    ok(status("x")[0]["functions"][0]["worker"]["pid"] != before, "the worker that it had")
    other = DIRECTORY / "ffsctl"
    shutil.copy(FFSCTL, other)
    other.chmod(0o757)
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect("/run/ffsctl/x/control")
        s.send(json.dumps({"command": "reexec", "program": str(other)}).encode())
        contains(s.recv(65536).decode(), f"cannot use {other} as root: others may write to it (mode 0757)")
    eq(status("x")[0]["state"], "ready")
    down("x")


@test("reload: a file that others may write by now changes nothing")
def reload_of_writable_file():
    path = file_in(DIRECTORY / "f")
    up(str(path))
    before = status("x")[0]["functions"]
    path.write_text(path.read_text() + 'max_speed = "high";\n')
    path.chmod(0o666)
    contains(must(ffsctl("reload", "x"), 77).stderr, "others may write to it")
    contains(must(ffsctl("reload", str(path)), 77).stderr, "others may write to it")
    eq((status("x")[0]["functions"], status("x")[1]), (before, 0))
    down("x")


@test("who is not root has only its own rights to lose")
def other_users_have_own_rights():
    path = file_in(DIRECTORY / "g")
    path.chmod(0o666)
    result = subprocess.run([FFSCTL, "up", str(path)], capture_output=True, text=True, user=USER, group=USER,
                            extra_groups=[])
    eq(result.returncode, 77)
    contains(result.stderr, "this needs root")


# --- who may give commands ----------------------------------------------------------------------

OPERATORS, OTHERS = 4711, 4712


def as_user(group, groups, *args):
    """Runs ffsctl as a user who may not search the directories above it."""
    program = os.open(FFSCTL, os.O_RDONLY)

    def become():
        os.setgroups(groups)
        os.setresgid(group, group, group)
        os.setresuid(USER, USER, USER)

    try:
        return subprocess.run(["ffsctl", *args], executable=f"/proc/self/fd/{program}", pass_fds=[program], preexec_fn=become,
                              cwd="/", stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=patience(60))
    finally:
        os.close(program)


@test("without --group nobody but root is answered, and told so")
def no_group_means_root_only():
    up(gadget("x", LOOPBACK))
    for command in ("restart", "unbind", "down", "reload"):
        contains(must(as_user(OPERATORS, [OPERATORS], command, "x"), 77).stderr, "this needs root")
    eq(as_user(OPERATORS, [], "status", "x").returncode, 0, "everybody may look")
    eq(status("x")[0]["state"], "ready")
    down("x")


@test("--group: who is in it, first or further on, may restart, bind, reload and take down; nobody else may")
def group_may_command():
    path = gadget("x", LOOPBACK)
    for group, groups in ((OPERATORS, []), (OTHERS, [1, 2, OPERATORS, 3])):
        up(path, "--group", OPERATORS)
        for stranger in ((OTHERS, []), (OTHERS, [OTHERS, 1, 2])):
            contains(must(as_user(*stranger, "unbind", "x"), 77).stderr,
                     "the gadget's supervisor answers only root and the group of --group")
            must(as_user(*stranger, "down", "x"), 77)
        pid = status("x")[0]["functions"][0]["worker"]["pid"]
        must(as_user(group, groups, "restart", "x"))
        eq(status("x")[0]["functions"][0]["worker"]["pid"] != pid, True, "restarted")
        for command in ("unbind", "bind", "reload"):
            for argument in ("x", path):
                must(as_user(group, groups, command, argument))
        must(as_user(group, groups, "wait", "x"))
        eq(status("x")[0]["state"], "ready")
        must(as_user(group, groups, "down", "x"))
        eq(status("x")[1], 3)


@test("--group: what root loads or executes only root names; after reexec and a take-over it is as before")
def group_loads_nothing():
    path = gadget("x", LOOPBACK)
    other = DIRECTORY / "other" / "x.conf"
    other.parent.mkdir()
    shutil.copy(path, other)
    up(path, "--group", OPERATORS)
    contains(must(as_user(OPERATORS, [], "reload", str(other)), 77).stderr, "only root may reload from another gadget file")
    contains(must(as_user(OPERATORS, [], "reexec", "x"), 77).stderr, "only root may name a program to execute")
    must(ffsctl("reexec", "x"))
    must(as_user(OPERATORS, [], "restart", "x"))
    harness.kill(status("x")[0]["supervisor"])
    up(path, "--group", OTHERS)
    must(as_user(OPERATORS, [], "restart", "x"), 77)
    must(as_user(OTHERS, [], "down", "x"))
    contains(must(ffsctl("up", path, "--group", "nosuchgroup"), 64).stderr, "unknown group 'nosuchgroup'")


HOLD = """
import json, socket, sys
open_ones = []
for wait in sys.argv[1:]:
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    s.connect("/run/ffsctl/x/control")
    if wait != "idle":
        s.send(json.dumps({"command": "wait", "for": wait}).encode())
    open_ones.append(s)
print("held", flush=True)
sys.stdin.read()
"""


@contextlib.contextmanager
def holding(user, *waits):
    """A member of the group who keeps connections to the supervisor open: idle, or waiting for something."""
    with subprocess.Popen([sys.executable, "-c", HOLD, *waits], user=user, group=OPERATORS, extra_groups=[], cwd="/",
                          stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as p:
        eq(p.stdout.readline(), "held\n")
        yield
        p.stdin.close()


@test("--group: its members cannot take root's places, nor one member another's")
def group_cannot_starve_others():
    up(gadget("x", LOOPBACK), "--group", OPERATORS)
    with holding(USER, *["idle"] * 12), holding(OTHER_USER, *["disconnected"] * 12):
        with holding(1002, "configured"), holding(1003, *["idle"] * 12):
            must(ffsctl("restart", "x"))
            must(ffsctl("wait", "x"))
            contains(must(as_user(OPERATORS, [], "restart", "x"), 73).stderr, "too many commands wait")
        # Who says nothing loses the place, the first comers first
        with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
            s.settimeout(patience(60))
            s.connect("/run/ffsctl/x/control")
            eq(s.recv(1), b"")
        must(as_user(OPERATORS, [], "restart", "x"))
        must(ffsctl("wait", "x"))
    down("x")


# --- what a worker may do -----------------------------------------------------------------------

OWN_IDS = range(70000, 80000)
SECRET = "the-word-that-only-root-may-read"
ATTEMPTS = """
import ctypes, errno, os, socket, sys
neighbour, libc = int(sys.argv[1]), ctypes.CDLL(None, use_errno=True)

def attempt(name, call):
    try:
        words = errno.errorcode[ctypes.get_errno()] if call() == -1 else "done"
    except OSError as e:
        words = errno.errorcode[e.errno]
    print(name, words, sep=": ")

def connect(name):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.connect("/run/ffsctl/x/" + name)

attempt("status", lambda: open("/run/ffsctl/x/status").close())
attempt("write to /etc", lambda: open("/etc/by-a-worker", "w").close())
attempt("command the supervisor", lambda: connect("control"))
for name in ("a", "b"):
    attempt("take over keeper " + name, lambda: connect("keeper-" + name))
attempt("read the record", lambda: open("/run/ffsctl/x/record").close())
attempt("read the log", lambda: open("/run/ffsctl/x/log").close())
for name in ("mem", "environ", "maps", "fd/3", "root/run"):
    attempt("the neighbour's " + name, lambda: os.stat("/proc/%d/%s" % (neighbour, name)) and
            name in ("fd/3", "root/run") or open("/proc/%d/%s" % (neighbour, name)).read(1))
attempt("signal the neighbour", lambda: os.kill(neighbour, 0))
attempt("trace the neighbour", lambda: libc.ptrace(0x4206, neighbour, None, None))
"""


def identity(pid):
    """User, group, supplementary groups, permitted capabilities and no_new_privs of a process."""
    lines = harness.proc_status(pid)
    uids, gids = ({int(word) for word in lines[what].split()} for what in ("Uid", "Gid"))
    eq((len(uids), len(gids)), (1, 1))
    return uids.pop(), gids.pop(), lines["Groups"].split(), int(lines["CapPrm"], 16), int(lines["NoNewPrivs"])


def workers(name="x"):
    return {f["label"]: f["worker"]["pid"] for f in status(name)[0]["functions"]}


def users(name="x"):
    return {label: identity(pid)[0] for label, pid in workers(name).items()}


@test("without 'user' a program and a plugin are each a user of their own, who can do nothing to others")
def own_user_without_user():
    up(gadget("x", {"a": odd("ready", "wait", env={"WORD": SECRET}), "b": odd("ready", "wait"), "c": LOOPBACK}))
    pids = workers()
    found = {label: identity(pid) for label, pid in pids.items()}
    eq(len({uid for uid, *_ in found.values()}), 3, "users")
    for uid, *rest in found.values():
        eq((uid in OWN_IDS, rest), (True, [uid, [], 0, 1]))
    uid = found["b"][0]
    result = subprocess.run([sys.executable, "-c", ATTEMPTS, str(pids["a"])], user=uid, group=uid, extra_groups=[],
                            capture_output=True, text=True, cwd="/")
    done = dict(line.split(": ") for line in result.stdout.splitlines())
    eq(result.stderr, "")
    eq(done.pop("status"), "done")
    eq(done.pop("signal the neighbour"), "EPERM")
    eq(done.pop("trace the neighbour"), "EPERM")
    eq({name: words for name, words in done.items() if words != "EACCES"}, {})
    ok(len(done) == 11, f"{len(done)} attempts")
    contains(pathlib.Path("/run/ffsctl/x/record").read_text(), SECRET, "the record")
    for look in (["status", "--json"], ["status"], ["log"], ["export"], ["reload", "--dry-run"]):
        shown = as_user(OTHERS, [], look[0], "x", *look[1:])
        eq(SECRET in shown.stdout + shown.stderr, False, look)
    down("x")


@test("the umask of who brings it up changes nothing: everybody may look, and a worker begins with 022")
def umask_changes_nothing():
    path = gadget("x", odd("ready", "wait"))
    must(subprocess.run([FFSCTL, "up", path], umask=0o077, capture_output=True, text=True))
    for shown in ("/run/ffsctl", "/run/ffsctl/x", "/dev/ffs", "/dev/ffs/x"):
        eq(os.stat(shown).st_mode & 0o777, 0o755, shown)
    eq(os.stat("/run/ffsctl/x/record").st_mode & 0o777, 0o600)
    must(as_user(OTHERS, [], "status", "x"))
    eq(harness.proc_status(workers()["echo"])["Umask"], "0022")
    down("x")


@test("a worker's own user id is the same after down and up, a take-over and a reload, and no other gadget's")
def user_id_is_stable():
    first, second = {"a": odd("ready", "wait")}, {"a": odd("ready", "wait"), "b": LOOPBACK}
    path = gadget("x", first)
    up(path)
    before = users()
    up(gadget("y", first), "--no-bind")
    ok(users("y")["a"] not in before.values(), "the other gadget's")
    harness.kill(status("x")[0]["supervisor"])
    up(path)
    eq(users(), before, "after a take-over")
    must(ffsctl("reload", gadget("x", second)))
    grown = users()
    eq(grown["a"], before["a"], "after a reload")
    links = "/run/ffsctl/.users"
    eq(sorted(os.readlink(f"{links}/{uid}") for uid in os.listdir(links)), ["x/a", "x/b", "y/a"])
    must(ffsctl("reload", gadget("x", first)))
    eq(sorted(os.readlink(f"{links}/{uid}") for uid in os.listdir(links)), ["x/a", "y/a"])
    down("x")
    eq([os.readlink(f"{links}/{uid}") for uid in os.listdir(links)], ["y/a"])
    # What a dead process has left is the same owner's
    up(gadget("x", second))
    eq(users(), grown, "after down and up")
    down("x", "y")


tap.main()
