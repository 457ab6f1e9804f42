# SPDX-License-Identifier: GPL-2.0-or-later
"""lab/test: builds the project beside its tree and runs every test there is.

Three kinds of test programs, all of which speak TAP (lab/README.md has the rules):
what `make check` runs, tests/cli/test_* on this machine, and tests/lab/test_* in the lab.
Nothing is ever run twice because it failed.
"""

import argparse
import concurrent.futures
import fnmatch
import glob
import itertools
import json
import os
import re
import subprocess
import sys
import threading
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cache  # noqa: E402
from project import Error, SRC, WORK, build, copy_tree  # noqa: E402

PYTHON = "/usr/bin/python3"
# The keys of a `# lab:` line, with their defaults; a comma makes one boot per value.
KEYS = {"kernel": "6.12,6.1", "flavour": "normal", "speed": "super", "build": "plain", "udcs": "1",
        "vudcs": "0", "mem": "1G", "timeout": "120", "append": ""}
FLAGS = ("virtual-time", "stock")
HOST_TIMEOUT = 900
# Where the copied sources and the builds are for tests in the lab.
INSIDE = "/srv/ffsctl"
# Sanitizers: leaks cannot be looked for inside User-Mode Linux; everything else ends the program.
# What was freed is kept apart in 32 MiB, not 256: of more pieces than the machine lets a process map
# (vm.max_map_count) User-Mode Linux kills the program.
SANITIZER_ENV = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:exitcode=86:quarantine_size_mb=32",
                 "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=86"}


# Results


class Result:
    """What one test program did."""

    def __init__(self, name):
        self.name = name
        self.tests = []  # (outcome, name, detail), outcome one of passed, failed, skipped
        self.output = ""
        self.seconds = 0.0

    def add(self, outcome, name, detail=""):
        self.tests.append((outcome, name, detail))

    def count(self, outcome):
        return sum(t[0] == outcome for t in self.tests)


def parse_tap(result, text, status):
    """Reads TAP strictly: what does not fulfil its plan has failed."""
    plan, seen = None, 0
    for line in text.splitlines():
        m = re.fullmatch(r"1\.\.(\d+)(?:\s*#\s*(?:SKIP|skip)\S*\s*(.*))?", line.rstrip())
        if m:
            if plan is not None:
                result.add("failed", "plan", "two plans")
            plan = int(m.group(1))
            if plan == 0:
                result.add("skipped" if m.group(2) else "failed", "all", m.group(2) or "empty plan")
            continue
        m = re.match(r"(not )?ok\b\s*(\d+)?\s*(?:-\s*)?(.*)", line)
        if m:
            seen += 1
            name, _, directive = m.group(3).partition(" # ")
            if m.group(2) and int(m.group(2)) != seen:
                result.add("failed", "numbers", "test %s is the %dth" % (m.group(2), seen))
            if re.match(r"skip", directive, re.I) and not m.group(1):
                result.add("skipped", name, directive[4:].strip())
            else:
                result.add("failed" if m.group(1) else "passed", name)
        elif line.startswith("Bail out!"):
            result.add("failed", "bail out", line)
    if plan is None:
        result.add("failed", "plan", "no plan on stdout")
    elif plan != seen:
        result.add("failed", "plan", "%d tests of %d planned" % (seen, plan))
    if status != 0 and not result.count("failed"):
        result.add("failed", "exit status", "ended with %d" % status)


class Program:
    """A test program and how it is started."""

    def __init__(self, name, args, env, timeout, in_lab):
        self.name, self.args, self.env = name, args, env
        self.timeout, self.in_lab = timeout, in_lab

    def run(self):
        result = Result(self.name)
        start = time.monotonic()
        p = subprocess.Popen(self.args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                             stderr=subprocess.PIPE, env={**os.environ, **self.env}, cwd=SRC,
                             start_new_session=True)
        try:
            out, err = p.communicate(timeout=self.timeout)
        except subprocess.TimeoutExpired:
            os.killpg(p.pid, 9)
            out, err = p.communicate()
            result.add("failed", "time", "not done after %d s" % self.timeout)
        result.seconds = time.monotonic() - start
        text = out.decode(errors="replace")
        parse_tap(result, text, p.returncode)
        result.output = text + err.decode(errors="replace")
        return result


def env_for(build_name, work=WORK):
    env = {"FFSCTL_BUILD": os.path.join(work, build_name), "FFSCTL_SRC": os.path.join(work, "src"), "LC_ALL": "C.UTF-8",
           "PYTHONDONTWRITEBYTECODE": "1"}
    if build_name == "sanitize":
        env.update(SANITIZER_ENV)
    return env


def starter(path, name=None):
    """How to start a test program: Python ones by the interpreter that has our modules."""
    if path.endswith(".py"):
        return [PYTHON, "-B", name or path]
    if not os.access(path, os.X_OK):
        raise Error("%s is not executable" % path)
    return [name or path]


def variations(path):
    """One dict per boot that the `# lab:` lines in a file's head ask for."""
    lines = []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in itertools.islice(f, 60):
            m = re.match(r"\s*(?://|#|\*)\s*lab:\s+(.*)", line)
            if m:
                lines.append(m.group(1).split())
    out = []
    for words in lines or [[]]:
        values = dict(KEYS)
        flags = {}
        for word in words:
            key, eq, value = word.partition("=")
            if key in FLAGS and not eq:
                flags[key] = True
            elif key in KEYS and value:
                values[key] = value
            else:
                raise Error("%s: %s in a lab: line is not known" % (path, word))
        keys = list(values)
        for combination in itertools.product(*(values[k].split(",") for k in keys)):
            out.append({**dict(zip(keys, combination)), **flags})
    return out


def plain_only(path):
    """Whether a test says that other builds are nothing to it."""
    return re.search(rb"^# lab:.*\bbuild=plain\b", cache.read(path), re.M)


def lab_programs(args):
    for path in sorted(glob.glob(os.path.join(SRC, "tests/lab/test_*"))):
        if args.sanitize and plain_only(path):
            continue
        for v in variations(path):
            if args.kernel and v["kernel"] != args.kernel:
                continue
            build_name = "sanitize" if args.sanitize else v["build"]
            words = [v["kernel"], v["speed"]]
            words += [v[k] for k in ("flavour", "build") if v[k] != KEYS[k]]
            if args.sanitize and v["build"] != "sanitize":
                words.append("sanitize")
            words += ["%s=%s" % (k, v[k]) for k in ("udcs", "vudcs", "mem", "append") if v[k] != KEYS[k]]
            words += [f for f in FLAGS if f in v]
            # A name that every user may reach: workers drop to one, and a cache may be below /root
            options = ["--bind", WORK + ":" + INSIDE]
            for key in ("kernel", "flavour", "speed", "udcs", "vudcs", "mem"):
                options += ["--" + key, v[key]]
            options += ["--" + f for f in FLAGS if f in v]
            if v["append"]:
                options += ["--append", v["append"]]
            slow = (3 if v["flavour"] == "debug" else 1) * (2 if build_name == "sanitize" else 1)
            timeout = int(v["timeout"]) * slow
            name = os.path.relpath(path, SRC)
            src = os.path.join(INSIDE, "src")
            yield Program("%s [%s]" % (name, " ".join(words)),
                          [os.path.join(cache.LAB, "run"), *options, "--timeout", str(timeout), "--",
                           "env", "-C", src, *starter(path, os.path.join(src, name))],
                          env_for(build_name, INSIDE), timeout + 60, v)


def host_programs(args, built):
    if not args.sanitize:
        for kernel in cache.VERSIONS:
            if args.kernel in (None, kernel):
                yield Program("lab/selftest [%s]" % kernel,
                              [PYTHON, "-B", os.path.join(cache.LAB, "selftest")],
                              {"LAB_TEST_KERNEL": kernel}, HOST_TIMEOUT, None)
    for build_name in built:
        for path in sorted(glob.glob(os.path.join(SRC, "tests/cli/test_*"))):
            name = os.path.relpath(path, SRC)
            if os.path.exists(os.path.join(WORK, build_name, os.path.splitext(name)[0] + ".trs")):
                continue  # make check has run it
            if build_name != "plain" and plain_only(path):
                continue
            words = [build_name] if build_name != "plain" else []
            yield Program(" ".join([name] + ["[%s]" % w for w in words]), starter(path),
                          env_for(build_name), HOST_TIMEOUT, None)


def make_check(build_name):
    """`make check` of one build: the results that automake's test harness wrote down."""
    directory = os.path.join(WORK, build_name)
    for path in glob.glob(os.path.join(directory, "**/*.trs"), recursive=True):
        os.unlink(path)
    start = time.monotonic()
    env = {**os.environ, **env_for(build_name)}
    if build_name == "sanitize":
        # outside of the lab leaks are found
        env["ASAN_OPTIONS"] = "detect_leaks=1:exitcode=86"
    r = subprocess.run(["make", "-j%d" % os.cpu_count(), "check"], cwd=directory, env=env,
                       stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    results = []
    for path in sorted(glob.glob(os.path.join(directory, "**/*.trs"), recursive=True)):
        name = os.path.relpath(path, directory)[:-4]
        result = Result("%s [make check%s]" % (name, "" if build_name == "plain" else " " + build_name))
        for n, line in enumerate(cache.read(path).decode(errors="replace").splitlines()):
            m = re.match(r":test-result:\s*(\w+)\s*(.*)", line)
            if m:
                outcome = {"PASS": "passed", "XFAIL": "passed", "SKIP": "skipped"}.get(
                    m.group(1), "failed")
                result.add(outcome, m.group(2) or str(n))
        if not result.tests:
            result.add("failed", "results", "none written down")
        log = path[:-4] + ".log"
        if result.count("failed") and os.path.exists(log):
            result.output = cache.read(log).decode(errors="replace")
        results.append(result)
    whole = Result("make check [%s]" % build_name)
    whole.seconds = time.monotonic() - start
    if r.returncode and not any(x.count("failed") for x in results):
        whole.add("failed", "make check", "ended with %d" % r.returncode)
        whole.output = r.stdout.decode(errors="replace")[-20000:]
    elif not results:
        whole.add("failed", "make check", "ran no test")
    return results + [whole]


def expected_skips():
    """Patterns of `PROGRAM: TEST` in tests/expected-skips; words after # are the reason."""
    path = os.path.join(SRC, "tests/expected-skips")
    if not os.path.exists(path):
        return []
    lines = (l.partition("#")[0].strip() for l in cache.read(path).decode().splitlines())
    return [l for l in lines if l]


class Report:
    def __init__(self):
        self.total = {"passed": 0, "failed": 0, "skipped": 0}
        self.unexpected = 0
        self.skips = expected_skips()
        self.lock = threading.Lock()

    def take(self, result):
        with self.lock:
            bad = []
            for outcome, name, detail in result.tests:
                self.total[outcome] += 1
                full = "%s: %s" % (result.name, name)
                if outcome == "failed":
                    bad.append("    failed: %s%s" % (name, " (%s)" % detail if detail else ""))
                elif outcome == "skipped" and not any(
                        fnmatch.fnmatchcase(full, s) for s in self.skips):
                    self.unexpected += 1
                    bad.append("    skipped, not in tests/expected-skips: %s (%s)" % (name, detail))
            if not result.tests and not result.seconds:
                return
            print("%-6s %4d  %s  %.1f s" % ("FAILED" if bad else "ok", len(result.tests), result.name,
                                            result.seconds))
            if bad:
                print("\n".join(bad))
                for line in result.output.splitlines():
                    print("    | " + line)
            sys.stdout.flush()

    def finish(self):
        if self.unexpected:
            print("%d skipped without being expected to be: that fails the run" % self.unexpected)
        print("%(passed)d passed, %(failed)d failed, %(skipped)d skipped" % self.total, flush=True)
        nothing = not any(self.total.values())
        return 1 if self.total["failed"] or self.unexpected or nothing else 0


def durations():
    """How long each program took the last time, by name."""
    try:
        return json.loads(cache.read(os.path.join(WORK, "durations")))
    except (FileNotFoundError, ValueError):
        return {}


def selected(name, patterns):
    return not patterns or any(p in name or fnmatch.fnmatchcase(name, p) for p in patterns)


def main():
    p = argparse.ArgumentParser(prog="lab/test", description="Builds the project and runs every "
                                "test. Ends with: N passed, N failed, N skipped.")
    # A lab that waits, for a device to be enumerated or for a deadline, leaves its core idle
    p.add_argument("--jobs", type=int, default=2 * os.cpu_count(),
                   help="test programs side by side (two per core)")
    p.add_argument("--only", action="append", metavar="PATTERN",
                   help="only programs with this in their name (or a glob of it); may be repeated")
    p.add_argument("--kernel", choices=cache.VERSIONS, help="only on this version")
    p.add_argument("--sanitize", action="store_true",
                   help="the tests in the lab against a build with sanitizers")
    p.add_argument("--list", action="store_true", help="print the programs' names and stop")
    args = p.parse_args()
    report = None
    try:
        copy_tree()
        programs = list(lab_programs(args))
        if args.list:
            for program in list(host_programs(args, ["plain"])) + programs:
                print(program.name)
            return 0
        report = Report()
        programs = [x for x in programs if selected(x.name, args.only)]
        need = {(x.in_lab["kernel"], x.in_lab["flavour"]) for x in programs}
        if not args.only or any("selftest" in o for o in args.only):
            need.update(itertools.product([args.kernel] if args.kernel else cache.VERSIONS,
                                          cache.FLAVOURS))
        for kernel, flavour in sorted(need, reverse=True):
            if subprocess.run([os.path.join(cache.LAB, "setup"), "--kernel", kernel, "--flavour",
                               flavour]).returncode:
                raise Error("lab/setup failed")
        builds = ["plain", "sanitize"]
        if args.only:
            builds = sorted({os.path.basename(x.env["FFSCTL_BUILD"]) for x in programs} | {"plain"})
            if not programs and all("selftest" in o for o in args.only):
                builds = []
        if builds:
            build(*builds)
        start = time.monotonic()
        for name in builds:
            if not args.only or any("make check" in o for o in args.only):
                for result in make_check(name):
                    report.take(result)
        hosted = [x for x in host_programs(args, builds) if selected(x.name, args.only)]
        # The longest first, so that no core idles at the end; unknown ones may be long
        took = durations()
        todo = sorted(hosted + programs, key=lambda x: -took.get(x.name, 1e9))
        with concurrent.futures.ThreadPoolExecutor(args.jobs) as pool:
            for done in concurrent.futures.as_completed(
                    [pool.submit(x.run) for x in todo]):
                report.take(done.result())
                took[done.result().name] = done.result().seconds
        with open(os.path.join(WORK, "durations"), "w") as f:
            json.dump(took, f)
        print("lab/test: the tests took %.0f s" % (time.monotonic() - start))
    except Error as e:
        print("lab/test: %s" % e, flush=True)
        report = report or Report()
        report.total["failed"] += 1
    return report.finish()


if __name__ == "__main__":
    sys.exit(main())
