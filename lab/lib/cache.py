# SPDX-License-Identifier: GPL-2.0-or-later
"""Where the lab keeps what it made, and under which names.

Every product is named after a hash of all that went into it, so that a look at the name says
whether it is current. lab/run starts with this file: it stays small and imports little.
"""

import hashlib
import os

LAB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TREE = os.path.dirname(LAB)
VERSIONS = ("6.12", "6.1")
FLAVOURS = ("normal", "debug")
# How the debug flavour is called that lab/run --qemu boots
SMP = "smp"
VARIANTS = ("patched", "stock")
# The patched FunctionFS, Loopback and SourceSink alone, without any of the host's drivers. The debug
# flavour's kernel is a smaller one then: only what their tests use
BASIC = "basic"

# Raised when lib/kernel.py or lib/build.py makes the same inputs into something else. (The text of
# lib/modules.py, which costs seconds, is part of the names of what it makes.)
RECIPE = 3


def root():
    """The cache directory, not necessarily there yet."""
    path = os.environ.get("FFSCTL_LAB_CACHE")
    if path:
        return os.path.abspath(path)
    base = os.environ.get("XDG_CACHE_HOME")
    if not base:
        base = os.path.join(os.path.expanduser("~"), ".cache")
    return os.path.join(base, "ffsctl-lab")


def read(path):
    with open(path, "rb") as f:
        return f.read()


def digest(*parts):
    """A short hash over byte strings and texts, safe against moved borders between them."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            part = part.encode()
        h.update(b"%d:" % len(part))
        h.update(part)
    return h.hexdigest()[:16]


def patches(directory):
    """The patches of a directory, in order: its `series` file's, else by name."""
    try:
        names = sorted(os.listdir(directory))
    except FileNotFoundError:
        return []
    if "series" in names:
        lines = read(os.path.join(directory, "series")).decode().splitlines()
        names = [l.strip() for l in lines if l.strip() and not l.startswith("#")]
    else:
        names = [n for n in names if n.endswith(".patch")]
    return [os.path.join(directory, n) for n in names]


def lab_patches(version):
    return patches(os.path.join(LAB, "patches", version))


def kernel_patches(version, variant, extra=None):
    """`extra`, or what the environment names, is one more patch."""
    if variant == "stock":
        return []
    extra = extra or os.environ.get("LAB_EXTRA_PATCH")
    return patches(os.path.join(TREE, "kernel", "patches", version)) + ([extra] if extra else [])


def fragments(flavour, variant):
    names = {"normal": ["um.frag"], "debug": ["um.frag", "debug.frag"],
             SMP: ["um.frag", "debug.frag", "smp.frag"]}[flavour]
    if (flavour, variant) == ("debug", BASIC):
        names.append("basic.frag")
    return [os.path.join(LAB, "config", n) for n in names]


def drivers_list():
    """The host's drivers that every lab loads."""
    return os.path.join(LAB, "config", "drivers.list")


def module_sources():
    directory = os.path.join(LAB, "modules")
    return [os.path.join(directory, n) for n in sorted(os.listdir(directory))]


def source_deb(version):
    """The kept source package of a version, or None. lab/setup chooses and records it."""
    try:
        name = read(os.path.join(root(), "deb-" + version)).decode().strip()
    except FileNotFoundError:
        return None
    path = os.path.join(root(), "debs", name)
    return path if os.path.exists(path) else None


def source_dir(version):
    key = digest(str(RECIPE), os.path.basename(source_deb(version)),
                 *map(read, lab_patches(version)))
    return os.path.join(root(), "source-%s-%s" % (version, key))


def kernel_dir(version, flavour, variant):
    key = digest(source_dir(version), flavour, *map(read, fragments(flavour, variant)))
    return os.path.join(root(), "kernel-%s-%s-%s" % (version, flavour, key))


def of_kernel(kind, *kernel):
    return os.path.join(root(), kind + os.path.basename(kernel_dir(*kernel)).removeprefix("kernel"))


def drivers_dir(version, flavour, variant):
    """Modules of the kernel's own tree."""
    return of_kernel("drivers", version, flavour, variant)


def parts_dir(version, flavour, variant):
    """Where all variants of a kernel's modules are built, with the objects of the last build."""
    return of_kernel("parts", version, flavour, variant)


def modules_dir(version, flavour, variant, extra=None):
    key = digest(kernel_dir(version, flavour, variant), *map(read, kernel_patches(version, variant, extra)),
                 *map(read, module_sources()), read(drivers_list()), read(os.path.join(LAB, "lib", "modules.py")),
                 BASIC if variant == BASIC else "")
    return os.path.join(root(), "modules-%s-%s-%s" % (version, flavour, key))


def dkms_files():
    directory = os.path.join(TREE, "kernel", "dkms")
    return [os.path.join(directory, n) for n in ("dkms.conf.in", "Kbuild", "prepare")]


def qemu_dir(version, variant):
    """Debian's kernel image of a version, its modules (with dkms's unless stock), an initramfs."""
    parts = [read(p) for p in kernel_patches(version, variant) + dkms_files()] if variant == "patched" else []
    key = digest(str(RECIPE), os.path.basename(source_deb(version)), read(os.path.join(LAB, "init.c")), *parts)
    return os.path.join(root(), "qemu-%s-%s" % (version, key))


def init_file():
    return os.path.join(root(), "init-" + digest(str(RECIPE), read(os.path.join(LAB, "init.c"))))


def speed_file():
    """The program that measures the machine, built."""
    return os.path.join(root(), "speed-" + digest(str(RECIPE), *(read(os.path.join(LAB, n)) for n in ("speed.c", "spawn.h"))))


def inside_packages():
    """Names of the Debian packages that tests unpack in the lab."""
    return [l for l in read(os.path.join(LAB, "packages-inside")).decode().split("\n") if l and l[0] != "#"]


def packages_dir():
    return os.path.join(root(), "packages-" + digest(str(RECIPE), *inside_packages()))


def complete(directory):
    return os.path.exists(os.path.join(directory, "complete"))


def missing(version, flavour, variant):
    """What has to be built before this kernel can run: a list of words, empty when nothing."""
    if source_deb(version) is None:
        return ["source package of " + version]
    out = []
    if not os.path.exists(init_file()) or not os.path.exists(speed_file()):
        out.append("process 1")
    if not complete(packages_dir()):
        out.append("packages")
    if not complete(kernel_dir(version, flavour, variant)):
        out.append("kernel %s %s" % (version, flavour))
    if not complete(modules_dir(version, flavour, variant)):
        out.append("modules %s %s %s" % (version, flavour, variant))
    return out


def initramfs():
    """What our own kernel boots in QEMU: process 1, and no modules."""
    return init_file().replace("init-", "initramfs-")


def missing_qemu(version, flavour, variant):
    if flavour == "debug":
        return missing(version, SMP, variant) + ["initramfs"] * (not os.path.exists(initramfs()))
    # The selftests are those of the patched modules, whichever are loaded
    out = missing(version, "normal", "patched")
    if source_deb(version) is not None and not complete(qemu_dir(version, variant)):
        out.append("QEMU image %s %s" % (version, variant))
    return out
