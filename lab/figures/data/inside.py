# SPDX-License-Identifier: GPL-2.0-or-later
"""The part of lab/bench data that runs in the lab. Its first argument is a JSON document that lists the measurements. It
prints one JSON document per line."""

import contextlib
import json
import os
import pathlib
import random
import re
import signal
import subprocess
import sys

BUILD, SRC, FIGURES = os.environ["FFSCTL_BUILD"], os.environ["FFSCTL_SRC"], os.environ["FIGURES"]
FFSCTL, FFSBENCH = f"{BUILD}/ffsctl", f"{BUILD}/ffsbench"
ENDPOINTS = 'interfaces = ( { endpoints = ( "bulk-in", "bulk-out" ); } );'


def run(*argv, **more):
    done = subprocess.run(argv, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **more)
    if done.returncode:
        sys.exit(f"{' '.join(map(str, argv))}: exit {done.returncode}\n{done.stdout}{done.stderr}")
    return done.stdout


def plugin(name, engine, size, depth, options=""):
    memory = 2 * depth * -(-size // 4096) * 4096 // (1 << 20) + 2
    mount = f"mount : {{ mmap_memory_mb = {memory}; }};" if engine == "mmap" else ""
    return (f'ffs : {{ {mount} {ENDPOINTS} }}; worker : {{ plugin = "{name}"; {options} '
            f'io : {{ engine = "{engine}"; size = {size}; depth = {depth}; }}; }};')


def source_sink(engine):
    return lambda size, depth: plugin("sourcesink", engine, size, depth, "options : { pattern = 2; };")


def filled(engine):
    """Does the same, but first writes to every buffer, so that its memory is allocated."""
    return lambda size, depth: plugin("sourcesink", engine, size, depth, "options : { pattern = 0; };")


def by_hand(program, *words):
    """Returns a worker group for a program that was written for the comparison, lab/figures/data/PROGRAM.c, or for an
    example."""
    def function(size, depth):
        args = ", ".join(f'"{w}"' for w in (program, *({"size": size, "depth": depth}.get(w, w) for w in words)))
        return f"ffs : {{ {ENDPOINTS} }}; worker : {{ exec = ( {args} ); restart_delay = 0; }};"
    return function


def kernel(size, depth):
    return f'type = "SourceSink"; attrs : {{ pattern = 2; bulk_buflen = {size}; bulk_qlen = {depth}; }};'


# {method: the functions of the gadget file}
SOURCES = {
    "kernel": kernel,
    "blocking": by_hand(f"{FIGURES}/blocking", "size"),
    "libaio": by_hand(f"{FIGURES}/libaio", "size", "depth"),
    "direct": by_hand(f"{FIGURES}/libaio", "size", "depth", "direct"),
    "copy": source_sink("copy"),
    "mmap": source_sink("mmap"),
    "dmabuf": source_sink("dmabuf"),
}
ECHOES = {
    "kernel": lambda size, depth: f'type = "Loopback"; attrs : {{ bulk_buflen = {size}; qlen = {depth}; }};',
    "blocking": by_hand(f"{BUILD}/examples/blocking-echo"),
    "copy": lambda size, depth: plugin("loopback", "copy", size, depth),
    "mmap": lambda size, depth: plugin("loopback", "mmap", size, depth),
}


@contextlib.contextmanager
def gadgets(functions, size, depth, ffsctl=None):
    """Brings all gadgets up, each on a different UDC. The serial number of a gadget is its name. `ffsctl`: {gadget: program},
    for gadgets of another build."""
    ffsctl, files = {name: FFSCTL for name in functions} | (ffsctl or {}), []
    for number, (name, function) in enumerate(functions.items()):
        path = pathlib.Path(f"/tmp/{name}.conf")
        path.write_text(f'attrs = {{ idVendor = 0x1d6b; idProduct = 0x0104; }};\n'
                        f'strings = ( {{ serialnumber = "{name}"; }} );\n'
                        f'udc = "dummy_udc.{number}";\n'
                        f"functions : {{ test : {{ {function(size, depth)} }}; }};\n")
        run(ffsctl[name], "-q", "up", path, "--wait-host")
        files.append(name)
    try:
        yield
    finally:
        for name in files:
            run(ffsctl[name], "-q", "down", name)


def bench(command, name, size, depth, *words, ffsbench=FFSBENCH):
    """Returns the row of a measurement."""
    in_flight = ("--depth", str(depth)) if depth else ()
    document = json.loads(run(ffsbench, command, "--serial", name, "--size", str(size), *in_flight, "--json",
                              "--wait", "5", "--timeout", "20", *words))
    return document[command]["rows"][0]


def say(**what):
    print(json.dumps(what), flush=True)


def rates(methods, size, depth, rounds, count):
    """Measures bytes per second. Each round runs every method once, in random order."""
    with gadgets({m: SOURCES[m] for m in methods}, size, depth):
        for turn in range(-1, rounds):  # the first round is a warm-up
            for command in ("source", "sink"):
                for method in random.sample(methods, len(methods)):
                    row = bench(command, method, size, depth, "--bytes", str(count))
                    if turn >= 0:
                        say(kind="rate", method=method, direction=command, size=size, depth=depth, round=turn,
                            rate=row["bytes_per_second"])


def compare_builds(other, functions, methods, size, depth, rounds, measures):
    """Brings each gadget up twice, once by each build, and compares their times in turn, in random order. `measures`: {what is
    measured: function of the gadget's name and the program ffsbench, which returns a time}."""
    builds = {"ours": BUILD, "theirs": other}
    programs = {f"{method}-{who}": f"{build}/ffsctl" for who, build in builds.items() for method in methods}
    with gadgets({name: functions[name.rpartition("-")[0]] for name in programs}, size, depth, programs):
        for turn in range(-1, rounds):  # the first round is a warm-up
            for method in methods:
                for what, measure in measures.items():
                    took = {who: measure(f"{method}-{who}", f"{builds[who]}/ffsbench") for who in random.sample(list(builds), 2)}
                    if turn >= 0:
                        say(kind="against", what=f"{method}, {what}", ratio=took["ours"] / took["theirs"])


def against(other, methods, size, depth, rounds, count):
    """Compares the time of data transfers with that of another build, of ffsctl and ffsbench."""
    def transfer(command):
        return lambda name, ffsbench: count / bench(command, name, size, depth, "--bytes", str(count),
                                                    ffsbench=ffsbench)["bytes_per_second"]

    compare_builds(other, SOURCES, methods, size, depth, rounds,
                   {f"{command}, {size} bytes": transfer(command) for command in ("source", "sink")})


def latency_against(other, methods, size, count, rounds):
    """Compares the median time of a round trip with that of another build."""
    def trip(name, ffsbench):
        return bench("latency", name, size, 0, "--count", str(count), ffsbench=ffsbench)["median_us"]

    compare_builds(other, ECHOES, methods, 4096, 8, rounds, {f"round trip, {size} bytes": trip})


def worker_of(name):
    return json.loads(run(FFSCTL, "status", "--json", name))["gadgets"][0]["functions"][0]["worker"]["pid"]


def count_calls(pid, work):
    """Counts the system calls of a process and its threads while `work` runs. Ignores calls that only wait."""
    out = pathlib.Path("/tmp/strace")
    tracer = subprocess.Popen(["strace", "-f", "-c", "-U", "name,calls", "-o", out, "-p", str(pid)], stderr=subprocess.PIPE)
    tracer.stderr.readline()  # "attached"
    work()
    tracer.send_signal(signal.SIGINT)
    tracer.wait()
    return {name: int(calls) for name, calls in re.findall(r"^(\w+) +(\d+)$", out.read_text(), re.M) if name != "total"}


TRACING = pathlib.Path("/sys/kernel/tracing")
# {counter: the event of which each one counts, and its filter, for one thread of the worker}
EVENTS = {"switches": ("sched/sched_switch", "prev_pid=={}"), "wakeups": ("sched/sched_wakeup", "pid=={}"),
          "allocations": ("kmem/kmalloc", "common_pid=={}"), "objects": ("kmem/kmem_cache_alloc", "common_pid=={}")}
IO = "f_fs/ffs_io"
# {counter: events of the UDC's driver and their filter}. The lab's UDC has this name; dwc3 gives its interrupt another one. Linux 6.1
# has no events for mappings.
UDC_EVENTS = {"interrupts": (["irq/irq_handler_entry"], 'name=="dwc3"||name=="dummy_udc.0"'),
              "mappings": (["dma/dma_map_page", "dma/dma_map_sg"], 'device=="dummy_udc.0"')}


def short_name(event):
    return event.rpartition("/")[2]


def count_events(pid, work):
    """Counts context switches, wake-ups and allocations of a process and its threads, the bytes that FunctionFS copies, and
    interrupts and DMA mappings of the UDC's driver, while `work` runs."""
    if not (TRACING / "events").exists():
        run("mount", "-t", "tracefs", "none", TRACING)
        (TRACING / "buffer_size_kb").write_text("65536")
    threads = os.listdir(f"/proc/{pid}/task")
    for event, condition in EVENTS.values():
        (TRACING / "events" / event / "filter").write_text("||".join(condition.format(t) for t in threads))
    udc_events = {name: [e for e in names if (TRACING / "events" / e).exists()] for name, (names, _) in UDC_EVENTS.items()}
    for name, there in udc_events.items():
        for event in there:
            (TRACING / "events" / event / "filter").write_text(UDC_EVENTS[name][1])
    events = [event for event, _ in EVENTS.values()] + [IO] + sum(udc_events.values(), [])
    for event in events:
        (TRACING / "events" / event / "enable").write_text("1")
    (TRACING / "trace").write_text("")
    work()
    for event in events:
        (TRACING / "events" / event / "enable").write_text("0")
    text = (TRACING / "trace").read_text()
    if "LOST" in text:
        sys.exit("the buffer of the tracer is too small")
    found = {name: len(re.findall(rf": {short_name(event)}: ", text)) for name, (event, _) in EVENTS.items()}
    found |= {name: sum(len(re.findall(rf": {short_name(e)}: ", text)) for e in there) for name, there in udc_events.items() if there}
    found["allocations"] += found.pop("objects")
    found["copied"] = sum(map(int, re.findall(r": ffs_io: .* (\d+) copy$", text, re.M)))
    return found


def counters(methods, size, depth, count):
    """Counts what a transfer costs the worker. Two runs, because strace adds context switches and wake-ups."""
    with gadgets({m: SOURCES[m] for m in methods}, size, depth):
        for method in methods:
            for command in ("source", "sink"):
                def work():
                    bench(command, method, size, depth, "--bytes", str(count * size))
                pid = worker_of(method)
                work()  # the first run allocates the buffers
                calls = count_calls(pid, work)
                say(kind="counters", method=method, direction=command, size=size, depth=depth, calls=calls, transfers=count,
                    counts={"calls": sum(calls.values()), **count_events(pid, work)})


def latency(methods, size, count, rounds):
    """Measures round trips of single messages."""
    with gadgets({m: ECHOES[m] for m in methods}, 4096, 8):
        for _ in range(rounds):
            for method in random.sample(methods, len(methods)):
                say(kind="latency", method=method, size=size,
                    row=bench("latency", method, size, 0, "--count", str(count)))


def memory(methods, size, depth):
    """Measures the private memory of a worker after data transfers."""
    with gadgets({m: filled(m) for m in methods}, size, depth):
        for method in methods:
            for command in ("source", "sink"):
                bench(command, method, size, depth, "--bytes", str(64 * size * depth))
            text = pathlib.Path(f"/proc/{worker_of(method)}/smaps_rollup").read_text()
            private = sum(int(n) for n in re.findall(r"^Private_\w+: +(\d+) kB$", text, re.M)) * 1024
            say(kind="memory", method=method, size=size, depth=depth, private=private)


def costs():
    for _ in range(9):
        call, trip = run(f"{FIGURES}/costs").split()
        say(kind="costs", call=int(call), trip=int(trip))


def load(method, command, size, depth, count):
    """Moves `count` bytes. The caller measures the processor time from outside of the lab."""
    with gadgets({method: SOURCES[method]}, size, depth):
        bench(command, method, size, depth, "--bytes", str(count))


pathlib.Path("/sys/module/usbcore/parameters/usbfs_memory_mb").write_text("512")
for section, arguments in json.loads(sys.argv[1]):
    {"rates": rates, "counters": counters, "latency": latency, "memory": memory, "load": load, "costs": costs, "against": against,
     "latency_against": latency_against}[section](**arguments)
