# SPDX-License-Identifier: GPL-2.0-or-later
# lab: timeout=240
# lab: append=dummy_hcd.gadget_sg=1 timeout=240
# lab all: kernel=6.12,6.1 append=,dummy_hcd.gadget_sg=1 timeout=240
# lab all: kernel=6.12 build=sanitize append=,dummy_hcd.gadget_sg=1 timeout=240
# lab all: kernel=6.12,6.1 flavour=debug append=,dummy_hcd.gadget_sg=1 timeout=240
# lab all: kernel=6.12,6.1 stock timeout=240
# lab all: build=musl,i386 timeout=240
"""What hosts and users do during transfers at full depth, with each engine: the service continues, no data is lost,
doubled or truncated, and no worker dies, grows or uses the processor in a loop. tests/lab/hosts/storm.c is the
host.

Kernels without ffsctl's patches do not number the sessions of a link. When the host selects the alternate setting
or the configuration again, the next session begins at once, and a worker that was busy cannot know that. So this is
not tested there.

With $SOAK_SEED the storms are about ten times as long, for lab/soak (lab/README.md has the command).
"""

import errno
import json
import os
import pathlib
import subprocess
import time

import gadgets
import harness
import tap
import usb.core
import usb.util
from harness import BUILD, down, ffsctl, must, private_memory_kib, status
from tap import eq, ok, rounds, test

PATCHED = os.environ["LAB_MODULES"] == "patched"
SG = harness.has_scatterlists()
# Runs that look for bad accesses, which the first rounds make
SLOW = os.environ["LAB_FLAVOUR"] == "debug" or BUILD.endswith("sanitize")
RUNS = rounds(2, 2 if SLOW else 4, 200)
STORM = f"{BUILD}/tests/lab/hosts/storm"
# When the host clears a halt, drivers of hardware end the running requests of the endpoint (dwc3:
# __dwc3_gadget_ep_set_halt(); dwc2: dwc2_hsotg_process_req_feature()), and what they have moved by then is lost. dummy_hcd
# goes on with them.
HALTS_KEEP_DATA = harness.LAB_UDC == "dummy"
KINDS = None if HALTS_KEEP_DATA else "reset,cancel,setups,unplug"
FIXED = 12288  # of copyback_fixed.so
PLUGINS = {"loopback": "loopback", "copyback": f"{BUILD}/tests/lab/workers/copyback.so",
           "copyback_fixed": f"{BUILD}/tests/lab/workers/copyback_fixed.so", "sourcesink": "sourcesink"}
# Where buffers are of the endpoint's they come from, loopback has none of the IN endpoint's
if SG:
    ENGINES = {"dmabuf": ("copyback", "copyback_fixed")}
elif PATCHED:
    ENGINES = {"copy": ("loopback",), "mmap": ("loopback", "copyback")}
else:
    ENGINES = {"copy": ("loopback",)}
TIMES = rounds(3, 3 if SLOW else 5, 20)
FEWER = "stream/refused-write-sent-into-the-next-link: each engine and each plugin has another storm"
GROWTH = 128  # KiB

harness.leaves_nothing()


def bring_up(plugin, engine="copy", size=65536, depth=8, speed="", options=""):
    path = gadgets.DIRECTORY / "x.conf"
    path.write_text(f"""
attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};
{speed and f'max_speed = "{speed}";'}
functions : {{ echo : {{
  ffs : {{ interfaces = ( {{ endpoints = ( "bulk-out", "bulk-in" ); }} ); }};
  worker : {{ plugin = "{PLUGINS[plugin]}"; io : {{ engine = "{engine}"; size = {size}; depth = {depth}; }};
    {options} restart_delay = 0; }};
}}; }};
""")
    must(ffsctl("up", path, "--wait-host"))
    return str(path)


def worker():
    return status("x")[0]["functions"][0]["worker"]


def is_idle(pid):
    """Whether the worker does nothing. (What has just been its own needs a moment to be over; and a second
    after the last data it tells how much that was.)"""
    time.sleep(1.2)
    before = harness.context_switches(pid)
    time.sleep(0.2)
    eq(harness.context_switches(pid), before, "context switches of a worker that has nothing to do")


def storm(*args, runs=RUNS):
    result = must(subprocess.run([STORM, "-n", str(runs), *map(str, args)], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE, text=True))
    print(result.stdout, result.stderr, sep="", end="")
    return json.loads(result.stdout)


def only(kinds):
    return ["-k", kinds] if kinds else []


def weather(engine, plugin, size, depth, speed="", kinds=KINDS):
    bring_up(plugin, engine, size, depth, speed)
    args = ["-f", FIXED] if plugin == "copyback_fixed" else []
    args += ["-d", min(depth, 8), *only(kinds)]
    pid = worker()["pid"]
    memory = private_memory_kib(pid) + 2 * size * depth // 1024  # the buffers, once they have been written to
    storm(*args, runs=1)  # makes them
    is_idle(pid)
    descriptors = harness.open_files(pid)
    told = storm(*args)
    after = worker()
    eq((after["pid"], after["restarts"], after["state"]), (pid, 0, "ready"), "the worker")
    is_idle(pid)
    eq(after["engine"], engine)
    eq(len(harness.open_files(pid)), len(descriptors), "descriptors")
    if not BUILD.endswith("sanitize"):
        ok(private_memory_kib(pid) <= memory + GROWTH, f"{private_memory_kib(pid)} KiB private, not {memory}")
    # Without our patches it has 100 ms to learn of a reset, which on a loaded machine may once be too little.
    ok(told["stale"] <= (0 if PATCHED else 1), told)
    down("x")


for engine_, plugins_ in ENGINES.items():
    if PATCHED:
        test(f"{engine_}: {plugins_[0]} in a storm of other settings", engine_, plugins_[0], 65536, 8, "",
             "interface,config")(weather)
    for plugin_ in plugins_:
        for size_, depth_ in ((65536, 8), (16384, 1)):
            fewer_ = plugin_ == plugins_[-1] and depth_ == 1
            test(f"{engine_}: {plugin_} in a storm, io.size {size_}, io.depth {depth_}", engine_, plugin_, size_,
                 depth_, only_all=FEWER if fewer_ and len(plugins_) > 1 else None)(weather)


def other_speeds(engine, plugin):
    path = bring_up(plugin, engine)
    text = pathlib.Path(path).read_text()
    for speed in ("high", "full", "super"):
        pathlib.Path(path).write_text(f'max_speed = "{speed}";' + text)
        storm("-k", "outside", "-o", f"{harness.FFSCTL} reload x", runs=1)
    eq((worker()["state"], worker()["engine"]), ("ready", engine))
    down("x")


for engine_, plugins_ in ENGINES.items():
    if tap.SOAKING:
        break
    test(f"{engine_}: suspend and resume in the middle of transfers", engine_, plugins_[0], 65536, 8, "high",
         "suspend,halt-in,cancel" if HALTS_KEEP_DATA else "suspend,cancel")(weather)
    test(f"{engine_}: the speed changes in the middle of transfers", engine_, plugins_[0])(other_speeds)


def never_reads(engine, plugin):
    bring_up(plugin, engine, size=4096, depth=4)
    host = harness.device()
    out, in_ = harness.endpoints(host)
    held = 4 if plugin == "loopback" else 8  # the others have buffers of both endpoints
    for i in range(held):
        eq(out.write(bytes([i]) * 4096), 4096)
    eq(tap.raises(usb.core.USBTimeoutError, out.write, b"x" * 4096, 100).errno, errno.ETIMEDOUT)
    is_idle(worker()["pid"])
    for i in range(held):
        eq(bytes(in_.read(4096)), bytes([i]) * 4096)
    usb.util.dispose_resources(host)
    down("x")


def one_byte(engine, plugin):
    bring_up(plugin, engine)
    host = harness.device()
    out, in_ = harness.endpoints(host)
    out.write(b"a" * 100)
    # To the host that is babble. dummy_hcd reports to the device that its message was cut: its worker ends. UDCs of boards
    # have sent the packet, and know no more.
    eq(tap.raises(usb.core.USBError, in_.read, 1).errno, errno.EOVERFLOW)
    restarts = 1 if harness.LAB_UDC == "dummy" else 0
    gadgets.await_status("x", lambda g: g["functions"][0]["worker"]["restarts"] == restarts and
                         g["functions"][0]["worker"]["state"] == "ready", "restarted")
    for endpoint in (out, in_):
        host.clear_halt(endpoint.bEndpointAddress)
    for i in range(300):
        out.write(bytes([i % 256]))
        eq(bytes(in_.read(1)), bytes([i % 256]))
    eq(worker()["restarts"], restarts)
    usb.util.dispose_resources(host)
    down("x")


def restless(engine, plugin):
    bring_up(plugin, engine)
    pid = worker()["pid"]
    for i in range(TIMES):
        host = harness.device()
        out, in_ = harness.endpoints(host)
        if i % 2:
            host.reset()
        out.write(b"%d" % i)
        eq(bytes(in_.read(1024)), b"%d" % i)
        usb.util.dispose_resources(host)
    host = harness.device()
    for _ in range(TIMES):
        host.reset()
    usb.util.dispose_resources(host)
    storm(*only(KINDS), runs=1)
    eq(worker()["pid"], pid)
    is_idle(pid)
    down("x")


for engine_, plugins_ in ENGINES.items():
    for host_, words_ in (
            (never_reads, "a host that never reads: the device waits, does nothing, and has lost nothing"),
            (one_byte, "a host that has room for one byte, or that writes one byte at a time"),
            (restless, "a host that opens, claims and lets go, and one that resets without a pause")):
        test(f"{engine_}: {words_}", engine_, plugins_[0])(host_)


def source(engine):
    """Resets and halts while all transfers are in flight; data received later has the pattern."""
    bring_up("sourcesink", engine, options="options : { pattern = 1; };")
    before = worker()
    host = harness.device()
    out, in_ = harness.endpoints(host)
    packet = out.wMaxPacketSize
    right = bytes(i % 63 for i in range(packet)) * (65536 // packet)
    for i in range(TIMES):
        for n in range(i % 4):
            in_.read(packet)
            out.write(right[:(n + 1) * packet])
        if i % 5 == 0:
            host.reset()
        elif i % 5 == 1:
            host.set_interface_altsetting(0, 0)
        else:
            for endpoint in (out, in_):
                host.ctrl_transfer(0x02, 3, 0, endpoint.bEndpointAddress)  # SET_FEATURE(ENDPOINT_HALT)
                eq(tap.raises(usb.core.USBError, endpoint.read if endpoint == in_ else endpoint.write,
                              packet if endpoint == in_ else b"x").errno, errno.EPIPE)
                host.clear_halt(endpoint.bEndpointAddress)
        eq(out.write(right), len(right))
        got = bytes(in_.read(65536))
        eq(got, right)
    after = worker()
    eq((after["pid"], after["restarts"]), (before["pid"], 0))
    usb.util.dispose_resources(host)
    down("x")


for engine_ in ENGINES:
    if not tap.SOAKING:
        test(f"{engine_}: sourcesink in a storm", engine_)(source)


tap.main()
