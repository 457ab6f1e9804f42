# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the project in the cache, for lab/test and lab/demo.

Copies the files of the source tree to a directory in the cache and builds them there. So nothing is written to the
source tree, which may be configured, read-only or open in an editor. Each source tree has its own directory in the cache,
whose name is computed from the path of the tree; LAB_WORK selects another directory. The directory is kept, so the next
build compiles only what has changed.
"""

import compileall
import concurrent.futures
import hashlib
import os
import shutil
import subprocess
import sys

import cache
import mutants
import progress
from steps import Error, what_failed

WORK = os.environ.get("LAB_WORK") or os.path.join(
    cache.root(), "build-" + hashlib.sha256(cache.TREE.encode()).hexdigest()[:12])
SRC = os.path.join(WORK, "src")
# Where WORK is in the lab
INSIDE = "/srv/ffsctl"
BUILDS = {
    "release": [],
    "static": ["--enable-static-libs"],
    "plain": ["--enable-werror", "--enable-test-hooks"],
    "sanitize": ["--enable-werror", "--enable-test-hooks", "--enable-sanitizers"],
    "without-libusbgx": ["--enable-werror", "--enable-test-hooks", "--without-libusbgx"],
    "fuzz": ["CC=clang", "--enable-werror", "--enable-fuzzers"],
}
# Builds that packaging/cross makes: {name: the directory of their libraries}
CROSS = {"musl": "x86_64-linux-musl", "i386": "i386-linux-gnu"}
# Builds without ffsbench: {name: the build whose ffsbench tests them}
WITHOUT_FFSBENCH = {"musl": "plain"}
# Builds that run on a kernel of their own: {name: its flavour}
KERNEL_OF = {"i386": cache.I386}
CROSS_OPTIONS = ["--enable-werror", "--enable-test-hooks", "--prefix=/usr/local", "--sysconfdir=/usr/local/etc"]

# The first release, 0.2.0. A new ffsctl must handle gadgets that this version has started.
OLD = "d81cae3c88aa"
OLD_GOALS = ["ffsctl", "ffsctl-worker", "src/plugins/loopback.so"]

LENIENT = ["CFLAGS=-g -O2 -Wno-error"]  # arguments of make: warnings are not errors

# ccache stores its files in the lab's cache, so that a new clone compiles only changed files. The links in this
# Debian directory make every compiler use ccache.
CCACHE = {"CCACHE_DIR": os.path.join(cache.root(), "ccache"), "CCACHE_BASEDIR": WORK, "CCACHE_NOHASHDIR": "1",
          "CCACHE_MAXSIZE": "2G"}
CCACHE_LINKS = "/usr/lib/ccache"
# Directory for tests that build the project. It is below CCACHE_BASEDIR, so that ccache finds what these tests have
# compiled in another clone
BUILDS_TMP = os.path.join(WORK, "tmp")


def environment():
    """Returns the environment variables of the compilers."""
    os.makedirs(BUILDS_TMP, exist_ok=True)
    return {**os.environ, **CCACHE, "LAB_BUILDS_TMP": BUILDS_TMP, "PATH": CCACHE_LINKS + ":" + os.environ["PATH"]}


def step(args, what, **kw):
    """Runs a command that must succeed. If the command fails, raises Error. The text of Error has the error messages from
    the command's output and then the end of this output, because with several jobs of make the messages may be far from
    the end."""
    with progress.Step("lab", what, sys.stdout):
        r = subprocess.run(args, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
                           stderr=subprocess.STDOUT, env=environment(), **kw)
        if r.returncode:
            raise Error("%s: failed with %d\n%s" % (what, r.returncode, what_failed(r.stdout)))


def tree_files():
    """Returns the relative names of the tree's files, tracked and untracked, but not of files that git ignores."""
    git = subprocess.run(["git", "-c", "safe.directory=*", "-C", cache.TREE, "ls-files", "-z", "-c",
                          "-o", "--exclude-standard"], stdout=subprocess.PIPE,
                         stderr=subprocess.DEVNULL)
    if git.returncode == 0:
        names = git.stdout.decode(errors="surrogateescape").split("\0")
        return [n for n in names if n and os.path.lexists(os.path.join(cache.TREE, n))]
    out = []
    for path, dirs, files in os.walk(cache.TREE):
        dirs[:] = [d for d in dirs if d != ".git"]
        out += [os.path.relpath(os.path.join(path, f), cache.TREE) for f in files]
    return out


def copy_tree(planted=None):
    """Copies the changed files of the tree to SRC. Puts the defect of `planted` (mutants.Mutant) into the copy; the next
    call restores the file that has the defect."""
    os.makedirs(SRC, exist_ok=True)
    names = tree_files()
    defect, text = mutants.plant(planted) if planted else (None, None)
    for name in names:
        a, b = os.path.join(cache.TREE, name), os.path.join(SRC, name)
        os.makedirs(os.path.dirname(b), exist_ok=True)
        if os.path.islink(a):
            if not (os.path.islink(b) and os.readlink(a) == os.readlink(b)):
                if os.path.lexists(b):
                    os.unlink(b)
                os.symlink(os.readlink(a), b)
            continue
        if name == defect:
            with open(b, "w") as f:
                f.write(text)
            continue
        st = os.stat(a)
        try:
            same = (os.path.isfile(b) and os.stat(b).st_mode == st.st_mode
                    and cache.read(a) == cache.read(b))
        except FileNotFoundError:
            same = False
        if not same:
            # copyfile() instead of copy2(), because make needs the new time stamp
            shutil.copyfile(a, b)
            os.chmod(b, st.st_mode)
    listing = os.path.join(WORK, "files")
    try:
        old = set(cache.read(listing).decode(errors="surrogateescape").split("\0"))
    except FileNotFoundError:
        old = set()
    for name in old - set(names):
        if name and os.path.lexists(os.path.join(SRC, name)):
            os.unlink(os.path.join(SRC, name))
    with open(listing, "w", errors="surrogateescape") as f:
        f.write("\0".join(names))


def compile_tests():
    """Compiles the Python modules of the tests, because otherwise each run in the lab would compile them."""
    tests = os.path.join(SRC, "tests", "lab")
    subprocess.run([sys.executable, "-B", os.path.join(tests, "lib", "valid.py")], check=True)
    compileall.compile_dir(tests, quiet=2)


def build_old():
    """Returns the directory of a build of the commit OLD, which is built only once; None if the tree's history does
    not have OLD."""
    directory = os.path.join(cache.root(), "old-" + OLD)
    if os.path.exists(os.path.join(directory, "made")):
        return directory
    git = ["git", "-c", "safe.directory=*", "-C", cache.TREE]
    if subprocess.run([*git, "cat-file", "-e", OLD + "^{commit}"], stderr=subprocess.DEVNULL).returncode:
        return None
    shutil.rmtree(directory, ignore_errors=True)
    os.makedirs(directory)
    archive = os.path.join(directory, "archive")
    step([*git, "archive", "-o", archive, "--format=tar", OLD], "git archive " + OLD)
    step(["tar", "-xf", archive], "unpack " + OLD, cwd=directory)
    step(["./bootstrap"], "bootstrap, " + OLD, cwd=directory)
    step(["./configure", "CFLAGS=-O1"], "configure, " + OLD, cwd=directory)
    step(["make", "-j%d" % os.cpu_count(), *OLD_GOALS], "make, " + OLD, cwd=directory)
    os.rename(archive, os.path.join(directory, "made"))
    return directory


def build_packages():
    """Returns the directory of the Debian packages, which are built again each time."""
    directory = os.path.join(WORK, "packages")
    shutil.rmtree(directory, ignore_errors=True)
    # nocheck: `make check` runs elsewhere
    step(["env", "DEB_BUILD_OPTIONS=nocheck", os.path.join(SRC, "packaging/deb"), directory], "packages for Debian")
    return directory


def build_installed():
    """Returns the directory in which `make install` has installed the plain build, with DESTDIR."""
    directory = os.path.join(WORK, "installed")
    shutil.rmtree(directory, ignore_errors=True)
    step(["make", "install", "DESTDIR=" + directory], "make install", cwd=os.path.join(WORK, "plain"))
    return directory


def must_be_made_again(path, than):
    return not os.path.exists(than) or os.stat(path).st_mtime_ns > os.stat(than).st_mtime_ns


def configure(name):
    script, directory = os.path.join(SRC, "configure"), os.path.join(WORK, name)
    os.makedirs(directory, exist_ok=True)
    if must_be_made_again(script, os.path.join(directory, "config.status")):
        step([script] + BUILDS[name], "configure " + " ".join(BUILDS[name]), cwd=directory)


def cross(name):
    """Builds the project for another machine or C library, each time from the start."""
    directory = name + "-cross"
    # Where libffsctl-stream.so.1 finds libaio in the lab
    libaio = "LIBS=-Wl,-rpath,%s/%s/sysroot/usr/lib/%s" % (INSIDE, directory, CROSS[name])
    step([os.path.join(SRC, "packaging/cross"), "--no-check", name, os.path.join(WORK, directory), *CROSS_OPTIONS, libaio],
         "packaging/cross " + name)
    link = os.path.join(WORK, name)
    if not os.path.lexists(link):
        os.symlink(os.path.join(directory, "build"), link)


def build(*names, goals=(), lenient=False):
    """Builds the project with one or several sets of options. `goals`: targets of make; the default is everything
    including the programs of the tests. `lenient`: warnings are not errors."""
    if not os.path.exists(os.path.join(SRC, "configure.ac")):
        raise Error("cannot build the project: configure.ac is missing")
    if must_be_made_again(os.path.join(SRC, "configure.ac"), os.path.join(SRC, "configure")):
        step([os.path.join(SRC, "bootstrap")], "bootstrap", cwd=SRC)
    for name in sorted(CROSS.keys() & set(names)):
        cross(name)
    names = [name for name in names if name not in CROSS]
    if not names:
        return
    # configure uses one core, so several run in parallel. make uses all cores, and the builds share generated
    # files, so they run one after the other
    with concurrent.futures.ThreadPoolExecutor(len(names)) as pool:
        list(pool.map(configure, names))
    for name in names:
        step(["make", "-j%d" % os.cpu_count(), *goals] + LENIENT * lenient, "make, " + name, cwd=os.path.join(WORK, name))
