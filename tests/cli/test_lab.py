#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
"""What lab/setup and lab/test decide without a kernel: names of products, pruning, locks, combinations,
time-outs, progress. (lab/selftest has what needs one.)"""

import argparse
import concurrent.futures
import contextlib
import io
import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import tempfile
import threading
import time

TMP = pathlib.Path(tempfile.mkdtemp(prefix="ffsctl-lab-"))
os.environ["FFSCTL_LAB_CACHE"] = str(TMP / "cache")
os.environ.pop("LAB_EXTRA_PATCH", None)

from paths import SRC  # noqa: E402
import cache  # noqa: E402
import costs  # noqa: E402
import kernel  # noqa: E402
import mutants  # noqa: E402
import programs  # noqa: E402
import progress  # noqa: E402
import results  # noqa: E402
import run  # noqa: E402
import schedule  # noqa: E402
import steps  # noqa: E402
import tap  # noqa: E402
import trees  # noqa: E402
from tap import contains, eq, ok, patience, raises, test  # noqa: E402

ROOT = TMP / "cache"
programs.SRC = SRC


def lab(*args, cwd=SRC, **kw):
    return subprocess.run(args, cwd=cwd, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                          text=True, timeout=patience(60), **kw)


def packages():
    """A cache as after the first downloads, with nothing made."""
    shutil.rmtree(ROOT, ignore_errors=True)
    (ROOT / "debs").mkdir(parents=True)
    for version in cache.VERSIONS:
        name = f"linux-source-{version}_1_all.deb"
        (ROOT / "debs" / name).touch()
        (ROOT / f"deb-{version}").write_text(name + "\n")


# Products


@test("--prune removes what no version, flavour and variant uses, and makes nothing")
def prune_removes_unused():
    packages()
    kept = [cache.source_dir("6.12"), cache.kernel_dir("6.1", "debug", "patched"),
            cache.parts_dir("6.1", "debug", "stock"), cache.kernel_dir("6.1", "debug", cache.BASIC),
            cache.modules_dir("6.12", "normal", "stock"), cache.modules_dir("6.12", "normal", "patched"),
            cache.kernel_dir("6.12", cache.I386, "patched"), cache.modules_dir("6.1", cache.POWER, "patched"),
            cache.packages_dir(), cache.i386_dir(), cache.udc_dir("6.12", "normal", "patched")]
    old = [str(ROOT / name) for name in ("source-6.12-0", "kernel-6.1-debug-0", "parts-6.1-debug-0", "modules-6.1-normal-0",
                                         "packages-0", "i386-0", "udc-6.12-normal-0", "qemu-6.1-0", "partial-kernel-6.1-debug-0")]
    for path in kept + old:
        os.makedirs(path)
    files = [cache.init_file(), cache.init_file(cache.I386), cache.pace_file(), cache.pace_file(cache.I386), cache.speed_file()]
    for path in files + [str(ROOT / name) for name in ("init-0", "pace-0", "speed-0")]:
        pathlib.Path(path).touch()
    said = lab("lab/setup", "--prune")
    eq(said.returncode, 0, said.stdout)
    eq(sorted(str(p) for p in ROOT.iterdir() if p.name not in ("debs", "deb-6.12", "deb-6.1", "locks")),
       sorted(kept + files))
    eq(len(re.findall(r"^lab/setup: removing ", said.stdout, re.M)), len(old) + 3)


@test("--help prints help: it installs, builds and boots nothing")
def help_only():
    directory = TMP / "help"
    directory.mkdir()
    # A machine where no package is installed, and where nothing may be
    for tool in ("apt-get", "dpkg-query", "sudo", "cc", "make"):
        path = directory / tool
        path.write_text(f"#!/bin/sh\necho {tool} >>{directory}/calls\nexit 1\n")
        path.chmod(0o755)
    env = {**os.environ, "PATH": f"{directory}:{os.environ['PATH']}", "FFSCTL_LAB_CACHE": str(directory / "cache")}
    for name in ("setup", "test", "bench", "demo", "run"):
        for option in ("--help", "-h"):
            said = lab("lab/" + name, option, env=env)
            eq(said.returncode, 0, f"lab/{name} {option}: {said.stdout}")
            ok(said.stdout.startswith(f"usage: lab/{'run' if name == 'demo' else name} "), said.stdout)
    ok(not (directory / "calls").exists(), "it calls tools of a setup")
    ok(not (directory / "cache").exists(), "it makes a cache")


@test("--prune leaves what another setup is just making")
def prune_leaves_unfinished():
    packages()
    for name in ("busy", "left"):
        (ROOT / f"partial-modules-{name}").mkdir()
    with steps.locked("modules-busy"):
        lab("lab/setup", "--prune")
        eq([p.name for p in ROOT.glob("partial-*")], ["partial-modules-busy"])


@test("two setups wait for each other only when they make the same")
def setups_lock_per_product():
    made = []

    def make(final):
        os.makedirs(final)
        pathlib.Path(final, "complete").touch()
        made.append(os.path.basename(final))

    with steps.locked("one"):
        steps.product(str(ROOT / "other"), make)  # would never return
        same = threading.Thread(target=steps.product, args=(str(ROOT / "one"), make))
        same.start()
        same.join(0.2)
        ok(same.is_alive(), "it did not wait")
        eq(made, ["other"])
        # Meanwhile made by who has the lock
        make(str(ROOT / "one"))
    same.join()
    eq(made, ["other", "one"])


@test("a changed recipe of the modules makes new modules, and no new kernel")
def recipe_changes_modules_only():
    packages()
    script = ("import sys; sys.dont_write_bytecode = True; sys.path.insert(0, 'lab/lib'); import cache; "
              "print(cache.kernel_dir('6.12', 'normal', 'patched'), cache.modules_dir('6.12', 'normal', 'patched'))")

    def names():
        return lab("/usr/bin/python3", "-c", script, cwd=TMP / "tree").stdout.split()

    shutil.rmtree(TMP / "tree", ignore_errors=True)
    for part in ("lab", "kernel"):
        shutil.copytree(os.path.join(SRC, part), TMP / "tree" / part, symlinks=True)
    before = names()
    recipe = TMP / "tree/lab/lib/modules.py"
    recipe.write_text(recipe.read_text() + "# another\n")
    after = names()
    eq(after[0], before[0])
    ok(after[1] != before[1], "the same modules")


@test("the debug flavour's basic kernel is one of its own, the normal flavour's is not")
def basic_kernel_of_debug_flavour():
    packages()
    for flavour, kernels in (("normal", 1), ("debug", 2)):
        made = {cache.kernel_dir("6.12", flavour, variant) for variant in (*cache.VARIANTS, cache.BASIC)}
        eq(len(made), kernels, flavour)


@test("the 32-bit kernel needs Debian's i386 and a process 1 of its own, and no other flavour does")
def kernel_of_32_bits():
    packages()
    for flavour in (*cache.FLAVOURS, *cache.SPECIAL_FLAVOURS):
        for path in (cache.init_file(), cache.pace_file(), cache.speed_file()):
            pathlib.Path(path).touch()
        missing = cache.missing("6.12", flavour, "patched")
        eq(("process 1" in missing, "Debian's i386" in missing), (flavour == cache.I386,) * 2, flavour)
    contains(lab("lab/run", "--flavour", "i386", "--qemu", "true").stdout, "--flavour i386 is for User-Mode Linux")
    contains(lab("lab/run", "--flavour", "i386", "--kernel", "6.1", "true").stdout, "Linux 6.1 has no flavour i386")


@test("the kernel with CONFIG_PM is one of its own, and only programs of --all need it")
def kernel_with_power_management():
    packages()
    eq(len({cache.kernel_dir("6.12", flavour, "patched") for flavour in ("normal", cache.POWER)}), 2)
    contains(lab("lab/run", "--flavour", "power", "--qemu", "true").stdout, "--flavour power is for User-Mode Linux")
    eq([cache.POWER in {p.needs[1] for p in programs.lab_programs(everything)} for everything in (False, True)], [False, True])


@test("lab/run --udc refuses what its models cannot be")
def models_of_udcs_have_limits():
    for options, said in ((("--udc", "musb"), "--udc is one of dummy, dwc2, dwc2-ddma, dwc3, chipidea"),
                          (("--udc", "dwc2", "--speed", "super"), "--udc dwc2 has the speeds full and high"),
                          (("--udc", "dwc3", "--speed", "super"), "--udc dwc3 has the speeds full and high"),
                          (("--udc", "dwc2", "--udcs", "3"), "--udcs: at most 2 of --udc dwc2"),
                          (("--udc", "dwc2", "--qemu"), "--udc dwc2 is for User-Mode Linux")):
        refused = lab("lab/run", *options, "true")
        eq(refused.returncode, 64)
        contains(refused.stdout, said)


@test("the models of UDCs are only built where they are used")
def models_of_udcs_are_products():
    packages()
    ok("models of UDCs 6.12 normal patched" in cache.missing("6.12", "normal", "patched", udc=True))
    eq([m for m in cache.missing("6.12", "normal", "patched") if "UDC" in m], [])


@test("lab/test --build i386 runs what the plain build runs on the 64-bit kernel, but for the debug flavour")
def tests_of_32_bits():
    usual = {p.name: p for p in programs.lab_programs(False) if p.combination["build"] == "plain"}
    narrow = list(programs.lab_programs(False, forced="i386"))
    eq(len(narrow), len(usual))
    for p in narrow:
        options = p.args[:p.args.index("--")]
        if p.combination["flavour"] == "debug":
            eq(p.left_out, "the kernel of this build has no flavour debug", p.name)
        elif p.combination["kernel"] == "6.1":
            eq(p.left_out, "Linux 6.1 has no flavour i386", p.name)
        else:
            eq((options[options.index("--flavour") + 1], p.needs[1]), ("i386", "i386"), p.name)
    path = TMP / "test_i386.py"
    path.write_text("# lab i386: no, it has 64 bits\n")
    v, = programs.variations(str(path), False)
    eq([programs.why_left_out(str(path), {**v, "flavour": flavour}, name)
        for name, flavour in (("plain", "normal"), ("musl", "normal"), ("i386", "i386"))], [None, None, "it has 64 bits"])


# Trees of users (lab/setup --tree)


def diff(file, old, new):
    return f"Subject: [PATCH] {new}\n\n--- a/{file}\n+++ b/{file}\n@@ -1 +1 @@\n-{old}\n+{new}\n"


@contextlib.contextmanager
def small_tree(version="6.99"):
    """An empty cache, and a directory that looks like the source of a kernel."""
    path = TMP / "a tree"
    for place in (path, ROOT):
        shutil.rmtree(place, ignore_errors=True)
    for name in trees.EXPECTED:
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_text("a line\n")
    (path / "Makefile").write_text("VERSION = %s\nPATCHLEVEL = %s\n" % tuple(version.split(".")))
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


@contextlib.contextmanager
def own_patches(lab_patches, series):
    """Replaces the lab's patches for 6.12, and the series for 6.99, during the `with` statement."""
    top = TMP / "patches"
    shutil.rmtree(top, ignore_errors=True)
    for directory, patches in (("lab/patches/6.12", lab_patches), ("kernel/patches/6.99/fixes", series)):
        (top / directory).mkdir(parents=True)
        for n, (name, text) in enumerate(patches.items(), 1):
            (top / directory / f"{n:04}-{name}.patch").write_text(text)
    before = cache.LAB, cache.TREE
    cache.LAB, cache.TREE = str(top / "lab"), str(top)
    try:
        yield
    finally:
        cache.LAB, cache.TREE = before


def said_by(function, *args):
    """Returns (result of the function, what it printed on stderr)."""
    with contextlib.redirect_stderr(io.StringIO()) as said:
        result = function(*args)
    return result, said.getvalue()


@test("--tree: patches of the lab that do not apply are left out, printed and kept, those that the tree has are not")
def tree_without_patches_that_do_not_apply():
    patches = {"one-that-applies": diff("Kbuild", "a line", "applied"),
               "one-that-the-tree-has": diff("arch/um/Makefile", "an older line", "a line"),
               "one-for-other-text": diff("drivers/usb/gadget/function/f_fs.c", "another line", "changed")}
    with small_tree() as path, own_patches(patches, {}):
        trees.record("mine", str(path))
        _, said = said_by(kernel.make_source, "mine")
        copy = pathlib.Path(cache.source_dir("mine"))
        eq({n: (copy / n).read_text() for n in trees.EXPECTED[1:]},
           {"Kbuild": "applied\n", "arch/um/Makefile": "a line\n", "drivers/usb/gadget/function/f_fs.c": "a line\n"})
        eq((path / "Kbuild").read_text(), "a line\n", "the tree itself")
        eq(cache.lacks(str(copy)), ["one-for-other-text"])
        eq([l for l in said.splitlines() if "left out" in l],
           ["lab/setup: left out, because it does not apply: changed (lab/patches/6.12/0003-one-for-other-text.patch)"])


@test("--tree: the copy has neither the repository nor what was built in the tree")
def tree_without_products():
    with small_tree() as path, own_patches({}, {}):
        (path / ".git").mkdir()
        for name in (".git/HEAD", "arch/um/x.o", "arch/um/x.ko", ".gitignore"):
            (path / name).touch()
        trees.record("mine", str(path))
        said_by(kernel.make_source, "mine")
        copy = pathlib.Path(cache.source_dir("mine"))
        eq(sorted(str(p.relative_to(copy)) for p in copy.rglob("*") if p.is_file()),
           sorted([*trees.EXPECTED, ".gitignore", "complete", "lacks"]))


@test("--tree: a tree of which a series applies no more is one for --stock; which patch it was is printed")
def tree_without_series():
    fits, other = diff("Kbuild", "a line", "changed"), diff("Kbuild", "another line", "changed")
    for series, want, words in (({"a": fits}, True, ""), ({"a": fits, "b": other}, False, "0002-b.patch does not apply"),
                                ({}, True, "no series for 6.99")):
        with small_tree() as path, own_patches({}, series):
            trees.record("mine", str(path))
            said_by(kernel.make_source, "mine")
            result, said = said_by(trees.series_fits, "mine")
            eq(result, want)
            contains(said, words)
            eq(bool(cache.kernel_patches("mine", "patched")), bool(series), "patched modules")


@test("--tree: a changed tree makes another kernel; a copy of its old state is refused, with the command to use")
def changed_tree():
    with small_tree() as path:
        trees.record("mine", str(path))
        before = cache.kernel_dir("mine", "normal", "patched")
        trees.record("mine", str(path))
        eq(cache.kernel_dir("mine", "normal", "patched"), before, "unchanged")
        os.utime(path / "Kbuild", (1, 1))
        contains(str(raises(steps.Error, kernel.make_source, "mine")), f"lab/setup --tree {path} --name mine")
        trees.record("mine", str(path))
        ok(cache.kernel_dir("mine", "normal", "patched") != before, "the same kernel")
        shutil.rmtree(path)
        contains(str(raises(steps.Error, kernel.make_source, "mine")), "no longer exists")


@test("--tree: a version without patches of the lab gets those of the newest version before it, or of the oldest")
def patches_of_nearest_version():
    for version, nearest in (("5.10", "6.1"), ("6.1", "6.1"), ("6.6", "6.1"), ("6.12", "6.12"), ("6.13", "6.12"), ("7.0", "6.18")):
        with small_tree(version) as path:
            trees.record("mine", str(path))
            eq({os.path.basename(os.path.dirname(p)) for p in cache.lab_patches("mine")}, {nearest}, version)


@test("--tree: wrong arguments are refused, and the message says what is wrong")
def wrong_tree():
    with small_tree() as path:
        for args, words in ((["--tree", path], "need each other"), (["--name", "mine"], "need each other"),
                            (["--tree", path, "--name", "6.12"], "is not 6.12 or 6.1"),
                            (["--tree", path, "--name", "a/b"], "--name a/b"),
                            (["--tree", TMP, "--name", "mine"], f"--tree {TMP} is not the source of a Linux kernel: it has no Makefile"),
                            (["--tree", path, "--name", "mine", "--kernel", "6.1"], "excludes --kernel"),
                            (["--kernel", "mine"], "mine is none of 6.12, 6.1 (lab/setup --tree")):
            said = lab("/usr/bin/python3", "-B", "lab/lib/build.py", *map(str, args))
            ok(said.returncode, args)
            contains(said.stdout, words)
        (path / "Makefile").write_text("all:\n")
        contains(str(raises(steps.Error, trees.version, str(path))), "no VERSION")
        eq(cache.trees(), [])
        said = lab("lab/run", "--kernel", "mine", "true")
        eq((said.returncode, said.stdout),
           (64, "lab/run: --kernel is one of 6.12, 6.1; lab/setup --tree DIR --name NAME adds a kernel of your own (see --help)\n"))


@test("--tree: a kernel of the user lacks an option only if required.list allows it; lab/run tells it to the command")
def lacks_of_tree():
    required = [l.split() for l in pathlib.Path(SRC, "lab/config/required.list").read_text().splitlines() if not l.startswith("#")]
    needed = [w[2] for w in required if w[0] in ("all", "uml", "normal") and w[1] in ("all", "6.99")]
    optional = [w[2] for w in required if w[3:] == ["may-lack"]]
    config = TMP / "config"
    with small_tree() as path:
        trees.record("mine", str(path))
        config.write_text("\n".join(n for n in needed if n not in optional))
        lacks, said = said_by(kernel.check_config, str(config), "mine", "normal")
        eq(lacks, optional)
        contains(said, f"the mine normal kernel lacks {optional[0]}")
        config.write_text("\n".join(needed[1:]))
        contains(str(raises(steps.Error, kernel.check_config, str(config), "mine", "normal")), needed[0])
        directory = pathlib.Path(cache.kernel_dir("mine", "normal", "patched"))
        directory.mkdir()
        pathlib.Path(cache.lacks_file(str(directory))).write_text("a-patch\n" + optional[0] + "\n")
        options = run.Options(["--kernel", "mine", "true"])
        options.check()
        eq(options.lacks(), ["a-patch", optional[0]])


@test("lab/test --kernel NAME runs on a user's tree what it runs on the default version")
def tests_of_tree():
    with small_tree() as path:
        trees.record("mine", str(path))
        for everything in (False, True):
            usual = [p for p in programs.lab_programs(everything, "6.12")]
            mine = [p for p in programs.lab_programs(everything, "mine")]
            eq([p.name.replace("[mine ", "[6.12 ") for p in mine], [p.name for p in usual])
            eq({p.args[p.args.index("--kernel") + 1] for p in mine} | {p.needs[0] for p in mine}, {"mine"})
            eq(programs.selftested(everything, "mine"), ["mine"])


def says_no_to_qemu(program):
    return "\n# lab qemu: no, " in pathlib.Path(SRC, program.name.partition(" ")[0]).read_text()


@test("lab/test --qemu runs each combination of the normal flavour and the plain build on two processors, in real time")
def tests_in_qemu():
    for everything in (False, True):
        usual = [p for p in programs.lab_programs(everything)]
        emulated = [p for p in programs.lab_programs(everything, qemu=True) if not p.left_out]
        eq([p.name for p in emulated],
           [p.name[:-1] + " qemu]" for p in usual
            if (p.combination["flavour"], p.combination["build"], p.combination["udc"]) == ("normal", "plain", "dummy")
            and not says_no_to_qemu(p)])
        for p in emulated:
            options = p.args[:p.args.index("--")]
            ok("--virtual-time" not in options, p.name)
            eq(options[options.index("--qemu") + 1:][:2], ["--cpus", "2"], p.name)
            eq("--stock" in options, p.needs[2] == "stock", p.name)
            eq(p.needs[1], programs.QEMU, p.name)
    for words in (["--sanitize"], ["--build", "plain"]):
        contains(lab("lab/test", "--qemu", *words, "--list").stdout, "--qemu excludes")


@test("lab/test --qemu --list prints the programs that are left out, and why; --only selects what it prints")
def left_out_of_qemu():
    path = TMP / "test_qemu.py"
    for head, reason in (("", None), ("# lab qemu: no, it needs virtual time\n", "it needs virtual time")):
        path.write_text(head + "# lab: flavour=normal,debug\n")
        eq([programs.why_left_out(str(path), {**v, "qemu": True}, v["build"]) for v in programs.variations(str(path), False)],
           [reason, "Debian's kernel is of the normal flavour"])
    usual = {p.name for p in programs.lab_programs(False)}
    emulated = list(programs.lab_programs(False, qemu=True))
    eq(len(emulated), len(usual), "programs, with those that are left out")
    said = lab("lab/test", "--qemu", "--list", env={**os.environ, "LAB_WORK": str(TMP / "work")}).stdout.splitlines()
    eq(said, [p.name + (f": left out: {p.left_out}" if p.left_out else "") for p in emulated])
    one = lab("lab/test", "--qemu", "--list", "--only", "kernel/test_functionfs",
              env={**os.environ, "LAB_WORK": str(TMP / "work")}).stdout.splitlines()
    eq(one, [line for line in said if "kernel/test_functionfs" in line])
    ok(any("left out" in line for line in one), one)


@test("lab/test --part: each program is in one part")
def parts_of_a_run():
    for count in (1, 3, 4):
        parts = [programs.part_of(range(10), (number, count)) for number in range(1, count + 1)]
        eq(sorted(sum(parts, [])), list(range(10)))
        ok(max(map(len, parts)) - min(map(len, parts)) <= 1, parts)
    words = ["lab/test", "--all", "--only", "kernel/test_functionfs", "--list"]
    whole, *parts = (lab(*words, *part, env={**os.environ, "LAB_WORK": str(TMP / "work")}).stdout.splitlines()
                     for part in ((), ("--part", "1/2"), ("--part", "2/2")))
    ok(all(parts), parts)
    eq(sorted(sum(parts, [])), sorted(whole))
    for text in ("0/3", "4/3", "3", "a/b", "1/0", "1/2/3"):
        contains(str(raises(argparse.ArgumentTypeError, steps.part_argument, text)), f"{text} is not N/M")


@test("programs in QEMU get more time")
def qemu_is_slow():
    times = []
    program = programs.Program("x", ["sh", "-c", "echo $LAB_PATIENCE"], {}, 10, None, slowness=25)
    program.results = lambda result, text, *_: times.append(float(text))
    program.run(patience=2.0)
    eq(times, [50.0])


@test("--prune keeps the products of a user's tree, until the tree no longer exists")
def prune_trees():
    with small_tree() as path:
        trees.record("mine", str(path))
        kept = [cache.source_dir("mine"), cache.kernel_dir("mine", "debug", cache.BASIC), cache.modules_dir("mine", "normal", "stock")]
        for name in kept:
            os.makedirs(name)
        lab("lab/setup", "--prune")
        eq([os.path.isdir(name) for name in kept], [True] * 3)
        shutil.rmtree(path)
        lab("lab/setup", "--prune")
        eq(([os.path.isdir(name) for name in kept], cache.trees()), ([False] * 3, []))


# Steps


@test("a failed step shows the compiler's error, however much other jobs have printed since")
def failed_step_shows_error():
    script = "echo 'x.c:3:1: error: no such thing'; for i in $(seq 200); do echo \"  CC file$i.o\"; done; exit 2"
    said = str(raises(steps.Error, steps.run, ["sh", "-c", script]))
    contains(said, "x.c:3:1: error: no such thing")
    contains(said, "CC file200.o")
    ok("file100.o" not in said, "all of it is shown")


@test("a setup that is killed takes what it runs along")
def killed_setup_ends_children():
    fifo = TMP / "fifo"
    os.mkfifo(fifo)
    script = "import sys; sys.dont_write_bytecode = True; sys.path.insert(0, 'lab/lib'); import steps\n" \
             f"steps.run(['sh', '-c', 'echo $$ > {TMP}/pid; exec sleep 1000 > {fifo}'])"
    with subprocess.Popen(["/usr/bin/python3", "-c", script], cwd=SRC) as setup, open(fifo, "rb") as reader:
        setup.kill()
        setup.wait()
        # Its end of the fifo closes with it
        ended = select.select([reader], [], [], patience(10))[0]
        if not ended:
            os.kill(int((TMP / "pid").read_text()), signal.SIGKILL)
        ok(ended, "it goes on")


# Combinations


def combinations(text, everything):
    path = TMP / "test_some.py"
    path.write_text(text)
    return [" ".join(f"{k}={v}" for k, v in sorted(c.items()) if programs.KEYS.get(k) != v and k != "part")
            for c in programs.variations(str(path), everything)]


@test("a test without a line is one boot, in both tiers")
def no_line_is_one_boot():
    eq(combinations("pass\n", False), [""])
    eq(combinations("pass\n", True), [""])


@test("'# lab all:' adds combinations to --all, and repeats none")
def lab_all_adds_combinations():
    text = "# lab: speed=high timeout=9\n# lab all: kernel=6.12,6.1 speed=high,super timeout=60 real-time\n# lab all: speed=high\n"
    eq(combinations(text, False), ["speed=high timeout=9"])
    eq(sorted(combinations(text, True)), sorted([
        "speed=high timeout=9", "real-time=True speed=high timeout=60", "real-time=True timeout=60",
        "kernel=6.1 real-time=True speed=high timeout=60", "kernel=6.1 real-time=True timeout=60"]))


@test("a test on the model of a UDC runs at high speed, unless its line names another, and needs that model")
def model_of_udc_has_high_speed():
    eq(combinations("# lab: udc=dwc2,dummy\n# lab: udc=dwc2 speed=full\n", False), ["speed=high udc=dwc2", "", "speed=full udc=dwc2"])
    path = TMP / "test_udc.py"
    path.write_text("# lab: udc=dwc2,dummy\n")
    eq([programs.in_lab_needs(v, False) for v in programs.variations(str(path), False)],
       [("6.12", "normal", "patched", "udc"), ("6.12", "normal", "patched")])


@test("'# lab: none' leaves a program to --all")
def lab_none_is_only_all():
    text = "# lab: none\n# lab all: speed=high\n"
    eq(combinations(text, False), [])
    eq(combinations(text, True), ["speed=high"])


@test("of a program that failed what passed is not printed again")
def passed_tests_are_left_out():
    eq(results.failures("1..3\nok 1 - a\n# 1 s\nkernel: BUG\nnot ok 2 - b\n# why\n# 2 s\nok 3 - c # SKIP no\n"),
       ["1..3", "kernel: BUG", "not ok 2 - b", "# why", "# 2 s", "ok 3 - c # SKIP no", "(1 that passed are left out)"])


def tap_program(text, *args, **env):
    """A program that registers tests, run."""
    script = "import tap\ndef some(): pass\n" + text + "\ntap.main()"
    return subprocess.run(["/usr/bin/python3", "-B", "-c", script, *args], cwd=SRC, stdout=subprocess.PIPE,
                          stderr=subprocess.PIPE, text=True,
                          env={**os.environ, "PYTHONPATH": f"{SRC}/tests/lab/lib", "LAB_TIER": "1", **env})


@test("parts are boots of their own, and the same combination")
def parts_of_a_program():
    path = TMP / "test_parts.py"
    path.write_text("# lab: parts=3\n# lab all: kernel=6.12,6.1\n")
    eq([(v["kernel"], v["part"]) for v in programs.variations(str(path), True)],
       [("6.12", "1/3"), ("6.12", "2/3"), ("6.12", "3/3"), ("6.1", "1/1")])
    chosen = []
    for part in ("1/3", "2/3", "3/3"):
        said = tap_program("for n in range(7): tap.test(str(n))(some)", "--list", TAP_PART=part)
        chosen.append([line.partition(": ")[2] for line in said.stdout.splitlines()])
    eq(chosen, [["0", "3", "6"], ["1", "4"], ["2", "5"]])


NAMED = """
for n in (1, 2):
    tap.test(f"first {n}")(some)
@tap.test("second")
def other():
    raise AssertionError("fails")
@tap.test("third", only_all="x/y: z")
def rest(): pass
"""


@test("a test runs alone by the name of its function, also one that is left to --all")
def tests_by_name():
    for names, plan, code in ((["some"], "1..2", 0), (["rest"], "1..1", 0), (["other", "rest"], "1..2", 1), ([], "1..3", 1)):
        said = tap_program(NAMED, *names)
        eq((said.stdout.splitlines()[0], said.returncode), (plan, code), said.stdout)
    contains(tap_program(NAMED, "other").stdout, "in other")
    said = tap_program(NAMED, "sum")
    eq((said.returncode, said.stdout), (1, ""))
    contains(said.stderr, "no test sum; there are:\n  some\n  other\n  rest\n")
    contains(tap_program("@tap.test('fourth')\ndef _(): pass").stderr, "the test 'fourth' has no name")


@test("--only PATTERN:NAME gives a program the name, in one of its parts")
def only_by_name():
    def chosen(*only):
        return [(p.name, p.args) for p in programs.choose(
            [programs.Program(f"lab/{name} [part={part}]", ["run"], {"TAP_PART": part}, 1, None)
             for name in ("one", "two") for part in ("1/2", "2/2")], only)]

    eq(len(chosen()), 4)
    eq(chosen("one:a", "one:b"), [("lab/one [part=1/2] a, b", ["run", "a", "b"])])
    eq([name for name, _ in chosen("one:a", "two")], ["lab/one [part=1/2] a", "lab/two [part=1/2]", "lab/two [part=2/2]"])
    eq(len(chosen("one:a", "lab/")), 4, "a pattern without a name asks for all")


@test("an unknown word of a line is an error")
def unknown_word_in_line():
    for line in ("sped=high", "virtual", "speed"):
        contains(str(raises(steps.Error, combinations, f"# lab: {line}\n", False)), line)


@test("every combination of tier 1 is one of --all")
def first_tier_is_part_of_all():
    tier = {p.name for p in programs.lab_programs(False)}
    everything = {p.name for p in programs.lab_programs(True)}
    eq(tier - everything, set())
    ok(tier < everything, "there is nothing more in --all")


@test("tier 1 has both kernels, three speeds, stock modules, the debug flavour and the sanitized build")
def first_tier_covers_all_kinds():
    for key, values in (("kernel", cache.VERSIONS), ("speed", ("full", "high", "super")), ("flavour", cache.FLAVOURS),
                        ("build", ("plain", "sanitize"))):
        eq({p.combination[key] for p in programs.lab_programs(False)}, set(values), key)
    ok(any("stock" in p.combination for p in programs.lab_programs(False)), "stock")


# Time


@test("time-outs follow the slower of T and the system call, and the programs on a core")
def timeouts_follow_speed():
    speed = schedule.Speed()
    eq(speed.slowness(), 1.0, "without a sample")
    for sample, want in (((6_000_000, 6_000), 1.0), ((3_000_000, 3_000), 1.0), ((6_000_000, 18_000), 3.0),
                         ((24_000_000, 6_000), 4.0)):
        speed.samples = [sample]
        eq(speed.slowness(), want, str(sample))
    speed.samples = [(60_000_000, 6_000)] + [(6_000_000, 6_000)] * schedule.RECENT
    eq(speed.slowness(), 1.0, "what was slow once")
    speed.samples.append((12_000_000, 6_000))
    cores = len(os.sched_getaffinity(0))
    for jobs, share in ((1, 1), (cores, 1), (2 * cores, 2), (2 * cores + 1, 3)):
        eq(schedule.Schedule(jobs, speed, "6.12").patience(), 2.0 * share, f"{jobs} jobs")


class Small:
    """A program for the schedule: what it does is a function."""

    def __init__(self, name, function=None, needs=None):
        self.name, self.function, self.needs = name, function or (lambda: None), needs

    def run(self, core, patience_):
        self.function()
        return self.name


def scheduled(jobs=2):
    speed = schedule.Speed()
    speed.due = lambda: False
    return schedule.Schedule(jobs, speed, "6.12")


@test("a program waits for its kernel, the others do not wait for it")
def program_waits_for_its_kernel():
    s, order, built = scheduled(1), [], threading.Event()
    todo = [Small("late", needs="kernel"), Small("first"), Small("second", built.set)]

    def kernel():
        built.wait()
        s.ready("kernel")

    maker = threading.Thread(target=kernel)
    maker.start()
    s.run(todo, order.append)
    maker.join()
    eq(order, ["first", "second", "late"])


@test("a kernel that cannot be built ends the run")
def unbuildable_kernel_ends_run():
    s = scheduled()
    s.stop(steps.Error("no kernel"))
    contains(str(raises(steps.Error, s.run, [Small("late", needs="kernel")], print)), "no kernel")


@test("nothing else runs on the core that is measured")
def measured_core_is_idle():
    s = scheduled(2 * len(os.sched_getaffinity(0)))
    # A measurement is wanted after every program
    s.speed.due = lambda: True
    running, measured = set(), []

    def measure(core, kernel):
        measured.append([r for r in running if r == core])
        time.sleep(0.002)
        measured[-1] += [r for r in running if r == core]

    s.speed.measure = measure

    class Program(Small):
        def run(self, core, patience_):
            running.add(core)
            time.sleep(0.001)
            with contextlib.suppress(KeyError):
                running.remove(core)
            return self.name

    s.run([Program(str(n)) for n in range(60)], lambda name: None)
    ok(len(measured) > 3, f"{len(measured)} measurements")
    eq([m for m in measured if m], [])


@test("a program that does not end is killed with what it has started, and has failed")
def hanging_program_is_killed():
    p = programs.Program("hangs", ["sh", "-c", "echo 1..1; sleep 1000 & sleep 1000"], {}, 0.3, None)
    result, = p.run()
    eq([t[1] for t in result.tests if t[0] == "failed"][0], "time")


# What is shown


def on_terminal(function, limit=10):
    """What a function prints on a terminal: function(stream)."""
    master, slave = pty.openpty()
    with os.fdopen(slave, "w") as stream:
        function(stream)
    out = b""
    with contextlib.suppress(OSError):
        while data := os.read(master, 4096):
            out += data
    os.close(master)
    return out.decode()


def slow_step(stream):
    with progress.Step("lab/setup", "a step", stream):
        time.sleep(1.2)


@test("a step: percent and time left on a terminal, a line elsewhere, also the first time")
def step_shows_progress():
    shutil.rmtree(ROOT, ignore_errors=True)
    contains(on_terminal(slow_step), "a step, 1 s so far")
    out = io.StringIO()
    progress.remember({"a step": 240.0})
    slow_step(out)
    eq(out.getvalue(), "lab/setup: a step (4 min 00 s the last time)\n")
    progress.remember({"a step": 2.4})
    shown = on_terminal(slow_step)
    ok(re.search(r"a step 4\d%, 1 s left", shown), repr(shown))
    ok(1.2 <= progress.history()["a step"] < patience(3), "what it took is not remembered")


@test("a step that fails is not remembered as one that was quick")
def failed_step_is_not_remembered():
    progress.remember({"a step": 7.0})
    with contextlib.suppress(ZeroDivisionError), progress.Step("x", "a step", io.StringIO()):
        1 / 0
    eq(progress.history()["a step"], 7.0)


@test("steps that end at the same time are all remembered")
def simultaneous_steps_are_remembered():
    shutil.rmtree(ROOT, ignore_errors=True)
    with concurrent.futures.ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda n: progress.remember({"step %d" % n: float(n)}), range(64)))
    eq(len(progress.history()), 64)


@test("a history that is damaged is none")
def damaged_history():
    (ROOT / progress.DURATIONS).write_text("{")
    eq(progress.history(), {})


@test("--profile sorts by cost, and adds up programs and folders")
def profile_sums():
    def result(name, seconds, processor):
        r = results.Result(name)
        r.seconds, r.profile = seconds, {"boot": 0.5, "start": 0.25, "processor": processor}
        return r

    table = costs.format_table([result("tests/lab/a.py [6.12]", 2, 1), result("tests/lab/a.py [6.1]", 3, 1),
                         result("tests/lab/b.py [6.12]", 4, 4)])
    rows = [line.split() for line in table if re.match(r"\s*\d", line)]
    eq([r[5] for r in rows], ["tests/lab/b.py", "tests/lab/a.py", "tests/lab/a.py", "tests/lab/a.py",
                              "tests/lab/b.py", "tests/lab", "all"])
    eq(rows[3][:5], ["5.00", "1.00", "0.50", "2.00", "3.00"])


@test("lab/compare fails if --all lacks a test in one combination, or if tier 1 lacks a test without a reason")
def compare_finds_lost_tests():
    def save(name, *programs_):
        path = TMP / name
        path.write_text(json.dumps([{"program": p, "seconds": 1, "profile": {}, "tests": [["passed", t] for t in tests],
                                     "only_all": only_all} for p, tests, *rest in programs_ for only_all in rest or [{}]]))
        return str(path)

    before = save("before", ("a [6.12]", ["x", "y"]), ("a [6.1]", ["x", "y"]), ("b", ["z"]))
    everything = save("all", ("a [6.12 part=1/2]", ["x"]), ("a [6.12 part=2/2]", ["y"]), ("a [6.1]", ["x", "y", "new"]),
                      ("b [part=1/1]", ["z"]))
    tier = save("tier", ("a [6.12]", ["x", "y"]), ("b", ["z"]))
    eq(lab("lab/compare", before, everything, tier).returncode, 0)
    for wrong, name in (((before, tier, tier), "a [6.1]: x"), ((before, everything, save("less", ("a [6.1]", ["x"]), ("b", ["z"]))), "a: y")):
        said = lab("lab/compare", *wrong)
        eq(said.returncode, 1, said.stdout)
        contains(said.stdout, name)
    less = save("less", ("a [6.12]", ["x"]), ("b", ["z"]))
    for mutant, code, words in ((str(mutants.load()[0]), 0, "left to --all:    1 of a"), ("plan/none", 1, "no such mutant")):
        why = {"y": mutant + ": x is of the same kind"}
        said = lab("lab/compare", before, save("all", ("a [6.12]", ["x", "y"], why), ("a [6.1]", ["x", "y"]), ("b", ["z"])), less)
        eq(said.returncode, code, said.stdout)
        contains(said.stdout, words)


# Mutants


@test("a mutant is found in a function or a table, wherever that is")
def mutant_is_found():
    text = ("int f(int a);\n\nstatic int f(int a,\n\t     int b)\n{\n\treturn a;\n}\n\n"
            "static const struct row f_table[] = {\n\t{ 1 },\n};\n\nint g(void)\n{\n\treturn f(1, 2);\n}\n")
    start, end = mutants.definition(text, "f")
    eq(text[start:end], "static int f(int a,\n\t     int b)\n{\n\treturn a;\n}")
    start, end = mutants.definition(text, "f_table")
    eq(text[start:end], "static const struct row f_table[] = {\n\t{ 1 },\n};")
    eq(mutants.definition(text, "h"), None)


try:
    tap.main()
finally:
    shutil.rmtree(TMP, ignore_errors=True)
