#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: speed=high timeout=600
# lab all: kernel=6.12,6.1 speed=high,super timeout=600
"""ffsbench with the devices for which it is made: plugins and kernel functions as source, sink and echo. Its use of
memory, its results in each form, and its error messages."""

import contextlib
import csv
import io
import itertools
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import xml.etree.ElementTree


import gadgets
import harness
import tap
import valid
from harness import FFSBENCH, down, ffsctl, must, up
from tap import contains, eq, ok, patience, rounds, test

SPEED = os.environ["LAB_SPEED"]
PACKET = {"high": 512, "super": 1024}[SPEED]
USBFS_MEMORY = pathlib.Path("/sys/module/usbcore/parameters/usbfs_memory_mb")
SVG = "{http://www.w3.org/2000/svg}"
MIB = 1 << 20
MUCH = rounds(2, 10)  # MiB
VALIDATE = valid.validator("ffsbench")

harness.leaves_nothing()


# --- devices ------------------------------------------------------------------------------------


numbers = itertools.count()


def write_gadget(function):
    path = gadgets.DIRECTORY / f"bench{next(numbers)}.conf"
    path.write_text("attrs = { idVendor = 0x0525; idProduct = 0xa4a4; };\n"
                    'strings = ( { product = "bench"; serialnumber = "7"; } );\n'
                    "functions : { f : { %s }; };\n" % function)
    return path


def plugin(name, endpoints='"bulk-in", "bulk-out"', options="", extra=""):
    return write_gadget('ffs : { all_ctrl_recip = true; interfaces = ( { endpoints = ( %s ); } ); };'
                        'worker : { plugin = "%s"; restart_delay = 0; options : { %s }; %s };'
                        % (endpoints, name, options, extra))


def kernel(kind, attributes=""):
    return write_gadget('type = "%s"; attrs : { %s };' % (kind, attributes))


def source_sink(pattern):
    return {"the plugin sourcesink": plugin("sourcesink", options=f"pattern = {pattern};"),
            "the kernel's SourceSink": kernel("SourceSink", f"pattern = {pattern};")}


ECHOES = {"the plugin loopback": plugin("loopback"), "the kernel's Loopback": kernel("Loopback")}


# The address of a function's only OUT endpoint. dummy_hcd names its endpoints with both number and direction
OUT = f"{harness.FIRST_OUT:#04x}"


@contextlib.contextmanager
def device(path):
    """Keeps a gadget bound and configured during the block."""
    up(path, "--wait-host")
    yield
    down(path.stem)


# --- ffsbench -----------------------------------------------------------------------------------


def bench(*args, code=0):
    return must(subprocess.run([FFSBENCH, *map(str, args)], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                               timeout=patience(100)), code)


def measured(command, *args, code=0):
    """Returns the part of the document for this command, and the errors."""
    document = json.loads(bench(command, *args, "--json", code=code).stdout)
    VALIDATE(document)
    found = document[command]
    eq(found["ok"], code == 0)
    ok(found["device"] is None or (found["device"]["id"], found["device"]["speed"]) == ("0525:a4a4", SPEED), found["device"])
    return found, [e["text"] for e in document["errors"]]


def rows(command, *args):
    return measured(command, *args)[0]["rows"]


@contextlib.contextmanager
def running(*args):
    """Starts ffsbench, whose stderr is a terminal, and waits until its measurement has begun."""
    ours, theirs = pty.openpty()
    process = subprocess.Popen([FFSBENCH, *map(str, args)], stdout=subprocess.PIPE, stderr=theirs, text=True)
    os.close(theirs)
    process.shown = lambda: drain(ours)
    shown = b""
    try:
        while b"MB/s" not in shown:  # the bar
            shown += os.read(ours, 4096)
        yield process
    finally:
        process.kill()
        process.wait()
        os.close(ours)


def drain(terminal):
    text = b""
    with contextlib.suppress(OSError):  # EIO: all others have closed it
        while part := os.read(terminal, 4096):
            text += part
    return text.decode()


# --- source, sink, verify -----------------------------------------------------------------------


def moves(path):
    with device(path):
        for command, direction in (("source", "in"), ("sink", "out")):
            found, _ = measured(command, "--bytes", f"{MUCH}M", "--size", "64K,4K", "--depth", "1,8")
            eq([(r["direction"], r["size"], r["depth"], r["bytes"], r["transfers"], r["short_transfers"])
                for r in found["rows"]],
               [(direction, size, depth, MUCH * MIB, MUCH * MIB // size, 0) for depth in (1, 8) for size in (65536, 4096)])
            row, = rows(command, "--seconds", 0.3)
            ok(row["bytes"] > MIB and 0.3 <= row["seconds"] < 3, row)
            ok(abs(row["bytes"] / row["seconds"] - row["bytes_per_second"]) < 1 + row["bytes_per_second"] / 1e6, row)
        # The directions do not affect each other, and no data of a run is left
        eq([r["ok"] for r in rows("verify", "--bytes", "1M", "--size", "100,4K,64K")], [True] * 6)


for name_, path_ in source_sink(0).items():
    test(f"source and sink: {name_} moves what was asked for", path_)(moves)


def verified(number):
    for name, path in source_sink(number).items():
        with device(path):
            found, _ = measured("verify", "--bytes", f"{MUCH}M", "--pattern", number)
            eq([(r["direction"], r["bytes"]) for r in found["rows"]], [("in", MUCH * MIB), ("out", MUCH * MIB)], name)
            eq(found["pattern"], number)
            # The length is not a multiple of the packet size, so each transfer begins with a new packet
            bench("verify", "--bytes", "100K", "--size", 1000, "--pattern", number)
            bench("sink", "--bytes", "1M", "--pattern", number)


for number_ in (0, 1):
    test(f"verify: every byte is of pattern {number_}, both ways, of both devices", number_)(verified)


def wrong_from_device(path):
    with device(path):
        found, errors = measured("verify", "--bytes", "1M", "--pattern", 1, code=1)
        eq(errors, ["byte 1 from the device is 0x00, not 0x01 as in pattern 1 (byte 1 of a packet)"])
        eq([(r["direction"], r["ok"]) for r in found["rows"]], [("in", False)])
        result = bench("verify", "--bytes", "1M", "--pattern", 1, code=1)
        eq((result.stdout, result.stderr), ("", f"ffsbench: {errors[0]}\n"))
        bench("verify", "--bytes", "1M", "--pattern", 0)


for name_, path_ in source_sink(0).items():
    test(f"verify: a wrong byte of {name_} is found", path_)(wrong_from_device)


@test("verify: what the device finds wrong is found, and said of a sink as well")
def verify_finds_wrong_data_in_device():
    with device(plugin("sourcesink", '"bulk-out"')):
        _, errors = measured("verify", "--pattern", 1, code=1)
        contains(errors[0], "the device stalled after ")
        contains(errors[0], f" bytes to endpoint {OUT}; perhaps the function's worker has ended, or expects another --pattern")
    with device(kernel("SourceSink", "pattern = 0;")):
        result = bench("sink", "--pattern", 1, "--bytes", "1M", code=74)
        contains(result.stderr, "the device stalled\nhint: perhaps the function's worker has ended, or expects another --pattern")
        bench("sink", "--bytes", "1M")


@test("verify: the end of what was sent is waited for")
def verify_waits_for_last_data():
    """One transfer that the kernel's request of 4 KiB has room for: nothing but its end makes it compare."""
    with device(kernel("SourceSink", "pattern = 0;")):
        found, errors = measured("verify", "--pattern", 0, "--bytes", PACKET, "--size", PACKET)
        eq(([r["bytes"] for r in found["rows"]], errors), ([PACKET, PACKET], []))
    for _ in range(3):
        with device(plugin("sourcesink", '"bulk-out"')):
            _, errors = measured("verify", "--pattern", 1, "--bytes", PACKET, "--size", PACKET, code=1)
            contains(errors[0], f"the device stalled after {PACKET} bytes to endpoint {OUT}")


@test("verify: a device with one direction")
def verify_one_direction():
    with device(plugin("sourcesink", '"bulk-out"')):
        eq([r["direction"] for r in rows("verify", "--bytes", "1M")], ["out"])
    with device(plugin("sourcesink", '"bulk-in"')):
        eq([r["direction"] for r in rows("verify", "--bytes", "1M")], ["in"])
        contains(bench("sink", "--device", "0525:a4a4", code=69).stderr, "that has an OUT endpoint")


@test("source: a device that sends short packets, and sizes that are no whole packets")
def source_with_short_packets():
    with device(plugin("sourcesink", '"bulk-in"', extra="io : { size = 1500; };")):
        row, = rows("source", "--bytes", 150000, "--size", "4K", "--depth", 4)
        ok(150000 <= row["bytes"] < 150000 + 4 * 4096, row)
        eq((row["bytes"] // 1500, row["bytes"] % 1500, row["short_transfers"]), (row["transfers"], 0, row["transfers"]))
        bench("verify", "--bytes", "100K", "--size", "4K")
        eq(rows("source", "--bytes", "100K", "--size", 1000)[0]["size"], 1024)


# --- echoes -------------------------------------------------------------------------------------


def echoes(path):
    with device(path):
        row, = rows("loop", "--lengths", "1-1100,64K", "--depth", 4)
        eq((row["messages"], row["bytes"], row["size"]), (1101, 1100 * 1101 // 2 + 65536, 65536))
        found, _ = measured("loop", "--size", "512-8K", "--bytes", "256K", "--depth", "2,8")
        eq([(r["depth"], r["size"], r["bytes"]) for r in found["rows"]],
           [(depth, size, 1 << 18) for depth in (2, 8) for size in (512, 1024, 2048, 4096, 8192)])
        eq((found["bytes"], found["recoveries"]), (10 << 18, 0))
        row, = rows("loop", "--seconds", 0.3, "--size", 5000)
        ok(row["messages"] > 20 and row["bytes"] == 5000 * row["messages"] and row["seconds"] >= 0.3, row)
        one, two, other = (rows("messages", "--count", 400, "--size", "8K", "--seed", n)[0] for n in (1, 1, 2))
        eq((one["messages"], one["bytes"]), (400, two["bytes"]))
        ok(one["bytes"] != other["bytes"], "the same lengths of another seed")
        for row in rows("latency", "--count", 200, "--size", f"1,{PACKET},4K,5000"):
            ok(0 < row["min_us"] <= row["median_us"] <= row["p90_us"] <= row["p99_us"] <= row["p999_us"] <= row["max_us"],
               row)
            eq((row["messages"], row["bytes"]), (200, 200 * row["size"]))
            ok(row["median_us"] * 100 <= row["seconds"] * 1e6, "half of the trips take more than the run")
        row, = rows("latency", "--count", 1000000, "--seconds", 0.3)
        ok(10 < row["messages"] < 1000000 and 0.3 <= row["seconds"] < 3, row)


for name_, path_ in ECHOES.items():
    test(f"loop, messages and latency: {name_}", path_)(echoes)


@test("latency: what comes back wrong is no echo")
def latency_wrong_echo():
    with device(plugin("sourcesink")):
        _, errors = measured("latency", "--size", 64, code=1)
        eq(errors, [f"message 1 (64 bytes) came back with {PACKET} bytes"])
    with device(plugin("sourcesink", extra="io : { size = 1500; };")):  # so much comes, but zeros
        _, errors = measured("latency", "--size", 1500, code=1)
        contains(errors[0], "message 1 (1500 bytes) came back wrong: byte ")


# --- memory -------------------------------------------------------------------------------------


def memory_is(kind):
    with device(plugin("sourcesink")):
        eq([r["memory"] for r in rows("source", "--bytes", "1M", "--memory", kind)], [kind])
        for command in ("source", "sink"):
            with running(command, "--seconds", 60, "--memory", kind) as process:
                mapped = pathlib.Path(f"/proc/{process.pid}/maps").read_text().count("/dev/bus/usb/")
                process.send_signal(signal.SIGINT)
                contains(process.communicate(timeout=patience(30))[0], kind)
                eq(process.returncode, 0)
            eq(mapped, 8 if kind == "zero-copy" else 0, "mappings of the device's file")
    with device(plugin("loopback")):
        for command in ("loop", "messages", "latency"):
            eq([r["memory"] for r in rows(command, "--memory", kind)], [kind])


for kind_ in ("zero-copy", "ordinary"):
    test(f"memory: {kind_} is what was asked for", kind_)(memory_is)


@test("memory: auto takes the kernel's where there is enough; what to do where not")
def memory_auto():
    eq(USBFS_MEMORY.read_text(), "16\n")
    advice = f"as root, echo 65 > {USBFS_MEMORY}"
    big = ("source", "--size", "1M", "--depth", 32, "--bytes", "32M")
    try:
        with device(plugin("sourcesink")):
            eq(rows("source", "--bytes", "1M")[0]["memory"], "zero-copy")
            _, errors = measured(*big, code=74)
            contains(errors[0], advice)
            found, errors = measured(*big, "--memory", "zero-copy", code=69)
            eq(found["rows"], [])  # nothing has been measured
            contains(errors[0], f"cannot allocate zero-copy memory for 32 buffers of {MIB} bytes; ")
            contains(errors[0], advice)
            USBFS_MEMORY.write_text("65")
            found, _ = measured(*big, "--memory", "zero-copy")
            eq((found["rows"][0]["memory"], found["rows"][0]["bytes"]), ("zero-copy", 32 * MIB))
            USBFS_MEMORY.write_text("0")  # no limit
            eq(measured(*big)[0]["rows"][0]["memory"], "zero-copy")
            # More than the kernel has in one piece
            found, _ = measured("source", "--size", "32M", "--depth", 2, "--bytes", "64M")
            eq([r["memory"] for r in found["rows"]], ["ordinary"])
            contains(" ".join(found["warnings"]), "using ordinary memory: the kernel cannot allocate zero-copy memory")
    finally:
        USBFS_MEMORY.write_text("16")


# --- results ------------------------------------------------------------------------------------


@test("a warning when the host's own queue is the limit, and none when it is not")
def host_queue_warning():
    with device(plugin("sourcesink", options="pattern = 2;")):
        found, _ = measured("source", "--size", "4K", "--depth", 1, "--bytes", "1M")
        eq((found["rows"][0]["queue_empty"], found["rows"][0]["host_limited"], len(found["warnings"])), (1, True, 1))
        contains(found["warnings"][0], "the host's queue limits the rate in 1 of 1 combinations")
        result = bench("source", "--size", "4K", "--depth", 1, "--bytes", "1M")
        contains(result.stdout, "100 %*")
        contains(result.stderr, "increase --depth or --size")
        found, _ = measured("source", "--size", "1M", "--depth", 8, "--bytes", "100M")
        ok(found["rows"][0]["queue_empty"] < 0.3 and not found["rows"][0]["host_limited"], found["rows"])
        eq(found["warnings"], [])


@test("--repeat: all combinations once before any twice; medians")
def repeat_order_and_medians():
    with device(plugin("sourcesink", options="pattern = 2;")):
        for row in rows("sink", "--size", "16K,64K", "--bytes", "1M", "--repeat", 3):
            eq((row["runs"], row["bytes"], len(row["rates"])), (3, 3 * MIB, 3))
            ok(abs(row["bytes_per_second"] - sorted(row["rates"])[1]) < 1, row)


@test("--csv and --plot: the same combinations, in a table and in lines of a chart")
def csv_and_plot():
    chart = gadgets.DIRECTORY / "chart.svg"
    try:
        with device(plugin("sourcesink")):
            result = bench("verify", "--size", "4K-32K", "--depth", "1,8", "--bytes", "256K", "--csv", "--plot", chart)
            table = list(csv.DictReader(io.StringIO(result.stdout)))
            eq([(r["direction"], r["depth"], r["size"]) for r in table],
               [(way, depth, str(size)) for way in ("in", "out") for depth in "18" for size in (4096, 8192, 16384, 32768)])
            eq(list(table[0]), ["command", "direction", "size", "depth", "memory", "runs", "transfers", "short_transfers",
                                "bytes", "seconds", "bytes_per_second", "cpu_seconds_per_gb", "queue_empty",
                                "host_limited", "ok"])
            eq({(r["command"], r["bytes"], r["ok"]) for r in table}, {("verify", "262144", "true")})
            lines, texts = drawn(chart)
            eq((len(lines), {len(line) for line in lines}), (4, {4}))
            ok({"IN, depth 1", "IN, depth 8", "OUT, depth 1", "OUT, depth 8", "MB/s", "4K", "32K"} <= texts, texts)
            fastest = max(float(r["bytes_per_second"]) for r in table)
            # The highest point of the line is the largest rate
            points = [y for line in lines for _, y in line]
            tops = [max(float(r["bytes_per_second"]) for r in table[n:n + 4]) for n in range(0, 16, 4)]
            eq([min(y for _, y in line) == min(points) for line in lines], [top == fastest for top in tops])
        with device(plugin("loopback")):
            bench("latency", "--size", "1,64,4K", "--count", 50, "--plot", chart)
            lines, texts = drawn(chart)
            eq([len(line) for line in lines], [3, 3])
            ok({"median", "99th percentile", "microseconds"} <= texts, texts)
    finally:
        chart.unlink(missing_ok=True)


def drawn(chart):
    """Returns the points of each curve of the chart, and its texts."""
    root = xml.etree.ElementTree.parse(chart).getroot()
    eq(root.tag, SVG + "svg")
    width, height = (float(root.get(key)) for key in ("width", "height"))
    lines = [[tuple(map(float, point.split(","))) for point in line.get("points").split()]
             for line in root.iter(SVG + "polyline")]
    for line in lines:
        eq([x for x, _ in line], sorted(x for x, _ in line))
        ok(all(0 < x < width and 0 < y < height for x, y in line), line)
    return lines, {text.text for text in root.iter(SVG + "text")}


@test("SIGINT ends it with the result so far")
def sigint_gives_partial_result():
    with device(plugin("sourcesink")):
        with running("source", "--seconds", 60, "--size", "64K,1K") as process:
            process.send_signal(signal.SIGINT)
            out = process.communicate(timeout=patience(30))[0]
            eq((process.returncode, len(re.findall(r"^ +in +64K ", out, re.M)), out.count(" 1K ")), (0, 1, 0), out)
            contains(process.shown(), "ffsbench: interrupted: the result is partial")
        with running("source", "--seconds", 60, "--json") as process:
            process.send_signal(signal.SIGTERM)
            found = json.loads(process.communicate(timeout=patience(30))[0])
            VALIDATE(found)
            eq((process.returncode, found["source"]["interrupted"], found["source"]["ok"]), (0, True, True))
            ok(found["source"]["rows"][0]["bytes"] > 0, found)
    with device(plugin("loopback")):
        for command in ("loop", "latency"):
            more = ("--count", 10000000) if command == "latency" else ("--seconds", 60)
            with running(command, *more) as process:
                process.send_signal(signal.SIGINT)
                out = process.communicate(timeout=patience(30))[0]
                eq((process.returncode, bool(out)), (0, True))


# --- what is in the way -------------------------------------------------------------------------


@test("nothing moves: said after --timeout, with 75")
def nothing_moves():
    with device(write_gadget('ffs : { interfaces = ( { endpoints = ( "bulk-in", "bulk-out" ); } ); };')):
        for command, words in (("source", "nothing moved on endpoint 0x81 for 0.4 s, after 0 bytes"),
                               ("sink", f"nothing moved on endpoint {OUT} for 0.4 s, after 0 bytes"),
                               ("verify", "nothing moved on endpoint 0x81"), ("loop", "nothing moved for 0.4 s"),
                               ("messages", "nothing moved for 0.4 s"),
                               ("latency", "message 1 (64 bytes) did not come back in 0.4 s")):
            _, errors = measured(command, "--timeout", 0.4, code=75)
            contains(errors[0], words)
            contains(errors[0], "perhaps the device's function has no worker")


@test("the device goes away in the middle: that is said")
def device_goes_away():
    for command in ("source", "sink", "latency"):
        path = plugin("loopback" if command == "latency" else "sourcesink")
        up(path, "--wait-host")
        more = ("--count", 10000000) if command == "latency" else ("--seconds", 60)
        with running(command, *more) as process:
            down(path.stem)
            process.wait(patience(30))
            said = process.shown()
            # Transfers may fail before the hub reports the disconnect
            ok(process.returncode == 69 and "the device was disconnected" in said or
               process.returncode == 74 and "the device may have been disconnected" in said, said)


@test("a kernel's driver keeps its interface, unless --detach is given, and gets it back")
def kernel_driver_keeps_interface():
    must(subprocess.run(["modprobe", "usbtest"], capture_output=True, text=True))
    try:
        for path in (plugin("sourcesink"), kernel("SourceSink", "pattern = 0;")):
            with harness.configured():
                must(ffsctl("up", path))
            contains(bench("source", code=74).stderr,
                     "cannot claim interface 0 of 0525:a4a4 at ")
            contains(bench("source", code=74).stderr, "use --detach")
            bench("verify", "--detach", "--bytes", "1M")
            contains(bench("source", code=74).stderr, "in use by the kernel driver usbtest")
            down(path.stem)
    finally:
        must(subprocess.run(["rmmod", "usbtest"], capture_output=True, text=True))


tap.main()
