# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the lab's kernels: source tree, configuration, vmlinux, and drivers as modules."""

import glob
import os
import shutil

import cache
from modules import apply_patches
from steps import Error, arch, building, jobs, product, run, step, write

# Built apart, as modules (modules.py). They are configured, because they select what the kernel
# proper has to have; these words on make's command line keep the kernel's own build out of their
# directories.
APART = ["CONFIG_USB_GADGET=", "CONFIG_USBIP_CORE=", "CONFIG_USB_TEST="]
# A quarter less of compiling; programs in the lab do not run slower (T was the same). What is
# measured and tested, the gadget stack, is compiled as the kernel does it.
FLAGS = ["KCFLAGS=-O1"]


def make_source(version):
    deb = cache.source_deb(version)

    def unpack(final):
        with step("unpacking " + os.path.basename(deb)), building(final) as work:
            run(["bash", "-c", "set -o pipefail; dpkg-deb --fsys-tarfile \"$0\" | "
                 "tar -xO ./usr/src/linux-source-\"$1\".tar.xz | "
                 "tar -xJ -C \"$2\" --strip-components=1", deb, version, work])
            apply_patches(work, cache.lab_patches(version))

    product(cache.source_dir(version), unpack)


def check_config(config, version, flavour):
    have = set(cache.read(config).decode().splitlines())
    kinds = {"all", flavour} | ({"uml"} if flavour != cache.SMP else set())
    for line in cache.read(os.path.join(cache.LAB, "config", "required.list")).decode().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] in kinds and words[1] in ("all", version) and words[2] not in have:
            raise Error("the %s %s kernel lacks %s" % (version, flavour, words[2]))


def configure(make, source, directory, fragments, log=None):
    """Makes directory/.config of fragments; from then on `make` works there."""
    run(make + ["-C", source, "O=" + directory, "tinyconfig"], log)
    run([os.path.join(source, "scripts/kconfig/merge_config.sh"), "-m", "-O", directory,
         os.path.join(directory, ".config")] + fragments, log, cwd=directory)
    run(make + ["olddefconfig"], log, cwd=directory)


def make(version, flavour, variant):
    """vmlinux, and beside it all that modules are built against. The source has been made.

    kbuild writes the directory's own path into what it makes, so this one is not renamed at the
    end: it counts only once `complete` is in it.
    """

    def build(final):
        source = cache.source_dir(version)
        with step("%s %s kernel" % (version, flavour)):
            shutil.rmtree(final, ignore_errors=True)
            os.makedirs(final)
            log = os.path.join(final, "log")
            kbuild = ["make", "-s", *arch(flavour), "-j%d" % jobs()]
            configure(kbuild, source, final, cache.fragments(flavour, variant), log)
            check_config(os.path.join(final, ".config"), version, flavour)
            run(kbuild + ["bzImage" if flavour == cache.SMP else "vmlinux", "modules_prepare", *FLAGS], log, cwd=final)
            # What it exports, for modules that are built without any of the drivers
            shutil.copy(os.path.join(final, "vmlinux.symvers"), os.path.join(final, "Module.symvers"))
            drop_objects(final)
            os.sync()
            write(os.path.join(final, "complete"), "")

    product(cache.kernel_dir(version, flavour, variant), build)


def make_drivers(version, flavour, variant):
    """The kernel's own modules: the host's drivers, and what the gadget stack needs and the kernel
    does not. The kernel has been made, and is made again nowhere in it."""

    def build(final):
        directory = cache.kernel_dir(version, flavour, variant)
        with step("%s %s drivers" % (version, flavour)):
            run(["make", "-s", *arch(flavour), "-j%d" % jobs(), "modules", *APART, *FLAGS],
                os.path.join(directory, "log"), cwd=directory)
            with building(final) as work:
                for path in glob.glob(os.path.join(directory, "**/*.ko"), recursive=True):
                    shutil.copy(path, work)
            # The kernel's Module.symvers now has what they export, too
            drop_objects(directory)

    product(cache.drivers_dir(version, flavour, variant), build)


def drop_objects(directory):
    """The linked objects, half a gigabyte that nobody reads again, but for the whole kernel's, which
    modules are checked against."""
    for path, dirs, files in os.walk(directory):
        if path == directory:
            dirs[:] = [d for d in dirs if d not in ("scripts", "tools")]
        for name in files:
            if name.endswith((".o", ".a", ".cmd")) and not name.startswith("module") and name != "vmlinux.o":
                os.unlink(os.path.join(path, name))
