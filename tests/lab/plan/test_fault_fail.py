# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 timeout=240
# lab all: kernel=6.12,6.1 vudcs=1 timeout=240
# lab all: build=musl,i386 vudcs=1
"""Each step of each example's plan fails: `up` reports which step failed, where and why, and nothing is left."""


import tap
from faults import KERNEL_REFUSED, each, errno_of, must_be_down, sentence, up
from harness import document
from tap import contains, eq, ok

MUTANT = "plan/undo-leaves-out-the-first-step"


@each("fails", MUTANT)
def step_fails(example, step):
    error = errno_of(step)
    result = up(example, f"fail={step['n']}:{error}")
    eq(result.returncode, KERNEL_REFUSED, "exit status")
    last = result.stderr.splitlines()[-1]
    ok(last.endswith(": " + sentence(step, step["do"], error)), f"the last line is:\n{last}")
    must_be_down(example.name)


@each("fails, as JSON", MUTANT, lambda example: example.plan[-1:])
def last_step_fails_as_json(example, step):
    error = errno_of(step)
    result = up(example, f"fail={step['n']}:{error}", arguments=["--json"])
    eq(result.returncode, KERNEL_REFUSED, "exit status")
    (said,) = document(result)["errors"]
    contains(said["text"], sentence(step, step["do"], error))
    eq((said["path"], said["errno"], said["exit"]), (step["path"], error, KERNEL_REFUSED))


tap.main()
