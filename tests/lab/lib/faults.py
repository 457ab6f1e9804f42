# SPDX-License-Identifier: GPL-2.0-or-later
"""Helpers of the fault tests. They register a test for each step of each example's plan, and check the system after the
step has failed or the supervisor was killed at the step.

The numbers of the steps are those of `up --dry-run --json`. src/plan/fault_injection.h documents how faults are planted.
"""

import errno
import functools
import os
import pathlib

import gadgets
import tap
from harness import EXAMPLES, document, ffsctl, must, check_same_snapshots, snapshot, status, wait_dead
from tap import contains, eq, ok

KERNEL_REFUSED = 71
DEGRADED = 1
NOT_UP = 3

# Step n fails with one of these errnos, which depends on n (errno_of()). The error message of ffsctl must contain
# the text of this errno
ERRNOS = (errno.EIO, errno.EBUSY, errno.ENOSPC, errno.ENOMEM, errno.EINVAL, errno.EPERM, errno.EFAULT)


# If an example uses features that older versions of FunctionFS lack, `up` first probes FunctionFS with a scratch gadget.
# The plan of the scratch gadget has this number of steps. These steps are numbered from 1, as those of the example's plan
# are. So a fault for step 1 or 2 already occurs in the plan of the scratch gadget
SCRATCH_STEPS = 2


class Example:
    def __init__(self, path):
        self.name = path.stem
        # dummy_udc has no isochronous endpoints
        self.up = [str(path), "--udc", "usbip-vudc.0" if self.name == "webcam" else "dummy_udc.0"]
        self.plan = document(must(ffsctl("up", "--dry-run", "--json", *self.up)))["gadgets"][0]["plan"]
        eq([step["n"] for step in self.plan], list(range(1, len(self.plan) + 1)), "numbers of steps")
        # Number of the last step for which a fault occurs in the scratch gadget's plan, not in that of the example
        self.scratch_steps = SCRATCH_STEPS if self.name == "dfu" else 0

    def steps(self):
        return [step for step in self.plan if step["n"] > self.scratch_steps]

    def undoable(self):
        return [step for step in self.steps() if step["undo"]]


@functools.cache
def examples():
    """Returns the examples in whose plans the tests cause faults, as objects of class Example. On Linux 6.1 and with
    sanitizers it returns only two examples: the steps are the same on every kernel and in every build, and tests with
    sanitizers take longer."""
    paths = [*gadgets.examples(), pathlib.Path(EXAMPLES, "webcam.conf")]
    ok(len(paths) >= 7, "examples are missing")
    if os.environ.get("LAB_KERNEL") == "6.1" or "ASAN_OPTIONS" in os.environ:
        paths = [path for path in paths if path.stem in ("loopback", "mount-options")]
    return [Example(path) for path in paths]


def errno_of(step):
    return ERRNOS[step["n"] % len(ERRNOS)]


def sentence(step, verb, error):
    return tap.in_words_of_libc(f"cannot {verb} {step['path']}: {os.strerror(error)}")


def first_of_each(cases):
    """Returns the first case of each kind. The second member of a case is a step of a plan or a change of a reload. Two
    cases are of the same kind if their steps or changes have the same `do` and the same `undo`."""
    return list({(step["do"], step["undo"]): (of, step) for of, step in reversed(cases)}.values())


def last_of_each(cases):
    """Returns the last case of each kind."""
    return first_of_each(cases[::-1])


def each(title, mutant, steps=Example.steps, chosen=(first_of_each, last_of_each)):
    """Registers one test for each step of each example. The decorated function gets the example and the step; when it
    returns, the system must be as before the test. Without --all, lab/test runs only the tests of the first and the last
    step of each kind; a program with several tests for each step runs some at the first and some at the last (`chosen`).
    `mutant`: DIRECTORY/NAME of a mutant that lab/test detects with these tests, without --all (as in tap.test())."""

    def register(function):
        cases = [(example, step) for example in examples() for step in steps(example)]
        those = [case for choose in chosen for case in choose(cases)]
        for example, step in cases:
            name = f"{example.name}: step {step['n']} ({step['do']} {step['path']}) {title}"
            why = None if (example, step) in those else mutant + ": each kind of step has a test"
            tap.test(name, example, step, only_all=why)(clean(function))
        return function

    return register


def clean(function):
    @functools.wraps(function)
    def run(example, step):
        before = snapshot()
        try:
            function(example, step)
            check_same_snapshots(before, snapshot())
        finally:
            ffsctl("down", example.name)

    return run


def up(example, fault, arguments=()):
    """Runs `up` with a fault, checks that `up` fails and does not crash, and returns the result of `up`."""
    result = ffsctl("up", *example.up, *arguments, fault=fault)
    ok(result.returncode not in (0, -11, -6), f"{fault}: exit {result.returncode}\n{result.stderr}")
    return result


def must_be_leftover(name):
    """Checks that the gadget has no supervisor, and that `status` reports this and prints what the user must do."""
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
                wait_dead(worker["pid"])  # the kernel kills it when the supervisor has died, but not at once


def must_be_down(name):
    gadget, code = status(name)
    eq((gadget, code), (None, NOT_UP))
