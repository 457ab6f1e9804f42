# SPDX-License-Identifier: GPL-2.0-or-later
"""What the fault tests share: every example and every step of its plan, and what must be true
after a step has failed or its process was killed there.

Step numbers are those of `up --dry-run --json`; src/plan/fault.h says how faults are planted.
"""

import errno
import functools
import os
import pathlib

import gadgets
import tap
from harness import EXAMPLES, document, ffsctl, must, same, snapshot, status, wait_dead
from tap import contains, eq, ok

KERNEL_REFUSED = 71
DEGRADED = 1
NOT_UP = 3

# A different one at each step: the words must be those of the errno, not of a guess.
ERRNOS = (errno.EIO, errno.EBUSY, errno.ENOSPC, errno.ENOMEM, errno.EINVAL, errno.EPERM, errno.EFAULT)


# Of the scratch gadget on which `up` tries the kernel's FunctionFS: it meets the faults of these numbers
SCRATCH_STEPS = 2


class Example:
    def __init__(self, path):
        self.name = path.stem
        # Isochronous endpoints are in the way of a dummy UDC
        self.up = [str(path), "--udc", "usbip-vudc.0" if self.name == "webcam" else "dummy_udc.0"]
        self.plan = document(must(ffsctl("up", "--dry-run", "--json", *self.up)))["gadgets"][0]["plan"]
        eq([step["n"] for step in self.plan], list(range(1, len(self.plan) + 1)), "numbers of steps")
        # What FunctionFS has learned late is tried first
        self.tried = SCRATCH_STEPS if self.name == "dfu" else 0

    def steps(self):
        return [step for step in self.plan if step["n"] > self.tried]

    def undoable(self):
        return [step for step in self.steps() if step["undo"]]


@functools.cache
def examples():
    """The steps are the same on every kernel and in every build: where it takes longer, or has been
    done, two examples have to do."""
    paths = [*gadgets.examples(), pathlib.Path(EXAMPLES, "webcam.conf")]
    ok(len(paths) >= 7, "examples are missing")
    if os.environ.get("LAB_KERNEL") == "6.1" or "ASAN_OPTIONS" in os.environ:
        paths = [path for path in paths if path.stem in ("loopback", "mount-options")]
    return [Example(path) for path in paths]


def errno_of(step):
    return ERRNOS[step["n"] % len(ERRNOS)]


def sentence(step, verb, error):
    return f"cannot {verb} {step['path']}: {os.strerror(error)}"


def first_of_each(cases):
    """Of all cases whose second member, a step or a change, is of one kind the first."""
    return list({(step["do"], step["undo"]): (of, step) for of, step in reversed(cases)}.values())


def each(title, mutant, steps=Example.steps):
    """Registers one test per example and step; the function gets both and may do what it likes, as
    long as a last `down` leaves the machine as it was. lab/test has the first and the last step of each kind;
    `mutant` shows that they do."""

    def register(function):
        cases = [(example, step) for example in examples() for step in steps(example)]
        chosen = first_of_each(cases) + first_of_each(cases[::-1])
        for example, step in cases:
            name = f"{example.name}: step {step['n']} ({step['do']} {step['path']}) {title}"
            why = None if (example, step) in chosen else mutant + ": each kind of step has two tests"
            tap.test(name, example, step, only_all=why)(clean(function))
        return function

    return register


def clean(function):
    @functools.wraps(function)
    def run(example, step):
        before = snapshot()
        try:
            function(example, step)
            same(before, snapshot())
        finally:
            ffsctl("down", example.name)

    return run


def up(example, fault, arguments=()):
    """`up` with a fault; must not succeed."""
    result = ffsctl("up", *example.up, *arguments, fault=fault)
    ok(result.returncode not in (0, -11, -6), f"{fault}: exit {result.returncode}\n{result.stderr}")
    return result


def must_be_leftover(name):
    """Nobody looks after the gadget any more, and status says that and what to do."""
    gadget, code = status(name)
    eq(code, DEGRADED, "exit status of status")
    eq(gadget["state"], "degraded")
    eq(gadget["supervisor"], None, "supervisor")
    contains(gadget["problems"][0]["text"], f"'ffsctl down {name}' removes what is left")
    for function in gadget["functions"]:
        worker = function["worker"]
        if worker:
            eq(worker["state"], "stopped", "worker without a supervisor")
            if worker["pid"]:
                wait_dead(worker["pid"])  # it dies with the supervisor, which takes a moment


def must_be_down(name):
    gadget, code = status(name)
    eq((gadget, code), (None, NOT_UP))
