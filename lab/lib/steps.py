# SPDX-License-Identifier: GPL-2.0-or-later
"""What every step of lab/setup uses: running a command, and making a product of the cache."""

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
TAIL = 40  # lines of a failed command's output that are shown
ERRORS = 20  # lines of a failed build with what the compiler or the linker found
# As gcc, clang, ld, make, modpost and Kconfig begin what is an error
ERROR = re.compile(rb"(?i)(?:^|[\s:])(?:fatal )?error:|undefined reference to|^ERROR: |No rule to make target|"
                   rb"multiple definition of|No space left on device|Killed")


class Error(Exception):
    pass


def say(text):
    print("%s: %s" % (WHO, text), file=sys.stderr, flush=True)


def what_failed(text):
    """The end of a failed command's output, and in front of it the errors, which other jobs'
    output may have pushed far up."""
    lines = text.splitlines()
    tail = lines[-TAIL:]
    errors = [l for l in lines[:-TAIL] if ERROR.search(l)][:ERRORS]
    return b"\n".join(errors + [b"..."] * bool(errors) + tail).decode(errors="replace")


# A setup that is killed takes make along, or that would go on in the cache without a lock
WITH_US = ["setpriv", "--pdeathsig", "TERM"]


def run(args, log=None, **kw):
    """Runs a command and returns what it printed; Error, with what went wrong, when it fails. `log`
    is a file that keeps the output."""
    r = subprocess.run(WITH_US + args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
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
    """Keeps others from making the same product at the same time; different ones do not wait. Without
    `wait` the lock may not be had: the value says whether it is."""
    os.makedirs(os.path.join(cache.root(), "locks"), exist_ok=True)
    with open(os.path.join(cache.root(), "locks", name), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not wait:
                yield False
                return
            say("waiting for another setup, which makes " + name)
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield True


@contextlib.contextmanager
def building(final):
    """A directory that gets its name only when everything in it is there. The caller holds the
    product's lock."""
    work = os.path.join(os.path.dirname(final), "partial-" + os.path.basename(final))
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    yield work
    open(os.path.join(work, "complete"), "w").close()
    os.sync()
    shutil.rmtree(final, ignore_errors=True)
    os.rename(work, final)


def product(final, make):
    """Makes a product unless it is there: make(final)."""
    if cache.complete(final):
        return
    with locked(os.path.basename(final)):
        if not cache.complete(final):
            make(final)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def jobs():
    return len(os.sched_getaffinity(0))


def arch(flavour):
    """For the kernel's make."""
    # SUBARCH: 6.1 starts to build for 32 bit otherwise
    return ["ARCH=x86_64"] if flavour == cache.SMP else ["ARCH=um", "SUBARCH=x86_64"]
