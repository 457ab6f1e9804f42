# SPDX-License-Identifier: GPL-2.0-or-later
"""lab/bench: runs the sections in the lab and prints a table of figures, goals and results."""

import argparse
import collections
import importlib
import json
import os
import platform
import statistics
import subprocess
import sys
import time

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.dirname(HERE)
sys.dont_write_bytecode = True
sys.path.insert(0, f"{LAB}/lib")

import progress  # noqa: E402
from run import MODELS  # noqa: E402
from steps import kernel_argument  # noqa: E402


def section(name, count, *options, build=None):
    """Runs a section in the lab. Returns {label: [numbers]}. `build`: directory of another build."""
    with progress.Step("lab/bench", f"{name}, {count} times, on {ARGS.kernel}" + (f", of {build}" if build else "")):
        run = subprocess.run([f"{LAB}/run", "--kernel", ARGS.kernel, "--timeout", "1800", *options, "--",
                              "/usr/bin/python3", "-B", f"{HERE}/inside.py", name, str(count)],
                             env={**os.environ, "FFSCTL_BUILD": build or os.environ["FFSCTL_BUILD"]},
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
    if run.returncode:
        sys.exit(f"lab/bench: '{name}' failed with {run.returncode}")
    values = collections.defaultdict(list)
    for line in run.stdout.splitlines():
        label, number = line.split()
        values[label].append(int(number))
    return values


def row(what, value, goal, good):
    print(f"| {what} | {value} | {goal} | {'yes' if good else 'NO'} |")
    return good


def commands():
    v = section("commands", ARGS.rounds)
    middle = {k: statistics.median(n) for k, n in v.items()}
    t = middle["T"]
    # Compare pairs of runs of the same round, because they have the same conditions.
    over_shell = statistics.median(a / b for a, b in zip(v["up"], v["shell"]))
    over_raw = statistics.median((a - b) / c for a, b, c in zip(v["up"], v["raw"], v["T"]))
    status = statistics.median(a / b for a, b in zip(v["status"], v["T"]))
    print(f"\nT = {t / 1e6:.2f} ms; medians of {ARGS.rounds} rounds: up {middle['up'] / t:.2f} T, shell script "
          f"{middle['shell'] / t:.2f} T, raw calls {middle['raw'] / t:.2f} T, status {middle['status'] / t:.2f} T, "
          f"check {middle['check'] / t:.2f} T\n")
    header()
    return [row("`up` / shortest shell script", f"{over_shell:.2f}", "≤ 1", over_shell <= 1),
            row("`up` − raw calls in C", f"{over_raw:.2f} T", "≤ 4 T", over_raw <= 4),
            row("`status`", f"{status:.2f} T", "≤ 2 T", status <= 2)]


# The examples with the most steps: their directory, and a UDC that supports them.
LARGE = {"composite": ("gadget.d", "dummy_udc.0"), "webcam": ("examples", "usbip-vudc.0")}
KINDS = {"gadget": "DIRECTORY", "configfs-mkdir": "DIRECTORY", "function": "DIRECTORY", "directory": "DIRECTORY",
         "config": "DIRECTORY", "link": "LINK", "link-to": "LINK"}  # all others: WRITE


def raw_step(step, gadget):
    """Returns a step of the plan as a line of rawplan.inc."""
    kind, value = KINDS.get(step["do"], "WRITE"), step["value"] or ""
    if step["do"] == "link":
        value = f"{gadget}/functions/{value}"
    data = bytes.fromhex(value) if step["do"] == "write-bytes" else value.encode()
    text = "".join("\\x%02x" % b for b in data)
    return f'{{ {kind}, "{step["path"]}", "{text}", {len(data)} }},\n'


def compile_raw(name, directory):
    """Makes the program FIGURES/rawplan-NAME, which does the steps of `up` for this file. Returns the number of
    steps."""
    figures, source = os.environ["FIGURES"], os.environ["FFSCTL_SRC"]
    plan = subprocess.run([os.environ["FFSCTL_BUILD"] + "/ffsctl", "up", "--dry-run", "--no-bind", "--json", "--name", "raw",
                           f"{source}/{directory}/{name}.conf"], stdout=subprocess.PIPE, text=True, check=True)
    steps = json.loads(plan.stdout)["gadgets"][0]["plan"]
    gadget = steps[0]["path"]
    os.makedirs(f"{figures}/{name}", exist_ok=True)
    with open(f"{figures}/{name}/rawplan.inc", "w") as f:
        f.writelines(raw_step(s, gadget) for s in steps)
    subprocess.run(["cc", "-O2", "-Wall", "-Wextra", f"-I{figures}/{name}", f'-DGADGET="{gadget}"', "-o", f"{figures}/rawplan-{name}",
                    f"{HERE}/rawplan.c"], check=True)
    return len(steps) + 1


def large():
    """Compares `up` of the largest examples with the same steps as raw system calls."""
    rows = []
    for name, (directory, udc) in LARGE.items():
        steps = compile_raw(name, directory)
        v = section(f"large:{directory}:{name}:{udc}", ARGS.rounds, "--vudcs", "1")
        # The time above the goal, in T, for each pair of runs
        over = statistics.median((a - 1.2 * b) / t for a, b, t in zip(v["up"], v["raw"], v["T"]))
        t = statistics.median(v["T"])
        rows.append(row(f"`up` of {name}.conf, {steps} steps: {statistics.median(v['up']) / t:.2f} T, "
                        f"in raw calls {statistics.median(v['raw']) / t:.2f} T; up − 1.2 raw", f"{over:.2f} T", "≤ 4 T", over <= 4))
    return rows


def long_file():
    """Measures `check` of a long file with many functions."""
    v = section("long_file", ARGS.rounds)
    ratio = statistics.median(a / b for a, b in zip(v["check"], v["T"]))
    return [row("`check` of 2,000 lines with 50 functions", f"{ratio:.2f} T", "≤ 2 T", ratio <= 2)]


def kills():
    v = section("kills", ARGS.kills)
    ratio = statistics.median(v["trip"]) / statistics.median(v["T"])
    return [row(f"worker SIGKILL to round trip, {len(v['trip'])} kills", f"{ratio:.2f} T", "≤ 3 T, no disconnect",
                ratio <= 3)]


def memory():
    v = {k: n[0] for k, n in section("memory", 1).items()}
    rows = [row(f"{name}: private memory (of it dirty)", f"{v['private-' + name]} KiB ({v['dirty-' + name]})",
                f"≤ {limit} KiB", v["private-" + name] <= limit)
            for name, limit in (("supervisor", 400), ("keeper", 200))]
    print(f"| worker: private memory (of it dirty) | {v['private-worker']} KiB ({v['dirty-worker']}) | | |")
    return rows


def idle():
    v = {k: n[0] for k, n in section("idle", 60, "--virtual-time").items()}
    return [row(f"{name}: wake-ups in an idle minute", v["wakeups-" + name], "0", v["wakeups-" + name] == 0)
            for name in ("supervisor", "keeper", "worker")]


FARM = (1, 8, 32)
VUDCS = ("--vudcs", str(FARM[-1]), "--udcs", "0")


def stat_of(pid):
    """Returns the parent of a process, its clock ticks, and the clock ticks of its reaped children."""
    with open(f"/proc/{pid}/stat", encoding="ascii", errors="replace") as f:
        words = f.read().rpartition(")")[2].split()
    return int(words[1]), int(words[11]) + int(words[12]), int(words[13]) + int(words[14])


def ticks_of_processes(top):
    """Returns the clock ticks of all processes in a lab. `top`: pid of lab/run. In User-Mode Linux each process is a
    child of the kernel."""
    stats = {}
    for pid in filter(str.isdigit, os.listdir("/proc")):
        try:
            stats[int(pid)] = stat_of(pid)
        except (FileNotFoundError, ProcessLookupError):
            pass
    kernel, = (pid for pid, (parent, _, _) in stats.items() if parent == top)
    return stats[kernel][2] + sum(own for parent, own, _ in stats.values() if parent == kernel)


def user_space(n, rounds):
    """Returns the processor time, in seconds, that user space needs to bring n gadgets up and down once; if n is 0, the
    processor time of /bin/true."""
    def ticks(count):
        with subprocess.Popen([f"{LAB}/run", "--kernel", ARGS.kernel, "--timeout", "1800", *VUDCS, "--", "/usr/bin/python3",
                               "-B", f"{HERE}/inside.py", f"farm_load:{n}", str(count)],
                              stdout=subprocess.PIPE, stdin=subprocess.PIPE, text=True) as run:
            if not any(line == "end 0\n" for line in run.stdout):
                sys.exit("lab/bench: 'farm_load' failed")
            taken = ticks_of_processes(run.pid)
            run.communicate("\n")
        return taken

    with progress.Step("lab/bench", f"processor time of {n} gadgets, {rounds} times, on {ARGS.kernel}"):
        return (ticks(rounds + 1) - ticks(1)) / os.sysconf("SC_CLK_TCK") / rounds


def farm():
    """Measures several gadgets of one file: time and memory per gadget must not depend on their number."""
    v = section("farm:" + ":".join(map(str, FARM)), max(1, ARGS.rounds // 10), *VUDCS)
    t = statistics.median(v["T"])
    both = {n: [(up + down) / n for up, down in zip(v[f"up-{n}"], v[f"down-{n}"])] for n in FARM}
    parts = ("supervisor", "keeper", "worker")
    memory_of, dirty_of = ({n: [statistics.median(v[f"{kind}-{p}-{n}"]) / n for p in parts] for n in FARM}
                           for kind in ("private", "dirty"))
    user_t = user_space(0, 20 * ARGS.rounds)
    user = {n: user_space(n, max(1, 2 * ARGS.rounds // n)) / n / user_t for n in FARM}
    lines = ["| gadgets at once | up | down | up + down, per gadget | of that user space | private memory per gadget (of it "
             "dirty), KiB: supervisor | keeper | worker | together |",
             "|---|---|---|---|---|---|---|---|---|"]
    for n in FARM:
        up, down = (statistics.median(v[f"{what}-{n}"]) / t for what in ("up", "down"))
        cells = [*zip(memory_of[n], dirty_of[n])] + [(sum(memory_of[n]), sum(dirty_of[n]))]
        lines.append(f"| {n} | {up:.1f} T | {down:.1f} T | {statistics.median(both[n]) / t:.2f} T | {user[n]:.2f} U | "
                     + " | ".join(f"{m:.0f} ({d:.0f})" for m, d in cells) + " |")
    words = (f"T = {t / 1e6:.2f} ms, U = {user_t * 1e3:.2f} ms; medians of {len(v['T'])} rounds, all gadgets started at once, on "
             "one CPU")
    print("\n" + words + "\n\n" + "\n".join(lines) + "\n")
    header()
    last, first = FARM[-1], FARM[0]
    # Compare runs of the same round, because they have the same conditions
    ratio = statistics.median(a / b for a, b in zip(both[last], both[first]))
    if ARGS.write:
        write_farm(ratio, words, lines)
    memory = sum(memory_of[last]) / sum(memory_of[first])
    return [row(f"time per gadget at {last} / at {first}", f"{ratio:.2f}", "≤ 1.2", ratio <= 1.2),
            row(f"user space's time per gadget at {last} / at {first}", f"{user[last] / user[first]:.2f}", "≤ 1.2",
                user[last] <= 1.2 * user[first]),
            row(f"memory per gadget at {last} / at {first}", f"{memory:.2f}", "≤ 1.1", memory <= 1.1)]


def write_farm(ratio, words, lines):
    """Writes doc/farm.md."""
    os.makedirs(f"{LAB}/../doc", exist_ok=True)
    with open(f"{LAB}/../doc/farm.md", "w", encoding="utf-8") as f:
        f.write(f"""<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Written by `lab/bench farm --write`. -->
# Many gadgets on one machine

[examples/usbip](../examples/usbip/README.md), one file brought up as 1, 8 and 32 gadgets at once, each
on a virtual UDC with its own supervisor, keeper and worker, and taken down. Kernel {ARGS.kernel} in the
virtual USB lab, pinned to one CPU: time is that CPU's, for ffsctl, its processes and the kernel together.
Time per gadget at {FARM[-1]} is {ratio:.2f} times that at {FARM[0]}, the median of rounds.

{words}. T is one fork and exec of /bin/true.
U is what user space takes of one: the processor time of its processes, which User-Mode Linux runs as processes of
the machine's (their system calls' ways in and out among it, the kernel's work not).
Private memory is Private_Clean + Private_Dirty of smaps_rollup, when nothing is attached; with one gadget
alone the clean pages of the programs are private as well, which several gadgets share.

""" + "\n".join(lines) + "\n")


def boot():
    times = []
    for _ in range(ARGS.boots + 1):
        start = time.monotonic()
        subprocess.run([f"{LAB}/run", "--kernel", ARGS.kernel, "--", "true"], check=True)
        times.append(time.monotonic() - start)
    middle = statistics.median(times[1:])
    return [row("`lab/run true`, start to end", f"{middle:.2f} s", "about 0.5 s", middle <= 0.6)]


def moving():
    """Returns the module that measures data transfers."""
    sys.path.insert(0, f"{HERE}/data")
    return importlib.import_module("moving")


def data():
    """Measures data transfers and writes doc/performance.md. Runs only if it is selected, because it takes long."""
    return moving().data(ARGS)


DAY = 86400


DIRECT = 3  # system calls of a program that serves ep0 in a loop: poll, read of the event, data stage


def control_row(calls, direction):
    """Returns the row for a control request with 64 bytes that a plugin answers. Compares it with DIRECT."""
    parts = {name: calls[f"{direction}-{name}"] for name in ("keeper", "worker", "supervisor")}
    more = sum(parts.values()) - DIRECT
    words = ", ".join(f"{name} {n:.2f}" for name, n in parts.items())
    return (f"control request, 64 bytes {direction.upper()}: system calls that a loop on ep0 does not have",
            f"{more:.2f} (all: {words})", "≤ 8", more <= 8.05)


# How the libraries are linked: the build that has them so, in the directory of the one that is measured
LINKED = {"dynamically": "release", "statically": "static"}


def supervision_of(build):
    """Measures one build. Returns its rows, (what, figure, goal, reached), and what the text needs."""
    v = section("kills", 10 * ARGS.kills, build=build)
    t = statistics.median(v["T"])
    trips = sorted(n / t for n in v["trip"])
    own = {k: n[0] for k, n in section("memory", 1, build=build).items()}
    wakeups = {k: n[0] for k, n in section("idle", DAY, "--virtual-time", build=build).items()}
    many = {where: section("status_of_many", rounds, *VUDCS, *options, build=build)
            for where, rounds, options in (("lab", ARGS.rounds, ()), ("debian", max(1, ARGS.rounds // 3), ("--qemu",)))}
    status, start = ({where: statistics.median(a / b for a, b in zip(m[what], m["T"])) for where, m in many.items()}
                     for what in ("status", "version"))
    s = section("stops", 2 * ARGS.rounds, build=build)
    stop = statistics.median(a / b for a, b in zip(s["stop"], s["T"]))
    calls = {k: n[0] / 100 for k, n in section("control_requests", 200, build=build).items()}
    rows = [(f"worker SIGKILL to the next right answer: median of {len(trips)} kills, no disconnect", f"{statistics.median(trips):.2f} T",
             "≤ 2 T", statistics.median(trips) <= 2),
            ("of them the 99th percentile", f"{trips[len(trips) * 99 // 100]:.2f} T", "≤ 4 T", trips[len(trips) * 99 // 100] <= 4),
            *((f"{name}: private memory (of it dirty)", f"{own['private-' + name]} KiB ({own['dirty-' + name]})", f"≤ {limit} KiB",
               own["private-" + name] <= limit) for name, limit in (("supervisor", 400), ("keeper", 200))),
            *((f"{name}: wake-ups in an idle day (virtual time)", wakeups["wakeups-" + name], "0", wakeups["wakeups-" + name] == 0)
              for name in ("supervisor", "keeper", "worker")),
            control_row(calls, "in"), control_row(calls, "out"),
            ("`status` with 32 gadgets", f"{status['lab']:.2f} T", "≤ 3 T", status["lab"] <= 3),
            ("the same on Debian's kernel, emulated by QEMU", f"{status['debian']:.2f} T", "≤ 3 T", status["debian"] <= 3),
            ("SIGTERM to the end of a plugin's worker", f"{stop:.2f} T", "≤ 2 T", stop <= 2)]
    return rows, {"T": t, "start": start,
                  "call": {where: statistics.median(m["T"]) / statistics.median(m["call"]) for where, m in many.items()}}


def supervision():
    """Measures the cost of supervision and writes doc/supervision.md. Runs only if it is selected, because it takes
    long."""
    builds = os.path.dirname(os.environ["FFSCTL_BUILD"])
    rows, words = {}, {}
    for linked, name in LINKED.items():
        rows[linked], words[linked] = supervision_of(f"{builds}/{name}")
    lines = [f"| what | {' | '.join(LINKED)} | goal | reached |", "|---|---|---|---|---|"]
    for (what, value, goal, good), (_, other, _, other_good) in zip(*rows.values()):
        by = [linked for linked, well in zip(LINKED, (good, other_good)) if well]
        reached = "NO" if not by else "yes" if len(by) == len(LINKED) else f"{by[0]} only"
        lines.append(f"| {what} | {value} | {other} | {goal} | {reached} |")
    print("\n".join(lines))
    first = words["dynamically"]
    start = {linked: f"{w['start']['lab']:.2f} T in User-Mode Linux and {w['start']['debian']:.2f} T on Debian's kernel"
             for linked, w in words.items()}
    with open(f"{ARGS.doc}/supervision.md", "w", encoding="utf-8") as f:
        f.write(f"""<!-- SPDX-License-Identifier: GPL-2.0-or-later -->
<!-- Written by `lab/bench supervision`. -->
# What supervision costs

Kernel {ARGS.kernel} in the virtual USB lab, pinned to one CPU, so that all processes and the kernel share it. T is one
fork and exec of /bin/true, measured in turn with the rest ({first['T'] / 1e6:.2f} ms here). Private memory is Private_Clean +
Private_Dirty of smaps_rollup, after 16 MiB of data. The first column of figures is for libraries that are linked
dynamically, as `./configure` and the Debian packages have them, the second one for `./configure --enable-static-libs`.

""" + "\n".join(lines) + """

A loop on ep0 has three system calls for a request: poll, read of the event, and the data stage. The keeper has those,
and hands the request to the worker and waits for its answer (send, receive; with OUT data one more, which hands over
these); the worker's three are to wait, receive and answer (with OUT data two more, to get these). The supervisor has no
part in it. (The clock is not counted, which is read without a system call on real machines.)

`status` has 26 system calls for each gadget: it reads what the supervisor has written and its lock, the gadget's UDC,
that one's state and its gadget in the driver core, and looks whether supervisor, keeper and worker live, links and files are there. They are dear in
""" + f"""User-Mode Linux: T is {first['call']['lab']:.0f} that do nothing; on Debian's kernel it is {first['call']['debian']:.0f}, in a machine of one CPU that QEMU
emulates. `ffsctl --version` alone is {start['dynamically']}; with libraries that are
linked statically, {start['statically']}.
""")
    return [good for r in rows.values() for _, _, _, good in r]


TURNS = 5  # number of boots of each build
SMALL = 2  # in KiB, or in system calls of 100 requests; a smaller difference is ignored


def against():
    """Compares the figures of commands and supervision with those of another build, in alternating boots, and data transfers in
    turn. The goal: no figure is more than 10 % worse."""
    times = (("commands", ARGS.rounds, (), ("up", "status", "check")), ("kills", ARGS.kills, (), ("trip",)),
             ("status_of_many", ARGS.rounds, VUDCS, ("status",)), ("stops", 2 * ARGS.rounds, (), ("stop",)))
    counts = (("memory", 1, (), [f"{kind}-{name}" for kind in ("used", "dirty") for name in ("supervisor", "keeper", "worker")]),
              ("control_requests", 200, (), [f"{direction}-{name}" for direction in ("in", "out") for name in ("supervisor", "keeper", "worker")]))
    print("| what | this build / the other one | goal | reached |\n|---|---|---|---|")
    reached = []
    for name, count, options, labels in times + counts:
        in_t = (name, count, options, labels) in times  # as multiples of T
        pairs = [(section(name, count, *options), section(name, count, *options, build=ARGS.against)) for _ in range(TURNS)]
        for label in labels:
            both = [tuple(statistics.median(v[label]) / (statistics.median(v["T"]) if in_t else 1) for v in pair) for pair in pairs]
            ratio = statistics.median(a / b if b else 1 + a for a, b in both)
            ours, theirs = (statistics.median(pair[i] for pair in both) for i in (0, 1))
            reached.append(row(f"{name}: {label}", f"{ratio:.2f} ({ours:.2f} / {theirs:.2f})", "≤ 1.1",
                               ratio <= 1.1 or (not in_t and ours - theirs <= SMALL)))
    for what, ratios in moving().against(ARGS).items():
        ratio = statistics.median(ratios)
        reached.append(row(f"data: {what}", f"{ratio:.2f} (time)", "≤ 1.1", ratio <= 1.1))
    return reached


def header():
    print("| what | figure | goal | reached |\n|---|---|---|---|")


SECTIONS = {"commands": commands, "large": large, "long_file": long_file, "kills": kills, "memory": memory, "idle": idle,
            "farm": farm, "boot": boot}
LONG = {"data": data, "supervision": supervision}

parser = argparse.ArgumentParser(prog="lab/bench", description="Measures ffsctl in the lab: pinned to a core, in pairs, as ratios.")
parser.add_argument("section", nargs="*", help=", ".join(SECTIONS) + " (default: all of them), or " + ", ".join(LONG))
parser.add_argument("--kernel", default="6.12", type=kernel_argument, help="as lab/run")
parser.add_argument("--rounds", type=int, default=100, help="rounds of the commands and of the large examples (100)")
parser.add_argument("--kills", type=int, default=1000, help="kills of the worker (1000)")
parser.add_argument("--write", action="store_true", help="write doc/farm.md with the results of farm")
parser.add_argument("--data-rounds", type=int, default=9, help="rounds of the transfer rates (9)")
parser.add_argument("--cpu-rounds", type=int, default=9, help="rounds of the processor time (9)")
parser.add_argument("--also", type=kernel_argument, metavar="KERNEL", help="data: measure the rates on this kernel, too")
parser.add_argument("--udc", action="append", default=[], choices=MODELS,
                    help="data: count what a transfer costs with this driver on a model of its UDC, beside dummy_hcd, and write "
                         "that table of performance.md; may be repeated")
parser.add_argument("--direct", action="store_true",
                    help="with --udc: only print that table of the methods that do not copy, O_DIRECT among them, on a kernel with the "
                         "patches of lab/figures/direct")
parser.add_argument("--doc", default=f"{os.path.dirname(LAB)}/doc", metavar="DIRECTORY",
                    help="directory for performance.md and supervision.md (doc)")
parser.add_argument("--boots", type=int, default=9, help="boots of the lab (9)")
parser.add_argument("--against", metavar="BUILD", help="compare commands, supervision and data transfers with the build in this directory")
ARGS = parser.parse_args()
SECTIONS_OF = {**SECTIONS, **LONG}
if ARGS.direct and not ARGS.udc:
    parser.error("--direct needs --udc")
if ARGS.direct:
    os.environ["LAB_EXTRA_PATCH"] = f"{os.path.dirname(os.path.abspath(__file__))}/direct"
unknown = [s for s in ARGS.section if s not in SECTIONS_OF]
if unknown:
    parser.error(f"unknown section: {', '.join(unknown)}")

print(f"kernel {ARGS.kernel}, {platform.node()}, {time.strftime('%Y-%m-%d')}")
reached = []
wanted = ["against"] if ARGS.against else ARGS.section or list(SECTIONS)
for name in wanted:
    if name == wanted[0] and name not in ("commands", "farm", "against", *LONG):
        header()
    reached += against() if name == "against" else SECTIONS_OF[name]()
sys.exit(0 if all(reached) else 1)
