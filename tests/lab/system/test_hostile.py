# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=super build=sanitize timeout=600 parts=2
# lab all: kernel=6.12 speed=full,high,super build=sanitize timeout=600 parts=2
# lab all: kernel=6.1 speed=high timeout=600 parts=2
# lab all: kernel=6.12 flavour=debug timeout=600 parts=2
# lab all: kernel=6.12 udc=dwc2,dwc2-ddma,dwc3 speed=high timeout=600 parts=2
"""A hostile host against all kinds of functions at the same time: no process dies, grows or confuses requests, and
valid requests in between are answered correctly and in time. tests/lab/hosts/hostile.c is the host.

With $SOAK_SEED the number of requests is HOSTILE_REQUESTS, for lab/soak (lab/README.md has the command).
"""

import contextlib
import json
import os
import subprocess
import time

import gadgets
import harness
import tap
import usb.core
import usb.util
from harness import BUILD, down, ffsctl, must, private_memory_kib, status
from tap import eq, ok, rounds, test

HOSTILE = f"{BUILD}/tests/lab/hosts/hostile"
SANITIZED = "ASAN_OPTIONS" in os.environ
DEBUG = os.environ["LAB_FLAVOUR"] == "debug"
REPORTS = gadgets.DIRECTORY / "report"
if SANITIZED:  # of who has no stderr any more
    for options in ("ASAN_OPTIONS", "UBSAN_OPTIONS"):
        os.environ[options] += f":log_path={REPORTS}"
REQUESTS = int(os.environ.get("HOSTILE_REQUESTS", rounds(2000, 2500 if DEBUG else 5000, 20000)))
# So many until everything has been met that opens something once. With sanitizers memory is not compared
FIRST = max(1000 if SANITIZED else 2000, REQUESTS // 5)
GROWTH = 16  # KiB
# malloc() keeps freed memory of each size, which looks like a slow leak
os.environ["GLIBC_TUNABLES"] = "glibc.malloc.tcache_count=0"
# Without our patches transfers are copied: each page of the 8 buffers of 64 KiB of an endpoint is a worker's from the first message
# on that fills it
BUFFERS = 0 if os.environ["LAB_MODULES"] == "patched" else 2 * 8 * 64

harness.leaves_nothing()

PAIR = 'interfaces = ( { endpoints = ( "bulk-out", "bulk-in" ); } );'
NO_ENDPOINTS = 'interfaces = ( { string = "none"; } );'
# Label, FunctionFS group, worker; and what the host knows of it. One function gets what goes to the device.
FUNCTIONS = (
    ("loop", PAIR, gadgets.LOOPBACK, "refuses"),
    ("source", PAIR, gadgets.worker(plugin="sourcesink", options={"pattern": 2}), "sourcesink"),
    ("bridge", PAIR, gadgets.worker(plugin="bridge", options={"command": "/bin/cat"}), "refuses"),
    ("answers", NO_ENDPOINTS, gadgets.odd("ready", "only", "1,2,3,4,8,9,10", "setup", ready="notify"), "answers"),
    ("late", NO_ENDPOINTS, gadgets.odd("ready", "only", "1,2,3,4,5,6,8,9,10", "setup", ready="notify"), "slow"),
    ("silent", NO_ENDPOINTS, gadgets.odd("notify", "wait"), "slow"),
    ("aoa", NO_ENDPOINTS,
     gadgets.worker(plugin="accessory", options={"switch_to": "other", "manufacturer": "nobody"}), "accessory"),
)
ANSWERS = [label for label, *_ in FUNCTIONS].index("answers")
WITH_BUFFERS = {f"worker of {label}" for label, ffs, *_ in FUNCTIONS if ffs == PAIR}
PYTHON = {f"worker of {label}" for label, _, worker, _ in FUNCTIONS if "python" in worker}


def bring_up(to_device):
    text, known = "", []
    for n, (label, ffs, worker, what) in enumerate(FUNCTIONS):
        everything = "all_ctrl_recip = true; " if label == to_device else ""
        text += "  %s : { ffs : { %s%s };\n    worker : { %s};\n  };\n" % (label, everything, ffs, worker)
        if what in ("refuses", "answers", "slow") or label == to_device:
            known.append(f"{what}:{n}")
    path = gadgets.DIRECTORY / "x.conf"
    # No keyboard: f_hid.c itself keeps a GET_REPORT for 2.5 s (GET_REPORT_TIMEOUT_MS).
    path.write_text(f"""
attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
switch_to = [ "other" ];
functions : {{
{text}  console : {{ type = "acm"; }};
  net : {{ type = "ncm"; }};
}};
""")
    must(ffsctl("up", path, "--wait-host"))
    return [*known, f"acm:{len(FUNCTIONS)}", "device:0"]


def all_processes():
    """{whose: pid} of supervisor, keepers and workers, all of which live."""
    gadget, code = status("x")
    eq(code, 0, "exit status of status")
    found = {"supervisor": gadget["supervisor"]}
    for f in gadget["functions"]:
        if f["worker"]:
            eq((f["worker"]["state"], f["worker"]["restarts"]), ("ready", 0), f["label"])
            found[f"keeper of {f['label']}"] = f["keeper"]
            found[f"worker of {f['label']}"] = f["worker"]["pid"]
    return found


def sizes(processes):
    """Returns for each process its private memory and what its descriptors are of."""
    return {name: (private_memory_kib(pid, "Dirty"), sorted(harness.open_files(pid).values())) for name, pid in processes.items()}


def hostile(known, requests, seed):
    result = must(subprocess.run([HOSTILE, "-n", str(requests), "-s", str(seed), *known], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True))
    print(result.stdout, result.stderr, sep="", end="")
    time.sleep(1)  # of virtual time: nobody is in the middle of anything
    return json.loads(result.stdout)


def first_words():
    """What makes the supervisor open its log, and keep statistics: a START that is refused, and a SWITCH."""
    device = harness.device()
    for kind, request in ((0x40, 53), (0x41, 10)):
        with contextlib.suppress(usb.core.USBError):
            device.ctrl_transfer(kind, request, 0, ANSWERS, None, 5000)
    usb.util.dispose_resources(device)


def harm(to_device, seed):
    known = bring_up(to_device)
    first_words()
    before = all_processes()
    hostile(known, FIRST, seed)
    first = sizes(before)
    told = hostile(known, REQUESTS * 3 // 10, seed + 1)
    ok(told["checks"] > told["requests"] // 20, told)
    eq(all_processes(), before, "processes")
    for name, (memory, descriptors) in sizes(before).items():
        print(name, first[name][0], memory)
        eq(descriptors, first[name][1], f"descriptors of the {name}")
        # A sanitizer keeps for a while what was freed; Python has its own ways
        limit = first[name][0] + GROWTH + BUFFERS * (name in WITH_BUFFERS)
        ok(SANITIZED or name in PYTHON or memory <= limit, f"{name}: {memory} KiB private, not {first[name][0]}")
    log = must(ffsctl("log", "x")).stdout
    for word in ("Sanitizer", "runtime error"):
        ok(word not in log, log)
    eq([path.read_text() for path in REPORTS.parent.glob(f"{REPORTS.name}*")], [], "sanitizers' reports")
    down("x")


SEED = int(os.environ.get("SOAK_SEED", "1")) * 1000
for to_device_ in ("aoa", "source"):
    test(f"a host that means harm, what goes to the device goes to '{to_device_}'", to_device_, SEED)(harm)

tap.main()
