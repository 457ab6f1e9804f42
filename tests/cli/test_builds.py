#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain parts=2
"""The ways to build that lab/test's own builds are not: in the source tree and with clang, where `make check` passes, too,
without what only tests need, with the libraries linked statically, with as little as there can be, for coverage,
`make distcheck`, and the tarball of a release."""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile

import paths
import tap
from tap import contains, eq, ok, rounds, test

SRC = pathlib.Path(paths.SRC)
TMP = pathlib.Path(tempfile.mkdtemp(prefix="ffsctl-builds-", dir=os.environ.get("LAB_BUILDS_TMP")))
NAMES = ("ffsctl", "ffsctl-worker", "src/plugins/accessory.so", "src/plugins/bridge.so", "src/plugins/loopback.so",
         "src/plugins/selftest.so", "src/plugins/sourcesink.so")


# The part that we are to run is not theirs: distcheck has tests, too
ENVIRON = {name: value for name, value in os.environ.items() if name != "TAP_PART"}


def run(*args, cwd, **env):
    """A step that must succeed; what it printed, when it does not."""
    result = subprocess.run([str(a) for a in args], cwd=cwd, env={**ENVIRON, **env}, text=True,
                            stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    if result.returncode:
        raise AssertionError(f"{' '.join(map(str, args))}: exit {result.returncode}\n{result.stdout[-6000:]}")
    return result.stdout


# What is built here is hardly run, and gcc's warnings of its second half lab/test has seen in its own builds. Nor is it built
# again: its dependencies, which configure prepares in a third of its time, are not needed
QUICK = ["CFLAGS=-O0"]
ONCE = ["--disable-dependency-tracking"]
MINIMAL = ["--disable-plugins", "--disable-stream", "--disable-docs"]


def configure_and_make(configure, directory, *options, programs=(), **env):
    """All, or only some of the programs."""
    quick = rounds(QUICK, []) if env.get("CC") == "clang" else QUICK
    run(configure, "--enable-werror", *quick, *options, cwd=directory, **env)
    run("make", f"-j{os.cpu_count()}", *programs, cwd=directory)
    for program in programs or NAMES:
        ok((directory / program).read_bytes().startswith(b"\x7fELF"), f"{program} is no ELF")


def build(name, *options, **kwargs):
    directory = TMP / name
    directory.mkdir()
    configure_and_make(SRC / "configure", directory, *ONCE, *options, **kwargs)
    return directory


def not_ignored(tree):
    """The files of a tree that git would add."""
    return run("git", "ls-files", "--others", "--exclude-standard", cwd=tree).splitlines()


def check_in_tree(tree):
    """`make check`, of which the first tier runs what can differ in the tree: the programs that look for files of the
    tree, beside which there are those of the build now, and a unit test, for the rules of make."""
    unit = "tests/unit/base/test_base"
    programs = run("make", "-s", "--eval", "print-tests: ; @echo $(TESTS)", "print-tests", cwd=tree).split()
    looking = [p for p in programs if p.endswith(".py") and "tree.files(" in (tree / p).read_text()]
    ok(len(looking) >= 3, looking)
    run("make", f"-j{os.cpu_count()}", "check", "VERBOSE=1",
        *rounds([f"check_PROGRAMS={unit}", f"TESTS={unit} {' '.join(looking)}"], []), cwd=tree)


def needed(program):
    return subprocess.run(["readelf", "-d", program], capture_output=True, text=True, check=True).stdout


@test("clang, in the source tree: `make check` passes, git ignores all that is made, and what is installed from there")
def in_source_tree():
    tree = TMP / "tree"
    shutil.copytree(SRC, tree, symlinks=True, ignore=shutil.ignore_patterns(".git", "*.o", "__pycache__"))
    # A clone has a commit, which packaging/copy-source copies
    run("git", "init", "--quiet", cwd=tree)
    run("git", "add", "--all", cwd=tree)
    run("git", "-c", "user.name=test", "-c", "user.email=test@localhost", "commit", "--quiet", "--message", "all", cwd=tree)
    configure_and_make("./configure", tree, "--prefix=/usr", CC="clang")
    check_in_tree(tree)
    eq(not_ignored(tree), [], "what a build makes and git does not ignore")
    run("make", "install", f"DESTDIR={TMP}/dest", cwd=tree)
    for name in ("bin/ffsctl", "libexec/ffsctl/ffsctl-worker", "lib/ffsctl/plugins/loopback.so",
                 "include/ffsctl/plugin.h", "lib/systemd/system/ffsctl@.service", "share/ffsctl/schemas/gadget.schema.json",
                 "share/man/man8/ffsctl.8"):
        ok((TMP / "dest/usr" / name).exists(), f"{name} is not installed")
    out = run(TMP / "dest/usr/bin/ffsctl", "--version", cwd=TMP)
    eq(out.split()[0], "ffsctl")
    run("make", "uninstall", f"DESTDIR={TMP}/dest", cwd=tree)
    eq([str(p) for p in (TMP / "dest").rglob("*") if p.is_file()], [], "what uninstall leaves")


@functools.cache
def minimal_build():
    return build("minimal", *MINIMAL, "--with-systemdsystemunitdir=no", "--with-python-dir=no", programs=["ffsctl"])


@test("--disable-plugins, --disable-stream and --disable-docs: what is installed, and what ffsctl says about plugins")
def minimal():
    directory = minimal_build()
    run("make", "install", f"DESTDIR={TMP}/minimal-dest", cwd=directory)
    prefix = TMP / "minimal-dest/usr/local"
    eq({str(p.relative_to(prefix)) for p in prefix.rglob("*") if p.is_file() and "share" not in p.relative_to(prefix).parts},
       {"bin/ffsctl", "bin/ffsbench", "lib/pkgconfig/ffsctl.pc", "include/ffsctl/control.h", "include/ffsctl/plugin.h"})
    eq({p.name for p in (prefix / "share").iterdir()}, {"bash-completion", "ffsctl", "fish", "zsh"})
    eq([p.name for p in (prefix / "share").rglob("README*")], [])
    installed = prefix / "share/ffsctl/gadget.d"
    eq([p.name for p in installed.iterdir() if re.search(r"^[^#]*\bplugin *=", p.read_text(), re.M)], [])
    ok((installed / "serial.conf").exists(), "gadget files of functions of the kernel are missing")
    for arguments in (("plugins", "loopback"), ("check", "--here", SRC / "gadget.d/loopback.conf")):
        result = subprocess.run([prefix / "bin/ffsctl", *arguments], capture_output=True, text=True, check=False)
        eq(result.returncode, 69)
        contains(result.stderr, "cannot run plugin 'loopback': /usr/local/libexec/ffsctl/ffsctl-worker")
        contains(result.stderr, "install an ffsctl that was built with plugins")
    (prefix / "lib/libffsctl-stream.so").touch()  # of another package
    run("make", "uninstall", f"DESTDIR={TMP}/minimal-dest", cwd=directory)
    eq([str(p.relative_to(prefix)) for p in prefix.rglob("*") if p.is_file()], ["lib/libffsctl-stream.so"])


@test("without Criterion, libusb and systemd, and with libraries linked statically")
def without_criterion_and_libusb():
    # pkg-config itself decides what there is
    wrapper = TMP / "pkg-config"
    wrapper.write_text('#!/bin/sh\ncase "$*" in *criterion*|*libusb-1.0*|*systemd*) exit 1;; esac\nexec pkg-config "$@"\n')
    wrapper.chmod(0o755)
    directory = build("bare", "--enable-static-libs", PKG_CONFIG=str(wrapper))
    ok(not (directory / "ffsbench").exists(), "ffsbench was built without libusb")
    ok("libjansson.so" not in needed(directory / "ffsctl"), "jansson is not linked statically")
    # With our own runner (tests/cli/test_runner.py tests it)
    unit = "tests/unit/base/test_base"
    run("make", "check", f"check_PROGRAMS={unit}", f"TESTS={unit}", cwd=directory)
    ok("libcriterion" not in needed(directory / unit), "the unit tests use Criterion")
    run("make", "install", f"DESTDIR={TMP}/bare-dest", cwd=directory)
    eq(list((TMP / "bare-dest").rglob("ffsctl@.service")), [], "units of systemd, without systemd")


# Of those that make check has run already, in lab/test: one of each kind, in C, in Python and of the fuzzers' corpus
SOME = ["check_PROGRAMS=tests/unit/base/test_base tests/fuzz/fuzz_gadgetfile",
        "TESTS=tests/unit/base/test_base tests/cli/test_check.py tests/fuzz/test_corpus.py"]


def times(tree):
    """Returns the files of a tree, with the times of their last changes."""
    return {str(p): p.lstat().st_mtime_ns for p in tree.rglob("*") if not p.is_dir()}


def build_from_tarball(directory, *options):
    """Does what `make distcheck` does with the tarball, but for install and distclean, of which in_source_tree has the
    first: builds and tests it beside its files, and writes none of them."""
    run("make", "dist", cwd=directory, XZ_OPT="-0")
    tarball, = directory.glob("ffsctl-*.tar.xz")
    run("tar", "-xf", tarball, cwd=TMP)
    source, beside = TMP / tarball.name.removesuffix(".tar.xz"), TMP / "beside"
    before = times(source)
    beside.mkdir()
    run(source / "configure", *options, cwd=beside)
    run("make", f"-j{os.cpu_count()}", cwd=beside)
    run("make", f"-j{os.cpu_count()}", "check", *SOME, cwd=beside, VERBOSE="1")
    eq(times(source), before, "files that the build has written in the source tree")


@test("make distcheck, or make check from the tarball; the tarball has what this configuration leaves out, too")
def distcheck():
    directory = minimal_build()
    options = ["--enable-werror", *QUICK, *ONCE]
    if tap.EVERYTHING:
        # VERBOSE: what a test says; XZ_OPT: two tarballs, which nobody keeps
        run("make", "distcheck", f"-j{os.cpu_count()}", cwd=directory, VERBOSE="1", XZ_OPT="-0",
            DISTCHECK_CONFIGURE_FLAGS=" ".join(options))
    else:
        build_from_tarball(directory, *options)
    tarball, = directory.glob("ffsctl-*.tar.xz")
    packed = {name.partition("/")[2] for name in run("tar", "-tf", tarball, cwd=directory).splitlines()}
    files = set((SRC.parent / "files").read_text().split("\0")) - {".gitignore"}  # what lab/test has copied
    eq(sorted(files - packed), [], "files of the tree that are not in the tarball")


@test("for coverage")
def with_coverage():
    # Where they are built is in the objects, so ccache never has them: lab/test compiles no more than a plugin
    plugin = "src/plugins/loopback.so"
    directory = build("coverage", "--enable-coverage", programs=rounds([plugin], []))
    # (The plugin host's sandbox would let it write nothing)
    if tap.EVERYTHING:
        run(directory / "ffsctl", "--version", cwd=TMP)
    else:
        run(sys.executable, "-c", "import ctypes, sys; ctypes.CDLL(sys.argv[1])", directory / plugin, cwd=TMP)
    ok(list(directory.rglob("*.gcda")), "nothing was counted")


def check_members(tarball, time, path):
    """Checks that nothing in a tarball is other for another builder: order, owner, mode and time of its members, and a path
    of the build in their contents."""
    with tarfile.open(tarball) as tar:
        members = tar.getmembers()
        eq([m.name for m in members if path in (tar.extractfile(m).read() if m.isfile() else b"")], [], "with a path of the build")
    names = [m.name.split("/") for m in members]
    eq(names, sorted(names), "order")
    eq({(m.uid, m.gid, m.uname, m.gname, m.mtime) for m in members}, {(0, 0, "root", "root", time)})
    eq({oct(m.mode) for m in members} - {"0o755", "0o644", "0o777"}, set(), "modes")  # 777: links


def tarball_is_reproducible():
    tree = TMP / "release"
    tree.mkdir()
    for name in (SRC.parent / "files").read_text().split("\0"):  # what lab/test has copied
        (tree / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy2(SRC / name, tree / name, follow_symlinks=False)
    for words in (["init", "--quiet"], ["-c", "core.looseCompression=0", "add", "--all", "--force"],
                  ["-c", "user.name=x", "-c", "user.email=x", "commit", "--quiet", "-m", "x"]):
        run("git", *words, cwd=tree)
    time = int(run("git", "log", "-1", "--format=%ct", cwd=tree))
    made = []
    for n in range(2):
        work = TMP / f"work-{n}"
        work.mkdir()
        made.append(run(tree / "packaging/tarball", TMP / f"tarball-{n}", cwd=TMP, TMPDIR=work).splitlines()[-1])
        check_members(made[n], time, os.fsencode(work))
    eq({os.path.basename(path) for path in made}, {os.path.basename(made[0])})
    ok(all(pathlib.Path(path).read_bytes() == pathlib.Path(made[0]).read_bytes() for path in made), "other bytes")


if tap.EVERYTHING:
    test("packaging/tarball makes the same bytes again")(tarball_is_reproducible)


@test("static libraries on request only; without them configure fails")
def static_libraries():
    ok("libjansson.so" in needed(pathlib.Path(paths.BUILD) / "ffsctl"), "jansson is linked statically")
    wrapper = TMP / "cc"
    wrapper.write_text('#!/bin/sh\ncase " $* " in *" -Wl,-Bstatic "*) exit 1;; esac\nexec cc "$@"\n')
    wrapper.chmod(0o755)
    (TMP / "no-static").mkdir()
    result = subprocess.run([SRC / "configure", "--enable-static-libs", f"CC={wrapper}"], cwd=TMP / "no-static", env=ENVIRON,
                            text=True, stdin=subprocess.DEVNULL, capture_output=True, check=False)
    eq(result.returncode, 1)
    contains(result.stderr, "--enable-static-libs: cannot link -ljansson -laio statically")


try:
    tap.main()
finally:
    # distcheck makes its tree read-only
    subprocess.run(["chmod", "-R", "u+w", TMP], check=False)
    shutil.rmtree(TMP)
