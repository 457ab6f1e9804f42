#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab: build=plain
# lab needs: kernels
"""kernel/patches: the groups of each version, and that make and the lab apply the groups that are asked for."""

import importlib.machinery
import importlib.util
import os
import re
import shutil
import subprocess
import sys
import tempfile

from paths import SRC
import cache
import modules
import tap
from tap import eq, ok, raises, test

DIRECTORY = os.path.join(SRC, "kernel", "patches")
VERSIONS = ("6.12", "6.1")
SUBSYSTEMS = "chipidea: udc|dwc[23]: gadget|dwc3: ep0|gadget: (composite|f_fs|f_hid|f_loopback|f_midi2|f_ncm|f_uac1_legacy|u_ether|uvc)"


@test("each version has the groups, and each group's series lists the patches of its directory")
def series_are_complete():
    for version in set(os.listdir(DIRECTORY)) - {"mainline"}:
        eq(sorted(os.listdir(os.path.join(DIRECTORY, version))), sorted(cache.GROUPS))
        for group in cache.GROUPS:
            directory = os.path.join(DIRECTORY, version, group)
            names = set(os.listdir(directory)) - {"series", "cover-letter.txt"}
            listed = [os.path.basename(p) for p in cache.patches(directory)]
            eq(sorted(listed), sorted(names), f"{version}/{group}")
            eq(listed, sorted(listed), f"{version}/{group}: the numbers")


def messages(group):
    """Yields the name and the message of each patch of a group for mainline."""
    directory = os.path.join(DIRECTORY, "mainline", group)
    names = set(os.listdir(directory)) - {"series", "cover-letter.txt"}
    listed = [os.path.basename(p) for p in cache.patches(directory)]
    eq(listed, sorted(names), f"mainline/{group}/series")
    for name in listed:
        text = cache.read(os.path.join(directory, name)).decode()
        yield name, text.split("\n---\n", maxsplit=1)[0]


@test("patches for mainline have the subsystem's prefix, short lines, and neither a signature nor an SPDX line")
def messages_for_mainline():
    eq(sorted(os.listdir(os.path.join(DIRECTORY, "mainline"))), ["direct", "dmabuf", "fixes"])
    for group in ("direct", "dmabuf", "fixes"):
        for name, message in messages(group):
            head, body = message.split("\n\n", maxsplit=1)
            ok(re.search(rf"^Subject: \[{'RFC ' * (group == 'direct')}PATCH\] usb: ({SUBSYSTEMS}): ", head, re.M), name)
            ok("Signed-off-by:" not in body and "SPDX" not in body, name)
            eq([l for l in body.splitlines() if len(l) > 75 and not l.startswith(("Fixes: ", "Link: "))], [], name)


# The sources of libcomposite, which exports symbols to modules that dkms does not build
EXPORTING = re.compile(r"drivers/usb/gadget/(composite|config|configfs|epautoconf|functions|u_f|usbstring)\.c|include/linux/usb/\S+")


@test("no patch changes the types that libcomposite's exported symbols have for other modules (CONFIG_MODVERSIONS): no header, no include")
def versions_of_symbols():
    wrong = []
    for version in ("6.1", "6.12", "6.18"):
        for group in ("fixes", "backports", "features"):
            for path in cache.patches(os.path.join(DIRECTORY, version, group)):
                for name, changes in re.findall(r"^diff --git a/\S+ b/(\S+)$(.*?)(?=^diff --git |\Z)", cache.read(path).decode(), re.M | re.S):
                    includes = re.findall(r"^\+#include .*$", changes, re.M)
                    if EXPORTING.fullmatch(name) and (name.endswith(".h") or set(includes) - {'+#include "composite_events.h"'}):
                        wrong.append((os.path.basename(path), name, includes))
                    if name.endswith("/composite_events.h") and includes != ["+#include <linux/usb/gadget.h>"]:
                        wrong.append((os.path.basename(path), name, includes))
    eq(wrong, [])


@test("the lab takes the groups of LAB_GROUPS in their order, and refuses unknown ones and those that lack others")
def groups_of_environment():
    def chosen(text):
        os.environ["LAB_GROUPS"] = text
        try:
            return cache.chosen_groups()
        except ValueError as e:
            return str(e)
        finally:
            del os.environ["LAB_GROUPS"]
    eq(chosen(""), tuple(cache.GROUPS))
    eq(chosen("backports,fixes"), ("fixes", "backports"))
    eq(chosen("tests fixes"), ("fixes", "tests"))
    eq(chosen("fixes,bugs"), "unknown group of patches 'bugs': the groups are fixes, backports, features, tests")
    eq(chosen("fixes,features"), "the group of patches 'features' needs 'backports'")


@test("lab/setup and lab/run refuse unknown groups")
def tools_refuse_unknown_groups():
    for tool, status in (("setup", 2), ("run", 64)):
        result = subprocess.run([os.path.join(SRC, "lab", tool), "--groups", "bugs"], stderr=subprocess.PIPE,
                                stdin=subprocess.DEVNULL, text=True, check=False)
        eq(result.returncode, status, result.stderr)
        ok("unknown group of patches 'bugs'" in result.stderr, result.stderr)


def pristine(version, tree):
    """Copies the files that the patches change."""
    source = cache.source_dir(version)
    for name in modules.files_below(source, modules.patched_files(cache.group_patches(version, cache.GROUPS))):
        os.makedirs(os.path.join(tree, os.path.dirname(name)), exist_ok=True)
        shutil.copyfile(os.path.join(source, name), os.path.join(tree, name))


def make_apply(version, tree, groups):
    subprocess.run(["make", "-s", "-C", os.path.join(SRC, "kernel"), "apply", f"VERSION={version}", f"TREE={tree}",
                    "GROUP=" + ",".join(groups)], check=True, stdout=2)


def each_group_applies(version):
    for group, needed in cache.GROUPS.items():
        with tempfile.TemporaryDirectory(prefix="ffsctl-patches-") as tree:
            pristine(version, tree)
            # In two steps: the second one changes a tree that has what the group needs
            make_apply(version, tree, needed)
            make_apply(version, tree, [group])
            text = cache.read(os.path.join(tree, "drivers/usb/gadget/function/f_fs.c")).decode()
            has = {"fixes": "mmput_async" in text, "backports": "ffs_proxy_operations" in text, "features": "ffs_mmap_find" in text,
                   "tests": os.path.exists(os.path.join(tree, modules.SELFTESTS))}
            eq({g for g in has if has[g]}, {*needed, group}, f"the groups in the source with {group}")


for version_ in VERSIONS:
    test(f"each group for {version_} applies without fuzz to a source with only the groups that it needs", version_)(each_group_applies)


def kernel_check():
    """Returns the program kernel/check as a module."""
    sys.dont_write_bytecode = True
    loader = importlib.machinery.SourceFileLoader("kernel_check", os.path.join(SRC, "kernel", "check"))
    module = importlib.util.module_from_spec(importlib.util.spec_from_loader("kernel_check", loader))
    loader.exec_module(module)
    return module


@test("kernel/check reports the style of our patches, also if they have links, and of upstream commits only errors")
def style_of_patches():
    check = kernel_check()
    # An upstream commit with unnecessary parentheses
    upstream = cache.read(cache.patches(os.path.join(DIRECTORY, "6.18", "fixes"))[0]).decode()
    ours = re.sub(r"^commit \w+ upstream\.$", "Link: https://lore.kernel.org/linux-usb/1@example.org/", upstream, flags=re.M)
    with tempfile.TemporaryDirectory(prefix="ffsctl-patches-") as work:
        def result(text):
            patch = os.path.join(work, "0001.patch")
            with open(patch, "w", encoding="utf-8") as f:
                f.write(text)
            try:
                check.checkpatch(cache.source_dir("6.12"), patch)
            except check.steps.Error as e:
                return str(e)
            return "ok"
        for text, wanted in ((upstream, "ok"), (ours, "CHECK:UNNECESSARY_PARENTHESES"),
                             (upstream.replace("\n+\t", "\n+        "), "ERROR:CODE_INDENT")):
            found = result(text)
            ok(wanted in found, found)


@test("kernel/check builds each source that a patch changes, and refuses patches of others")
def sources_are_built():
    check = kernel_check()
    for version in (*VERSIONS, "mainline"):
        for group in os.listdir(os.path.join(DIRECTORY, version)):
            for patch in cache.patches(os.path.join(DIRECTORY, version, group)):
                check.check_names(patch)
    with tempfile.TemporaryDirectory(prefix="ffsctl-patches-") as work:
        for name, said in (("drivers/usb/musb/musb_gadget.c", "not built by kernel/check: drivers/usb/musb/musb_gadget.c"),
                           ("drivers/usb/dwc2/gadget.c.orig", "files that are not meant: drivers/usb/dwc2/gadget.c.orig")):
            patch = os.path.join(work, "0001.patch")
            with open(patch, "w", encoding="utf-8") as f:
                f.write(f"+++ b/{name}\n")
            eq(str(raises(check.steps.Error, check.check_names, patch)), said)


@test("make refuses unknown groups, and a package for dkms without a group that another one needs")
def make_refuses_groups():
    with tempfile.TemporaryDirectory() as work:
        for goal, groups, message in (("apply", "bugs", "unknown group of patches 'bugs'"),
                                      ("dkms", "fixes,features", "the group of patches 'features' needs 'backports'")):
            result = subprocess.run(["make", "-s", "-C", os.path.join(SRC, "kernel"), goal, "VERSION=6.12", f"TREE={work}",
                                     f"DESTDIR={work}", "GROUP=" + groups], stderr=subprocess.PIPE, text=True, check=False)
            eq(result.returncode, 2, result.stderr)
            ok(message in result.stderr, result.stderr)
        eq(os.listdir(work), [], "made nevertheless")


@test("variables of the command line, such as VERSION, are not passed to the kernel's makefiles")
def variables_stay_here():
    with tempfile.TemporaryDirectory() as here:
        check = os.path.join(here, "check")
        with open(check, "w", encoding="utf-8") as f:
            f.write("#!/bin/sh\nprintf 'VERSION = 6\\nall:; @echo $(VERSION)\\n' | make -s --no-print-directory -f -\n")
        os.chmod(check, 0o755)
        # A make that runs this test has put --print-directory into MAKEFLAGS
        result = subprocess.run(["make", "-s", "--no-print-directory", "-C", os.path.join(SRC, "kernel"), "check", "VERSION=6.12", f"HERE={here}"],
                                stdout=subprocess.PIPE, text=True, check=True)
        eq(result.stdout, "6\n")


tap.main()
