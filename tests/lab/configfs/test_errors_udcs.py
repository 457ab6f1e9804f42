# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udcs=2
# lab all: kernel=6.12,6.1 udcs=2
"""Which of several UDCs a gadget uses, and the error if ffsctl cannot decide."""


import harness
import tap
from gadgets import LOOPBACK, gadget
from harness import EXAMPLES, down, ffsctl, must, status, up
from tap import contains, eq, test

DRIVER = harness.UDC_DRIVER.name
INTERRUPT = f"{EXAMPLES}/interrupt.conf"

harness.leaves_nothing()


def refuses(sentence, *args):
    lines = sentence.splitlines()
    eq(must(ffsctl("up", *args), 69).stderr.splitlines()[-len(lines):], lines)


@test("several are free: an error that lists them")
def several_free_udcs():
    listed = (f"several UDCs are free: dummy_udc.0 ({DRIVER}), dummy_udc.1 ({DRIVER})\n"
              "hint: name one with --udc or with 'udc' in the gadget file")
    refuses("ffsctl: " + listed, INTERRUPT)
    path = gadget("driver", None, f'udc = {{ driver = "{DRIVER}"; }};')
    refuses(f"{path}:3:7: error: {listed}", path)
    up(path, "--udc", "dummy_udc.1")
    eq(status("driver")[0]["udc"], "dummy_udc.1")
    down("driver")


@test("one is free: it is taken; none: an error that says who holds them")
def one_or_no_free_udc():
    first = gadget("first", LOOPBACK, 'udc = "dummy_udc.1";')
    up(first)
    refuses("ffsctl: the UDC dummy_udc.1 is held by gadget 'first'\nhint: take that down first, or name another "
            "UDC with --udc", INTERRUPT, "--udc", "dummy_udc.1")
    contains(up(INTERRUPT).stderr, "up on dummy_udc.0")
    refuses(f"ffsctl: no UDC is free: dummy_udc.0 ({DRIVER}, held by gadget 'interrupt'), dummy_udc.1 "
            f"({DRIVER}, held by gadget 'first')\nhint: take one of these gadgets down first",
            gadget("third", LOOPBACK))
    eq([status(name)[0]["udc"] for name in ("interrupt", "first")], ["dummy_udc.0", "dummy_udc.1"])
    down("--all")


tap.main()
