# SPDX-License-Identifier: GPL-2.0-or-later
"""Builds what the lab runs: kernels, modules, process 1. Called by lab/setup."""

import argparse
import contextlib
import fcntl
import glob
import os
import re
import shutil
import subprocess
import sys
import time

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cache  # noqa: E402

# What the module build can change without a new vmlinux: these parts of a kernel tree are copied,
# patched and built on their own. Other files may be patched when nothing is built from them.
MODULE_PARTS = ("drivers/usb/gadget", "drivers/usb/usbip", "drivers/usb/misc/usbtest.c")
SELFTESTS = "tools/testing/selftests/drivers/usb/functionfs"
HARMLESS = ("include/", "Documentation/", "tools/", "samples/", "MAINTAINERS")


# apt's own user cannot read below a home directory: fetch as ourselves
DOWNLOAD = ["apt-get", "-qq", "-o", "APT::Sandbox::User=", "download"]


class Error(Exception):
    pass


def say(text):
    print("lab/setup: " + text, file=sys.stderr, flush=True)


def run(args, log=None, **kw):
    """Runs a command; on failure the error carries the end of what it printed."""
    if log is None:
        r = subprocess.run(args, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, **kw)
        text = r.stdout
    else:
        with open(log, "ab") as f:
            r = subprocess.run(args, stdout=f, stderr=subprocess.STDOUT, **kw)
        text = cache.read(log) if r.returncode else b""
    if r.returncode:
        tail = b"\n".join(text.splitlines()[-40:]).decode(errors="replace")
        raise Error("%s failed:\n%s" % (" ".join(args[:6]), tail))
    return text


@contextlib.contextmanager
def building(final):
    """A directory that gets its name only when everything in it is there."""
    work = os.path.join(os.path.dirname(final), "partial-" + os.path.basename(final))
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    yield work
    open(os.path.join(work, "complete"), "w").close()
    os.sync()
    shutil.rmtree(final, ignore_errors=True)
    os.rename(work, final)


def tested(version):
    for line in cache.read(os.path.join(cache.LAB, "tested-versions")).decode().splitlines():
        words = line.split()
        if words[:1] == [version]:
            return words[1]
    raise Error("lab/tested-versions names no " + version)


def keep_deb(version, path):
    """Records `path`, a file in debs/, as the source package of a version."""
    new = os.path.join(cache.root(), "deb-" + version)
    with open(new + ".new", "w") as f:
        f.write(os.path.basename(path) + "\n")
    os.rename(new + ".new", new)


def deb_version(path):
    """(kernel version, package version) of a source package's file."""
    text = run(["dpkg-deb", "-f", path, "Package", "Version"]).decode()
    fields = dict(l.split(": ", 1) for l in text.splitlines())
    name = fields["Package"]
    if not name.startswith("linux-source-") or name[13:] not in cache.VERSIONS:
        raise Error("%s is %s, not a linux-source of %s"
                    % (path, name, " or ".join(cache.VERSIONS)))
    return name[13:], fields["Version"]


def take_deb(path):
    version, _ = deb_version(path)
    kept = os.path.join(cache.root(), "debs", os.path.basename(path))
    if not (os.path.exists(kept) and os.path.samefile(path, kept)):
        shutil.copyfile(path, kept + ".new")
        os.rename(kept + ".new", kept)
    keep_deb(version, kept)


def fetch_deb(version):
    """Downloads the tested package, or the archive's newest when that one is gone."""
    debs = os.path.join(cache.root(), "debs")
    package = "linux-source-" + version
    want = tested(version)
    for name in sorted(os.listdir(debs)):
        # a package that an interrupted setup had already brought here
        if name.startswith(package + "_") and name.endswith(".deb"):
            if deb_version(os.path.join(debs, name)) == (version, want):
                return keep_deb(version, name)
    work = os.path.join(cache.root(), "partial-deb")
    shutil.rmtree(work, ignore_errors=True)
    os.makedirs(work)
    say("fetching %s %s" % (package, want))
    if subprocess.run(DOWNLOAD + ["%s=%s" % (package, want)], cwd=work,
                      stderr=subprocess.DEVNULL).returncode:
        say("the archive has no %s %s (the tested one) any more, taking its newest"
            % (package, want))
        run(DOWNLOAD + [package], cwd=work)
    found = glob.glob(os.path.join(work, "*.deb"))
    kept = os.path.join(debs, os.path.basename(found[0]))
    os.rename(found[0], kept)
    os.rmdir(work)
    keep_deb(version, kept)


def apply_patches(tree, patches):
    for patch in patches:
        with open(patch, "rb") as f:
            r = subprocess.run(["patch", "-p1", "-F0", "-N", "-s", "--no-backup-if-mismatch"],
                               cwd=tree, stdin=f, stdout=subprocess.PIPE,
                               stderr=subprocess.STDOUT)
        if r.returncode:
            raise Error("%s does not apply without fuzz:\n%s"
                        % (os.path.relpath(patch, cache.TREE), r.stdout.decode()))


def make_source(version):
    final = cache.source_dir(version)
    if cache.complete(final):
        return
    deb = cache.source_deb(version)
    say("unpacking " + os.path.basename(deb))
    with building(final) as work:
        run(["bash", "-c", "set -o pipefail; dpkg-deb --fsys-tarfile \"$0\" | "
             "tar -xO ./usr/src/linux-source-\"$1\".tar.xz | "
             "tar -xJ -C \"$2\" --strip-components=1", deb, version, work])
        apply_patches(work, cache.lab_patches(version))


def check_config(config, version, flavour):
    have = set(cache.read(config).decode().splitlines())
    kinds = {"all", flavour} | ({"uml"} if flavour != cache.SMP else set())
    for line in cache.read(os.path.join(cache.LAB, "config", "required.list")).decode().splitlines():
        words = line.split()
        if not words or words[0] == "#":
            continue
        if words[0] in kinds and words[1] in ("all", version) and words[2] not in have:
            raise Error("the %s %s kernel lacks %s" % (version, flavour, words[2]))


def arch(flavour):
    """For make."""
    # SUBARCH: 6.1 starts to build for 32 bit otherwise
    return ["ARCH=x86_64"] if flavour == cache.SMP else ["ARCH=um", "SUBARCH=x86_64"]


def configure(make, source, directory, fragments, log=None):
    """Makes directory/.config of fragments; from then on `make` works there."""
    run(make + ["-C", source, "O=" + directory, "tinyconfig"], log)
    run([os.path.join(source, "scripts/kconfig/merge_config.sh"), "-m", "-O", directory,
         os.path.join(directory, ".config")] + fragments, log, cwd=directory)
    run(make + ["olddefconfig"], log, cwd=directory)


def make_kernel(version, flavour):
    """vmlinux, and beside it all that modules are built against.

    kbuild writes the directory's own path into what it makes, so this one is not renamed at the
    end: it counts only once `complete` is in it.
    """
    final = cache.kernel_dir(version, flavour)
    if cache.complete(final):
        return
    make_source(version)
    source = cache.source_dir(version)
    say("building the %s %s kernel (minutes)" % (version, flavour))
    start = time.monotonic()
    shutil.rmtree(final, ignore_errors=True)
    os.makedirs(final)
    log = os.path.join(final, "log")
    make = ["make", "-s", *arch(flavour), "-j%d" % jobs()]
    configure(make, source, final, cache.fragments(flavour), log)
    check_config(os.path.join(final, ".config"), version, flavour)
    run(make + ["bzImage" if flavour == cache.SMP else "vmlinux", "modules"], log, cwd=final)
    keep_helpers(final)
    drop_objects(final)
    os.sync()
    open(os.path.join(final, "complete"), "w").close()
    say("built in %d s" % (time.monotonic() - start))


def keep_helpers(directory):
    """Sorts the modules that were built with the kernel.

    The gadget stack is built again, apart. What is left are modules that only it selects (some
    cannot be built in): they go to helpers/. Module.symvers must not know the former, or a
    patched module would be checked against a stock one.
    """
    ours = tuple(p.removesuffix(".c") for p in MODULE_PARTS)
    helpers = os.path.join(directory, "helpers")
    os.makedirs(helpers)
    for path in glob.glob(os.path.join(directory, "**/*.ko"), recursive=True):
        if not os.path.relpath(path, directory).startswith(ours):
            shutil.copy(path, helpers)
    symvers = os.path.join(directory, "Module.symvers")
    lines = cache.read(symvers).decode().splitlines(True)
    write(symvers, "".join(l for l in lines if not l.split("\t")[2].startswith(ours)))


def drop_objects(directory):
    """The linked kernel's objects: half a gigabyte that nobody reads again."""
    for path, dirs, files in os.walk(directory):
        if path == directory:
            dirs[:] = [d for d in dirs if d not in ("scripts", "tools")]
        for name in files:
            if name.endswith((".o", ".a", ".cmd")) and not name.startswith("module"):
                os.unlink(os.path.join(path, name))


def patched_files(patches):
    """Every file that patches touch, without the a/ and b/."""
    names = set()
    for patch in patches:
        for line in cache.read(patch).decode(errors="replace").splitlines():
            m = re.match(r"(?:---|\+\+\+) [ab]/(\S+)", line)
            if m:
                names.add(m.group(1))
    return sorted(names)


def copy_part(source, work, name):
    src, dst = os.path.join(source, name), os.path.join(work, name)
    if os.path.exists(dst) or not os.path.exists(src):
        return
    os.makedirs(os.path.dirname(dst), exist_ok=True)
    if os.path.isdir(src):
        shutil.copytree(src, dst, symlinks=True)
    else:
        shutil.copyfile(src, dst)


def write(path, text):
    with open(path, "w") as f:
        f.write(text)


def make_modules(version, flavour, variant):
    final = cache.modules_dir(version, flavour, variant)
    if cache.complete(final):
        return
    make_kernel(version, flavour)
    make_source(version)
    source, kernel = cache.source_dir(version), cache.kernel_dir(version, flavour)
    patches = cache.kernel_patches(version, variant)
    start = time.monotonic()
    tree = os.path.join(cache.root(), "partial-tree")
    shutil.rmtree(tree, ignore_errors=True)
    os.makedirs(tree)
    for name in MODULE_PARTS:
        copy_part(source, tree, name)
    for name in patched_files(patches):
        if not name.startswith(MODULE_PARTS + HARMLESS):
            raise Error("a patch of kernel/patches/%s changes %s, which is part of the kernel "
                        "itself: that belongs in lab/patches/%s" % (version, name, version))
        copy_part(source, tree, name)
    apply_patches(tree, patches)
    # The parts' own headers, not those of the kernel's tree
    for path in glob.glob(os.path.join(tree, "drivers/usb/gadget/**/Makefile"), recursive=True):
        text = cache.read(path).decode()
        write(path, text.replace("$(srctree)/drivers/usb/gadget", tree + "/drivers/usb/gadget"))
    write(os.path.join(tree, "drivers/usb/misc/Makefile"), "obj-$(CONFIG_USB_TEST) += usbtest.o\n")
    os.makedirs(os.path.join(tree, "lab"))
    for path in cache.module_sources():
        shutil.copy(path, os.path.join(tree, "lab"))
    write(os.path.join(tree, "Kbuild"),
          "obj-m += drivers/usb/gadget/ drivers/usb/usbip/ drivers/usb/misc/ lab/\n")
    # NOSTDINC_FLAGS is the one variable of include paths that comes before the kernel's own
    run(["make", "-s", "-C", kernel, *arch(flavour), "M=" + tree, "-j%d" % jobs(), "modules",
         "NOSTDINC_FLAGS=-nostdinc -I%s/include -I%s/include/uapi" % (tree, tree)])
    release = cache.read(os.path.join(kernel, "include/config/kernel.release")).decode().strip()
    with building(final) as work:
        # depmod wants lib/modules/RELEASE around it; the paths it writes are relative to that
        flat = os.path.join(tree, "out/lib/modules", release)
        os.makedirs(flat)
        for path in (glob.glob(os.path.join(tree, "**/*.ko"), recursive=True)
                     + glob.glob(os.path.join(kernel, "helpers/*.ko"))):
            shutil.copy(path, flat)
        for name in ("modules.order", "modules.builtin"):
            write(os.path.join(flat, name), "")
        depmod = shutil.which("depmod", path=os.environ["PATH"] + ":/usr/sbin:/sbin")
        run([depmod, "-b", os.path.join(tree, "out"), release])
        for name in os.listdir(flat):
            os.rename(os.path.join(flat, name), os.path.join(work, name))
        make_selftests(tree, source, os.path.join(work, "selftests"))
    shutil.rmtree(tree)
    say("built the %s %s modules, %s, in %.0f s"
        % (version, flavour, variant, time.monotonic() - start))


def make_selftests(tree, source, target):
    """Builds the series' selftests, if there are any, with the headers of the same tree."""
    directory = os.path.join(tree, SELFTESTS)
    if not os.path.isdir(directory):
        return
    for name in ("kselftest.h", "kselftest_harness.h"):
        copy_part(source, tree, "tools/testing/selftests/" + name)
    os.makedirs(target)
    # Only what the series changes, and Debian's linux-libc-dev lacks: the rest of include/uapi is not
    # meant to be used uninstalled
    headers = os.path.join(tree, "selftest-headers")
    os.makedirs(os.path.join(headers, "linux/usb"))
    shutil.copytree(os.path.join(source, "include/uapi/drm"), os.path.join(headers, "drm"))
    shutil.copy(os.path.join(tree, "include/uapi/linux/usb/functionfs.h"), os.path.join(headers, "linux/usb"))
    for path in sorted(glob.glob(os.path.join(directory, "*.c"))):
        if path.endswith("_lib.c"):
            continue
        name = os.path.splitext(os.path.basename(path))[0]
        run(["gcc", "-O2", "-g", "-Wall", "-Werror", "-D__user=", "-I" + headers,
             "-o", os.path.join(target, name), path, os.path.join(directory, "ffs_lib.c"), "-lpthread"])


def make_init():
    final = cache.init_file()
    if os.path.exists(final):
        return
    work = os.path.join(cache.root(), "partial-init")
    run(["gcc", "-static", "-O2", "-Wall", "-Wextra", "-o", work, os.path.join(cache.LAB, "init.c")])
    os.rename(work, final)


def make_packages():
    """Downloads what tests unpack in the lab."""
    final = cache.packages_dir()
    if cache.complete(final):
        return
    say("fetching " + " ".join(cache.inside_packages()))
    with building(final) as work:
        run(DOWNLOAD + cache.inside_packages(), cwd=work)


def jobs():
    return len(os.sched_getaffinity(0))


def prune():
    """Removes everything that no version, flavour and variant of this tree uses."""
    used = {cache.init_file(), cache.packages_dir()}
    for version in cache.VERSIONS:
        if cache.source_deb(version) is None:
            continue
        used.add(cache.source_dir(version))
        for flavour in cache.FLAVOURS + (cache.SMP,):
            used.add(cache.kernel_dir(version, flavour))
            used.update(cache.modules_dir(version, flavour, v) for v in cache.VARIANTS)
        used.update(cache.qemu_dir(version, v) for v in cache.VARIANTS)
    used.add(cache.initramfs())
    for kind in ("source-", "kernel-", "modules-", "init-", "initramfs-", "qemu-", "packages-"):
        for path in glob.glob(os.path.join(cache.root(), kind + "*")):
            if path not in used:
                say("removing " + os.path.basename(path))
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def main():
    p = argparse.ArgumentParser(prog="lab/setup", description="Prepares the virtual USB lab: "
                                "Debian packages, kernels, modules. Does only what is missing.")
    p.add_argument("--kernel", action="append", choices=cache.VERSIONS, help="only this version")
    p.add_argument("--flavour", action="append", choices=cache.FLAVOURS, help="only this flavour")
    p.add_argument("--stock", action="store_true", help="only the modules without our patches")
    p.add_argument("--patched", action="store_true", help="only the modules with our patches")
    p.add_argument("--deb", action="append", default=[], metavar="FILE",
                   help="use this linux-source package, from now on")
    p.add_argument("--qemu", action="store_true",
                   help="what lab/run --qemu boots, instead of User-Mode Linux")
    p.add_argument("--packages", action="store_true",
                   help="only install the Debian packages of lab/packages")
    p.add_argument("--prune", action="store_true", help="remove what this tree no longer uses")
    args = p.parse_args()
    variants = [v for v in cache.VARIANTS if getattr(args, v)] or cache.VARIANTS
    wanted = [(version, flavour, variant) for version in args.kernel or cache.VERSIONS
              for flavour in args.flavour or cache.FLAVOURS for variant in variants]
    images = wanted if args.qemu else []
    if args.qemu:
        wanted = [(version, cache.SMP, variant) if flavour == "debug" else (version, "normal", "patched")
                  for version, flavour, variant in images]
    if not (args.deb or args.prune or any(cache.missing(*w) for w in wanted)
            or any(cache.missing_qemu(*i) for i in images)):
        return 0  # also while another setup is busy with something else
    os.makedirs(os.path.join(cache.root(), "debs"), exist_ok=True)
    with open(os.path.join(cache.root(), "lock"), "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("waiting for another setup")
            fcntl.flock(lock, fcntl.LOCK_EX)
        try:
            for path in glob.glob(os.path.join(cache.root(), "partial-*")):
                # an interrupted setup's
                shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)
            for path in args.deb:
                take_deb(path)
            make_init()
            make_packages()
            for version, flavour, variant in wanted:
                if cache.source_deb(version) is None:
                    fetch_deb(version)
                make_modules(version, flavour, variant)
            if images:
                import image
                for version, flavour, variant in images:
                    if flavour == "debug":
                        image.make_smp()
                    else:
                        image.make(version, variant)
            if args.prune:
                prune()
        except Error as e:
            say(str(e))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
