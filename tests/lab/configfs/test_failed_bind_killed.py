#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: stock timeout=120
# lab all: kernel=6.12,6.1 stock timeout=240
"""A supervisor that is killed after a failed bind leaves the UDC deactivated. The next command activates it, also if that
command is killed, too."""

import contextlib
import ctypes
import os
import pathlib
import subprocess

import gadgets
import harness
import ptrace
import tap
from gadgets import LOOPBACK, finish, gadget, start
from harness import FFSCTL, down, ffsctl, kill, must, status, up
from tap import eq, ok, rounds, test

UDC = "dummy_udc.0"
# The kernel deactivates the UDC, and then finds no isochronous endpoint
CAMERA = 'cam : { type = "uvc"; attrs : { formats = ( { type = "mjpeg"; frames = ( { width = 640; height = 360; } ); } ); }; };'
OBEX = 'box : { type = "obex"; };'
NOTE = pathlib.Path(f"/run/ffsctl/.udc:x:{UDC}")
WRITE, OPENAT = 1, 257
# write, pwrite64, ftruncate, rename, mkdir, rmdir, unlink, symlink, mount, umount2, mkdirat, unlinkat, renameat, symlinkat
CHANGES = {WRITE, 18, 77, 82, 83, 84, 87, 88, 165, 166, 258, 263, 264, 266}
CREATES = 0o100  # O_CREAT
STRIDE = rounds(5, 1, 1)
ORIG_RAX, RDX, RDI = 15, 12, 14  # indices in struct user_regs_struct

harness.leaves_nothing()


class Traced:
    """A process that is stopped before its next system call that changes something."""

    def __init__(self, pid):
        self.pid = pid
        self.registers = (ctypes.c_ulong * 27)()
        self.ended = False

    def step(self):
        ptrace.ptrace(ptrace.SYSCALL, self.pid)
        _, code = os.waitpid(self.pid, 0)
        self.ended = not os.WIFSTOPPED(code)

    def call(self):
        ptrace.ptrace(ptrace.GETREGS, self.pid, self.registers)
        return self.registers[ORIG_RAX]

    def changes(self):
        call = self.call()
        return call in CHANGES or (call == OPENAT and self.registers[RDX] & CREATES)

    def binds(self):
        return self.call() == WRITE and os.readlink(f"/proc/{self.pid}/fd/{self.registers[RDI]}").endswith("/UDC")

    def to_change(self):
        """Stops before the next change. Returns False if the process has ended."""
        while not self.ended:
            self.step()  # to the next entry, or to an exit
            if not self.ended and self.changes():
                return True
        return False

    def to_end_of_bind(self):
        while self.to_change() and not self.binds():
            self.step()
        self.step()

    def kill(self):
        if not self.ended:
            kill(self.pid)


def written(functions=CAMERA, name="x"):
    path = gadgets.DIRECTORY / (name + ".conf")
    path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : {\n%s\n};\n" % functions)
    return path


def killed_after(changes):
    """Kills the supervisor of the camera when it has made so many changes since the kernel refused the bind. Returns False
    if the UDC was activated before."""
    up(written(), "--no-bind")
    supervisor = Traced(status("x")[0]["supervisor"])
    ptrace.ptrace(ptrace.ATTACH, supervisor.pid)
    os.waitpid(supervisor.pid, 0)
    front = start("bind", "x", UDC)
    supervisor.to_end_of_bind()
    there = True
    for _ in range(changes):
        supervisor.to_change()
        supervisor.step()
        there = NOTE.exists()
        if not there:
            break
    supervisor.kill()
    finish(front)
    return there


def foreign_gadget_connects():
    with gadgets.foreign(bound=False) as top:
        with harness.configured():
            (top / "UDC").write_text(UDC)


def next_gadget_connects():
    up(gadget("next", LOOPBACK), "--udc", UDC, "--wait-host", "--timeout", "30")
    down("next", "x")


def taken_down():
    down("x")
    foreign_gadget_connects()


def taken_over():
    up(written(), "--no-bind")
    foreign_gadget_connects()
    down("x")


def bound_by_gadget_that_is_up():
    up(gadget("next", LOOPBACK), "--no-bind")
    with harness.configured():
        must(ffsctl("bind", "next", UDC))
    down("next", "x")


@test("a supervisor is killed before each change after a failed bind: the next command activates the UDC")
def each_change():
    ways = next_gadget_connects, taken_down, taken_over, bound_by_gadget_that_is_up
    changes = 0
    while killed_after(changes):
        ways[changes // STRIDE % len(ways)]()
        changes += STRIDE
    down("x")
    ok(changes > 10, f"only {changes} changes")


@contextlib.contextmanager
def traced_command(*args):
    process = subprocess.Popen([FFSCTL, *args], stderr=subprocess.DEVNULL, preexec_fn=lambda: ptrace.ptrace(ptrace.TRACEME, 0))
    command = Traced(process.pid)
    os.waitpid(process.pid, 0)  # at exec
    yield command
    command.kill()
    process.wait()


def command_is_killed_after(changes, *args):
    """Kills a command when it has made so many changes. Returns False if it has ended before."""
    with traced_command(*args) as command:
        for _ in range(changes):
            if command.to_change():
                command.step()
        return command.to_change()


@test("a command that activates the UDC is killed before each change: the next one activates the UDC")
def command_is_killed():
    killed_after(0)
    changes = STRIDE // 2
    while NOTE.exists():
        ok(command_is_killed_after(changes, "down", "other") or not NOTE.exists(), f"{NOTE} is there after {changes} changes")
        changes += STRIDE
    ok(changes > 10, f"only {changes} changes")
    foreign_gadget_connects()
    down("x")
    eq([name for name in os.listdir(harness.CONFIGFS) if name.startswith(".")], [])


@test("a command that activates the UDC is killed while it holds the UDC: the next gadget connects")
def command_is_killed_while_it_holds_the_udc():
    killed_after(0)
    with traced_command("down", "other") as command:
        command.to_end_of_bind()
    # Without FunctionFS: nothing else makes a scratch gadget
    up(written('tty : { type = "acm"; };', "next"), "--udc", UDC, "--wait-host", "--timeout", "30")
    down("next", "x")


@test("a UDC with a holder is not touched")
def holder_is_not_touched():
    killed_after(0)
    with gadgets.foreign() as top:
        must(ffsctl("down", "other"))
        eq((top / "UDC").read_text().strip(), UDC)
        ok(NOTE.exists())
        (top / "UDC").write_text("\n")
        with harness.configured():  # that unbind has activated the UDC
            (top / "UDC").write_text(UDC)
    down("x")
    ok(not NOTE.exists())


@test("a UDC to which the gadget of the killed supervisor is bound is not touched")
def own_gadget_is_not_touched():
    up(written(OBEX), "--udc", UDC)
    kill(status("x")[0]["supervisor"])
    held = pathlib.Path(harness.CONFIGFS, "x/UDC")
    must(ffsctl("up", gadget("next", LOOPBACK), "--udc", UDC), 69)
    eq(held.read_text().strip(), UDC)
    up(written(OBEX), "--udc", UDC)
    eq(held.read_text().strip(), UDC)
    must(ffsctl("unbind", "x"))
    ok(not NOTE.exists())
    foreign_gadget_connects()
    down("x")


def kernel_fails_to_rebind():
    for action in "unbind", "bind":
        (harness.UDC_DRIVER / action).write_text(UDC)


@test("the kernel cannot bind a gadget to a UDC that is back: another command activates the UDC when the supervisor is dead")
def failed_rebind_by_kernel():
    # The network device has outlived its parent (u_ether.c)
    up(written(OBEX + 'net : { type = "ecm"; };'), "--udc", UDC)
    for action in "unbind", "bind":
        (harness.UDC_DRIVER / action).write_text(UDC)
    shown, _ = gadgets.await_status("x", lambda shown: "cannot bind" in str(shown["problems"]), "degraded")
    must(ffsctl("down", "other"))
    ok(NOTE.exists(), "the supervisor lives")
    kill(shown["supervisor"])
    next_gadget_connects()


tap.main()
