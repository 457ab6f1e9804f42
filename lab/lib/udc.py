# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds the models of device controllers (lab/udc), and the kernel's own drivers that run on them, which only
kernel/patches changes.

They are a product of their own, which only lab/run --udc needs: the modules of modules.py do not become another product
when a model changes.
"""

import os
import re
import shutil

import cache
import modules
from steps import arch, building, jobs, product, run, step

# What the drivers include from other directories of drivers
HEADERS = tuple("drivers/usb/host/xhci-%s.h" % name for name in ("ext-caps", "caps", "port", "plat"))


def files_to_build(version, variant, tree, scratch):
    """Returns {file: contents} of the tree to build."""
    source = cache.source_dir(version)
    # The variant's: patches may change drivers, and structures in headers that drivers have, too
    every = modules.files_to_build(version, source, tree, cache.kernel_patches(version, variant), scratch)
    out = {name: text for name, text in every.items() if name.startswith("include/")}
    out.update((n, cache.read(os.path.join(source, n))) for n in HEADERS if os.path.exists(os.path.join(source, n)))
    for directory, options in modules.UDC_DRIVERS.items():
        out.update((n, every.get(n) or cache.read(os.path.join(source, n))) for n in modules.files_below(source, [directory]))
        # Sources see options as macros, which kbuild makes of the kernel's configuration only
        macros = " ".join("-D%s=1" % name for name, value in options.items() if value == "y")
        out[directory + "/Makefile"] += b"ccflags-y += " + macros.encode() + b"\n"
    for path in cache.udc_sources():
        out["udc/" + os.path.basename(path)] = cache.read(path)
    out["Kbuild"] = b"obj-m += " + b" ".join(d.encode() + b"/" for d in (*modules.UDC_DRIVERS, "udc")) + b"\n"
    return out


def make(version, flavour, variant):
    """Makes the modules for one kernel. Requires its source and the kernel."""

    def build(final):
        with step("%s %s models of UDCs, %s" % (version, flavour, variant)):
            with building(final) as work:
                tree, scratch = os.path.join(work, "tree"), os.path.join(work, "scratch")
                os.mkdir(scratch)
                for name, text in files_to_build(version, variant, tree, scratch).items():
                    path = os.path.join(tree, name)
                    os.makedirs(os.path.dirname(path), exist_ok=True)
                    with open(path, "wb") as f:
                        f.write(text)
                options = [o + "=" + v for values in modules.UDC_DRIVERS.values() for o, v in values.items()]
                # The symbols of udc-core, a module of modules.py, are not known here: the kernel finds them
                run(["make", "-s", "-C", cache.kernel_dir(version, flavour, variant), *arch(flavour), "M=" + tree,
                     "-j%d" % jobs(), "modules", "KBUILD_MODPOST_WARN=1",
                     "NOSTDINC_FLAGS=-nostdinc -I%s/include -I%s/include/uapi" % (tree, tree), *options])
                for name in cache.read(os.path.join(tree, "modules.order")).decode().split():
                    name = re.sub(r"\.o$", ".ko", os.path.relpath(name, tree) if os.path.isabs(name) else name)
                    shutil.copy(os.path.join(tree, name), work)
                shutil.rmtree(tree)
                shutil.rmtree(scratch)

    product(cache.udc_dir(version, flavour, variant), build)
