#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab all: build=plain,sanitize
# lab needs: kernels
"""kernel/dkms: which kernels get modules of ours, and from which source.

The source packages and headers are made here, of the few files that matter."""

import functools
import glob
import os
import re
import shutil
import subprocess
import tarfile
import tempfile

from paths import SRC
import cache
import tap
from tap import eq, ok, test

GADGET = "drivers/usb/gadget"
VERSIONS = {"6.12": ("6.12.117+deb12-amd64", "6.12.117-1~deb12u1"), "6.1": ("6.1.0-54-amd64", "6.1.192-2")}


def write(path, text, mode=0o644):
    os.makedirs(os.path.dirname(path), exist_ok=True)
    with open(path, "w") as f:
        f.write(text)
    os.chmod(path, mode)


MADE = tempfile.TemporaryDirectory(prefix="ffsctl-dkms-")  # what several tests need, made once


def once(make):
    """Makes make(directory, ...) write to a directory of its own, once for the same arguments, and return it."""
    @functools.cache
    def made(*args):
        directory = tempfile.mkdtemp(dir=MADE.name)
        make(directory, *args)
        return directory
    return made


@once
def package_files(directory, groups):
    subprocess.run(["make", "-s", "-C", os.path.join(SRC, "kernel"), "dkms", "DESTDIR=" + directory,
                    "GROUP=" + " ".join(groups)], check=True, stdout=subprocess.DEVNULL)


@once
def source_package(directory, version, contents):
    """Makes the tarball of a linux-source package, with what is needed here, of the source of version `contents`."""
    source, package = cache.source_dir(contents), "linux-source-" + version
    with tarfile.open(os.path.join(directory, package + ".tar.xz"), "w:xz", preset=0) as tar:
        for name in (GADGET, *(file for file in cache.files_to_patch(contents) if not file.startswith(GADGET + "/"))):
            tar.add(os.path.join(source, name), os.path.join(package, name))


class Machine:
    """A place with a package's directory as dkms makes it, headers, and what dpkg says is installed."""

    def __init__(self, work, version, headers_of, installed, groups=tuple(cache.GROUPS)):
        self.release, _ = VERSIONS[version]
        self.headers, self.sources, self.bin = (os.path.join(work, n) for n in ("headers", "src", "bin"))
        os.makedirs(self.sources)
        shutil.copytree(package_files(groups), work, dirs_exist_ok=True)
        self.build, = glob.glob(os.path.join(work, "usr/src/ffsctl-modules-*"))
        if headers_of is not None:
            write(os.path.join(self.headers, "include/generated/package.h"),
                  '#define LINUX_PACKAGE_ID "%s"\n' % headers_of)
        write(os.path.join(self.bin, "dpkg-query"), "#!/bin/sh\n" + (
            "for last; do :; done\n[ $last = linux-source-%s ] && echo '%s'\n" % (version, installed)
            if installed else "exit 1\n"), 0o755)

    def tarball(self, version, contents=None):
        """Installs a linux-source package; `contents`: with the source of another version."""
        shutil.copytree(source_package(version, contents or version), self.sources, dirs_exist_ok=True)

    def prepare(self, release=None, groups=tuple(cache.GROUPS)):
        return subprocess.run(["./prepare", release or self.release, self.headers, *groups], cwd=self.build, text=True,
                              stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                              env={**os.environ, "FFSCTL_SOURCES": self.sources,
                                   "PATH": self.bin + ":" + os.environ["PATH"]}, check=False)


def refused(machine, *words, release=None, groups=tuple(cache.GROUPS)):
    result = machine.prepare(release, groups)
    eq(result.returncode, 1, result.stderr)
    eq(result.stderr.count("\n"), 1, "lines of " + repr(result.stderr))
    for word in ("ffsctl-modules: ",) + words:
        ok(word in result.stderr, "%r lacks %r" % (result.stderr, word))
    builds_nothing(machine, result.stderr.strip())
    return result


def builds_nothing(machine, reason):
    """dkms runs make whatever prepare exits with: it must stop, with the reason."""
    ok(not os.path.exists(os.path.join(machine.build, "source")), "source is left")
    made = subprocess.run(["make", "-f", "-"], input="src := %s\ninclude $(src)/Kbuild\nall:\n" % machine.build, cwd="/", text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.PIPE, check=False)
    eq(made.returncode, 2, made.stdout)
    ok(reason in made.stderr, "%r lacks %r" % (made.stderr, reason))


def in_place(function):
    @functools.wraps(function)
    def run(*args):
        with tempfile.TemporaryDirectory() as work:
            function(work, *args)
    return run


@test("dkms.conf has its fields, and prepare is what it calls")
@in_place
def dkms_conf_fields(work):
    machine = Machine(work, "6.12", None, "")
    conf = subprocess.run(
        ["bash", "-ec", "kernelver=1.2; kernel_source_dir=/k; dkms_tree=/t; . ./dkms.conf; echo $PACKAGE_NAME-"
         "$PACKAGE_VERSION; echo $PRE_BUILD; echo ${MAKE[0]}; echo ${BUILT_MODULE_NAME[*]}; echo $POST_INSTALL; echo $AUTOINSTALL"],
        cwd=machine.build, stdout=subprocess.PIPE, text=True, check=True).stdout.splitlines()
    name = os.path.basename(machine.build)
    eq(conf[0], name)
    ok(re.fullmatch(r"ffsctl-modules-\d+\.\d+\.\d+", name), name)
    eq(conf[1:], ["prepare 1.2 /k fixes backports features tests", "make -C /k M=/t/%s/build modules" % name.replace("modules-", "modules/"),
                  "usb_f_fs g_ffs dummy_hcd libcomposite", "remove-old /t 1.2", ""])
    for script in ("prepare", "remove-old"):
        ok(os.access(os.path.join(machine.build, script), os.X_OK), script + " cannot be run")


@test("a kernel that there are no patches for is refused")
@in_place
def unknown_kernel(work):
    machine = Machine(work, "6.12", " Debian 6.12.117-1~deb12u1", "installed 6.12.117-1~deb12u1")
    for release in ("6.11.2-amd64", "6.18.1", "5.10.0-30-amd64", "6.120.1-amd64"):
        refused(machine, release, "6.12 and 6.1 only", release=release)


@test("a kernel whose headers are not there is refused")
@in_place
def missing_headers(work):
    machine = Machine(work, "6.12", None, "installed 6.12.117-1~deb12u1")
    refused(machine, "headers", "apt-get install linux-headers-6.12.117+deb12-amd64")


@test("a kernel that is not Debian's is refused")
@in_place
def kernel_of_others(work):
    machine = Machine(work, "6.12", "", "installed 6.12.117-1~deb12u1")
    refused(machine, "6.12.117+deb12-amd64 is not one of Debian's")


@test("without the source package it is refused, and named")
@in_place
def missing_source_package(work):
    for n, installed in enumerate(("", "config-files 6.12.117-1~deb12u1", "installed 6.12.117-1~deb12u1")):
        place = os.path.join(work, str(n))
        # The last one: dpkg says it is installed, but its file was removed
        refused(Machine(place, "6.12", " Debian 6.12.117-1~deb12u1", installed),
                "apt-get install linux-source-6.12=6.12.117-1~deb12u1")


@test("source and headers of different releases are refused")
@in_place
def different_releases(work):
    machine = Machine(work, "6.1", " Debian 6.1.192-2", "installed 6.1.190-1")
    machine.tarball("6.1")
    refused(machine, "6.1.192-2", "6.1.190-1", "apt-get install linux-source-6.1=6.1.192-2")


@test("patches that do not apply are not built from")
@in_place
def patches_do_not_apply(work):
    machine = Machine(work, "6.12", " Debian 6.12.117-1~deb12u1", "installed 6.12.117-1~deb12u1")
    machine.tarball("6.12", contents="6.1")
    result = machine.prepare()
    eq(result.returncode, 1)
    reason = re.search(r"^ffsctl-modules: fixes/\d{4}-\S+\.patch does not apply to linux-source-6.12 .*", result.stderr, re.M)
    ok(reason, result.stderr)
    builds_nothing(machine, reason[0])


@test("a package whose prepare was interrupted builds nothing")
@in_place
def interrupted(work):
    machine = Machine(work, "6.12", " Debian 6.12.117-1~deb12u1", "installed 6.12.117-1~deb12u1")
    eq([n for n in os.listdir(machine.build) if n in ("Kbuild", "Makefile")], [], "files that make would read")
    # It stops where it asks what is installed
    write(os.path.join(machine.bin, "dpkg-query"), "#!/bin/sh\nkill $PPID\n", 0o755)
    machine.prepare()
    builds_nothing(machine, "ffsctl-modules: prepare did not finish")


@in_place
def makes_the_source(work, version):
    _, package = VERSIONS[version]
    machine = Machine(work, version, " Debian " + package, "installed " + package)
    machine.tarball(version)
    for again in range(2):
        result = machine.prepare()
        eq((result.returncode, result.stderr), (0, ""), "again" if again else "")
    source = os.path.join(machine.build, "source")
    text = cache.read(os.path.join(source, GADGET, "function/f_fs.c")).decode()
    ok("ffs_proxy_operations" in text and "ffs_mmap_find" in text, "f_fs.c is not patched")
    ok("gadget_sg" in cache.read(os.path.join(source, GADGET, "udc/dummy_hcd.c")).decode(), "dummy_hcd.c is not")
    ok("ENABLE_ZLP" in cache.read(os.path.join(source, "include/uapi/linux/usb/functionfs.h")).decode())
    # So is what Kbuild names
    eq(cache.read(os.path.join(machine.build, "Kbuild")), cache.read(os.path.join(machine.build, "modules.kbuild")))
    for name in ("function/f_fs.c", "legacy/g_ffs.c", "udc/dummy_hcd.c", "composite.c"):
        ok(os.path.exists(os.path.join(source, GADGET, name)), name)


for version in VERSIONS:
    test(f"the source of {version} is unpacked and patched, as often as one likes", version)(makes_the_source)


@test("a package with a bundle needs no source package, for the kernel of that version only")
@in_place
def bundle(work):
    _, package = VERSIONS["6.1"]
    machine = Machine(work, "6.1", " Debian " + package, "")
    deb = os.path.join(work, "deb")
    machine.sources = os.path.join(deb, "usr/src")
    os.makedirs(machine.sources)
    machine.tarball("6.1")
    write(os.path.join(deb, "DEBIAN/control"), "Package: linux-source-6.1\nVersion: %s\nArchitecture: all\nMaintainer: a\n"
          "Description: a\n" % package)
    subprocess.run(["dpkg-deb", "-Znone", "-b", deb, os.path.join(work, "source.deb")], check=True, stdout=subprocess.DEVNULL)
    subprocess.run(["make", "-s", "-C", os.path.join(SRC, "kernel"), "dkms", "DESTDIR=" + work,
                    "BUNDLE=" + os.path.join(work, "source.deb")], check=True, stdout=subprocess.DEVNULL)
    machine.sources = "/nonexistent"
    eq(os.listdir(os.path.join(machine.build, "sources")), [package + ".tar.xz"])
    result = machine.prepare()
    eq((result.returncode, result.stderr), (0, ""))
    ok(os.path.exists(os.path.join(machine.build, "source", GADGET, "function/f_fs.c")))
    write(os.path.join(machine.headers, "include/generated/package.h"), '#define LINUX_PACKAGE_ID " Debian 6.1.193-1"\n')
    refused(machine, "apt-get install linux-source-6.1=6.1.193-1")


@test("a package of some groups has their patches only, and calls prepare with them")
@in_place
def package_of_groups(work):
    _, package = VERSIONS["6.1"]
    machine = Machine(work, "6.1", " Debian " + package, "installed " + package, ("fixes",))
    eq(os.listdir(os.path.join(machine.build, "patches", "6.1")), ["fixes"])
    ok(b'PRE_BUILD="prepare $kernelver $kernel_source_dir fixes"' in cache.read(os.path.join(machine.build, "dkms.conf")))
    machine.tarball("6.1")
    refused(machine, "there are no patches 'backports' for Linux 6.1", groups=("fixes", "backports"))
    result = machine.prepare(groups=("fixes",))
    eq((result.returncode, result.stderr), (0, ""))
    text = cache.read(os.path.join(machine.build, "source", GADGET, "function/f_fs.c")).decode()
    ok("mmput_async" in text and "ffs_proxy_operations" not in text, "f_fs.c has other patches")


tap.main()
