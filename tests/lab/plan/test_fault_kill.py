# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=1 timeout=400
# lab all: kernel=6.12,6.1 vudcs=1 timeout=400
"""The supervisor is killed before and after each step of each example's plan: `up` reports what to do, `status` is
correct, and `down` or a second `up` removes what is left."""


import tap
from faults import KERNEL_REFUSED, each, first_of_each, last_of_each, must_be_down, must_be_leftover, up
from harness import down, ffsctl, must, status
from tap import contains, eq

MUTANT = "plan/directory-that-is-not-there-cannot-be-removed"
KILLED = ("ffsctl: the supervisor was killed (signal 9) before the gadget was up",
          "hint: 'ffsctl status' shows what is left, and 'ffsctl down' removes it")


def killed(example, fault):
    result = up(example, fault)
    eq(result.returncode, KERNEL_REFUSED, "exit status")
    eq(tuple(result.stderr.splitlines()[-2:]), KILLED)
    must_be_leftover(example.name)


def then_down(example, step, word):
    killed(example, f"{word}={step['n']}")
    contains(down(example.name).stderr, f"{example.name}: down (its supervisor had died")
    must_be_down(example.name)


def then_up(example, step, word):
    killed(example, f"{word}={step['n']}")
    contains(must(ffsctl("up", *example.up)).stderr,
             f"{example.name}: clearing what a dead supervisor has left")
    gadget, code = status(example.name)
    eq((code, gadget["state"], gadget["problems"]), (0, "ready", []))
    down(example.name)


@each("is killed before, then down", MUTANT, chosen=(last_of_each,))
def killed_before_then_down(example, step):
    then_down(example, step, "kill-before")


@each("is killed after, then down", MUTANT, chosen=(first_of_each,))
def killed_after_then_down(example, step):
    then_down(example, step, "kill-after")


@each("is killed after, then up", MUTANT, chosen=(last_of_each,))
def killed_after_then_up(example, step):
    then_up(example, step, "kill-after")


tap.main()
