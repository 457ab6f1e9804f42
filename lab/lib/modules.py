# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the modules of the gadget stack separately from the kernel, stock and patched, and the selftests.

The basic variant only has the modules that lab/run loads for FunctionFS, and needs no driver of the kernel.

Each kernel has one tree for them (parts-*), which is updated and built again: files that the patches do not
touch are compiled once for all variants, and a changed series, or a mutant, only compiles the files that it
changes. The names of the products contain a hash of this file (cache.modules_dir): a change makes new ones.
"""

import glob
import os
import re
import shutil

import cache
import qemu
from steps import Error, arch, building, compiler, jobs, locked, product, run, step, write

# These parts of a kernel tree are copied, patched and built separately, without a new vmlinux. Patches may
# change other files only if nothing is built from them.
PARTS = ("drivers/usb/gadget", "drivers/usb/usbip", "drivers/usb/misc/usbtest.c", "drivers/hid/uhid.c")
SELFTESTS = "tools/testing/selftests/drivers/usb/functionfs"
# Those that udc.py builds: {directory: options of Kconfig that the kernel's configuration lacks}
UDC_DRIVERS = {"drivers/usb/dwc2": {"CONFIG_USB_DWC2": "m", "CONFIG_USB_DWC2_DUAL_ROLE": "y"},
               "drivers/usb/dwc3": {"CONFIG_USB_DWC3": "m", "CONFIG_USB_DWC3_DUAL_ROLE": "y"},
               "drivers/usb/chipidea": {"CONFIG_USB_CHIPIDEA": "m", "CONFIG_USB_CHIPIDEA_UDC": "y"}}
HARMLESS = ("include/", "Documentation/", "tools/", "samples/", "MAINTAINERS")
HARNESS = ("tools/testing/selftests/kselftest.h", "tools/testing/selftests/kselftest_harness.h")
# Debian's linux-libc-dev
SYSTEM_HEADERS = ("/usr/include", "/usr/include/x86_64-linux-gnu")
# What is built besides the modules of the kernel's configuration; it needs the kernel's drivers.
ADDITIONAL = ("CONFIG_UHID=m",)
# Functions of the basic variant
BASIC_FUNCTIONS = ("CONFIG_USB_F_FS", "CONFIG_USB_F_SS_LB")
# File of the modules directory: the modules that lab/run loads first, in order
LOADED = "drivers"
# File of the tree: the list of its source files
LISTING = ".files"


def apply_patches(tree, patches):
    for patch in patches:
        try:
            run(["patch", "-p1", "-F0", "-N", "-s", "--no-backup-if-mismatch", "-i", os.path.abspath(patch)], cwd=tree)
        except Error as e:
            raise Error("%s does not apply without fuzz:\n%s" % (os.path.relpath(patch, cache.TREE), e))


def patched_files(patches):
    """Returns the files that patches touch, without a/ and b/."""
    names = set()
    for patch in patches:
        for line in cache.read(patch).decode(errors="replace").splitlines():
            m = re.match(r"(?:---|\+\+\+) [ab]/(\S+)", line)
            if m:
                names.add(m.group(1))
    return sorted(names)


def files_below(top, names):
    """Yields the existing files of `names` (files or directories), relative to `top`."""
    for name in names:
        path = os.path.join(top, name)
        if os.path.isfile(path):
            yield name
        for directory, _, files in os.walk(path):
            for file in files:
                yield os.path.relpath(os.path.join(directory, file), top)


def patched(source, patches, scratch):
    """Returns {file: contents} of the patched files, and the names of all files that the patches touch."""
    names = patched_files(patches)
    for name in files_below(source, names):
        os.makedirs(os.path.join(scratch, os.path.dirname(name)), exist_ok=True)
        shutil.copyfile(os.path.join(source, name), os.path.join(scratch, name))
    apply_patches(scratch, patches)
    return {name: cache.read(os.path.join(scratch, name)) for name in files_below(scratch, names)}, names


def files_to_build(version, source, tree, patches, scratch):
    """Returns {file: contents} of the tree to build."""
    out = {name: cache.read(os.path.join(source, name)) for name in files_below(source, PARTS)}
    # All variants and groups have the same headers: otherwise an incremental build could use the wrong one
    every = cache.group_patches(version, cache.GROUPS) + cache.kernel_patches(version, "patched")
    always = [n for n in patched_files(every) if n.startswith("include/")]
    out.update((n, cache.read(os.path.join(source, n))) for n in files_below(source, always))
    changed, names = patched(source, patches, scratch)
    for name in names:
        if not name.startswith((*PARTS, *(d + "/" for d in UDC_DRIVERS), *HARMLESS)):
            raise Error("a patch of kernel/patches/%s changes %s, which is part of vmlinux: "
                        "move it to lab/patches/%s" % (version, name, version))
        out.pop(name, None)
    out.update(changed)
    # Use the headers of this tree, not of the kernel's tree
    for name in out:
        if name.startswith("drivers/usb/gadget/") and name.endswith("/Makefile"):
            out[name] = out[name].replace(b"$(srctree)/drivers/usb/gadget",
                                          os.fsencode(tree) + b"/drivers/usb/gadget")
    out["drivers/usb/misc/Makefile"] = b"obj-$(CONFIG_USB_TEST) += usbtest.o\n"
    out["drivers/hid/Makefile"] = b"obj-$(CONFIG_UHID) += uhid.o\n"
    for path in cache.module_sources():
        out["lab/" + os.path.basename(path)] = cache.read(path)
    out["Kbuild"] = b"obj-m += drivers/usb/gadget/ drivers/usb/usbip/ drivers/usb/misc/ drivers/hid/ lab/\n"
    return out


def update_tree(tree, files):
    """Makes the tree have exactly these files; writes only changed ones, because make uses time stamps."""
    listing = os.path.join(tree, LISTING)
    old = cache.read(listing).decode().split("\n") if os.path.exists(listing) else []
    headers = {n for n in old if n.startswith("include/")} ^ {n for n in files if n.startswith("include/")}
    if headers or not old:
        # make does not detect that an #include would now find another file
        shutil.rmtree(tree, ignore_errors=True)
        old = []
    for name in set(old) - set(files) - {""}:
        os.unlink(os.path.join(tree, name))
    for name, text in files.items():
        path = os.path.join(tree, name)
        if name not in old or cache.read(path) != text:
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "wb") as f:
                f.write(text)
    write(listing, "\n".join(sorted(files)))


def make_arguments_excluding_variants(kernel):
    """Returns arguments of make that exclude everything but the basic variant."""
    config = cache.read(os.path.join(kernel, ".config")).decode()
    return [o + "=" for o in re.findall(r"^(CONFIG_USB_[FU]_\w+|CONFIG_USBIP_\w+|CONFIG_USB_TEST)=m$", config, re.M)
            if o not in BASIC_FUNCTIONS]


def compile_modules(tree, kernel, flavour, options):
    """Compiles the modules; returns their paths."""
    # NOSTDINC_FLAGS is the only variable whose include paths precede the kernel's
    run(["make", "-s", "-C", kernel, *arch(flavour), "M=" + tree, "-j%d" % jobs(), "modules",
         "NOSTDINC_FLAGS=-nostdinc -I%s/include -I%s/include/uapi" % (tree, tree), *options])
    names = cache.read(os.path.join(tree, "modules.order")).decode().split()
    return [os.path.join(tree, re.sub(r"\.o$", ".ko", os.path.relpath(n, tree) if os.path.isabs(n) else n))
            for n in names]


def install(paths, kernel, drivers, scratch, target):
    """Installs modules as in /lib/modules/RELEASE, with the files of depmod."""
    release = cache.read(os.path.join(kernel, "include/config/kernel.release")).decode().strip()
    # depmod requires lib/modules/RELEASE; the paths that it writes are relative to that
    flat = os.path.join(scratch, "lib/modules", release)
    os.makedirs(flat)
    for path in paths + (glob.glob(os.path.join(drivers, "*.ko")) if drivers else []):
        shutil.copy(path, flat)
    for name in ("modules.order", "modules.builtin"):
        write(os.path.join(flat, name), "")
    run([shutil.which("depmod", path=os.environ["PATH"] + ":/usr/sbin:/sbin"), "-b", scratch, release])
    for name in os.listdir(flat):
        os.rename(os.path.join(flat, name), os.path.join(target, name))
    names = [l for l in cache.read(cache.drivers_list()).decode().split("\n") if l and l[0] != "#"]
    loaded = qemu.Modules(target).load(names) if drivers else []
    write(os.path.join(target, LOADED), "".join(os.path.basename(path) + "\n" for path in loaded))


def copy_included_headers(source, headers):
    """Copies the headers that those in a directory include and Debian's linux-libc-dev lacks. Not all headers:
    include/uapi must not be used without installation."""
    known = set()
    while True:
        included = {name for file in files_below(headers, [""])
                    for name in re.findall(rb"^#\s*include\s*<([^>]+)>", cache.read(os.path.join(headers, file)), re.M)}
        new = {os.fsdecode(name) for name in included} - known
        if not new:
            return
        for name in new:
            path = os.path.join(source, "include/uapi", name)
            if os.path.exists(path) and not any(os.path.exists(os.path.join(d, name)) for d in (headers, *SYSTEM_HEADERS)):
                os.makedirs(os.path.dirname(os.path.join(headers, name)), exist_ok=True)
                shutil.copy(path, os.path.join(headers, name))
        known |= new


def make_selftests(tree, source, flavour, target):
    """Builds the selftests of the series with the headers of the same tree. Does nothing if a group of patches is left
    out: the selftests use all of them."""
    directory = os.path.join(tree, SELFTESTS)
    if not os.path.isdir(directory) or cache.chosen_groups() != tuple(cache.GROUPS):
        return
    headers = os.path.join(target, "headers")
    os.makedirs(os.path.join(headers, "linux/usb"))
    for name in HARNESS:
        # The sources include it as "../../../"
        shutil.copy(os.path.join(source, name), os.path.join(tree, os.path.dirname(name)))
    shutil.copytree(os.path.join(source, "include/uapi/drm"), os.path.join(headers, "drm"))
    changed, uapi = os.path.join(tree, "include/uapi"), os.path.join(source, "include/uapi")
    functionfs = "linux/usb/functionfs.h"
    shutil.copy(os.path.join(changed if os.path.exists(os.path.join(changed, functionfs)) else uapi, functionfs),
                os.path.join(headers, "linux/usb"))
    copy_included_headers(source, headers)
    # kselftest_harness.h casts pointers to intmax_t
    narrow = ["-Wno-pointer-to-int-cast"] if flavour == cache.I386 else []
    for path in sorted(glob.glob(os.path.join(directory, "*.c"))):
        if path.endswith("_lib.c"):
            continue
        name = os.path.splitext(os.path.basename(path))[0]
        run([compiler(flavour), "-O2", "-g", "-Wall", "-Werror", *narrow, "-D__user=", "-I" + headers,
             "-o", os.path.join(target, name), path, os.path.join(directory, "ffs_lib.c"), "-lpthread"])
    shutil.rmtree(headers)


def make(version, flavour, variant):
    """Makes the modules of one variant. Requires the source, the kernel and, unless it is the basic variant,
    the drivers."""

    def build(final):
        source, kernel = cache.source_dir(version), cache.kernel_dir(version, flavour, variant)
        drivers = None if variant == cache.BASIC else cache.drivers_dir(version, flavour, variant)
        tree = cache.parts_dir(version, flavour, variant)
        with locked(os.path.basename(tree)), step("%s %s modules, %s" % (version, flavour, variant)):
            with building(final) as work:
                scratch = os.path.join(work, "scratch")
                os.mkdir(scratch)
                update_tree(tree, files_to_build(version, source, tree, cache.kernel_patches(version, variant), scratch))
                paths = compile_modules(tree, kernel, flavour, ADDITIONAL if drivers else make_arguments_excluding_variants(kernel))
                shutil.rmtree(scratch)
                install(paths, kernel, drivers, scratch, work)
                make_selftests(tree, source, flavour, os.path.join(work, "selftests"))
                shutil.rmtree(scratch)

    product(cache.modules_dir(version, flavour, variant), build)
