#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab i386: no, its service managers are of 64 bits
# lab: timeout=240
# lab all: kernel=6.12,6.1 timeout=240
"""Service managers with the files of init/: each starts, reloads and stops a gadget, shows when it is up, and lets a
new supervisor take it over after a crash. (systemd: test_systemd.py)"""

import contextlib
import os
import pathlib
import shutil

import tap
from harness import BUILD, SRC, must, unpack
from services import Manager, answer, checks, command, run
from tap import eq, patience

def install(name, target):
    """Copies a directory of init/ to its place."""
    for tree in (SRC, BUILD):
        shutil.copytree(f"{tree}/init/{name}", target, dirs_exist_ok=True, ignore=shutil.ignore_patterns("*.in"))


class Supervision(Manager):
    """The common part of s6 and runit: a process that supervises the service and prints its output."""

    def hup(self, *words):
        """Reloads the service; returns whether the reload succeeded."""
        must(run(*words))
        for line in self.process.stdout:
            if "reloaded: " in line or "reloaded with" in line:
                return "not reloaded" not in line
        raise AssertionError("it has ended")

    def end(self):
        eq(self.process.wait(patience(60)), 0, "the supervision")


class S6(Supervision):
    directory, scan = "/etc/s6/sv/ffsctl-x", "/etc/s6/scan"

    def __init__(self):
        install("s6", self.directory)
        os.makedirs(self.scan, exist_ok=True)
        ours, theirs = os.pipe()
        self.process = command("s6-svscan", "-d", str(theirs), self.scan, pass_fds=[theirs])
        os.close(theirs)
        with open(ours, "rb") as ready:
            eq(ready.read(), b"\n")
        # Down, and returns when it is supervised
        must(run("s6-svlink", "-d", self.scan, self.directory))

    def start(self):
        return command("s6-svc", "-uwU", "-T", "60000", self.directory)

    def knows(self):
        return {"false false false": "down", "true true false": "starting", "true true true": "up"}.get(
            answer("s6-svstat", "-o", "wantedup,up,ready", self.directory))

    def reload(self):
        return self.hup("s6-svc", "-h", self.directory)

    def stop(self):
        must(run("s6-svc", "-dwD", "-T", "60000", self.directory))

    def end(self):
        must(run("s6-svunlink", self.scan, "ffsctl-x"))
        must(run("s6-svscanctl", "-t", self.scan))
        super().end()


class Runit(Supervision):
    directory = "/etc/sv/ffsctl-x"

    def __init__(self):
        install("runit", self.directory)
        pathlib.Path(self.directory, "down").touch()
        self.process = command("runsv", self.directory)
        while run("sv", "status", self.directory).returncode:
            os.sched_yield()

    def start(self):
        return command("sv", "-w", "60", "start", self.directory)

    def knows(self):
        said = answer("sv", "status", self.directory)
        if said.startswith("down: "):
            return "wanted" if "want up" in said else "down"
        return "starting" if run("sv", "-w", "1", "check", self.directory).returncode else "up"

    def reload(self):
        return self.hup("sv", "hup", self.directory)

    def stop(self):
        must(run("sv", "-w", "60", "stop", self.directory))

    def end(self):
        must(run("sv", "exit", self.directory))
        super().end()


class OpenRC(Manager):
    service = ("rc-service", "ffsctl.x")

    def __init__(self):
        # What it makes when it boots a machine
        for name in ("daemons", "exclusive", "failed", "inactive", "options", "scheduled", "started", "starting", "stopping"):
            os.makedirs(f"/run/openrc/{name}", exist_ok=True)
        pathlib.Path("/run/openrc/softlevel").touch()
        shutil.copy(f"{BUILD}/init/openrc/ffsctl", "/etc/init.d/")
        with contextlib.suppress(FileExistsError):
            os.symlink("ffsctl", "/etc/init.d/ffsctl.x")

    def start(self):
        return command(*self.service, "start")

    def knows(self):
        said = run(*self.service, "status").stdout
        return {"stopped": "down", "starting": "starting", "started": "up"}[said.split()[-1]]

    def reload(self):
        return run(*self.service, "reload").returncode == 0

    def stop(self):
        must(run(*self.service, "stop"))


class Sysvinit(OpenRC):
    restarts = False
    service = ("/etc/init.d/ffsctl",)

    def __init__(self):
        shutil.copy(f"{BUILD}/init/sysvinit/ffsctl", "/etc/init.d/")

    def knows(self):
        result = run(*self.service, "status", "x")
        return {0: "up", 1: "starting", 3: "down"}[result.returncode]


for kind, packages in {S6: ("s6", "libs6-2.11", "libskarnet2.13", "libexecline2.9"), Runit: ("runit",),
                       OpenRC: ("openrc", "libeinfo1", "librc1", "insserv"), Sysvinit: ()}.items():
    unpack(*packages)
    checks(kind)

tap.main()
