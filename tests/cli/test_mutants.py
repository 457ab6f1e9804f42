#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
# lab needs: kernels
"""kernel/mutants, lab/udc/mutants, tests/mutants and packaging/mutants: each defect can still be planted, in the patched kernels and in the
project's sources, whose lines change. lab/mutants tries whether tests notice it, which takes longer."""

import collections
import concurrent.futures
import glob
import os
import re
import shutil
import subprocess
import sys
import tempfile

from paths import BUILD, SRC
import cache
import modules
import mutants as planted
import programs
import tap
from tap import eq, ok, test

DIRECTORY = os.path.join(SRC, "kernel", "mutants")
HEAD = re.compile(r"\AWhat: \S.*\nCaught-by: test_\w+\nOn: (6\.12|6\.1) (?:normal|debug)\n(?:Append: \S+\n)?(?:Functions: all\n)?(?:Only-all: \S.*\n)?SPDX-License-Identifier: \S+\n\n")


def mutants(version):
    """{name: patch} of those that are for it."""
    found = {}
    for name in sorted(os.listdir(DIRECTORY)):
        text = cache.read(os.path.join(DIRECTORY, name)).decode()
        head = HEAD.match(text)
        ok(head, f"{name}: its head is wrong:\n{text[:300]}")
        if head[1] == version:
            found[name] = text[head.end():]
    return found


UDC = os.path.join(SRC, "lab", "udc", "mutants")
UDC_HEAD = re.compile(r"\AWhat: \S.*\nCaught-by: (tests/lab/\w+/test_\w+\.py)\nOn: (6\.12|6\.1) (?:normal|debug)\nUdc: (\S+)\n(?:Append: (\S+)\n)?(?:Only-all: \S.*\n)?SPDX-License-Identifier: \S+\n\n")


def udc_mutants(version=None):
    """{name: (match of its head, text)} of those that are for the version's driver; without one, of those that are for a
    model."""
    found = {}
    for name in sorted(os.listdir(UDC)):
        text = cache.read(os.path.join(UDC, name)).decode()
        head = UDC_HEAD.match(text)
        ok(head, f"{name}: its head is wrong:\n{text[:300]}")
        if (None if planted.is_of_model(text) else head[2]) == version:
            found[name] = (head, text)
    return found


def not_applicable(tree, texts):
    """{name: what patch says} of the patches that do not apply to the tree."""
    results = {name: subprocess.run(["patch", "-p1", "-F0", "--dry-run"], cwd=tree, input=text, text=True,
                                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, check=False)
               for name, text in texts.items()}
    return {name: r.stdout for name, r in results.items() if r.returncode}


def plant(version):
    patches = cache.kernel_patches(version, "patched")
    with tempfile.TemporaryDirectory(prefix="ffsctl-mutants-") as tree:
        source = cache.source_dir(version)
        for name in modules.files_below(source, modules.patched_files(patches)):
            os.makedirs(os.path.join(tree, os.path.dirname(name)), exist_ok=True)
            shutil.copyfile(os.path.join(source, name), os.path.join(tree, name))
        subprocess.run(["make", "-s", "-C", os.path.join(SRC, "kernel"), "apply", f"VERSION={version}", f"TREE={tree}"],
                       check=True, stdout=sys.stderr)
        eq(not_applicable(tree, {**mutants(version), **{n: text for n, (_, text) in udc_mutants(version).items()}}), {},
           "mutants that do not apply")


for version_ in ("6.12", "6.1"):
    test(f"the mutants for {version_} apply without fuzz", version_)(plant)


@test("the mutants of models of UDCs apply without fuzz, and lab/test runs the programs that notice those of UDCs on the UDC")
def udc_mutants_fit():
    models = udc_mutants()
    eq(not_applicable(SRC, {n: text for n, (_, text) in models.items()}), {})
    missing = []
    for name, (head, _) in {**models, **udc_mutants("6.12"), **udc_mutants("6.1")}.items():
        runs = programs.variations(os.path.join(SRC, head[1]), "Only-all" in head[0])
        if (head[2], head[3], head[4] or "") not in {(v["kernel"], v["udc"], v["append"]) for v in runs}:
            missing.append(name)
    eq(missing, [])


@test("every selftest of the series has mutants, and none is for another program")
def selftests_have_mutants():
    wanted = set(re.findall(r"^Caught-by: (\S+)", "".join(
        cache.read(os.path.join(DIRECTORY, name)).decode() for name in os.listdir(DIRECTORY)), re.M))
    there = set()
    for patch in cache.kernel_patches("6.12", "patched"):
        there |= set(re.findall(r"^\+\+\+ b/tools/testing/selftests/drivers/usb/functionfs/(test_\w+)\.c$",
                                cache.read(patch).decode(), re.M))
    eq(wanted, there)


@test("each is noticed where lab/test runs the selftests, or says why not")
def noticed_where_selftests_run():
    there = {(v["kernel"], v["flavour"], v["append"])
             for v in programs.variations(os.path.join(SRC, "tests/lab/kernel/test_functionfs.py"), False)}
    missing = []
    for name in sorted(os.listdir(DIRECTORY)):
        head = dict(re.findall(r"^([\w-]+): (.*)$", cache.read(os.path.join(DIRECTORY, name)).decode().split("\n\n")[0], re.M))
        append = head.get("Append", "dummy_hcd.gadget_sg=1" if head["Caught-by"] == "test_dmabuf" else "")
        if "Only-all" not in head and (*head["On"].split(), append) not in there:
            missing.append((name, head["On"], append))
    eq(missing, [])


ROOMS = {os.path.basename(os.path.dirname(path)) for path in glob.glob(os.path.join(SRC, "src", "*", "*.mk"))}
USER = planted.load(os.path.join(SRC, "tests", "mutants"))


@test("each defect of tests/mutants fits one place in the sources")
def defects_fit_sources():
    wrong, texts = [], planted.sources(SRC)
    for mutant in USER:
        try:
            planted.plant(mutant, SRC, texts)
        except planted.Bad as e:
            wrong.append(str(e))
    eq(wrong, [])


def errors_of_compiler(mutant):
    """What the compiler says of the file with the defect; None: it compiles, or is a header."""
    path, text = planted.plant(mutant, SRC)
    if path.endswith(".h"):
        return None
    libraries = subprocess.run(["pkg-config", "--cflags", "jansson", "libconfig", "libusb-1.0"], check=True, stdout=subprocess.PIPE, text=True)
    directories = [f'-DFFSCTL_{name}="/x"' for name in ("BINDIR", "LIBEXECDIR", "PLUGINDIR", "SYSCONFDIR", "DATADIR")]
    run = subprocess.run(["cc", "-fsyntax-only", "-std=gnu11", "-D_GNU_SOURCE", "-Werror=implicit-function-declaration", "-include",
                          os.path.join(BUILD, "config.h"), "-I", os.path.join(SRC, "src"), "-I", os.path.join(SRC, "include"),
                          "-iquote", os.path.join(SRC, os.path.dirname(path)), *libraries.stdout.split(), *directories, "-xc", "-"],
                         input=text, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True)
    return f"{mutant}: {run.stdout}" if run.returncode else None


@test("each defect of tests/mutants compiles", only_all="lab/mutants reports a defect that does not compile")
def defects_compile():
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        eq(list(filter(None, pool.map(errors_of_compiler, USER))), [])


@test("there are 80 of them, three a room, a third of which undo a fix of the history")
def enough_in_every_room():
    rooms = collections.Counter(m.room for m in USER)
    eq(set(rooms), ROOMS)
    eq({r: n for r, n in rooms.items() if n < 3}, {}, "rooms with too few")
    ok(len(USER) >= 80, f"{len(USER)}")
    ok(3 * sum("Reverses" in m.fields for m in USER) >= len(USER), "too few that undo a fix")


@test("the tests that a mutant names are there")
def named_tests_exist():
    missing = [f"{m}: {t}" for m in USER for t in m.tests
               if not glob.glob(os.path.join(SRC, t.partition("*")[0]) + "*")]
    eq(missing, [])


@test("each defect of packaging/mutants fits the tree, and its head is complete")
def packaging_defects_fit():
    texts = {}
    for path in glob.glob(os.path.join(SRC, "packaging/mutants/*.patch")):
        text = cache.read(path).decode()
        ok(re.match(r"What: \S.*\nCaught-by: (?:packaging/cross|lab/test) .*\nSays: \S.*\nSPDX-License-Identifier: \S+\n\n", text),
           f"{path}: its head is wrong")
        texts[path] = text
    eq(not_applicable(SRC, texts), {})


tap.main()
