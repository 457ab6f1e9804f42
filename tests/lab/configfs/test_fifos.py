#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: udc=dwc2 append=udc_dwc2.board=stm32mp15
# lab i386: no, the models have not been tried with 32 bits
# lab all: kernel=6.12,6.1 udc=dwc2,dwc2-ddma append=udc_dwc2.board=stm32mp15
"""The FIFOs of dwc2, of which each IN endpoint needs one: on a board that has one large FIFO and seven small ones, `check` and `up`
warn of a gadget that a host cannot configure, and of no other."""

import gadgets
import harness
import tap
from harness import down, ffsctl, must, status, up
from tap import contains, eq, test

SMALL = 7
WORDS = "configuration 1 has 2 IN endpoints with 512 bytes or more at high speed, and the UDC has 1 FIFO for them"

harness.leaves_nothing()


def written(*endpoints):
    """Writes a gadget file with these endpoints, and returns its path."""
    path = gadgets.DIRECTORY / "x.conf"
    path.write_text("attrs = { idVendor = 0x1d6b; idProduct = 0x0104; };\nfunctions : { f : { ffs : { interfaces = ( { endpoints = "
                    "( %s ); } ); }; }; };\n" % ", ".join(f'"{e}"' for e in endpoints))
    return path


def warnings(result):
    return [line for line in must(result).stderr.splitlines() if "and the UDC has" in line]


@test("an IN endpoint for each FIFO: nobody warns, and the host configures the gadget")
def as_many_as_there_are():
    path = written("bulk-in", "bulk-out", *SMALL * ["interrupt-in"])
    eq(warnings(ffsctl("check", "--here", path)), [])
    eq(warnings(ffsctl("up", path, "--wait-host")), [])
    down("x")


@test("two large IN endpoints: `check` and `up` warn, and the host cannot configure the gadget")
def two_large_ones():
    path = written("bulk-in", "bulk-in")
    for command in ("check", "--here", path), ("up", path):
        line, = warnings(ffsctl(*command))
        contains(line, WORDS)
    must(ffsctl("wait", "x", "--for=configured", "--timeout=20"), 75)
    eq(status("x")[0]["state"], "ready")
    down("x")


tap.main()
