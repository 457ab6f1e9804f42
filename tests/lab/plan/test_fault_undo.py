# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 timeout=400
# lab all: kernel=6.12,6.1 vudcs=1 timeout=400
"""The undo of each step of each example's plan fails, or its process is killed before or after the undo. Both failures
are reported, and the next `down` removes what is left."""

import errno

import tap
from faults import (DEGRADED, KERNEL_REFUSED, Example, each, errno_of, first_of_each, last_of_each, must_be_down,
                    must_be_leftover, sentence, up)
from harness import down, ffsctl, must, status
from tap import contains, eq, ok

MUTANT = "plan/failed-undo-ends-with-0"


def earlier(example):
    """Returns the steps that are undone when the last step fails."""
    return [step for step in example.undoable() if step["n"] < len(example.plan)]


def last_fails(example):
    return f"fail={len(example.plan)}:{errno.ENOSPC}"


def clear(example):
    contains(down(example.name).stderr, f"{example.name}: down (its supervisor had died")
    must_be_down(example.name)


@each("cannot be undone after a failure", MUTANT, earlier, chosen=(first_of_each,))
def undo_fails_after_failure(example, step):
    error = errno_of(step)
    result = up(example, f"{last_fails(example)},undo-fail={step['n']}:{error}")
    eq(result.returncode, KERNEL_REFUSED, "exit status")
    last, hint = result.stderr.splitlines()[-2:]
    contains(last, sentence(example.plan[-1], example.plan[-1]["do"], errno.ENOSPC))
    contains(last, "; not all steps could be undone: " + sentence(step, step["undo"], error))
    contains(hint, f"'ffsctl down {example.name}' removes what is left")
    must_be_leftover(example.name)
    clear(example)


@each("cannot be undone by down", MUTANT, Example.undoable, chosen=(last_of_each,))
def undo_fails_in_down(example, step):
    error = errno_of(step)
    must(ffsctl("up", *example.up, fault=f"undo-fail={step['n']}:{error}"))
    result = must(ffsctl("down", example.name), KERNEL_REFUSED)
    contains(result.stderr, sentence(step, step["undo"], error))
    eq(status(example.name)[1], DEGRADED, "exit status of status")
    clear(example)


def killed_in(example, step, word):
    result = up(example, f"{last_fails(example)},{word}={step['n']}")
    eq(result.returncode, KERNEL_REFUSED, "exit status")
    contains(result.stderr, "'ffsctl down' removes it")
    must_be_leftover(example.name)
    clear(example)


@each("is killed before its undo", MUTANT, earlier, chosen=(last_of_each,))
def killed_before_undo(example, step):
    killed_in(example, step, "undo-kill-before")


@each("is killed after its undo", MUTANT, earlier, chosen=(first_of_each,))
def killed_after_undo(example, step):
    killed_in(example, step, "undo-kill-after")


@each("is killed in down, the supervisor's and the next one's", MUTANT, Example.undoable, chosen=(last_of_each,))
def both_killed_in_down(example, step):
    must(ffsctl("up", *example.up, fault=f"undo-kill-after={step['n']}"))
    # The fault kills the supervisor. Then `down` continues without it, and is killed, too.
    first = ffsctl("down", example.name, fault=f"undo-kill-before={step['n']}")
    eq(first.returncode, -9, "exit status of the first down")
    must_be_leftover(example.name)
    second = ffsctl("down", example.name, fault=f"undo-kill-after={step['n']}")
    eq(second.returncode, -9, "exit status of the second down")
    ok("Traceback" not in second.stderr)
    must_be_leftover(example.name)
    clear(example)


tap.main()
