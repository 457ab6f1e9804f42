#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: vudcs=2 build=plain
"""A gadget that goes leaves no endpoint enabled: those of the next gadget on its UDC work. (The UDC core does not enable
an endpoint again that is enabled.)"""

import gadgets
import harness
import kernel_functions
import tap
from harness import bench, must
from tap import test

harness.leaves_nothing()

PAIRS = 4
GADGETS = {"midi": "", "midi2": "", "uac1": "", "uac1_legacy": "", "uac2": "", "acm": "", "ncm": "", "ecm": "", "rndis": "",
           "printer": "", "hid": 'report_desc = "keyboard";', "mass_storage": "luns = ( { removable = true; } );",
           "Loopback": "", "SourceSink": ""}
NEXT = gadgets.DIRECTORY / "next.conf"
NEXT.write_text("""
functions : { f : {
  ffs : { interfaces = ( { endpoints = ( %s ); } ); };
  worker : { plugin = "loopback"; };
}; };
""" % ", ".join(['"bulk-in", "bulk-out"'] * PAIRS))


def next_works(kind, attributes):
    path = gadgets.DIRECTORY / f"{kind.replace('_', '-')}.conf"
    path.write_text('functions : { f : { type = "%s"; attrs : { %s }; }; };' % (kind, attributes))
    with kernel_functions.up_and_configured(path, kind):
        pass
    with kernel_functions.up_and_configured(NEXT, isochronous=kind in kernel_functions.ISOCHRONOUS):
        for pair in range(PAIRS):
            must(bench("loop", "--pair", pair, "--size", "1000", "--bytes", "100K"))


for kind_, attributes_ in GADGETS.items():
    test(f"after a gadget with {kind_} the endpoints of the next one work", kind_, attributes_)(next_works)


tap.main()
