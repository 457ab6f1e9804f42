# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the lab's kernels: source tree, configuration, vmlinux, and drivers as modules."""

import glob
import os
import shutil

import cache
import trees
from modules import apply_patches
from steps import Error, arch, building, jobs, product, run, say, step, write

# Arguments of make that exclude the drivers of these options from the build of the kernel, because modules.py builds
# these drivers. Nevertheless the options stay set in .config, because they select other options, which the kernel image
# needs.
APART = ["CONFIG_USB_GADGET=", "CONFIG_USBIP_CORE=", "CONFIG_USB_TEST="]


def flags(flavour):
    """Returns the arguments of make for the kernel and the drivers that this file builds. User-Mode Linux is compiled with
    -O1: this saves a quarter of the compile time and does not make programs in the lab slower (the time of a fork and exec
    was the same). x86-64 is not: with -O1, code remains that calls functions of 32-bit support (convert_to_fxsr()), and the
    kernel is not linked. The gadget stack, which is tested and measured, does not get these flags: modules.py compiles it
    separately, with the kernel's default flags."""
    return [] if flavour == cache.SMP else ["KCFLAGS=-O1"]


def make_source(version):
    if version not in cache.VERSIONS:
        product(cache.source_dir(version), lambda final: trees.make_source(version, final))
        return
    deb = cache.source_deb(version)

    def unpack(final):
        with step("unpacking " + os.path.basename(deb)), building(final) as work:
            run(["bash", "-c", "set -o pipefail; dpkg-deb --fsys-tarfile \"$0\" | "
                 "tar -xO ./usr/src/linux-source-\"$1\".tar.xz | "
                 "tar -xJ -C \"$2\" --strip-components=1", deb, version, work])
            apply_patches(work, cache.lab_patches(version))

    product(cache.source_dir(version), unpack)


def check_config(config, version, flavour):
    """Checks that a configuration has the options of lab/config/required.list. Returns those that the configuration of a
    user's tree lacks and may lack."""
    lacks = []
    have = set(cache.read(config).decode().splitlines())
    kinds = {"all", flavour} | ({"uml"} if flavour != cache.SMP else set()) | ({"64bit"} if flavour != cache.I386 else set())
    for line in cache.read(os.path.join(cache.LAB, "config", "required.list")).decode().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] in kinds and words[1] in ("all", cache.version_of(version)) and words[2] not in have:
            if version in cache.VERSIONS or words[3:] != ["may-lack"]:
                raise Error("the %s %s kernel lacks %s" % (version, flavour, words[2]))
            say("the %s %s kernel lacks %s" % (version, flavour, words[2]))
            lacks.append(words[2])
    return lacks


def configure(make, source, directory, fragments, log=None):
    """Makes directory/.config from fragments."""
    run(make + ["-C", source, "O=" + directory, "tinyconfig"], log)
    run([os.path.join(source, "scripts/kconfig/merge_config.sh"), "-m", "-O", directory,
         os.path.join(directory, ".config")] + fragments, log, cwd=directory)
    run(make + ["olddefconfig"], log, cwd=directory)


def make(version, flavour, variant):
    """Makes vmlinux, and the headers and symbol tables that a build of modules needs. make_source() must be called
    first.

    kbuild writes the path of the kernel's directory into files that it makes. So the directory must have its final name
    from the start: it cannot be renamed when the build has ended, as other products are. Instead, the file `complete` is
    written to the directory at the end of the build. A directory without this file is left from an interrupted build
    and is made again.
    """

    def build(final):
        source = cache.source_dir(version)
        with step("%s %s kernel" % (version, flavour)):
            shutil.rmtree(final, ignore_errors=True)
            os.makedirs(final)
            log = os.path.join(final, "log")
            kbuild = ["make", "-s", *arch(flavour), "-j%d" % jobs()]
            configure(kbuild, source, final, cache.fragments(flavour, variant), log)
            lacks = cache.lacks(source) + check_config(os.path.join(final, ".config"), version, flavour)
            write(cache.lacks_file(final), "".join(name + "\n" for name in lacks))
            run(kbuild + ["bzImage" if flavour == cache.SMP else "vmlinux", "modules_prepare", *flags(flavour)],
                log, cwd=final)
            # The symbols that vmlinux exports, for modules that are built before the drivers or without them
            shutil.copy(os.path.join(final, "vmlinux.symvers"), os.path.join(final, "Module.symvers"))
            remove_object_files(final)
            os.sync()
            write(os.path.join(final, "complete"), "")

    product(cache.kernel_dir(version, flavour, variant), build)


def make_drivers(version, flavour, variant):
    """Makes the kernel's own modules: drivers of the host side, and modules that the gadget stack needs. make() must be
    called first; the kernel is not built again."""

    def build(final):
        directory = cache.kernel_dir(version, flavour, variant)
        with step("%s %s drivers" % (version, flavour)):
            run(["make", "-s", *arch(flavour), "-j%d" % jobs(), "modules", *APART, *flags(flavour)],
                os.path.join(directory, "log"), cwd=directory)
            with building(final) as work:
                for path in glob.glob(os.path.join(directory, "**/*.ko"), recursive=True):
                    shutil.copy(path, work)
            # The build of further modules does not need the object files of the drivers: the kernel's Module.symvers now
            # also has the drivers' symbols
            remove_object_files(directory)

    product(cache.drivers_dir(version, flavour, variant), build)


def remove_object_files(directory):
    """Removes the object files, which need half a gigabyte. Keeps vmlinux.o, which the build of modules reads."""
    for path, dirs, files in os.walk(directory):
        if path == directory:
            dirs[:] = [d for d in dirs if d not in ("scripts", "tools")]
        for name in files:
            if name.endswith((".o", ".a", ".cmd")) and not name.startswith("module") and name != "vmlinux.o":
                os.unlink(os.path.join(path, name))
