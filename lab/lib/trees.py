# SPDX-License-Identifier: GPL-2.0-or-later
"""Kernel trees of users: lab/setup --tree DIR --name NAME builds the lab's kernel from DIR, for lab/run --kernel NAME.

The tree itself is not changed: the lab works on a copy. The lab's own patches (lab/patches) that do not apply are left
out: a tree may be of any version, and may have changes of its own. What is missing therefore is printed, and kept beside
the kernel (cache.lacks_file).
"""

import os
import re
import shutil

import cache
from modules import apply_patches, patched
from steps import Error, building, run, say, step, write

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*")
# Files of a tree that show that it is the source of a Linux kernel with FunctionFS
EXPECTED = ("Makefile", "Kbuild", "arch/um/Makefile", "drivers/usb/gadget/function/f_fs.c")
# Not copied: the repository, and what a build in the tree has made
EXCLUDED = ["--exclude=./.git", "--exclude=*.o", "--exclude=*.a", "--exclude=*.ko", "--exclude=*.cmd"]


def version(path):
    """Returns the version of a kernel tree, such as 6.12."""
    missing = [name for name in EXPECTED if not os.path.isfile(os.path.join(path, name))]
    if missing:
        raise Error("--tree %s is not the source of a Linux kernel: it has no %s" % (path, ", no ".join(missing)))
    text = cache.read(os.path.join(path, "Makefile")).decode(errors="replace")
    found = [re.search(r"^%s *= *(\d+)$" % key, text, re.M) for key in ("VERSION", "PATCHLEVEL")]
    if not all(found):
        raise Error("--tree %s: its Makefile has no VERSION and PATCHLEVEL" % path)
    return ".".join(m[1] for m in found)


def digest(path):
    """Returns a digest of the names, sizes and times of the files of a tree. Reading their contents would take a minute."""
    found = []
    for directory, names, files in os.walk(path):
        if directory == path:
            names[:] = [n for n in names if n != ".git"]
        names.sort()
        for name in sorted(files):
            file = os.path.join(directory, name)
            st = os.lstat(file)
            found.append("%s %d %d\n" % (os.path.relpath(file, path), st.st_size, st.st_mtime_ns))
    return cache.digest("".join(found))


def record(name, path):
    """Records the present state of a kernel tree under a name."""
    if not NAME.fullmatch(name) or name in cache.VERSIONS:
        raise Error("--name %s: a name has letters, digits, '.', '_' and '-', begins with a letter or digit, and is not %s"
                    % (name, " or ".join(cache.VERSIONS)))
    path = os.path.abspath(path)
    text = "version %s\npath %s\ndigest %s\n" % (version(path), path, digest(path))
    os.makedirs(cache.root(), exist_ok=True)
    new = os.path.join(cache.root(), "partial-tree-" + name)
    write(new, text)
    os.rename(new, cache.tree_file(name))


def title(patch):
    """Returns the subject of a patch."""
    m = re.search(r"^Subject: (?:\[[^]]*\] )?(.*(?:\n .*)*)", cache.read(patch).decode(errors="replace"), re.M)
    return m[1].replace("\n", "") if m else os.path.basename(patch)


def short_name(patch):
    """Returns the name of a patch without its number and .patch."""
    return re.sub(r"^\d+-|\.patch$", "", os.path.basename(patch))


def applies(directory, patch, *options):
    try:
        run(["patch", "-p1", "-F0", "-s", "-f", "--dry-run", *options, "-i", os.path.abspath(patch)], cwd=directory)
    except Error:
        return False
    return True


def apply_those_that_fit(directory, patches):
    """Applies the patches that apply without fuzz. Returns the names of the others, except those that the tree already
    has."""
    lacks = []
    for patch in patches:
        if applies(directory, patch):
            apply_patches(directory, [patch])
        elif not applies(directory, patch, "-R"):
            say("left out, because it does not apply: %s (%s)" % (title(patch), os.path.relpath(patch, cache.TREE)))
            lacks.append(short_name(patch))
    return lacks


def make_source(name, final):
    """Makes the copy of a tree, with the lab's patches."""
    tree = cache.tree(name)
    if not os.path.isdir(tree["path"]):
        raise Error("the tree of kernel %s, %s, no longer exists" % (name, tree["path"]))
    if digest(tree["path"]) != tree["digest"]:
        raise Error("%s has changed since it was named %s: lab/setup --tree %s --name %s builds it again"
                    % (tree["path"], name, tree["path"], name))
    with step("copying " + tree["path"]), building(final) as work:
        run(["bash", "-c", "set -o pipefail; tar -C \"$0\" -c \"${@:2}\" . | tar -C \"$1\" -x", tree["path"], work, *EXCLUDED])
        if os.path.exists(os.path.join(work, ".config")) or os.path.exists(os.path.join(work, "include/config")):
            # kbuild refuses a separate build directory for a tree in which a kernel was built
            run(["make", "-s", "mrproper"], cwd=work)
        lacks = apply_those_that_fit(work, cache.lab_patches(name))
        write(cache.lacks_file(work), "".join(n + "\n" for n in lacks))


def series_fits(name):
    """Returns whether the series of kernel/patches applies to a tree; prints the first patch that does not."""
    patches = cache.kernel_patches(name, "patched")
    if not patches:
        say("kernel/patches has no series for %s: %s only has the modules of its tree" % (cache.version_of(name), name))
        return True
    scratch = os.path.join(cache.root(), "partial-series-" + name)
    shutil.rmtree(scratch, ignore_errors=True)
    os.makedirs(scratch)
    try:
        patched(cache.source_dir(name), patches, scratch)
    except Error as e:
        say("%s\nlab/run --kernel %s needs --stock" % (e, name))
        return False
    finally:
        shutil.rmtree(scratch)
    return True
