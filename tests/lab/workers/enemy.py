# SPDX-License-Identifier: GPL-2.0-or-later
"""An attacker of test_enemies.py: a local user, a member of the group, or the program of a worker (enemy_worker.py).

    enemy.py SOCKET

It connects to SOCKET and makes an attack, called a move, for each order that it receives there, a JSON object. The
seed in the order selects the move and its arguments. The attacker first sends the name of the move. When the move has
ended it sends an error text, if a forbidden action has succeeded, and the data of others that it has read.

A move is a function; its name describes the attack. An action that must fail is called by refused().
"""

import contextlib
import ctypes
import errno
import fcntl
import json
import mmap
import os
import random
import resource
import select
import signal
import socket
import struct
import sys
import traceback

LIBC = ctypes.CDLL(None, use_errno=True)
RUN, CONFIGFS, FFS = "/run/ffsctl", "/sys/kernel/config/usb_gadget", "/dev/ffs"
MOST_SOCKETS = 60  # a supervisor has room for 32
MOVE_SECONDS = 1  # time limit of a move; then it is interrupted
NUMBERS = {  # numbers of system calls on x86-64 and i386 (arch/x86/entry/syscalls)
    "ptrace": (101, 26), "rt_sigqueueinfo": (129, 178), "pivot_root": (155, 217), "init_module": (175, 128),
    "delete_module": (176, 129), "tkill": (200, 238), "tgkill": (234, 270), "ioprio_set": (251, 289),
    "migrate_pages": (256, 294), "get_robust_list": (274, 312), "perf_event_open": (298, 336),
    "open_by_handle_at": (304, 342), "setns": (308, 346), "process_vm_readv": (310, 347),
    "process_vm_writev": (311, 348), "kcmp": (312, 349), "bpf": (321, 357), "open_tree": (428, 428),
    "fsopen": (430, 430), "pidfd_getfd": (438, 438), "process_madvise": (440, 440), "mount_setattr": (442, 442),
    "process_mrelease": (448, 448),
}
MACHINE = 1 if os.uname().machine == "i686" else 0
NEW_NAMESPACES = {"NEWNS": 0x20000, "NEWUTS": 0x4000000, "NEWIPC": 0x8000000, "NEWUSER": 0x10000000,
                  "NEWPID": 0x20000000, "NEWNET": 0x40000000}


class Forbidden(Exception):
    """A forbidden action has succeeded."""


class GivenUp(OSError):
    """The move was interrupted, because it took too long."""


class State:
    """The state that is kept from one move to the next."""

    order = {}
    channel = None
    playing = False
    sockets = []  # connections to the supervisor
    children = []
    trees = {}


def call(name, *args):
    """Makes a system call for which Python has no function."""
    args = [ctypes.c_long(arg) if isinstance(arg, int) else arg for arg in args]
    result = LIBC.syscall(ctypes.c_long(NUMBERS[name][MACHINE]), *args)
    if result < 0:
        raise OSError(ctypes.get_errno(), name)
    return result


def of_libc(name, *args):
    if getattr(LIBC, name)(*args) < 0:
        raise OSError(ctypes.get_errno(), name)


def refused(function, *args):
    """Calls a function that must fail."""
    try:
        result = function(*args)
    except OSError:
        return
    raise Forbidden(f"{getattr(function, '__name__', function)}{args} succeeds: {result!r}")


MOVES = []


def move(weight):
    """Registers a move. A move with twice the weight is selected twice as often."""

    def register(function):
        MOVES.append((weight, function))
        return function

    return register


def someone(rng):
    """Returns a process of others: a supervisor, a keeper, a worker, another process, or process 1."""
    return rng.choice(State.order["pids"])


def mine(name):
    """Returns a path in the attacker's own directory."""
    directory = f"/tmp/enemy-{os.getuid()}"
    with contextlib.suppress(FileExistsError):
        os.mkdir(directory)
    return f"{directory}/{name}"


def opened(path, flags):
    os.close(os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY | os.O_CLOEXEC, 0o600))


def written(path, data):
    fd = os.open(path, os.O_WRONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.write(fd, data)
    finally:
        os.close(fd)


def read(path):
    with open(path, "rb", buffering=0) as f:
        return f.read(4096).decode("latin-1")


def tree(top):
    """Returns all paths below `top` that existed at the start."""
    if top not in State.trees:
        State.trees[top] = [os.path.join(directory, name) for directory, directories, files in os.walk(top)
                            for name in [".", *directories, *files]] or [top]
    return State.trees[top]


def somewhere(rng):
    """Returns a path of a file that others own."""
    top = rng.choice((RUN, RUN, CONFIGFS, FFS, State.order["planted"], "/sys/class/udc/dummy_udc.0/"))
    return rng.choice(tree(top))


def is_mine(path):
    try:
        return os.lstat(path).st_uid == os.getuid()
    except OSError:
        return False


def forked(run, *args):
    """Calls the function in a child process, which has MOVE_SECONDS, and waits for the end of the child."""
    read_end, write_end = os.pipe()
    pid = os.fork()
    if pid == 0:
        text = ""
        try:
            signal.signal(signal.SIGALRM, signal.SIG_DFL)
            State.channel.close()
            os.close(read_end)
            run(*args)
        except Forbidden as e:
            text = str(e)
        except OSError:
            pass
        except BaseException:  # noqa: B902
            text = traceback.format_exc()
        finally:
            with contextlib.suppress(OSError):
                os.write(write_end, text.encode())
            os._exit(0)
    os.close(write_end)
    try:
        text = os.read(read_end, 65536).decode()
    finally:
        os.close(read_end)
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
        with contextlib.suppress(OSError):
            os.waitpid(pid, 0)
    if text:
        raise Forbidden(text)


def left_running(run, *args):
    """Starts a child process that continues to run for a while."""
    if len(State.children) >= 40:
        rest_children()
    pid = os.fork()
    if pid == 0:
        try:
            for sig in (signal.SIGALRM, signal.SIGTERM):
                signal.signal(sig, signal.SIG_DFL)
            signal.setitimer(signal.ITIMER_REAL, 2)
            State.channel.close()
            run(*args)
        finally:
            os._exit(0)
    State.children.append(pid)


def rest_children():
    for pid in State.children:
        with contextlib.suppress(OSError):
            os.kill(pid, signal.SIGKILL)
    for pid in State.children:
        with contextlib.suppress(OSError):
            os.waitpid(pid, 0)
    State.children.clear()


def rest():
    """Closes everything that moves have left open."""
    rest_children()
    for s in State.sockets:
        s.close()
    State.sockets.clear()


# --- processes of others --------------------------------------------------------------------------

PRIVATE = ("mem", "environ", "maps", "smaps", "smaps_rollup", "auxv", "io", "syscall", "pagemap", "clear_refs",
           "personality", "fdinfo/0", "root/run/ffsctl", "cwd/run", "fd/3", "fd/4", "fd/5")
LINKS = ("exe", "cwd", "root", "fd/0", "fd/3", "ns/mnt", "ns/user", "ns/pid")
PUBLIC = ("status", "stat", "statm", "cmdline", "comm", "limits", "cgroup", "wchan", "mountinfo", "sched", "schedstat")


@move(12)
def read_private_files_of_a_process(rng):
    refused(opened, f"/proc/{someone(rng)}/{rng.choice(PRIVATE)}", os.O_RDONLY)


@move(6)
def follow_links_of_a_process(rng):
    pid = someone(rng)
    refused(os.readlink, f"/proc/{pid}/{rng.choice(LINKS)}")
    refused(os.listdir, f"/proc/{pid}/{rng.choice(('fd', 'map_files'))}")


@move(4)
def read_public_files_of_a_process(rng):
    return read(f"/proc/{someone(rng)}/{rng.choice(PUBLIC)}")


@move(6)
def write_files_of_a_process(rng):
    name, data = rng.choice((("comm", b"x"), ("oom_score_adj", b"1000"), ("clear_refs", b"1"), ("coredump_filter", b"0"),
                             ("timerslack_ns", b"4000000000"), ("attr/current", b"x"), ("mem", b"x"), ("uid_map", b"0 0 1"),
                             ("setgroups", b"deny"), ("loginuid", b"0"), ("make-it-fail", b"1"), ("sched", b"0")))
    refused(written, f"/proc/{someone(rng)}/{name}", data)


def signal_group(pid, sig):
    group = os.getpgid(pid)
    if group <= 1:  # this would send it to all processes
        raise OSError(errno.ESRCH, "it has no group")
    os.killpg(group, sig)


def queue_signal(pid, sig):
    info = (ctypes.c_int * 32)(sig, 0, -1, 0, os.getpid(), os.getuid())  # SI_QUEUE
    call("rt_sigqueueinfo", pid, sig, info)


def pidfd_signal(pid, sig):
    fd = os.pidfd_open(pid)
    try:
        signal.pidfd_send_signal(fd, sig)
    finally:
        os.close(fd)


@move(14)
def signal_a_process(rng):
    pid, sig = someone(rng), rng.randrange(0, 65)
    send = rng.choice((os.kill, signal_group, queue_signal, pidfd_signal, lambda pid, sig: call("tkill", pid, sig),
                       lambda pid, sig: call("tgkill", pid, pid, sig)))
    refused(send, pid, sig)


@move(3)
def signal_everybody(rng):
    """kill(-1) sends the signal only to the attacker's own processes."""
    os.kill(-1, rng.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGSTOP, signal.SIGHUP, signal.SIGURG)))


@move(4)
def signal_by_way_of_input(rng):
    ends = os.pipe()
    try:
        fcntl.fcntl(ends[0], fcntl.F_SETOWN, someone(rng) * rng.choice((1, -1)))
        fcntl.fcntl(ends[0], 10, rng.choice((signal.SIGKILL, signal.SIGTERM, signal.SIGIO)))  # F_SETSIG
        fcntl.fcntl(ends[0], fcntl.F_SETFL, os.O_ASYNC | os.O_NONBLOCK)
        os.write(ends[1], b"x")
    finally:
        os.close(ends[0])
        os.close(ends[1])


@move(6)
def trace_a_process(rng):
    request = rng.choice((0x4206, 16, 0x4207, 1, 2, 3, 4, 5, 7, 8, 12, 0x4200, 0x4204, 0x420D))
    refused(call, "ptrace", request, someone(rng), rng.getrandbits(47), rng.getrandbits(47))


@move(6)
def move_memory_of_a_process(rng):
    room = ctypes.create_string_buffer(4096)
    address = rng.choice((0x400000, 0x555555554000, 0x7FFFFFFDE000, rng.getrandbits(47)))
    mine_, theirs = (ctypes.c_ulong * 2)(ctypes.addressof(room), 4096), (ctypes.c_ulong * 2)(address, 4096)
    pid = someone(rng)
    refused(call, rng.choice(("process_vm_readv", "process_vm_writev")), pid, mine_, 1, theirs, 1, 0)


@move(8)
def take_hold_of_a_process(rng):
    pid = someone(rng)
    fd = os.pidfd_open(pid)
    try:
        name = rng.choice(("pidfd_getfd", "pidfd_getfd", "setns", "process_madvise", "process_mrelease"))
        if name == "pidfd_getfd":
            refused(call, name, fd, rng.randrange(12), 0)
        elif name == "setns":
            refused(call, name, fd, rng.choice(list(NEW_NAMESPACES.values())))
        elif name == "process_madvise":
            refused(call, name, fd, (ctypes.c_ulong * 2)(0x400000, 4096), 1, 4, 0)
        else:
            refused(call, name, fd, 0)
    finally:
        os.close(fd)


@move(4)
def look_into_a_process(rng):
    pid = someone(rng)
    room = (ctypes.c_ulong * 32)()
    name, *args = rng.choice((("kcmp", pid, os.getpid(), rng.randrange(7), 0, 0), ("get_robust_list", pid, room, room),
                              ("perf_event_open", room, pid, -1, -1, 0), ("migrate_pages", pid, 1, room, room)))
    refused(call, name, *args)


@move(10)
def slow_a_process_down(rng):
    pid = someone(rng)
    what, limit = rng.choice((resource.RLIMIT_CPU, resource.RLIMIT_NOFILE, resource.RLIMIT_AS, resource.RLIMIT_NPROC)), 1
    refused(*rng.choice((
        (os.sched_setaffinity, pid, {0}), (os.setpriority, os.PRIO_PROCESS, pid, 19), (os.setpriority, os.PRIO_PGRP, pid, 19),
        (os.setpriority, os.PRIO_USER, State.order["bystander"], 19),
        (os.sched_setscheduler, pid, os.SCHED_IDLE, os.sched_param(0)),
        (os.sched_setparam, pid, os.sched_param(0)), (resource.prlimit, pid, what, (limit, limit)),
        (resource.prlimit, pid, what), (call, "ioprio_set", 1, pid, 3 << 13))))


def limit_raised():
    try:
        resource.setrlimit(resource.RLIMIT_NPROC, (100000, 100000))
    except ValueError:  # Python raises it for EPERM
        raise OSError(errno.EPERM, "setrlimit") from None


@move(6)
def become_more(rng):
    refused(*rng.choice((
        (os.setuid, 0), (os.setresuid, 0, 0, 0), (os.setgid, 0), (os.setgroups, [0]), (os.seteuid, 0), (os.chroot, "/"),
        (os.setpriority, os.PRIO_PROCESS, 0, -20), (os.sched_setscheduler, 0, os.SCHED_FIFO, os.sched_param(99)),
        (limit_raised,), (os.setxattr, __file__, "security.capability", b"x" * 20),
        (os.chown, "/etc/passwd", os.getuid(), 0), (of_libc, "sethostname", b"x", 1), (of_libc, "swapoff", b"/x"),
        (of_libc, "reboot", 0x1234567), (of_libc, "settimeofday", struct.pack("qq", 0, 0), None),
        (call, "bpf", 0, (ctypes.c_ulong * 16)(1, 4, 4, 4), 128), (call, "open_by_handle_at", -100, (ctypes.c_ulong * 8)(8), 0),
        (call, "init_module", b"x", 1, b""), (call, "delete_module", b"libcomposite", 0))))


# --- files of others ------------------------------------------------------------------------------


def bound(path):
    with socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET) as s:
        s.bind(path)


def replaced(path):
    with open(mine("file"), "w") as f:
        f.write("of an enemy\n")
    os.rename(mine("file"), path)


CHANGES = (
    os.unlink, os.rmdir, replaced, os.mkdir, os.mkfifo,
    lambda path: os.rename(path, path + ".x"), lambda path: os.symlink("/etc/passwd", path + ".x"),
    lambda path: os.mkdir(path + ".x"), lambda path: os.mkdir(path + "/x"), lambda path: os.mkfifo(path + ".x"),
    lambda path: os.symlink("/etc/passwd", path + "/x"), lambda path: bound(path + ".x"), lambda path: bound(path + "/x"),
    lambda path: os.chmod(path, 0o777), lambda path: os.chown(path, os.getuid(), -1), lambda path: os.truncate(path, 0),
    lambda path: os.utime(path, (1, 1)), lambda path: os.setxattr(path, "user.x", b"x"), lambda path: written(path, b"\n"),
    lambda path: opened(path, os.O_WRONLY | os.O_TRUNC), lambda path: opened(path, os.O_RDWR | os.O_APPEND),
    lambda path: opened(path + ".x", os.O_WRONLY | os.O_CREAT), lambda path: opened(path + "/x", os.O_WRONLY | os.O_CREAT),
)


@move(30)
def change_what_others_own(rng):
    path = somewhere(rng)
    change = rng.randrange(len(CHANGES))
    if not is_mine(path):
        try:
            refused(CHANGES[change], path)
        except Forbidden as e:
            raise Forbidden(f"{path}, change {change}: {e}") from None


@move(3)
def link_what_others_own(rng):
    path = rng.choice(tree(rng.choice((RUN, CONFIGFS, FFS))))
    refused(os.link, path, rng.choice((mine("link"), path + ".x")))


@move(10)
def read_what_is_roots(rng):
    gadget = rng.choice(State.order["gadgets"])
    path = rng.choice((f"{RUN}/{gadget}/record", f"{RUN}/{gadget}/log", f"{RUN}/{gadget}/lock",
                       State.order["planted"] + "/secret", "/etc/shadow", "/dev/mem", "/proc/kcore"))
    refused(opened, path, os.O_RDONLY)


@move(4)
def read_what_is_public(rng):
    paths = [path for path in tree(rng.choice((CONFIGFS, RUN))) if not os.path.basename(path).startswith((".", "control"))]
    return read(rng.choice(paths))


@move(2)
def lock_the_lock(rng):
    gadget = rng.choice(State.order["gadgets"])
    for flags in (os.O_RDONLY, os.O_RDWR, os.O_WRONLY):
        refused(opened, f"{RUN}/{gadget}/lock", flags)


@move(2)
def watch_directories(rng):
    """All users may watch directories."""
    fd = LIBC.inotify_init1(os.O_NONBLOCK | os.O_CLOEXEC)
    LIBC.inotify_add_watch(fd, os.fsencode(rng.choice((RUN, FFS, f"{RUN}/{rng.choice(State.order['gadgets'])}"))), 0xFFF)
    os.close(fd)


@move(8)
def open_endpoints(rng):
    paths = [path for path in tree(FFS) if os.path.basename(path).startswith("ep") and not is_mine(path)
             and f"/{State.order['function']}/" not in path]
    if paths:
        refused(opened, rng.choice(paths), rng.choice((os.O_RDONLY, os.O_WRONLY, os.O_RDWR)))


@move(8)
def write_to_the_controllers(rng):
    device = "/sys/devices/platform"
    path = rng.choice((
        "/sys/class/udc/dummy_udc.0/soft_connect", "/sys/class/udc/dummy_udc.0/srp", "/sys/class/udc/dummy_udc.1/soft_connect",
        "/sys/bus/platform/drivers/dummy_udc/unbind", "/sys/bus/platform/drivers/dummy_hcd/unbind",
        f"{device}/dummy_udc.0/driver_override", "/sys/bus/usb/devices/usb1/authorized_default",
        "/sys/bus/usb/drivers/usb/unbind",
        "/sys/bus/usb/devices/2-1/bConfigurationValue", "/sys/bus/usb/devices/2-1/authorized", "/sys/bus/usb/devices/usb1/remove",
        "/sys/module/dummy_hcd/parameters/is_super_speed", "/proc/sysrq-trigger", "/proc/sys/kernel/pid_max",
        "/sys/class/udc/dummy_udc.0/uevent", "/sys/bus/gadget/drivers_autoprobe"))
    refused(written, path, rng.choice((b"0", b"1", b"disconnect", b"dummy_udc.0", b"-1\n", b"remove")))


@move(3)
def open_the_host_side(rng):
    devices = [path for path in tree("/dev/bus/usb") if path.count("/") == 5 and os.path.basename(path).isdigit()]
    if devices:
        refused(opened, rng.choice(devices), os.O_RDWR)


# --- mounts, namespaces, messages of the kernel ---------------------------------------------------

MOUNTS = ((b"x", b"functionfs"), (b"x", b"configfs"), (b"x", b"tmpfs"), (b"x", b"proc"), (b"/tmp", None), (b"x", b"sysfs"))


def mount_something(rng):
    source, kind = rng.choice(MOUNTS)
    where = rng.choice((FFS, RUN, CONFIGFS, "/tmp", "/proc", f"{RUN}/{rng.choice(State.order['gadgets'])}")).encode()
    flags = 0 if kind else rng.choice((0x1000, 0x2000, 0x20, 0x40000))  # bind, move, remount, private
    return source, where, kind, flags


@move(6)
def change_mounts(rng):
    mounts = [path for path in tree(FFS) if os.path.ismount(path)] or [FFS]
    refused(*rng.choice((
        (of_libc, "mount", *mount_something(rng), None), (of_libc, "umount2", os.fsencode(rng.choice(mounts)), rng.randrange(8)),
        (call, "fsopen", rng.choice((b"functionfs", b"tmpfs", b"configfs")), 0), (call, "open_tree", -100, b"/run", 1),
        (call, "pivot_root", b"/tmp", b"/tmp"),
        (call, "mount_setattr", -100, os.fsencode(rng.choice(mounts)), 0, (ctypes.c_ulong * 4)(1), 32))))


def in_namespaces(flags, rng):
    uid = os.getuid()
    of_libc("unshare", flags | NEW_NAMESPACES["NEWUSER"])
    with contextlib.suppress(OSError):
        written("/proc/self/uid_map", b"0 %d 1" % uid)
    for kind in (b"functionfs", b"configfs"):
        refused(of_libc, "mount", b"x", b"/tmp", kind, 0, None)
    for _ in range(4):
        refused(os.kill, someone(rng), rng.choice((0, signal.SIGKILL)))
        refused(opened, f"/proc/{someone(rng)}/{rng.choice(PRIVATE)}", os.O_RDONLY)
    refused(opened, State.order["planted"] + "/secret", os.O_RDONLY)
    refused(opened, f"{RUN}/{State.order['gadgets'][0]}/record", os.O_RDONLY)
    refused(os.setuid, 12345)
    with contextlib.suppress(OSError):  # its own, if it has any
        of_libc(*rng.choice((("umount2", FFS.encode(), 2), ("mount", b"x", RUN.encode(), b"tmpfs", 0, None),
                             ("mount", b"x", b"/", None, 0x44000, None), ("sethostname", b"x", 1), ("chroot", b"/tmp"))))


@move(4)
def be_root_in_a_namespace(rng):
    flags = 0
    for flag in NEW_NAMESPACES.values():
        flags |= flag * rng.randrange(2)
    forked(in_namespaces, flags, rng)


@move(6)
def speak_as_the_kernel(rng):
    event = rng.choice((b"remove@/devices/platform/dummy_udc.0/udc/dummy_udc.0\0ACTION=remove\0SUBSYSTEM=udc\0",
                        b"change@/devices/virtual/android_usb\0ACTION=change\0USB_STATE=DISCONNECTED\0", rng.randbytes(100)))
    with socket.socket(socket.AF_NETLINK, socket.SOCK_RAW, 15) as s:
        s.bind((0, 0))
        refused(s.sendto, event, rng.choice(((0, 1), (0, 2), (someone(rng), 0), (someone(rng), 1))))


# --- sockets of ours ------------------------------------------------------------------------------


@move(6)
def speak_to_keepers(rng):
    sockets = [path for path in tree(RUN) if os.path.basename(path).startswith("keeper-")]
    for kind in (socket.SOCK_SEQPACKET, socket.SOCK_STREAM):
        with socket.socket(socket.AF_UNIX, kind) as s:
            refused(s.connect, rng.choice(sockets))


@move(6)
def speak_for_a_worker(rng):
    sockets = [path for path in tree(RUN) if os.path.basename(path).startswith("notify-") and not is_mine(path)]
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as s:
        refused(s.sendto, rng.choice((b"READY=1", b"WATCHDOG=1", rng.randbytes(2000))), rng.choice(sockets))


def nasty(rng):
    """Returns an unexpected value."""
    return rng.choice((None, True, -1, 0, 1 << 62, 1e308, -0.001, "", "x", "../../etc/passwd", "\u00e4" * 300, "x" * 30000,
                       [], {}, [[[]]] * 50, {"command": "down"}, "dummy_udc.0", "/dev/null", State.order["file"]))


def commands(rng):
    """Returns a command, and whether ffsctl must refuse it for a member of the group."""
    function = rng.choice((None, "a", "b", nasty(rng)))
    forbidden = [{"command": "reexec", "program": rng.choice(("/bin/sh", State.order["ffsctl"], nasty(rng)))},
                 {"command": "reload", "file": rng.choice(("/etc/passwd", "x", State.order["file"] + "/", "/tmp/none.conf"))},
                 {"command": nasty(rng)}, {"command": "DOWN"}, {"x": nasty(rng)}]
    allowed = [{"command": "restart", "function": function}, {"command": "restart"}, {"command": "unbind"},
               {"command": "bind", "udc": rng.choice((None, "dummy_udc.1", "dummy_udc.0", nasty(rng)))}, {"command": "bind"},
               {"command": "wait", "for": rng.choice(("ready", "configured", "disconnected", nasty(rng)))},
               {"command": "wait-host"}, {"command": "reload"}, {"command": "reload", "file": State.order["file"]},
               {"command": "reload", "file": State.order["file"], "renamed": nasty(rng), "timeout": nasty(rng)}]
    if State.order["may"] != "command":
        allowed.append({"command": "down"})
    return (rng.choice(forbidden), True) if rng.random() < 0.4 else (rng.choice(allowed), False)


def connected(rng):
    """Returns a connection to a supervisor. Fails instead of waiting until the supervisor has answered others."""
    s = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET | socket.SOCK_NONBLOCK)
    path = f"{RUN}/{State.order['gadgets'][0]}/control"
    if State.order["may"] == "nothing":
        refused(s.connect, path)
        raise OSError(errno.EACCES, path)
    try:
        s.connect(path)
    except OSError:
        s.close()
        raise
    while len(State.sockets) >= MOST_SOCKETS:
        State.sockets.pop(rng.randrange(len(State.sockets))).close()
    State.sockets.append(s)
    return s


def listen_to(s, forbidden, what):
    """Checks that an immediate answer does not report success."""
    if not select.select([s], [], [], 0.02)[0]:
        return
    text = s.recv(65536)
    if text and (forbidden or State.order["may"] != "command") and json.loads(text)["exit"] == 0:
        raise Forbidden(f"{what} is done: {text.decode()}")


@move(24)
def give_a_command(rng):
    command, forbidden = commands(rng)
    s = connected(rng)
    s.send(json.dumps(command).encode())
    listen_to(s, forbidden, command)


@move(8)
def say_nonsense(rng):
    s = connected(rng)
    whole = json.dumps(commands(rng)[0]).encode()
    for _ in range(rng.randrange(1, 4)):
        text = rng.choice((rng.randbytes(rng.randrange(1, 3000)), whole[:rng.randrange(1, len(whole))], b"1e99999",
                           b"[" * rng.randrange(1, 60000), b'{"command":' * 1000, b"{}", b"\0" * 65536, b"x" * 150000,
                           b'{"command":"restart","command":"bind"}x'))
        s.send(text)
    listen_to(s, True, "nonsense")


@move(6)
def hand_over_descriptors(rng):
    s = connected(rng)
    fds = [os.open("/dev/null", os.O_RDONLY) for _ in range(rng.randrange(1, 12))]
    try:
        socket.send_fds(s, [json.dumps(commands(rng)[0]).encode()], fds)
        socket.send_fds(s, [b"x"], fds)
    finally:
        for fd in fds:
            os.close(fd)


@move(8)
def connect_often(rng):
    for _ in range(rng.randrange(1, 40)):
        s = connected(rng)
        how = rng.randrange(8)
        if how == 0:
            s.close()
            State.sockets.remove(s)
        elif how == 1:
            s.shutdown(rng.choice((socket.SHUT_RD, socket.SHUT_WR, socket.SHUT_RDWR)))
        elif how == 2:
            s.send(b'{"command":"wait","for":"disconnected"}')


@move(2)
def hang_up(rng):
    while State.sockets and rng.random() < 0.8:
        State.sockets.pop(rng.randrange(len(State.sockets))).close()


@move(4)
def run_ffsctl(rng):
    gadget = State.order["gadgets"][0]
    args = rng.choice((["down", gadget], ["down", "--force", gadget], ["down", "--all"], ["reexec", gadget],
                       ["up", State.order["file"]], ["up", "--name", "x/../y", "/etc/passwd"], ["log", gadget],
                       ["reload", "/etc/passwd"]))
    if State.order["may"] == "command" and args[0] == "down":
        args = ["log", gadget]
    null = os.open("/dev/null", os.O_RDWR)
    pid = os.posix_spawn(State.order["ffsctl"], ["ffsctl", *args], {"PATH": "/usr/bin:/bin", "FFSCTL_GADGET": gadget},
                         file_actions=[(os.POSIX_SPAWN_DUP2, null, n) for n in (0, 1, 2)])
    os.close(null)
    State.children.append(pid)
    status = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
    State.children.remove(pid)
    if status == 0:
        raise Forbidden(f"ffsctl {args} ends with 0")


# --- attacks on shared resources -------------------------------------------------------------------


@move(4)
def pretend_to_be_a_worker(rng):
    if len(State.children) >= 40:
        rest_children()
    gadget, function = State.order["gadgets"][0], rng.choice(("victim", "a", "b", "neighbour"))
    env = {"FFSCTL_GADGET": gadget, "FFSCTL_FUNCTION": function, "FFSCTL_MOUNT": f"{FFS}/{gadget}/{function}", "LISTEN_FDS": "2"}
    name = rng.choice(("ffsctl-worker", f"keep:{function}", "ffsctl"))
    State.children.append(os.posix_spawn("/bin/sleep", [name, "2"], env, setsid=bool(rng.randrange(2))))


@move(1)
def fork_up_to_the_limit(rng):
    """Starts almost as many processes as the limit permits."""
    for _ in range(rng.randrange(5, 30)):
        left_running(signal.pause)


def spin():
    signal.setitimer(signal.ITIMER_REAL, 0.03)
    while True:
        pass


@move(1)
def take_the_processor(rng):
    for _ in range(rng.randrange(1, 4)):
        left_running(spin)


@move(2)
def take_memory(rng):
    with mmap.mmap(-1, rng.randrange(1, 9) << 20) as room:
        room[::4096] = b"x" * len(room[::4096])


@move(3)
def fill_files(rng):
    """Writes at most 4 MiB."""
    path = mine(f"file-{rng.randrange(4)}")
    with open(path, "wb") as f:
        f.write(b"x" * rng.randrange(1 << 20))
    if rng.randrange(2):
        os.unlink(path)


@move(2)
def fill_pipes_and_tables(rng):
    fds = []
    with contextlib.suppress(OSError):
        for _ in range(rng.randrange(1, 100)):
            fds += os.pipe2(os.O_NONBLOCK)
            if rng.randrange(4) == 0:
                os.write(fds[-1], b"x" * 65536)
    for fd in fds:
        os.close(fd)


# --- orders ---------------------------------------------------------------------------------------


def give_up(_number, _frame):
    if State.playing:
        raise GivenUp(errno.EINTR, "it takes too long")


def play(function, rng):
    """Makes a move. Returns its error text and the data of others that it has read; both may be empty."""
    State.playing = True
    signal.setitimer(signal.ITIMER_REAL, MOVE_SECONDS, 0.1)
    try:
        loot = function(rng)
        return "", loot or ""
    except Forbidden as e:
        return str(e), ""
    except OSError:
        return "", ""
    except Exception:
        return traceback.format_exc(), ""
    finally:
        State.playing = False
        signal.setitimer(signal.ITIMER_REAL, 0)


def main():
    State.channel = socket.socket(socket.AF_UNIX, socket.SOCK_SEQPACKET)
    State.channel.connect(sys.argv[1])
    signal.signal(signal.SIGALRM, give_up)
    for sig in (signal.SIGHUP, signal.SIGURG, signal.SIGPIPE):  # signals that it may cause itself
        signal.signal(sig, signal.SIG_IGN)
    State.channel.send(str(os.getpid()).encode())
    while True:
        text = State.channel.recv(1 << 20)
        if not text:
            os._exit(0)
        State.order.update(json.loads(text))
        if State.order["seed"] is None:
            rest()
            State.channel.send(b'rest\n""\n')
            continue
        rng = random.Random(State.order["seed"])
        function = rng.choices([f for _, f in MOVES], [weight for weight, _ in MOVES])[0]
        State.channel.send(function.__name__.encode())
        wrong, loot = play(function, rng)
        State.channel.send(f"{function.__name__}\n{json.dumps(wrong)}\n{loot}".encode("utf-8", "replace"))


if __name__ == "__main__":
    main()
