# SPDX-License-Identifier: GPL-2.0-or-later
"""The test programs, the combinations in which they run, and how to run one.

A combination is a kernel, a speed, a flavour, a build and so on. A test program has its combinations in `# lab:` lines at
its start (lab/README.md). lab/test boots a lab for each line, or several labs if a value has a comma. `# lab all:`
lines have more combinations, in which only lab/test --all runs the program.
"""

import fnmatch
import functools
import glob
import itertools
import json
import os
import re
import select
import subprocess
import tempfile
import time

import cache
import differences
import machines
from project import (CROSS, INSIDE, KERNEL_OF, LENIENT, SRC, WITHOUT_FFSBENCH, WORK, build_installed, build_old,
                     build_packages, environment)
from results import Result, parse_tap
from steps import Error

PYTHON = "/usr/bin/python3"
# The keys of a `# lab:` line, with their defaults. A value with commas is a list, with one boot for each element.
KEYS = {"kernel": "6.12", "flavour": "normal", "speed": "super", "build": "plain", "udc": "dummy", "udcs": "1",
        "vudcs": "0", "mem": "1G", "timeout": "120", "append": "", "parts": "1"}
# Flags of these lines that make lab/test build something first: {flag: (the function that builds it and returns the
# directory, or None if it cannot be built; where this directory is in the lab; an environment variable of the test, and its
# value)}
BUILT_FIRST = {"old": (build_old, "/srv/ffsctl-old", "FFSCTL_OLD", "/srv/ffsctl-old/ffsctl"),
               "packages": (build_packages, "/srv/packages", "FFSCTL_PACKAGES", "/srv/packages"),
               "installed": (build_installed, "/srv/installed", "FFSCTL_INSTALLED", "/srv/installed"),
               "machines": (machines.make, "/srv/machines", "FFSCTL_MACHINES", "/srv/machines"),
               "machines-arm64": (functools.partial(machines.make, "arm64"), "/srv/machines", "FFSCTL_MACHINES", "/srv/machines")}
FLAGS = ("real-time", "stock", *BUILT_FIRST)
LINE = re.compile(r"\s*(?://|#|\*)\s*lab( all)?:\s+(.*)")
NEVER = ["none"]  # of a `# lab:` line: only lab/test --all runs the program
HEAD = 60  # `# lab:` lines must be among the first 60 lines of a file
HOST_TIMEOUT = 900
# The flavour in Program.needs of the kernels that lab/run --qemu boots
QEMU = "qemu"
# lab/test --qemu: the number of emulated processors, and how many times slower they are than User-Mode Linux
QEMU_CPUS, QEMU_SLOWNESS = 2, 25
# A program that cannot run with lab/test --qemu, with the builds of packaging/cross, or with that of i386, has a line at its
# start, with the reason: `# lab qemu: no, REASON`, `# lab cross: no, REASON` or `# lab i386: no, REASON`. `# lab stock: no,
# REASON` and `# lab udc: no, REASON`: it has nothing to test with lab/test --stock or --udc
LEFT_OUT = re.compile(r"^# lab (qemu|cross|i386|stock|udc): no, (.+)$", re.M)
# Number of parts of the lab's own tests, like "parts=" of other tests
SELFTEST_PARTS = 3
# Value of Program.needs for programs that run on this machine, but need all kernels, because they start lab/run or read
# the sources of the kernels.
ALL_KERNELS = "all kernels"
# A program of tests/cli that needs all kernels has this line at its start. (lab/selftest does not need the line.)
WANTS_KERNELS = re.compile(rb"^# lab needs: kernels$", re.M)
# Options of the sanitizers. LeakSanitizer is off, because it does not work in User-Mode Linux. Each error that
# AddressSanitizer or UBSan finds ends the program. At most 32 MiB of freed memory (default: 256) stay in quarantine,
# because each page of a program in User-Mode Linux may need a mapping on this machine, and a program that exceeds the
# limit of mappings (vm.max_map_count) is killed.
SANITIZER_ENV = {"ASAN_OPTIONS": "detect_leaks=0:abort_on_error=0:exitcode=86:quarantine_size_mb=32",
                 "UBSAN_OPTIONS": "print_stacktrace=1:halt_on_error=1:exitcode=86"}


def in_lab_needs(v, everything):
    """Returns the kernel that a program needs for the combination `v`. Without --all, a program for the debug flavour
    gets the kernel of lab/run --basic, because that is built faster."""
    variant = "stock" if "stock" in v else cache.BASIC if v["flavour"] == "debug" and not everything else "patched"
    return v["kernel"], QEMU if "qemu" in v else v["flavour"], variant, *["udc"] * (v["udc"] != KEYS["udc"])


class Program:
    """A test program and one combination in which it runs."""

    def __init__(self, name, args, env, timeout, combination, needs=None, slowness=1):
        self.name, self.args, self.env = name, args, env
        # How many times slower the program is on a machine of QEMU
        self.slowness = slowness
        # What the program needs to run: a kernel as (version, flavour, variant), or (version, flavour, variant, "udc") with the
        # models of lab/udc; ALL_KERNELS, or None
        self.needs = needs
        self.timeout = timeout  # in seconds, on the reference machine
        # An element of variations(): the program runs in the lab, with this kernel and these options. None: the program
        # runs on this machine
        self.combination = combination
        self.left_out = None  # why lab/test does not run this program

    def run(self, core=None, patience=1.0):
        """Runs the program on a core (None: any core). Its time-out is multiplied by `patience`."""
        result = Result(self.name)
        start = time.monotonic()
        patience *= self.slowness
        env = {**os.environ, **self.env, "LAB_PATIENCE": "%.2f" % patience}
        args = list(self.args)
        limit = self.timeout * patience
        with tempfile.TemporaryDirectory(prefix="lab-test-") as directory:
            if self.combination:
                # lab/run pins User-Mode Linux, which runs the program, to this core. lab/run itself uses any core
                if core is not None:
                    env["LAB_CORE"], core = str(core), None
                args[1:1] = ["--timeout", "%d" % limit]
                limit += 60 * patience  # time for the boot, and for lab/run to report what hangs
                env["LAB_PROFILE"] = os.path.join(directory, "profile")
            first, text, errors, status = communicate(args, env, core, limit)
            if self.combination and os.path.exists(env["LAB_PROFILE"]):
                result.profile = json.loads(cache.read(env["LAB_PROFILE"]))
                if first is not None:
                    result.profile["start"] = max(0.0, first - start - result.profile["boot"])
        if status is None:
            result.add("failed", "time", "not done after %d s" % limit)
        result.seconds = time.monotonic() - start
        return self.results(result, text, errors, -9 if status is None else status)

    def results(self, result, text, errors, status):
        """Returns the results of a run, computed from its output and its exit status."""
        parse_tap(result, text, status)
        result.output = text + errors
        return [result]


class MakeCheck(Program):
    """`make check` of one build, with all its programs or with some of them."""

    def __init__(self, build_name, goals, lenient, everything):
        self.build_name, self.directory = build_name, os.path.join(WORK, build_name)
        env = {**environment(), **env_for(build_name), **tier_environment(everything)}
        if build_name == "sanitize":
            # LeakSanitizer works outside of the lab
            env["ASAN_OPTIONS"] = "detect_leaks=1:exitcode=86"
        # No -j, because parallel jobs would take processor time from the other programs on this core
        super().__init__("make check [%s]" % build_name,
                         ["make", "-C", self.directory, "check", *goals] + LENIENT * lenient, env, HOST_TIMEOUT, None)

    def written(self):
        """Returns the result files that automake's test harness has written, one for each test program."""
        return sorted(glob.glob(os.path.join(self.directory, "**/*.trs"), recursive=True))

    def run(self, core=None, patience=1.0):
        for path in self.written():
            os.unlink(path)
        return super().run(core, patience)

    def results(self, result, text, errors, status):
        """Returns a result for each test program, and one for make itself."""
        found = []
        for path in self.written():
            one = Result(check_name(os.path.relpath(path, self.directory), self.build_name))
            for n, line in enumerate(cache.read(path).decode(errors="replace").splitlines()):
                m = re.match(r":test-result:\s*(\w+)\s*(.*)", line)
                if m:
                    outcome = {"PASS": "passed", "XFAIL": "passed", "SKIP": "skipped"}.get(m.group(1), "failed")
                    one.add(outcome, m.group(2) or str(n))
            if not one.tests:
                one.add("failed", "results", "none written down")
            log = path[:-4] + ".log"
            if one.count("failed") and os.path.exists(log):
                one.output = cache.read(log).decode(errors="replace")
            found.append(one)
        if status and not any(x.count("failed") for x in found):
            result.add("failed", "make check", "ended with %d" % status)
        elif not found:
            result.add("failed", "make check", "ran no test")
        if result.count("failed"):
            result.output = (text + errors)[-20000:]
        return found + [result]


def communicate(args, env, core, limit):
    """Runs a command. Returns (time of its first output, stdout, stderr, exit status). The exit status is None if the
    command was killed at the time limit."""
    p = subprocess.Popen(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                         env=env, cwd=SRC, start_new_session=True)
    if core is not None:
        os.sched_setaffinity(p.pid, {core})
    end = time.monotonic() + limit
    first, killed = None, False
    got = {p.stdout.fileno(): [], p.stderr.fileno(): []}
    open_files = set(got)
    while open_files:
        left = end - time.monotonic()
        if left <= 0 and not killed:
            os.killpg(p.pid, 9)
            killed, end = True, time.monotonic() + 10  # a descendant of the command may still have the pipe open
        elif left <= 0:
            break
        for fd in select.select(open_files, [], [], max(0.0, left))[0]:
            data = os.read(fd, 65536)
            if not data:
                open_files.discard(fd)
            if data and first is None and fd == p.stdout.fileno():
                first = time.monotonic()
            got[fd].append(data)
    out, err = (b"".join(got[f.fileno()]).decode(errors="replace") for f in (p.stdout, p.stderr))
    p.stdout.close()
    p.stderr.close()
    try:
        status = p.wait(None if killed else max(0.1, end - time.monotonic()))
    except subprocess.TimeoutExpired:
        os.killpg(p.pid, 9)
        p.wait()
        killed = True
    return first, out, err, None if killed else status


def env_for(build_name, work=WORK):
    env = {"FFSCTL_BUILD": os.path.join(work, build_name), "FFSCTL_SRC": os.path.join(work, "src"), "LC_ALL": "C.UTF-8",
           "PYTHONDONTWRITEBYTECODE": "1"}
    if build_name == "sanitize":
        env.update(SANITIZER_ENV)
    if build_name in WITHOUT_FFSBENCH:
        env["FFSCTL_HOST_BUILD"] = os.path.join(work, WITHOUT_FFSBENCH[build_name])
    return env


def arguments_to_start(path, name=None):
    """Returns the arguments that start a test program. Python programs are started with the interpreter that has the
    needed modules."""
    if path.endswith(".py"):
        return [PYTHON, "-B", name or path]
    if not os.access(path, os.X_OK):
        raise Error("%s is not executable" % path)
    return [name or path]


def expand(path, words):
    """Yields the combinations of a `# lab:` line, as dicts of all keys and of the flags that are set."""
    values, flags = dict(KEYS), {}
    for word in words:
        key, eq, value = word.partition("=")
        if key in FLAGS and not eq:
            flags[key] = True
        elif key in KEYS and (value or key == "append"):
            values[key] = value
        else:
            raise Error("%s: unknown word '%s' in a lab: line" % (path, word))
    keys = list(values)
    for combination in itertools.product(*(values[k].split(",") for k in keys)):
        v = {**dict(zip(keys, combination)), **flags}
        if v["udc"] != KEYS["udc"] and v["speed"] == KEYS["speed"]:
            v["speed"] = "high"
        for part in range(1, int(v["parts"]) + 1):
            yield {**v, "part": "%d/%s" % (part, v["parts"])}


def variations(path, everything):
    """Returns the combinations of a test, one dict for each boot; with `everything` also those of --all."""
    lines = []
    with open(path, encoding="utf-8", errors="replace") as f:
        for line in itertools.islice(f, HEAD):
            m = LINE.match(line)
            if m:
                lines.append((bool(m.group(1)), m.group(2).split()))
    if not any(not more for more, _ in lines):
        lines.insert(0, (False, []))
    out, seen = [], {}
    for n, (more, words) in enumerate(lines):
        if (more and not everything) or words == NEVER:
            continue
        for v in expand(path, words):
            # Leave out a combination that an earlier line has, too, perhaps with another time-out or number of parts
            key = tuple(sorted((k, x) for k, x in v.items() if k not in ("timeout", "part", "parts")))
            if seen.setdefault(key, n) == n:
                out.append(v)
    return out


def runs_only_with_plain_build(path, everything):
    """Returns whether a test runs only with the build "plain", and not with "sanitize"."""
    text = cache.read(path)
    if everything and re.search(rb"^# lab all:.*\bbuild=plain,sanitize\b", text, re.M):
        return False
    return re.search(rb"^# lab(?: all)?:.*\bbuild=plain\b", text, re.M)


def why_left_out(path, v, build_name):
    """Returns why this run does not have a combination of a test, or None if it has."""
    if "qemu" in v and v["flavour"] != KEYS["flavour"]:
        return "Debian's kernel is of the normal flavour"
    if "qemu" in v and v["udc"] != KEYS["udc"]:
        return "--qemu has no models of UDCs"
    if "qemu" in v and build_name != KEYS["build"]:
        return "--qemu runs the plain build"
    if v["flavour"] != KERNEL_OF.get(build_name, v["flavour"]):
        return "the kernel of this build has no flavour %s" % v["flavour"]
    if v["flavour"] == cache.I386 and not cache.has_i386(v["kernel"]):
        return "Linux %s has no flavour i386" % v["kernel"]
    with open(path, encoding="utf-8", errors="replace") as f:
        reasons = dict(LEFT_OUT.findall("".join(itertools.islice(f, HEAD))))
    asked = [word for word in ("qemu", "stock") if word in v] + ["udc"] * (v["udc"] != KEYS["udc"])
    left_out = [word for word in asked if word in reasons]
    if left_out:
        return reasons[left_out[0]]
    return (build_name in CROSS and reasons.get("cross")) or reasons.get(build_name)


def lab_program(path, v, everything, forced):
    build_name = forced or v["build"]
    words = [v["kernel"], v["speed"]]
    words += [v["flavour"]] * (v["flavour"] not in (KEYS["flavour"], build_name))
    words += [build_name] * (build_name != KEYS["build"])
    words += ["%s=%s" % (k, v[k]) for k in ("udc", "udcs", "vudcs", "mem", "append") if v[k] != KEYS[k]]
    words += [f for f in FLAGS if f in v]
    words += ["part=" + v["part"]] * (v["part"] != "1/1")
    words += ["qemu"] * ("qemu" in v)
    # In the lab WORK is also available as INSIDE, which every user can open. Workers do not run as root, and WORK may
    # be below /root
    options = ["--bind", WORK + ":" + INSIDE]
    for key in ("kernel", "flavour", "speed", "udc", "udcs", "vudcs", "mem"):
        options += ["--" + key, v[key]]
    options += ["--stock"] * ("stock" in v)
    if "qemu" in v:
        options += ["--qemu", "--cpus", str(QEMU_CPUS)]
    elif "real-time" not in v:
        options.append("--virtual-time")
    needs = in_lab_needs(v, everything)
    options += ["--basic"] * (needs[2] == cache.BASIC)
    if v["append"]:
        options += ["--append", v["append"]]
    slow = (3 if v["flavour"] == "debug" else 1) * (2 if build_name == "sanitize" else 1)
    name = os.path.relpath(path, SRC)
    src = os.path.join(INSIDE, "src")
    env = {**env_for(build_name, INSIDE), "TAP_PART": v["part"], **tier_environment(everything)}
    program = Program("%s [%s]" % (name, " ".join(words)),
                      [os.path.join(cache.LAB, "run"), *options, "--",
                       "env", "-C", src, *arguments_to_start(path, os.path.join(src, name))],
                      env, int(v["timeout"]) * slow, v, needs, QEMU_SLOWNESS if "qemu" in v else 1)
    program.left_out = why_left_out(path, v, build_name)
    return program


def build_what_programs_need(programs):
    """Builds what the programs with a flag of BUILT_FIRST need. Adds the directory and the environment variable to these
    programs."""
    for flag, (make, inside, variable, value) in BUILT_FIRST.items():
        asking = [p for p in programs if p.combination and flag in p.combination]
        directory = make() if asking else None
        for program in asking:
            if directory:
                program.args[1:1] = ["--bind", directory + ":" + inside]
                program.env[variable] = value


def tier_environment(everything):
    """Returns the environment variable by which a test detects lab/test --all (tests/lab/lib/tap.py)."""
    return {"LAB_TIER": "all" if everything else "1"}


def selected(name, patterns):
    return not patterns or any(p in name or fnmatch.fnmatchcase(name, p) for p in patterns)


def choose(programs, only):
    """Yields the programs that match `only`, the patterns of --only. PATTERN:NAME selects the tests of the Python function
    NAME. With such a pattern, only the first part of a program with "parts=" runs: each part would run all tests of
    the function."""
    for program in programs:
        found = [pattern.partition(":")[2] for pattern in only or [""] if selected(program.name, [pattern.partition(":")[0]])]
        if found and all(found):
            if not program.env.get("TAP_PART", "1/1").startswith("1/"):
                continue
            program.args += found
            program.name += " " + ", ".join(found)
        if found:
            yield program


def part_of(programs, part):
    """Returns the programs of a part, (N, M) for the N-th of M parts. Each program is in one part, and the combinations of
    a program are in different ones."""
    number, count = part
    return list(programs)[number - 1::count]


def check_programs(build_name):
    """Returns the programs of `make check` of a build: TESTS of make."""
    r = subprocess.run(["make", "-s", "--eval", "print-tests: ; @echo $(TESTS)", "print-tests"],
                       cwd=os.path.join(WORK, build_name), stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, text=True)
    return r.stdout.split()


def check_name(test, build_name):
    return "%s [make check%s]" % (os.path.splitext(test)[0], "" if build_name == "plain" else " " + build_name)


def builds_of_check(test):
    """Returns the builds with which lab/test runs a program of `make check`: those of its line "# lab:", or the sanitized
    one."""
    found = test.endswith(".py") and re.search(rb"^# lab:.*\bbuild=(\S+)", cache.read(os.path.join(SRC, test)), re.M)
    return found[1].decode().split(",") if found else ["sanitize"]


def make_checks(checked, only, lenient, everything):
    """Yields one `make check` for each build, limited to the programs that match `only`. `checked` is {build: names of
    the programs of its `make check`}. If `only` is empty and `everything` is False, each program runs with the builds of its
    line "# lab:"; with all of them, each build runs all programs."""
    for build_name, tests in checked.items():
        chosen = tests
        if only:
            chosen = [t for t in tests if selected(check_name(t, build_name), only) or selected(t + " [make check]", only)]
        elif len(checked) > 1 and not everything:
            chosen = [t for t in tests if build_name in builds_of_check(t)]
        if not chosen:
            continue
        goals = []
        if chosen != tests:
            goals = ["TESTS=" + " ".join(chosen)]
            # Build only the chosen programs, unless a test of tests/fuzz/ was chosen: only the Makefile knows which
            # programs such a test needs
            if not any(t.startswith("tests/fuzz/") for t in chosen):
                goals.append("check_PROGRAMS=" + " ".join(t for t in chosen if t.startswith("tests/unit/")))
        yield MakeCheck(build_name, goals, lenient, everything)


def lab_programs(everything, kernel=None, forced=None, qemu=False, on_stock=False, udc=None):
    """Returns the programs that run in the lab. If `forced` is the name of a build, it replaces the plain build, and
    programs for other builds are left out. With `qemu` the programs run in machines of QEMU; those that cannot have a
    reason in Program.left_out. With `on_stock` each program runs once on each kernel, without our patches; with `udc` once on
    each kernel, with this driver on a model of its UDC."""
    seen = set()
    for path in sorted(glob.glob(os.path.join(SRC, "tests/lab/[!_]*/test_*"))):  # no __pycache__
        if forced == "sanitize" and runs_only_with_plain_build(path, everything):
            continue
        found = variations(path, everything or on_stock or udc)
        if on_stock:
            found = differences.stock_combinations(found)
        elif udc:
            found = differences.udc_combinations(found, udc)
        for v in found:
            if kernel not in (None, *cache.VERSIONS) and v["kernel"] == KEYS["kernel"]:
                # A user's tree runs what the default version runs
                v = {**v, "kernel": kernel}
            if qemu:
                v = {**v, "qemu": True}
            own = KERNEL_OF.get(forced or v["build"])
            if own and v["flavour"] == KEYS["flavour"]:
                v = {**v, "flavour": own}
            if kernel in (None, v["kernel"]) and (not forced or v["build"] in (KEYS["build"], forced)):
                program = lab_program(path, v, everything, forced)
                if program.name not in seen:
                    yield program
                seen.add(program.name)


def selftested(everything, kernel=None):
    """Returns the kernels with which lab/selftest runs: those of cache.VERSIONS, or only `kernel`. Without `everything`
    it runs only with the first of these versions."""
    return [kernel] if kernel else list(cache.VERSIONS if everything else cache.VERSIONS[:1])


def host_programs(checked, everything, kernel=None, forced=None):
    """Yields the programs that run on this machine: the lab's own tests, and for each build the programs of tests/cli
    that `make check` does not run. `checked`: as in make_checks()."""
    if not forced:
        for version in selftested(everything, kernel):
            for part in range(1, SELFTEST_PARTS + 1):
                part = "%d/%d" % (part, SELFTEST_PARTS)
                yield Program("lab/selftest [%s part=%s]" % (version, part),
                              [PYTHON, "-B", os.path.join(cache.LAB, "selftest")],
                              {"LAB_TEST_KERNEL": version, "TAP_PART": part, **tier_environment(everything)}, HOST_TIMEOUT, None, ALL_KERNELS)
    for build_name, made in checked.items():
        for path in sorted(glob.glob(os.path.join(SRC, "tests/cli/test_*"))):
            name = os.path.relpath(path, SRC)
            if name in made:
                continue
            if build_name != "plain" and runs_only_with_plain_build(path, everything):
                continue
            for part in dict.fromkeys(v["part"] for v in variations(path, everything)):
                words = [build_name] * (build_name != "plain") + ["part=" + part] * (part != "1/1")
                env = {**environment(), **env_for(build_name), **tier_environment(everything), "TAP_PART": part}
                yield Program(" ".join([name] + ["[%s]" % " ".join(words)] * bool(words)), arguments_to_start(path), env,
                              HOST_TIMEOUT, None,
                              ALL_KERNELS if WANTS_KERNELS.search(cache.read(path)) else None)
