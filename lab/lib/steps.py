# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers of lab/setup, which run commands and make the products in the cache (see cache.py)."""

import argparse
import contextlib
import fcntl
import os
import re
import shutil
import subprocess
import sys

import cache
from progress import Step

WHO = "lab/setup"
# The beginning of the names of the compilers for 32 bits
I386_COMPILERS = "i686-linux-gnu-"
TAIL = 40  # number of lines that are shown from the end of the output of a failed command
ERRORS = 20  # number of lines with errors of compilers and linkers that are shown
# Matches the error messages of gcc, clang, ld, make, modpost and Kconfig
ERROR = re.compile(rb"(?i)(?:^|[\s:])(?:fatal )?error:|undefined reference to|^ERROR: |No rule to make target|"
                   rb"multiple definition of|No space left on device|Killed")


class Error(Exception):
    pass


def say(text):
    print("%s: %s" % (WHO, text), file=sys.stderr, flush=True)


def what_failed(text):
    """Returns two parts of the output of a failed command: the lines with error messages, which may be far from the end
    of the output, and the last lines."""
    lines = text.splitlines()
    tail = lines[-TAIL:]
    errors = [l for l in lines[:-TAIL] if ERROR.search(l)][:ERRORS]
    return b"\n".join(errors + [b"..."] * bool(errors) + tail).decode(errors="replace")


# If lab/setup is killed, its commands must end, too: they would continue although lab/setup no longer holds its lock
DIES_WITH_PARENT = ["setpriv", "--pdeathsig", "TERM"]


def run(args, log=None, **kw):
    """Runs a command and returns its output. Raises Error if the command fails. Appends the output to the file
    `log`."""
    r = subprocess.run(DIES_WITH_PARENT + args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
    if log is not None:
        with open(log, "ab") as f:
            f.write(r.stdout)
    if r.returncode:
        raise Error("%s failed with %d:\n%s" % (" ".join(args[:6]), r.returncode, what_failed(r.stdout)))
    return r.stdout


def step(what):
    return Step(WHO, what)


@contextlib.contextmanager
def locked(name, wait=True):
    """Holds the lock of a product (see cache.py) during the `with` statement, so that only one lab/setup makes the
    product. Yields whether this process has the lock; this can be False only if `wait` is False."""
    os.makedirs(os.path.join(cache.root(), "locks"), exist_ok=True)
    with open(os.path.join(cache.root(), "locks", name), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                yield False
                return
            say("waiting for another lab/setup, which makes " + name)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield True


@contextlib.contextmanager
def building(final):
    """Yields an empty directory, in which the caller makes a product, such as the modules of a kernel. At the end of the
    `with` statement the directory is renamed to `final`. The caller holds the lock of the product."""
    work = os.path.join(os.path.dirname(final), "partial-" + os.path.basename(final))
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    yield work
    open(os.path.join(work, "complete"), "w").close()
    os.sync()
    shutil.rmtree(final, ignore_errors=True)
    os.rename(work, final)


def product(final, make):
    """Calls make(final) if the product does not exist yet."""
    if cache.is_complete(final):
        return
    with locked(os.path.basename(final)):
        if not cache.is_complete(final):
            make(final)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def jobs():
    return len(os.sched_getaffinity(0))


def kernel_argument(name):
    """The type of the options --kernel, for argparse."""
    if not cache.is_kernel(name):
        raise argparse.ArgumentTypeError("%s is none of %s (lab/setup --tree adds a kernel of your own)" % (
            name, ", ".join((*cache.VERSIONS, *cache.trees()))))
    return name


def part_argument(text):
    """The type of the option --part, for argparse: "N/M" becomes (N, M)."""
    found = re.fullmatch("([1-9][0-9]*)/([1-9][0-9]*)", text)
    if not found or int(found[1]) > int(found[2]):
        raise argparse.ArgumentTypeError("%s is not N/M, as in 2/3, the second of three parts" % text)
    return int(found[1]), int(found[2])


def arch(flavour):
    """Returns the architecture arguments of the kernel's make."""
    if flavour == cache.I386:
        return ["ARCH=um", "SUBARCH=i386", "CROSS_COMPILE=" + I386_COMPILERS]
    # Without SUBARCH Linux 6.1 builds for 32 bit
    return ["ARCH=x86_64"] if flavour == cache.SMP else ["ARCH=um", "SUBARCH=x86_64"]


def compiler(flavour):
    """Returns the compiler of programs that run on a kernel."""
    return I386_COMPILERS + "gcc" if flavour == cache.I386 else "gcc"


def apt_install(*packages):
    """Installs packages, as root."""
    command = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *packages]
    if os.geteuid() != 0:
        command.insert(0, "sudo")
    say("installing " + " ".join(packages))
    run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def need(*tools):
    """Installs missing tools. `tools`: (program, package)."""
    for tool, package in tools:
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            apt_install(package)
