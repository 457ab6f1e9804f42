# SPDX-License-Identifier: GPL-2.0-or-later
"""lab/test: builds the project outside of its tree and runs its tests on real kernels.

There are three kinds of test programs (lab/README.md): the programs of `make check`, tests/cli/test_* on this
machine, and tests/lab/*/test_* in the lab. All test programs print TAP. A failed test is never repeated.
"""

import argparse
import os
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cache  # noqa: E402
import costs  # noqa: E402
import differences  # noqa: E402
import mutants  # noqa: E402
import progress  # noqa: E402
import run  # noqa: E402
from programs import (ALL_KERNELS, QEMU, check_programs, choose, build_what_programs_need, host_programs, lab_programs, make_checks,  # noqa: E402
                      part_of, selftested)
from project import CROSS, SRC, build, compile_tests, copy_tree  # noqa: E402
from results import Report  # noqa: E402
from schedule import Schedule, Speed, processor_time  # noqa: E402
from steps import Error, kernel_argument, part_argument  # noqa: E402

WHO = "lab/test"
# Goals for the time of a run. The unit is T, the time of a fork and exec in the lab (lab/README.md)
BUDGET = {"tier 1": 100_000, "--all": 350_000}
# A program is reported if its time is more than 1/50 of the time of all programs
SHARE = 50
BUILDS = ("plain", "sanitize")
LAB_BUILDS = (*BUILDS, "without-libusbgx", *CROSS)


def kernels_needed(programs, args):
    """Returns the needed kernels, as in Program.needs, in the order in which they are made."""
    need = {p.needs for p in programs}
    if not args.qemu and not args.table and not args.build and (not args.only or any("selftest" in o for o in args.only)):
        # The lab's own tests need several kernels: they plant faults that only the debug flavour detects, and load the
        # stock modules
        for version in selftested(args.all, args.kernel):
            need.update(((version, "normal", "patched"), (version, "normal", "stock"),
                         (version, "debug", "patched" if args.all else cache.BASIC)))
    return sorted(need, key=lambda n: (n[1] == QEMU, n[1] == "debug", n[0] != "6.12", n[2] == "stock"))


def setup(need):
    version, flavour, variant, *models = need
    kind = ["--qemu", "--flavour", "normal"] if flavour == QEMU else ["--flavour", flavour]
    kind += ["--" + word for word in models]
    if subprocess.run([os.path.join(cache.LAB, "setup"), "--kernel", version, *kind, "--" + variant]).returncode:
        raise Error("lab/setup failed")


class Bar:
    """Shows the line with the progress while test programs run."""

    def __init__(self, programs, expected, schedule):
        self.line = progress.Line(sys.stdout)
        self.expected, self.schedule = expected, schedule
        self.usual = sum(expected.values()) / len(expected) if expected else 5.0
        self.all = {p.name: self.cost(p.name) for p in programs}
        self.done = set()
        self.ended = threading.Event()
        self.thread = threading.Thread(target=self.redraw, daemon=True)

    def cost(self, name):
        return self.expected.get(name, self.usual)

    def text(self):
        whole = sum(self.all.values()) or 1.0
        done = sum(self.all[n] for n in self.done)
        left = (whole - done) / self.schedule.jobs
        names = " ".join(sorted(p.name.split("/")[-1] for p in list(self.schedule.running)))
        return "%s: %d of %d programs, %d%%, %s left: %s" % (
            WHO, len(self.done), len(self.all), 100 * done / whole, progress.duration(left), names)

    def redraw(self):
        while not self.ended.wait(1):
            self.line.draw(self.text())

    def take(self, result, report):
        self.line.clear()
        report.take(result)
        self.done.update({result.name} & self.all.keys())

    def __enter__(self):
        if self.line.tty:
            self.thread.start()
        return self

    def __exit__(self, *_):
        self.ended.set()
        if self.line.tty:
            self.thread.join()
        self.line.clear()


def run_programs(programs, kernels, args, report, speed):
    """Runs the programs, and builds missing kernels in parallel."""
    took = progress.history()
    first = kernels[0] if kernels else None
    schedule = Schedule(args.jobs, speed, first[0] if first else "6.12")
    # The programs that took longest in their last run start first, so that no core is idle at the end. A program that
    # has never run starts before all of them, because it may take longer than they do
    todo = sorted(programs, key=lambda x: -took.get(x.name, 1e9))

    def make_kernels():
        try:
            for need in kernels:
                setup(need)
                schedule.ready(need)
            schedule.ready(ALL_KERNELS)
        except Error as e:
            schedule.stop(e)

    if first:
        setup(first)
        schedule.ready(first)
        speed.measure(schedule.cores[0], first[0])
    maker = threading.Thread(target=make_kernels)
    maker.start()
    new = {}
    with Bar(todo, {k: took[k] for k in took if any(k == p.name for p in todo)}, schedule) as bar:
        def done(results):
            for result in results:
                bar.take(result, report)
                if result.seconds:
                    new[result.name] = round(result.seconds, 1)
                if args.first_failure and result.count("failed"):
                    schedule.stop()

        try:
            schedule.run(todo, done)
        finally:
            maker.join()
            progress.remember(new)


def summary(speed, start, before, report, args):
    """Prints the time of the run, in seconds and in T (see BUDGET), and the programs that took more than 1/SHARE of the
    time of all programs."""
    took = time.monotonic() - start
    whole, stolen = (now - then for now, then in zip(processor_time(), before))
    text = "%s: %s" % (WHO, progress.duration(took))
    if stolen > whole / 100:
        text += ", %.0f %% of the processors given to other machines" % (100 * stolen / whole)
    if speed.t():
        text += ", %.0f T (T = %.2f ms, null system call %.1f µs, medians of %d samples)" % (
            took / (speed.t() / 1e9), speed.t() / 1e6, speed.call() / 1e3, len(speed.samples))
        if not args.only and not args.kernel and not args.build and not args.qemu and not args.table:
            text += ", goal %d T" % (BUDGET["--all" if args.all else "tier 1"] // args.part[1])
    print(text)
    if not args.only:
        whole = sum(r.seconds for r in report.results)
        for r in report.results:
            if r.seconds > whole / SHARE and "make check" not in r.name:
                print("%s: %s took %.1f s, more than 1/%d of all programs together" % (WHO, r.name, r.seconds, SHARE))


def parse():
    p = argparse.ArgumentParser(prog="lab/test", description="Builds the project and runs its "
                                "tests. Ends with: N passed, N failed, N skipped.")
    p.add_argument("--all", action="store_true", help="every combination of kernel, speed, flavour and build, "
                   "not only the fastest one for each behaviour")
    # Two programs per core, because a lab that waits for a file or for a time leaves its core idle
    p.add_argument("--jobs", type=int, help="test programs in parallel (two per core; with --qemu one)")
    p.add_argument("--only", action="append", metavar="PATTERN",
                   help="only programs whose name contains or matches PATTERN (a glob); PATTERN:NAME: only their tests "
                   "of function NAME; may be repeated")
    p.add_argument("--part", type=part_argument, default=(1, 1), metavar="N/M", help="only the N-th of M parts of about "
                   "the same length: a run of hours in several sittings")
    p.add_argument("--kernel", type=kernel_argument, help="only on this version; NAME of lab/setup --tree: what runs on "
                   "6.12, on this tree")
    p.add_argument("--build", choices=LAB_BUILDS, help="run the tests in the lab with this build; i386: on a 32-bit kernel")
    p.add_argument("--sanitize", action="store_const", const="sanitize", dest="build", help="--build sanitize")
    p.add_argument("--qemu", action="store_true", help="run the programs of the lab, and only these, on Debian's kernels in "
                   "emulated machines of two processors: those for the normal flavour and the plain build. Takes hours. --list prints what is left out, and why")
    p.add_argument("--stock", action="store_true", help="run the programs of the lab, and only these, once on each kernel "
                   "without our patches. What fails must be in %s" % differences.STOCK)
    p.add_argument("--udc", choices=run.MODELS, help="run the programs of the lab, and only these, once on each kernel with this "
                   "driver on a model of its UDC. What fails must be in %s" % differences.UDC)
    p.add_argument("--list", action="store_true", help="print the names of the programs that --only selects, and exit")
    p.add_argument("--first-failure", action="store_true", help="start no more programs after a failure")
    p.add_argument("--mutant", metavar="NAME", help="plant this defect of tests/mutants in the copied sources (lab/mutants)")
    p.add_argument("--profile", action="store_true", help="print a table of where the time was spent")
    p.add_argument("--save", metavar="FILE", help="write the results to FILE, for lab/compare")
    args = p.parse_args()
    if args.qemu and args.build:
        p.error("--qemu excludes --build and --sanitize")
    if (args.stock or args.udc) and (args.qemu or args.build or args.stock and args.udc):
        p.error("--stock and --udc exclude each other, --qemu, --build and --sanitize")
    if args.qemu and args.kernel not in (None, *cache.VERSIONS):
        p.error("--qemu has the kernels %s, not one of lab/setup --tree" % " and ".join(cache.VERSIONS))
    if args.jobs is None:
        # An emulated machine of two processors uses two cores
        args.jobs = 1 if args.qemu else 2 * os.cpu_count()
    # The table of what differs from a run without these options
    args.table = differences.STOCK if args.stock else differences.UDC if args.udc else None
    return args


def builds_of(programs):
    return {os.path.basename(x.env["FFSCTL_BUILD"]) for x in programs}


def builds_checked(programs, args):
    """Returns the builds for which this run may include programs of `make check` and tests/cli. --only can still exclude
    some or all of these programs."""
    if args.qemu or args.table or args.build in CROSS:
        return ()
    if not args.only:
        return BUILDS if args.build in (None, "sanitize") else (args.build,)
    if not programs and all("selftest" in o for o in args.only):
        return ()
    named = {name for name in BUILDS for pattern in args.only if name in pattern}
    return sorted(builds_of(programs) & {*BUILDS, args.build} | named | {"plain"})


def main():
    args = parse()
    start, before = time.monotonic(), processor_time()
    report, speed = None, Speed()
    try:
        copy_tree(mutants.find(args.mutant) if args.mutant else None)
        programs = list(lab_programs(args.all, args.kernel, args.build, args.qemu, args.stock, args.udc))
        if args.list:
            others = [] if args.qemu or args.table else list(host_programs({"plain": []}, args.all, args.kernel, args.build))
            for program in part_of(choose(others, args.only), args.part) + part_of(choose(programs, args.only), args.part):
                print(program.name + (": left out: " + program.left_out if program.left_out else ""))
            return 0
        compile_tests()
        report = Report(differences.Differences(os.path.join(SRC, args.table)) if args.table else None)
        chosen = part_of(choose(programs, args.only), args.part)
        programs = [p for p in chosen if not p.left_out]
        if len(programs) < len(chosen):
            print("lab/test: %d of %d programs left out; --list prints why" % (len(chosen) - len(programs), len(chosen)))
        builds = builds_checked(programs, args)
        # tests/lab/configfs/test_backends.py compares a build with the plain one
        needed = {*builds, *builds_of(programs)}
        needed |= {"plain"} if builds or needed & CROSS.keys() else set()
        if needed:
            build(*sorted(needed), lenient=bool(args.mutant))
        build_what_programs_need(programs)
        checked = {name: check_programs(name) for name in builds}
        if not args.qemu and not args.table:
            programs += part_of(choose(host_programs(checked, args.all, args.kernel, args.build), args.only), args.part)
        whole = [pattern for pattern in args.only or () if ":" not in pattern]
        if whole or not args.only:  # make cannot select a test within a program
            programs += part_of(make_checks(checked, whole, bool(args.mutant), args.all), args.part)
        if not programs:
            raise Error("--only selects nothing (tests of a program of `make check` alone: TEST.py NAME, in a build)")
        run_programs(programs, kernels_needed([p for p in programs if p.combination], args), args, report, speed)
    except (Error, mutants.Bad, differences.Bad) as e:
        print("lab/test: %s" % e, flush=True)
        report = report or Report()
        report.total["failed"] += 1
    if args.save:
        report.save(args.save)
    if args.profile:
        print("\n".join(costs.format_table(report.results)))
    summary(speed, start, before, report, args)
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
