# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1
# lab all: kernel=6.12 flavour=debug
# lab all: build=musl,i386
"""The sandbox: a worker tries forbidden actions (tests/lab/workers/captive.c), which all fail. Permitted actions, and
actions that its plugin declares, succeed."""

import contextlib
import os
import socket

import gadgets
import harness
import tap
from gadgets import DIRECTORY, LOOPBACK, await_state, worker
from harness import BUILD, down, ffsctl, must, up
from tap import eq, test

harness.leaves_nothing()

PAIRS = {"a stream to itself", "packets to itself"}
# There glibc makes pairs by socketcall(2), and what it makes a filter cannot read
PAIRS_NEED_NETWORK = os.uname().machine == "i686"
MAY = {"read a file", "a thread", "memory", "signal to oneself", "own limits"} | (set() if PAIRS_NEED_NETWORK else PAIRS)
FILES = {"write a file", "empty a file", "make a file", "make a directory", "remove a directory"}
NAMELESS = "a nameless file"  # which not all file systems have
NETWORK = {"a socket", "a local socket", "a netlink socket", "a datagram to a socket", "a raw datagram to a socket",
           "a packet to a socket"} | (PAIRS if PAIRS_NEED_NETWORK else set())
PROGRAMS = {"a process", "a program", "a pidfd", "other's limits", "own a descriptor"}
LISTENER = "/tmp/captive.socket"
CONSTRUCTED = "/tmp/captive-constructor"  # the file that a constructor tries to make
NOT_THERE = {"openat2", "clone3", "io_uring"}
OTHERS = {"the other's endpoint", "change a mode", "signal to the parent", "signal to init", "signal to all",
          "signal to a thread of another's", "queue a signal", "ptrace", "read other's memory", "mount", "unmount",
          "unshare", "a namespace", "a constructor's namespace", "chroot", "bpf", "perf", "userfaultfd", "keys", "a module", "the clock",
          "a call that nobody knows"}


@contextlib.contextmanager
def listener():
    """Makes a socket that accepts datagrams of all users, like the journal's. Yields a function that returns the
    number of received datagrams."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as fd:
        fd.bind(LISTENER)
        os.chmod(LISTENER, 0o666)

        def heard():
            n = 0
            with contextlib.suppress(BlockingIOError):
                while fd.recv(16, socket.MSG_DONTWAIT):
                    n += 1
            return n

        yield heard
    os.unlink(LISTENER)


def attempts(plugin, **settings):
    """Returns the result of each attempt from the log. The plugin runs together with another function."""
    text = worker(plugin=f"{BUILD}/tests/lab/workers/{plugin}.so", **settings)
    text += f'options : {{ other = "/dev/ffs/jail/other/ep1"; listener = "{LISTENER}"; }}; '
    up(gadgets.gadget("jail", {"captive": text, "other": LOOPBACK}))
    lines = [line.split("| ", 1)[1] for line in must(ffsctl("log", "jail")).stdout.splitlines() if " captive| " in line]
    down("jail")
    for path in ("/tmp/captive", CONSTRUCTED):
        if os.path.exists(path):
            os.unlink(path)
    return dict(line.split(": ", 1) for line in lines)


def verdicts(found, **names):
    for verdict, words in names.items():
        eq({name: found.get(name) for name in words}, dict.fromkeys(words, verdict))


@test("a plugin that declares no needs: each attempt is refused")
def needless_plugin_can_do_nothing():
    with listener() as heard:
        found = attempts("captive")
        eq(heard(), 1, "datagrams")  # the constructor's, which may do what a plugin may declare
    eq(set(found), MAY | FILES | {NAMELESS} | NETWORK | PROGRAMS | NOT_THERE | OTHERS)
    verdicts(found, done=MAY, ENOSYS=NOT_THERE)
    other = found.pop("the other's endpoint")
    eq(other, "EACCES")
    verdicts(found, EPERM=FILES | {NAMELESS} | NETWORK | PROGRAMS | OTHERS - {"the other's endpoint"})


@test("check and plugins look at a plugin in the closed sandbox: its constructors can do nothing")
def check_loads_in_closed_sandbox():
    for name in ("captive", "captive_open"):
        plugin = f"{BUILD}/tests/lab/workers/{name}.so"
        with listener() as heard:
            must(ffsctl("plugins", plugin))
            must(ffsctl("check", gadgets.gadget("jail", worker(plugin=plugin))))
            eq(heard(), 0, "datagrams")
        eq(os.path.exists(CONSTRUCTED), False, CONSTRUCTED)


@test("one that needs all of it can do that, and no more")
def needy_plugin_can_do_that():
    with listener() as heard:
        found = attempts("captive_open")
        eq(heard(), 3, "datagrams")  # the first attempt is that of the constructor
    verdicts(found, done=MAY | FILES | NETWORK | {"a process", "a program", "a pidfd"}, ENOSYS=NOT_THERE)
    for name in OTHERS - {"a call that nobody knows"}:
        assert found[name] in ("EPERM", "EACCES", "ESRCH", "EINVAL"), (name, found[name])
    verdicts(found, EPERM={"ptrace", "read other's memory", "mount", "unmount", "unshare", "a namespace", "chroot", "bpf",
                           "perf", "userfaultfd", "keys", "a module", "the clock", "signal to init", "signal to all"})


@test("allow: a gadget file refuses what a plugin declares, from its constructors as well")
def allow_takes_needs_away():
    with listener() as heard:
        found = attempts("captive_open", allow=["files"])
        eq(heard(), 0, "datagrams")
    verdicts(found, done=MAY | FILES, ENOSYS=NOT_THERE, EPERM=NETWORK | PROGRAMS)
    with listener() as heard:
        found = attempts("captive", allow=["files", "network"])
        eq(heard(), 1, "datagrams")  # the constructor's: what it declares is not known yet
    verdicts(found, done=MAY, EPERM=FILES | NETWORK | PROGRAMS)


@test("sandbox = false: only its allocated user restricts it, but for io_uring")
def sandbox_off():
    with listener():
        found = attempts("captive", sandbox=False)
    verdicts(found, done=MAY | FILES | NETWORK | {"a process", "a program", "unshare"}, ENOSYS={"io_uring"})


TRY = """
import ctypes, errno, os, socket, struct, sys
libc = ctypes.CDLL(None, use_errno=True)

def attempt(name, call):
    try:
        result = call()
        words = errno.errorcode[ctypes.get_errno()] if result == -1 else "done"
    except OSError as e:
        words = errno.errorcode[e.errno]
    print("%s: %s" % (name, words))

attempt("read a file", lambda: open("/proc/self/status").close())
attempt("write a file", lambda: open("/tmp/captive", "w").close())
attempt("a socket", socket.socket)
attempt("a process", lambda: os.waitpid(os.posix_spawn("/bin/true", ["true"], {}), 0))
attempt("io_uring", lambda: libc.syscall(425, 1, bytes(256)))
attempt("mount", lambda: libc.mount(b"none", b"/tmp", b"tmpfs", 0, None))
attempt("ptrace", lambda: libc.ptrace(0x4206, 1, None, None))
sys.stdout.flush()
socket.socket(fileno=4).send(struct.pack("<HHII", 1, 33, 0, 0))
import signal
signal.pause()
"""


def of_program(**settings):
    path = DIRECTORY / "try.py"
    path.write_text(TRY)
    up(gadgets.gadget("jail", worker(exec=["/usr/bin/python3", "-B", "-I", "-S", str(path)], ready="notify", **settings)))
    lines = [line.split("| ", 1)[1] for line in must(ffsctl("log", "jail")).stdout.splitlines() if " echo| " in line]
    down("jail")
    if os.path.exists("/tmp/captive"):
        os.unlink("/tmp/captive")
    return dict(line.split(": ", 1) for line in lines)


@test("a program in the sandbox: no network, no writing; one without has all but io_uring; also with its privileges")
def program_in_sandbox():
    eq(of_program(sandbox=True), {"read a file": "done", "write a file": "EPERM", "a socket": "EPERM", "a process": "done",
                                  "io_uring": "ENOSYS", "mount": "EPERM", "ptrace": "EPERM"})
    free = {"read a file": "done", "write a file": "done", "a socket": "done", "a process": "done",
            "io_uring": "ENOSYS", "mount": "EPERM", "ptrace": "EPERM"}
    eq(of_program(sandbox=True, allow=["network"])["a socket"], "done")
    eq(of_program(), free)
    eq(of_program(user="nobody"), free)
    kept = of_program(user="root", privileges="keep", sandbox=True)
    eq((kept["write a file"], kept["mount"], kept["io_uring"]), ("EPERM", "EPERM", "ENOSYS"))


@test("reload: another sandbox is another worker")
def reload_changes_sandbox():
    def write(**settings):
        return gadgets.gadget("jail", worker(plugin="loopback", **settings))

    up(write())
    first = await_state("jail", "ready")[0]["functions"][0]["worker"]["pid"]
    must(ffsctl("reload", write(allow=["files"])))
    narrower = await_state("jail", "ready")[0]["functions"][0]["worker"]["pid"]
    must(ffsctl("reload", write(sandbox=False)))
    second = await_state("jail", "ready")[0]["functions"][0]["worker"]["pid"]
    eq(len({first, narrower, second}), 3)
    shown = harness.proc_status(second)
    eq((shown["Seccomp"], shown["Seccomp_filters"]), ("2", "1"))
    down("jail")


# --- supervisor and keeper ----------------------------------------------------------------------

NET_ADMIN = 1 << 12
# DAC_OVERRIDE, KILL, SETGID, SETUID, SETPCAP, SYS_PTRACE, SYS_ADMIN, SYS_RESOURCE, SYSLOG
SUPERVISOR = 1 << 1 | 1 << 5 | 1 << 6 | 1 << 7 | 1 << 8 | 1 << 19 | 1 << 21 | 1 << 24 | 1 << 34


def given_up(functions):
    """Returns the permitted and bounding capabilities, no_new_privs and seccomp of the supervisor and of its keepers."""
    up(gadgets.gadget("locked", functions))
    shown = harness.status("locked")[0]
    found = []
    for pid in (shown["supervisor"], *(f["keeper"] for f in shown["functions"])):
        lines = harness.proc_status(pid)
        found.append((int(lines["CapPrm"], 16), int(lines["CapBnd"], 16), lines["NoNewPrivs"], lines["Seccomp"]))
    down("locked")
    return found


@test("the supervisor keeps what it needs, and what a worker is to have; a keeper nothing")
def supervisor_and_keeper_capabilities():
    keeper = (0, 0, "1", "2")
    eq(given_up({"a": LOOPBACK, "b": None}), [(SUPERVISOR, 0, "0", "0"), keeper, keeper])
    everything, _, _, _ = given_up({"a": worker(exec=["/bin/sleep", "1000"], user="root", privileges="keep")})[0]
    eq(everything & ~SUPERVISOR != 0, True, "more than that")
    eq(given_up({"a": worker(exec=["/bin/sleep", "1000"], capabilities=["cap_net_admin"])}),
       [(SUPERVISOR | NET_ADMIN, NET_ADMIN, "0", "0"), keeper])


tap.main()
