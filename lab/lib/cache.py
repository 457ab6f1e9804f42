# SPDX-License-Identifier: GPL-2.0-or-later
"""Directories and file names of the lab's products.

A product is a directory or file that lab/setup makes in the lab's cache: a kernel, its modules, process 1 and so on. The
name of a product contains a hash of all its inputs, so that the name shows whether the product is current. Each
lab/run imports this file: it must be small and import little, so that lab/run starts quickly.
"""

import hashlib
import os
import re

LAB = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
TREE = os.path.dirname(LAB)
VERSIONS = ("6.12", "6.1")
FLAVOURS = ("normal", "debug")
# The flavour of the debug kernel that lab/run --qemu boots
SMP = "smp"
# The flavour of the 32-bit kernel, on which programs of Debian's i386 run, and its first version: of 6.1, most starts of
# process 1 fail, because set_thread_area() reads zeros
I386, I386_SINCE = "i386", [6, 12]
# The flavour of a kernel with CONFIG_PM, which suspends idle USB devices
POWER = "power"
# The flavours that lab/setup only builds when they are asked for, as the one of a program of lab/test is
SPECIAL_FLAVOURS = (I386, POWER)
VARIANTS = ("patched", "stock")
# The variant of the kernel's modules that has only the patched FunctionFS, Loopback and SourceSink, and no drivers for
# the side of the USB host. The debug flavour of this variant has a smaller kernel, with only the features that the
# tests of these functions use
BASIC = "basic"
# The groups of the patches in kernel/patches/VERSION, in the order in which they are applied, and which groups each of
# them needs (kernel/check tries that)
GROUPS = {"fixes": (), "backports": ("fixes",), "features": ("fixes", "backports"), "tests": ()}

# Increase this number when a change of lib/kernel.py or lib/build.py makes another product from the same inputs. The
# modules that lib/modules.py builds need no such number: the names of their directories contain a hash of that file, so
# each change of the file builds them again, which takes only seconds.
RECIPE = 3


def root():
    """Returns the cache directory, which may not exist yet."""
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
    """Returns a short hash of byte strings and texts; their lengths are hashed, too."""
    h = hashlib.sha256()
    for part in parts:
        if isinstance(part, str):
            part = part.encode()
        h.update(b"%d:" % len(part))
        h.update(part)
    return h.hexdigest()[:16]


def patches(directory):
    """Returns the patches of a directory, in the order of its file `series`, or sorted by name if it has no such
    file."""
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


def numbers(version):
    return [int(n) for n in version.split(".")]


def tree_file(name):
    """Returns the file in which lab/setup --tree records a user's kernel tree under a name."""
    return os.path.join(root(), "tree-" + name)


def tree(name):
    """Returns the record of a user's kernel tree, {"path", "version", "digest"}; None if there is no tree of this name."""
    try:
        lines = read(tree_file(name)).decode().splitlines()
    except FileNotFoundError:
        return None
    return dict(line.split(" ", 1) for line in lines)


def trees():
    """Returns the names of the users' kernel trees."""
    try:
        return sorted(n.removeprefix("tree-") for n in os.listdir(root()) if n.startswith("tree-"))
    except FileNotFoundError:
        return []


def is_kernel(name):
    """Returns whether a name is a value of the options --kernel: a version of VERSIONS, or the name of a user's tree."""
    return name in VERSIONS or os.path.exists(tree_file(name))


def version_of(kernel):
    """Returns the version of a kernel, such as 6.12. Versions of VERSIONS are their own names."""
    return kernel if kernel in VERSIONS else tree(kernel)["version"]


def has_i386(kernel):
    return numbers(version_of(kernel)) >= I386_SINCE


def lab_patches(kernel):
    """Returns the lab's own patches for a kernel. For a version that has none they are those of the newest version before
    it, or of the oldest version."""
    directory = os.path.join(LAB, "patches")
    versions = sorted(os.listdir(directory), key=numbers)
    wanted = numbers(version_of(kernel))
    return patches(os.path.join(directory, ([v for v in versions if numbers(v) <= wanted] or versions[:1])[-1]))


def parse_groups(text):
    """Returns the groups that a text such as "fixes,backports" names, in the order of GROUPS. Raises ValueError if one is
    unknown."""
    names = text.replace(",", " ").split()
    for name in names:
        if name not in GROUPS:
            raise ValueError("unknown group of patches '%s': the groups are %s" % (name, ", ".join(GROUPS)))
    return tuple(g for g in GROUPS if g in names)


def chosen_groups():
    """Returns the groups of the environment variable LAB_GROUPS; all groups if it is not set. Raises ValueError if one is
    unknown, or needs a group that is not among them."""
    chosen = parse_groups(os.environ.get("LAB_GROUPS") or " ".join(GROUPS))
    for group in chosen:
        for needed in GROUPS[group]:
            if needed not in chosen:
                raise ValueError("the group of patches '%s' needs '%s'" % (group, needed))
    return chosen


def group_patches(version, groups):
    directory = os.path.join(TREE, "kernel", "patches", version_of(version))
    return [p for group in groups for p in patches(os.path.join(directory, group))]


def kernel_patches(version, variant, extra=None):
    """Returns the patches of a variant: those of the chosen groups. `extra`, or the environment variable
    LAB_EXTRA_PATCH, is one more patch, or a directory of some."""
    if variant == "stock":
        return []
    extra = extra or os.environ.get("LAB_EXTRA_PATCH")
    more = patches(extra) if extra and os.path.isdir(extra) else [extra] if extra else []
    return group_patches(version, chosen_groups()) + more


def files_to_patch(version):
    """Returns the names of the files of a version's source that kernel/patches changes."""
    found = set()
    for path in group_patches(version, GROUPS):
        found.update(re.findall(rb"^--- a/(\S+)", read(path), re.M))
    return sorted(name for name in map(bytes.decode, found) if os.path.exists(os.path.join(source_dir(version), name)))


def fragments(flavour, variant):
    names = {"normal": ["um.frag"], "debug": ["um.frag", "debug.frag"],
             SMP: ["um.frag", "debug.frag", "smp.frag"], I386: ["um.frag", "i386.frag"], POWER: ["um.frag", "power.frag"]}[flavour]
    if (flavour, variant) == ("debug", BASIC):
        names.append("basic.frag")
    return [os.path.join(LAB, "config", n) for n in names]


def drivers_list():
    """Returns the modules of the host side, such as class drivers, that lab/run loads at each start."""
    return os.path.join(LAB, "config", "drivers.list")


def module_sources():
    directory = os.path.join(LAB, "modules")
    return [os.path.join(directory, n) for n in sorted(os.listdir(directory))]


def udc_sources():
    """Returns the sources of the models of UDCs: those of lab/udc, or of the directory of the environment variable
    LAB_UDC."""
    directory = os.environ.get("LAB_UDC") or os.path.join(LAB, "udc")
    return [os.path.join(directory, n) for n in sorted(os.listdir(directory)) if n.endswith((".c", ".h", "Kbuild"))]


def source_deb(version):
    """Returns the source package that lab/setup has recorded for a kernel version; None if there is none."""
    try:
        name = read(os.path.join(root(), "deb-" + version)).decode().strip()
    except FileNotFoundError:
        return None
    path = os.path.join(root(), "debs", name)
    return path if os.path.exists(path) else None


def source_key(kernel):
    """Returns a text that identifies the source of a kernel: the name of its package, or the digest of a user's tree. None
    if lab/setup has recorded neither."""
    if kernel not in VERSIONS:
        return tree(kernel)["digest"]
    deb = source_deb(kernel)
    return deb and os.path.basename(deb)


def source_dir(version):
    key = digest(str(RECIPE), source_key(version), *map(read, lab_patches(version)))
    return os.path.join(root(), "source-%s-%s" % (version, key))


def kernel_dir(version, flavour, variant):
    key = digest(source_dir(version), flavour, *map(read, fragments(flavour, variant)))
    return os.path.join(root(), "kernel-%s-%s-%s" % (version, flavour, key))


def path_for_kernel(kind, *kernel):
    return os.path.join(root(), kind + os.path.basename(kernel_dir(*kernel)).removeprefix("kernel"))


def drivers_dir(version, flavour, variant):
    """Returns the directory of the modules that are built in the kernel's own tree."""
    return path_for_kernel("drivers", version, flavour, variant)


def parts_dir(version, flavour, variant):
    """Returns the build directory of all variants of a kernel's modules."""
    return path_for_kernel("parts", version, flavour, variant)


def modules_dir(version, flavour, variant, extra=None):
    key = digest(kernel_dir(version, flavour, variant), *map(read, kernel_patches(version, variant, extra)),
                 *map(read, module_sources()), read(drivers_list()), read(os.path.join(LAB, "lib", "modules.py")),
                 BASIC if variant == BASIC else "")
    return os.path.join(root(), "modules-%s-%s-%s" % (version, flavour, key))


def udc_dir(version, flavour, variant):
    """Returns the directory of the models of device controllers, and of the kernel's drivers that run on them."""
    key = digest(kernel_dir(version, flavour, variant), *map(read, kernel_patches(version, variant)),
                 *map(read, udc_sources()), read(os.path.join(LAB, "lib", "udc.py")))
    return os.path.join(root(), "udc-%s-%s-%s" % (version, flavour, key))


def dkms_files():
    directory = os.path.join(TREE, "kernel", "dkms")
    return [os.path.join(directory, n) for n in ("dkms.conf.in", "modules.kbuild", "prepare")]


def qemu_dir(version, variant):
    """Returns the directory of Debian's kernel image, its modules and an initramfs. The modules include those of
    kernel/dkms, unless the variant is stock."""
    parts = [read(p) for p in kernel_patches(version, variant) + dkms_files()] if variant == "patched" else []
    key = digest(str(RECIPE), os.path.basename(source_deb(version)), read(os.path.join(LAB, "init.c")), *parts)
    return os.path.join(root(), "qemu-%s-%s" % (version, key))


def program(source, flavour):
    """Returns the path of what is built from a source file of lab/ for the kernel's or the processes' word size."""
    name = os.path.splitext(source)[0] + "-" + "i386-" * (flavour == I386)
    return os.path.join(root(), name + digest(str(RECIPE), read(os.path.join(LAB, source))))


def init_file(flavour="normal"):
    """Returns the path of the built process 1."""
    return program("init.c", flavour)


def pace_file(flavour="normal"):
    """Returns the path of the library that makes virtual time as slow as the machine (lab/pace.c)."""
    return program("pace.c", flavour)


def speed_file():
    """Returns the path of the built program that measures the speed of the machine (lab/speed.c)."""
    return os.path.join(root(), "speed-" + digest(str(RECIPE), *(read(os.path.join(LAB, n)) for n in ("speed.c", "spawn.h"))))


def packages(name):
    """Returns the names of Debian packages in a file of lab/: packages-inside has those that tests unpack in the lab,
    packages-i386 those whose programs run on the 32-bit kernel."""
    return [l for l in read(os.path.join(LAB, name)).decode().split("\n") if l and l[0] != "#"]


def packages_dir():
    return os.path.join(root(), "packages-" + digest(str(RECIPE), *packages("packages-inside")))


def machines_dir(architecture):
    """Returns the directory of the disks and kernels of the machines that lab/host emulates (machines.py)."""
    files = sorted(os.listdir(os.path.join(LAB, "machines")))
    return os.path.join(root(), "machines-%s-" % architecture + digest(
        str(RECIPE), read(os.path.join(LAB, "lib", "machines.py")), *(read(os.path.join(LAB, "machines", name)) for name in files)))


def i386_dir():
    """Returns the directory of Debian's i386, whose files come before those of the machine where the kernel has 32 bits."""
    return os.path.join(root(), "i386-" + digest(str(RECIPE), *packages("packages-i386")))


def lacks_file(directory):
    """Returns the file, in the directory of a user's kernel or of its source, that lists the lab's patches that do not
    apply to the tree, and the options that its configuration should have but lacks: a name in each line."""
    return os.path.join(directory, "lacks")


def lacks(directory):
    try:
        return read(lacks_file(directory)).decode().split("\n")[:-1]
    except FileNotFoundError:
        return []


def is_complete(directory):
    return os.path.exists(os.path.join(directory, "complete"))


def missing(version, flavour, variant, udc=False):
    """Returns a list of what must be built before this kernel can run; with `udc`, with the models of UDCs."""
    if source_key(version) is None:
        return ["source package of " + version]
    out = []
    if not all(os.path.exists(file) for file in (init_file(flavour), pace_file(flavour), speed_file())):
        out.append("process 1")
    if flavour == I386 and not is_complete(i386_dir()):
        out.append("Debian's i386")
    if not is_complete(packages_dir()):
        out.append("packages")
    if not is_complete(kernel_dir(version, flavour, variant)):
        out.append("kernel %s %s" % (version, flavour))
    if not is_complete(modules_dir(version, flavour, variant)):
        out.append("modules %s %s %s" % (version, flavour, variant))
    if udc and not is_complete(udc_dir(version, flavour, variant)):
        out.append("models of UDCs %s %s %s" % (version, flavour, variant))
    return out


def initramfs():
    """Returns the path of the initramfs for the lab's own kernel in QEMU. The initramfs contains only the program of
    process 1 (lab/init.c), and no modules."""
    return init_file().replace("init-", "initramfs-")


def missing_qemu(version, flavour, variant):
    if flavour == "debug":
        return missing(version, SMP, variant) + ["initramfs"] * (not os.path.exists(initramfs()))
    # The selftests of the patched modules are used for both variants
    out = missing(version, "normal", "patched")
    if source_deb(version) is not None and not is_complete(qemu_dir(version, variant)):
        out.append("QEMU image %s %s" % (version, variant))
    return out
