# SPDX-License-Identifier: GPL-2.0-or-later
"""lab/bench data: measures methods of data transfer and writes doc/performance.md."""

import collections
import json
import os
import resource
import statistics
import subprocess
import sys
import time

from chart import chart, size_name

HERE = os.path.dirname(os.path.abspath(__file__))
LAB = os.path.dirname(os.path.dirname(HERE))
KIB, MIB = 1 << 10, 1 << 20
DIRECTIONS = {"source": "to the host", "sink": "from the host"}
NAMES = {"kernel": "SourceSink", "blocking": "blocking loop", "libaio": "libaio loop", "copy": "copy", "mmap": "mmap",
         "dmabuf": "dmabuf", "direct": "libaio loop with O_DIRECT"}
METHODS = ["kernel", "blocking", "libaio", "copy", "mmap"]
SG_METHODS = ["kernel", "mmap", "dmabuf"]
# (bytes of a transfer, transfers in flight, bytes of a run)
SIZES = [(KIB, 16, 8 * MIB), (4 * KIB, 16, 32 * MIB), (16 * KIB, 16, 96 * MIB), (64 * KIB, 16, 256 * MIB),
         (256 * KIB, 16, 512 * MIB), (MIB, 16, 512 * MIB), (4 * MIB, 4, 512 * MIB)]
SG_SIZES = [s for s in SIZES if s[0] >= 16 * KIB]
OTHER_SIZES = [s for s in SIZES if 16 * KIB <= s[0] <= MIB]
# (bytes of a transfer, transfers of a run) of what is counted
COUNTED = [(size, max(400, min(2000, 128 * MIB // size))) for size, _, _ in SIZES]
DEPTHS = [(64 * KIB, depth, 128 * MIB) for depth in (1, 2, 4, 8)]
JUDGED = (16 * KIB, 64 * KIB, 256 * KIB, MIB)
CPU_SIZES = (64 * KIB, 256 * KIB, MIB)
CPU_BYTES = 1024 * MIB
CPU_METHODS = ("kernel", "copy", "mmap", "dmabuf")


class Data:
    """Makes all measurements. There is a method for each kind of measurement."""

    def __init__(self, kernel):
        self.kernel = kernel
        self.found = collections.defaultdict(list)

    def boot(self, sections, sg=False, udc=None):
        """Runs sections in a separate lab. Returns the processor time of the lab. `udc`: the driver of a model's UDC."""
        before = resource.getrusage(resource.RUSAGE_CHILDREN)
        udcs = ["--udc", udc] if udc else ["--udcs", "6", "--append", f"dummy_hcd.gadget_sg={int(sg)}"]
        run = subprocess.run([f"{LAB}/run", "--kernel", self.kernel, "--timeout", "3000", "--mem", "3G", *udcs, "--",
                              "/usr/bin/python3", "-B", f"{HERE}/inside.py", json.dumps(sections)],
                             stdout=subprocess.PIPE, stdin=subprocess.DEVNULL, text=True)
        if run.returncode:
            sys.exit(f"lab/bench: data: a lab failed with {run.returncode}")
        for line in run.stdout.splitlines():
            what = json.loads(line)
            self.found[what["kind"]].append({**what, "sg": sg, "udc": udc})
        after = resource.getrusage(resource.RUSAGE_CHILDREN)
        return after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime

    def rates(self, sg, size, depth, direction):
        """Returns [{method: bytes per second}], with one element for each round."""
        rounds = collections.defaultdict(dict)
        for r in self.found["rate"]:
            if (r["sg"], r["size"], r["depth"], r["direction"]) == (sg, size, depth, direction):
                rounds[r["round"]][r["method"]] = r["rate"]
        return list(rounds.values())

    def cpu(self, rounds):
        """Returns {(size, direction): {method: [seconds per GB]}}. Each value is the processor time of a lab minus the time
        of a lab that moves little data."""
        found = collections.defaultdict(lambda: collections.defaultdict(list))
        for size in CPU_SIZES:
            for direction in DIRECTIONS:
                for _ in range(rounds):
                    for method in CPU_METHODS:
                        load = {"method": method, "command": direction, "size": size, "depth": 16}
                        many = self.boot([["load", {**load, "count": CPU_BYTES + 16 * size}]], method == "dmabuf")
                        few = self.boot([["load", {**load, "count": 16 * size}]], method == "dmabuf")
                        found[size, direction][method].append((many - few) / (CPU_BYTES / 1e9))
        return found


def median_ratio(rounds, method, other):
    """Compares runs of the same round, because they have the same conditions. `other` is a method, or several methods, of
    which the best one counts."""
    others = [other] if isinstance(other, str) else other
    return statistics.median(r[method] / max(r[o] for o in others) for r in rounds)


def median_rate(rounds, method):
    return statistics.median(r[method] for r in rounds)


class Goals:
    def __init__(self):
        self.rows = []

    def add(self, what, values, good, goal):
        """Checks that all figures reach the goal. `values`: {where it was measured: figure}."""
        missed = [where for where, value in values.items() if not good(value)]
        worst = ", ".join(f"{where}: {value:.2f}" for where, value in values.items())
        self.rows.append((what, worst, goal, "yes" if not missed else "no: " + ", ".join(missed)))

    def table(self):
        return table(["what", "figures", "goal", "reached"], self.rows)


def table(head, rows):
    lines = ["| " + " | ".join(map(str, head)) + " |", "|" + "---|" * len(head)]
    return "\n".join(lines + ["| " + " | ".join(map(str, row)) + " |" for row in rows]) + "\n"


def rate_table(data, sg, methods, sizes):
    rows = []
    for direction, words in DIRECTIONS.items():
        for size, depth, _ in sizes:
            rounds = data.rates(sg, size, depth, direction)
            cells = [f"{median_rate(rounds, m) / 1e6:.0f}" +
                     ("" if m == "kernel" else f" ({median_ratio(rounds, m, 'kernel'):.2f})") for m in methods]
            rows.append([words, size_name(size), depth, *cells])
    return table(["direction", "transfers of", "in flight", *(NAMES[m] for m in methods)], rows)


def fit(data, method, direction):
    """Returns the time for a transfer and the time for a KiB, in microseconds. Fits a line to the values of the sizes
    from 4 KiB to 1 MiB."""
    points = []
    for size, depth, _ in SIZES:
        if 4 * KIB <= size <= MIB:
            points.append((size / KIB, size / median_rate(data.rates(False, size, depth, direction), method) * 1e6))
    # Use relative errors, because otherwise the largest size would dominate
    weights = [1 / y ** 2 for _, y in points]
    total = sum(weights)
    x0 = sum(w * x for w, (x, _) in zip(weights, points)) / total
    y0 = sum(w * y for w, (_, y) in zip(weights, points)) / total
    slope = sum(w * (x - x0) * (y - y0) for w, (x, y) in zip(weights, points)) / sum(
        w * (x - x0) ** 2 for w, (x, _) in zip(weights, points))
    return y0 - slope * x0, slope


def fit_table(data):
    rows = []
    for method in METHODS:
        cells = []
        for direction in DIRECTIONS:
            each, kib = fit(data, method, direction)
            cells += [f"{each:.1f}", f"{kib:.2f}"]
        rows.append([NAMES[method], *cells])
    return table(["", "a transfer to the host, µs", "and each KiB, µs", "a transfer from the host, µs", "and each KiB, µs"], rows)


# What is counted, for each transfer. `copied` is counted in bytes, and shown as a share of the transfer's bytes
COUNTERS = {"calls": "system calls", "switches": "context switches", "wakeups": "wake-ups", "allocations": "kernel allocations",
            "copied": "copies of its bytes"}
# Differences of less are not considered: how many completions a wake-up finds varies from run to run
NOISE = 0.1


def each(c, counter):
    """Returns how much of something a transfer needs."""
    return c["counts"][counter] / c["transfers"] / (c["size"] if counter == "copied" else 1)


def counted(data, sg, direction, size, depth):
    """Returns {method: measurement}."""
    return {c["method"]: c for c in data.found["counters"]
            if (c["sg"], c["direction"], c["size"], c["depth"]) == (sg, direction, size, depth)}


def more_than_loop(data, method, counter):
    """Returns {direction and depth: how much more of something the engine needs than the libaio loop, at the size where that
    is most}."""
    found = collections.defaultdict(list)
    for c in data.found["counters"]:
        if c["method"] == method and c["sg"] == (method == "dmabuf"):
            loop = counted(data, c["sg"], c["direction"], c["size"], c["depth"])["libaio"]
            found[f"{DIRECTIONS[c['direction']]}, {c['depth']} in flight"].append(each(c, counter) - each(loop, counter))
    return {where: max(values) for where, values in found.items()}


def counters_table(data, sg, methods):
    rows = []
    places = dict.fromkeys((c["direction"], c["size"], c["depth"]) for c in data.found["counters"] if c["sg"] == sg)
    for place in sorted(places, key=lambda p: (list(DIRECTIONS).index(p[0]), p[2], p[1])):
        direction, size, depth = place
        found = counted(data, sg, *place)
        rows.append([DIRECTIONS[direction], size_name(size), depth,
                     *(" / ".join(f"{each(found[m], counter):.2f}" for counter in COUNTERS) for m in methods)])
    return table(["direction", "transfers of", "in flight", *(NAMES[m] for m in methods)], rows)


def calls_table(data):
    rows = []
    for c in data.found["counters"]:
        if c["size"] == 16 * KIB and (c["method"] == "dmabuf" or not c["sg"]):
            made = ", ".join(f"{name} {n / c['transfers']:.2f}" for name, n in sorted(c["calls"].items()) if n / c["transfers"] >= 0.005)
            rows.append([NAMES[c["method"]], DIRECTIONS[c["direction"]], c["depth"], made])
    return table(["", "direction", "in flight", "system calls of a transfer of 16 KiB"], rows)


def null_call(data):
    """Returns the time of a system call that does nothing, and of a byte to another process and back, in microseconds."""
    return (statistics.median(c[k] for c in data.found["costs"]) / 1e3 for k in ("call", "trip"))


def other_kernel(data):
    """Returns the section with the rates on another kernel; "" without one."""
    if not data:
        return ""
    call, _ = null_call(data)
    return (f"\n## On Linux {data.kernel}\n\nThe same measurement there; a system call takes {call:.1f} µs. Without and with scatterlists:\n\n"
            + rate_table(data, False, METHODS, OTHER_SIZES) + "\n" + rate_table(data, True, SG_METHODS, OTHER_SIZES))


def latency_table(data):
    found = collections.defaultdict(list)
    for one in data.found["latency"]:
        found[one["method"], one["size"]].append(one["row"])
    keys = [k for k in next(iter(found.values()))[0] if k.endswith("_us")]
    rows = [[NAMES[method], size_name(size), *(f"{statistics.median(r[k] for r in rows):.0f}" for k in keys)]
            for (method, size), rows in found.items()]
    return table(["", "message", *(k.removesuffix("_us") + ", µs" for k in keys)], rows)


def memory_table(data):
    rows = []
    for m in data.found["memory"]:
        rows.append([NAMES[m["method"]], f"{m['private'] // KIB} KiB", f"{buffers_of(m) // KIB} KiB",
                     f"{(m['private'] - buffers_of(m)) // KIB} KiB"])
    return table(["", "private memory", "of it buffers", "the rest"], rows)


def buffers_of(m):
    """Memory of a mount and DMABUFs are not private memory of the process."""
    return 0 if m["method"] == "mmap" else 2 * m["size"] * m["depth"]


def cpu_table(cpu):
    rows = []
    for (size, direction), found in cpu.items():
        cells = [f"{statistics.median(found[m]):.3f}" for m in CPU_METHODS]
        rows.append([DIRECTIONS[direction], size_name(size), *cells, *(f"{excess(found, m):.2f}" for m in ("mmap", "dmabuf"))])
    return table(["direction", "transfers of", "SourceSink", "copy", "mmap", "dmabuf", "mmap's excess / copy's",
                  "dmabuf's excess / copy's"], rows)


def excess(found, method):
    """Returns the time above the time of SourceSink, divided by the same value of `copy`, for consecutive runs."""
    own, copy = (statistics.median(m - k for m, k in zip(found[x], found["kernel"])) for x in (method, "copy"))
    return own / copy


def judge(data, cpu):
    goals = Goals()
    places = [(f"{size_name(size)} {DIRECTIONS[d]}", size, 16, d) for d in DIRECTIONS for size in JUDGED]
    no_sg = {where: data.rates(False, size, depth, d) for where, size, depth, d in places}
    sg = {where: data.rates(True, size, depth, d) for where, size, depth, d in places}
    goals.add("copy / the better of the two loops written by hand",
              {w: median_ratio(r, "copy", ["blocking", "libaio"]) for w, r in no_sg.items()}, lambda v: v >= 1, "≥ 1.0")
    goals.add("mmap or dmabuf / SourceSink, the better of the two",
              {w: max(median_ratio(no_sg[w], "mmap", "kernel"), median_ratio(sg[w], "mmap", "kernel"),
                      median_ratio(sg[w], "dmabuf", "kernel")) for w in no_sg},
              lambda v: v >= 0.95, "≥ 0.95")
    for size, limit in ((64 * KIB, 0.6), (MIB, 0.97)):
        goals.add(f"dmabuf / SourceSink, {size_name(size)}",
                  {DIRECTIONS[d]: median_ratio(data.rates(True, size, 16, d), "dmabuf", "kernel") for d in DIRECTIONS},
                  lambda v, limit=limit: v >= limit, f"≥ {limit}")
    goals.add("copy / SourceSink", {w: median_ratio(r, "copy", "kernel") for w, r in no_sg.items()}, lambda v: v >= 0.9, "≥ 0.9")
    for method in ("mmap", "dmabuf"):
        goals.add(f"processor time over SourceSink's, {method} / copy",
                  {f"{size_name(size)} {DIRECTIONS[d]}": excess(found, method) for (size, d), found in cpu.items()},
                  lambda v: v <= 0.5, "≤ 0.5")
    for depth, limit in ((1, 3), (16, 0.5)):
        goals.add(f"system calls of the worker for a transfer, {depth} in flight",
                  {f"{NAMES[c['method']]} {DIRECTIONS[c['direction']]}": each(c, "calls") for c in data.found["counters"]
                   if (c["sg"], c["size"], c["depth"]) == (False, 16 * KIB, depth) and c["method"] in ("copy", "mmap")},
                  lambda v, limit=limit: v <= limit, f"≤ {limit}")
    for counter, words in COUNTERS.items():
        for method in ("copy", "mmap", "dmabuf"):
            goals.add(f"{words} of a transfer, {method} less the libaio loop, the largest at all sizes", more_than_loop(data, method, counter),
                      lambda v: v <= NOISE, f"≤ {NOISE}")
    goals.add("private memory of a plugin's process beyond its buffers, MiB",
              {NAMES[m["method"]]: (m["private"] - buffers_of(m)) / MIB for m in data.found["memory"]}, lambda v: v <= 1, "≤ 1")
    return goals


def charts(data, directory):
    for direction, words in DIRECTIONS.items():
        lines = {NAMES[m]: {size: median_rate(data.rates(False, size, depth, direction), m) / 1e6 for size, depth, _ in SIZES}
                 for m in METHODS}
        with open(f"{directory}/performance-{direction}.svg", "w", encoding="utf-8") as f:
            f.write(chart(f"Rates {words}, 16 transfers in flight (4 of 4 MiB)", "MB/s, by the bytes of a transfer", lines))


def document(data, other, cpu, goals, load, args):
    with open(f"{HERE}/performance.md.in", encoding="utf-8") as f:
        text = f.read()
    call, trip = null_call(data)
    with open(f"{HERE}/udcs.md", encoding="utf-8") as f:
        udc_part = f.read()
    for key, value in {
            "UDCS": udc_part, "KERNEL": args.kernel, "DATE": time.strftime("%Y-%m-%d"), "LOAD": f"{load:.2f}", "ROUNDS": args.data_rounds, "CPU_ROUNDS": args.cpu_rounds,
            "GOALS": goals.table(), "RATES": rate_table(data, False, METHODS, SIZES),
            "DEPTHS": rate_table(data, False, METHODS, DEPTHS), "SG": rate_table(data, True, SG_METHODS, SG_SIZES),
            "FIT": fit_table(data), "CALLS": calls_table(data), "COUNTERS": counters_table(data, False, ["blocking", "libaio", "copy", "mmap"]),
            "SG_COUNTERS": counters_table(data, True, ["libaio", "mmap", "dmabuf"]), "OTHER": other_kernel(other), "LATENCY": latency_table(data), "MEMORY": memory_table(data),
            "CPU": cpu_table(cpu), "CALL": f"{call:.1f}", "TRIP": f"{trip:.1f}"}.items():
        text = text.replace(f"@{key}@", str(value).rstrip("\n"))
    return text


def against(args):
    """Returns {what: [time of this build / time of the build args.against]}, with one element for each round."""
    found = Data(args.kernel)
    both = {"other": os.path.abspath(args.against), "rounds": args.data_rounds}
    for sg, methods in ((False, ["kernel", "copy", "mmap"]), (True, ["mmap", "dmabuf"])):
        found.boot([["against", {**both, "methods": methods, "size": size, "depth": depth, "count": count // 2}]
                    for size, depth, count in SIZES if size in (4 * KIB, 64 * KIB, MIB)], sg)
    found.boot([["latency_against", {**both, "methods": ["copy", "mmap"], "size": size, "count": 2000}]
                for size in (64, 4 * KIB)])
    ratios = collections.defaultdict(list)
    for one in found.found["against"]:
        ratios[one["what"] + (", scatter-gather" if one["sg"] else "")].append(one["ratio"])
    return ratios


def measure_rates(found, sizes, sg_sizes, rounds):
    def sections(methods, sizes):
        return [["rates", {"methods": methods, "size": s, "depth": d, "rounds": rounds, "count": n}] for s, d, n in sizes]

    found.boot([["costs", {}], *sections(METHODS, sizes)])
    found.boot(sections(SG_METHODS, sg_sizes), True)


UDC_COUNTED = [(4 * KIB, 500), (64 * KIB, 200), (256 * KIB, 100)]
WITHOUT_SCATTERLISTS = ("dwc2",)  # the models' drivers that take none, which DMABUFs need
UDC_COUNTERS = ["calls", "copied", "interrupts", "mappings"]


def udc_table(data, udcs):
    """Returns the table of what a transfer needs on each UDC."""
    rows = collections.defaultdict(lambda: ["–"] * len(udcs))
    for c in data.found["counters"]:
        key = DIRECTIONS[c["direction"]], size_name(c["size"]), NAMES[c["method"]]
        rows[key][udcs.index(c["udc"])] = " / ".join(f"{each(c, name):.2f}" if name in c["counts"] else "–" for name in UDC_COUNTERS)
    return table(["direction", "transfers of", "", *(udc or "dummy_hcd" for udc in udcs)], [[*key, *cells] for key, cells in rows.items()])


def udcs(args):
    """Counts what a transfer costs on models of UDCs and on dummy_hcd with scatterlists, and writes lab/figures/data/udcs.md,
    a part of performance.md. No rates: a model has no time of hardware. With --direct it only prints the table of the methods
    that do not copy."""
    found, drivers = Data(args.kernel), [None, *args.udc]
    methods = ["direct", "mmap"] if args.direct else METHODS[1:]  # SourceSink has no worker
    for udc in drivers:
        sizes = {method: UDC_COUNTED for method in methods}
        if udc not in WITHOUT_SCATTERLISTS:
            sizes["dmabuf"] = UDC_COUNTED
        elif args.direct:  # one page is one segment
            sizes["dmabuf"] = [c for c in UDC_COUNTED if c[0] == 4 * KIB]
        for method, counted in sizes.items():
            found.boot([["counters", {"methods": [method], "size": size, "depth": 8, "count": n}] for size, n in counted],
                       sg=True, udc=udc)
    text = udc_table(found, drivers)
    if args.direct:
        print(text)
        return []
    part = f"{HERE}/udcs.md"
    with open(part, encoding="utf-8") as f:
        old = f.read()
    with open(part, "w", encoding="utf-8") as f:
        f.write(text)
    with open(f"{args.doc}/performance.md", encoding="utf-8") as f:
        whole = f.read()
    with open(f"{args.doc}/performance.md", "w", encoding="utf-8") as f:
        f.write(whole.replace(old, text))
    print(text)
    return []


def data(args):
    """Runs this section of lab/bench. Returns for each goal whether it was reached. Writes the measurements to
    $FIGURES/data.json."""
    if args.udc:
        return udcs(args)
    found = Data(args.kernel)
    load = os.getloadavg()[0]
    measure_rates(found, SIZES + DEPTHS, SG_SIZES, args.data_rounds)
    other = Data(args.also) if args.also else None
    if other:
        measure_rates(other, OTHER_SIZES, OTHER_SIZES, args.data_rounds)
    for sg, methods in ((False, ["blocking", "libaio", "copy", "mmap"]), (True, ["libaio", "mmap", "dmabuf"])):
        found.boot([["counters", {"methods": methods, "size": size, "depth": d, "count": n}] for d in (1, 16) for size, n in COUNTED], sg)
    found.boot([*(["latency", {"methods": ["kernel", "blocking", "copy", "mmap"], "size": size, "count": 2000, "rounds": 5}]
                  for size in (64, 4 * KIB)),
                ["memory", {"methods": ["copy", "mmap"], "size": 64 * KIB, "depth": 16}]])
    cpu = found.cpu(args.cpu_rounds)
    with open(f"{os.environ['FIGURES']}/data.json", "w", encoding="utf-8") as f:
        json.dump({"found": found.found, "cpu": [[*where, methods] for where, methods in cpu.items()]}, f)
    goals = judge(found, cpu)
    os.makedirs(args.doc, exist_ok=True)
    charts(found, args.doc)
    with open(f"{args.doc}/performance.md", "w", encoding="utf-8") as f:
        f.write(document(found, other, cpu, goals, load, args))
    print(goals.table())
    return [row[3] == "yes" for row in goals.rows]
