# SPDX-License-Identifier: GPL-2.0-or-later
"""lab/setup: fetches and builds the lab's kernels, modules and process 1."""

import argparse
import glob
import os
import shutil
import subprocess
import sys

sys.dont_write_bytecode = True
sys.path.insert(0, os.path.dirname(os.path.abspath(__file__)))

import cache  # noqa: E402
import kernel  # noqa: E402
import modules  # noqa: E402
import trees  # noqa: E402
import udc  # noqa: E402
from steps import I386_COMPILERS, Error, building, compiler, kernel_argument, locked, need, product, run, say, step  # noqa: E402

# Download as the current user, because the user _apt may be unable to write to the cache
DOWNLOAD = ["apt-get", "-qq", "-o", "APT::Sandbox::User=", "download"]


def tested(version):
    """Returns the package version that the lab was tested with."""
    for line in cache.read(os.path.join(cache.LAB, "tested-versions")).decode().splitlines():
        words = line.split()
        if words[:1] == [version]:
            return words[1]
    raise Error("lab/tested-versions lacks " + version)


def keep_deb(version, path):
    """Records `path`, a file in debs/, as the source package of a version."""
    new = os.path.join(cache.root(), "deb-" + version)
    with open(new + ".new", "w") as f:
        f.write(os.path.basename(path) + "\n")
    os.rename(new + ".new", new)


def deb_version(path):
    """Returns (kernel version, package version) of a source package."""
    text = run(["dpkg-deb", "-f", path, "Package", "Version"]).decode()
    fields = dict(l.split(": ", 1) for l in text.splitlines())
    name = fields["Package"]
    if not name.startswith("linux-source-") or name[13:] not in cache.VERSIONS:
        raise Error("%s is %s, not a linux-source of %s"
                    % (path, name, " or ".join(cache.VERSIONS)))
    return name[13:], fields["Version"]


def take_deb(path):
    version, _ = deb_version(path)
    with locked("deb-" + version):
        kept = os.path.join(cache.root(), "debs", os.path.basename(path))
        if not (os.path.exists(kept) and os.path.samefile(path, kept)):
            shutil.copyfile(path, kept + ".new")
            os.rename(kept + ".new", kept)
        keep_deb(version, kept)


def download(package, want, work):
    """Downloads the tested version of a package, or the newest version if the archive no longer has the tested
    one. Returns the path of the downloaded file."""
    with step("fetching %s %s" % (package, want)):
        if subprocess.run(DOWNLOAD + ["%s=%s" % (package, want)], cwd=work, stdin=subprocess.DEVNULL,
                          stderr=subprocess.DEVNULL).returncode:
            say("the archive no longer has %s %s (the tested version): using the newest" % (package, want))
            run(DOWNLOAD + [package], cwd=work)
    return glob.glob(os.path.join(work, "*.deb"))[0]


def fetch_deb(version):
    debs = os.path.join(cache.root(), "debs")
    package = "linux-source-" + version
    want = tested(version)
    with locked("deb-" + version):
        if cache.source_deb(version) is not None:
            return
        for name in sorted(os.listdir(debs)):
            # An earlier lab/setup, which was interrupted, has downloaded this file
            if name.startswith(package + "_") and name.endswith(".deb"):
                if deb_version(os.path.join(debs, name)) == (version, want):
                    return keep_deb(version, name)
        work = os.path.join(cache.root(), "partial-deb-" + version)
        shutil.rmtree(work, ignore_errors=True)
        os.makedirs(work)
        found = download(package, want, work)
        kept = os.path.join(debs, os.path.basename(found))
        os.rename(found, kept)
        os.rmdir(work)
        keep_deb(version, kept)


def make_program(final, source, *options, flavour="normal"):
    """Compiles a program for the lab from one source file."""
    with locked(os.path.basename(final)):
        if os.path.exists(final):
            return
        work = os.path.join(cache.root(), "partial-" + os.path.basename(final))
        run([compiler(flavour), "-O2", *options, "-Wall", "-Wextra", "-o", work, os.path.join(cache.LAB, source)])
        os.rename(work, final)


def make_programs(flavour="normal"):
    """Compiles process 1 and the library that User-Mode Linux loads. Both have the word size of the kernel."""
    make_program(cache.init_file(flavour), "init.c", "-static", flavour=flavour)
    make_program(cache.pace_file(flavour), "pace.c", "-shared", "-fPIC", flavour=flavour)


def make_packages():
    """Downloads the Debian packages that tests unpack in the lab."""

    def fetch(final):
        names = cache.packages("packages-inside")
        with step("fetching " + " ".join(names)), building(final) as work:
            run(DOWNLOAD + names, cwd=work)

    product(cache.packages_dir(), fetch)


def make_i386():
    """Unpacks Debian packages of i386 and all that they need. No program of theirs is executed: what their installation
    would make, such as users, the lab has from the machine's files."""

    def unpack(final):
        with step("fetching Debian's i386"), building(final) as work:
            apt = os.path.join(work, "apt")
            run([os.path.join(cache.TREE, "packaging/foreign-apt"), apt, "deb", "i386",
                 "-y", "--no-install-recommends", "--download-only", "install", *cache.packages("packages-i386")])
            files = os.path.join(work, "files")
            os.makedirs(os.path.join(files, "var"))
            os.symlink("/run", os.path.join(files, "var/run"))
            for name in ("bin", "lib", "sbin"):
                os.makedirs(os.path.join(files, "usr", name))
                os.symlink("usr/" + name, os.path.join(files, name))
            for deb in glob.glob(os.path.join(apt, "archives/*.deb")):
                # Unlike dpkg-deb --extract, this keeps the links to directories
                run(["bash", "-c", "set -o pipefail; dpkg-deb --fsys-tarfile \"$0\" | tar -x --keep-directory-symlink -C \"$1\"",
                     deb, files])
            shutil.rmtree(apt)
            # Python finds libusb by this list
            run([shutil.which("ldconfig", path=os.environ["PATH"] + ":/usr/sbin:/sbin"), "-r", files])

    need((I386_COMPILERS + "gcc", "g++-i686-linux-gnu"))
    product(cache.i386_dir(), unpack)
    make_programs(cache.I386)


def remove(path):
    say("removing " + os.path.basename(path))
    shutil.rmtree(path) if os.path.isdir(path) else os.unlink(path)


def prune():
    """Removes products (see cache.py) that this tree does not use for any version, flavour and variant, those of users'
    trees that no longer exist, and incomplete products of lab/setups that were interrupted."""
    used = {file(flavour) for file in (cache.init_file, cache.pace_file) for flavour in ("normal", cache.I386)}
    used.update((cache.speed_file(), cache.packages_dir(), cache.i386_dir()))
    for name in cache.trees():
        if not os.path.isdir(cache.tree(name)["path"]):
            remove(cache.tree_file(name))
    for version in (*cache.VERSIONS, *cache.trees()):
        if cache.source_key(version) is None:
            continue
        used.add(cache.source_dir(version))
        for flavour in (*cache.FLAVOURS, cache.SMP, *cache.SPECIAL_FLAVOURS):
            for variant in (*cache.VARIANTS, cache.BASIC):
                used.update(place(version, flavour, variant) for place in
                            (cache.kernel_dir, cache.drivers_dir, cache.parts_dir, cache.modules_dir, cache.udc_dir))
        if version in cache.VERSIONS:
            used.update(cache.qemu_dir(version, v) for v in cache.VARIANTS)
    used.add(cache.initramfs())
    for kind in ("source-", "kernel-", "drivers-", "parts-", "modules-", "udc-", "init-", "pace-", "speed-", "initramfs-", "qemu-",
                 "packages-", "i386-"):
        for path in glob.glob(os.path.join(cache.root(), kind + "*")):
            if path not in used:
                remove(path)
    for path in glob.glob(os.path.join(cache.root(), "partial-*")):
        name = os.path.basename(path).removeprefix("partial-")
        # A lab/setup that is running holds the lock of what it builds, such as a kernel
        with locked(name, wait=False) as ours:
            if ours and os.path.exists(path):
                remove(path)


def make(version, flavour, variant, models):
    """Makes everything that lab/run needs for one kernel; with `models`, also for its option --udc."""
    if cache.source_key(version) is None:
        fetch_deb(version)
    if flavour == cache.I386:
        make_i386()
    # The source tree is only needed to build something
    if cache.missing(version, flavour, variant, models):
        kernel.make_source(version)
        kernel.make(version, flavour, variant)
        if variant != cache.BASIC:
            kernel.make_drivers(version, flavour, variant)
        modules.make(version, flavour, variant)
        if models:
            udc.make(version, flavour, variant)


def main():
    p = argparse.ArgumentParser(prog="lab/setup", description="Prepares the virtual USB lab: "
                                "Debian packages, kernels, modules. Only makes what is missing.")
    p.add_argument("--kernel", action="append", type=kernel_argument, help="only this version, or tree of --tree")
    p.add_argument("--tree", metavar="DIR", help="a kernel tree of your own: builds its kernel (the normal flavour, unless "
                   "--flavour is given), for lab/run --kernel NAME. After changes in DIR: again")
    p.add_argument("--name", help="the name of the kernel of --tree")
    p.add_argument("--flavour", action="append", choices=(*cache.FLAVOURS, *cache.SPECIAL_FLAVOURS), help="only this flavour (normal and "
                   "debug)")
    p.add_argument("--stock", action="store_true", help="only modules without ffsctl's patches")
    p.add_argument("--patched", action="store_true", help="only modules with ffsctl's patches")
    p.add_argument("--groups", metavar="LIST", help="only the patches of these groups of kernel/patches, such as "
                   "fixes,backports (all, or those of the environment variable LAB_GROUPS)")
    p.add_argument("--basic", action="store_true", help="only build what lab/run --basic needs")
    p.add_argument("--udc", action="store_true", help="also build what lab/run --udc needs")
    p.add_argument("--deb", action="append", default=[], metavar="FILE",
                   help="use this linux-source package from now on")
    p.add_argument("--qemu", action="store_true",
                   help="build what lab/run --qemu needs, not what User-Mode Linux needs")
    p.add_argument("--packages", action="store_true",
                   help="only install the Debian packages of lab/packages")
    p.add_argument("--prune", action="store_true", help="remove kernels and other products that this tree no longer uses, and build none")
    args = p.parse_args()
    if args.groups:
        os.environ["LAB_GROUPS"] = args.groups
    try:
        cache.chosen_groups()
    except ValueError as e:
        p.error("--groups or LAB_GROUPS: %s" % e)
    if args.prune:
        prune()
        return 0
    if bool(args.tree) != bool(args.name):
        p.error("--tree DIR and --name NAME need each other")
    if args.tree and (args.kernel or args.deb or args.qemu):
        p.error("--tree excludes --kernel, --deb and --qemu")
    variants = [v for v in (*cache.VARIANTS, cache.BASIC) if getattr(args, v)] or cache.VARIANTS
    kernels, flavours = args.kernel or cache.VERSIONS, args.flavour or cache.FLAVOURS
    if args.tree:
        kernels, flavours = [args.name], args.flavour or ["normal"]
        try:
            trees.record(args.name, args.tree)
        except Error as e:
            say(str(e))
            return 1
    wanted = [(version, flavour, variant) for version in kernels for flavour in flavours for variant in variants
              if flavour != cache.I386 or cache.has_i386(version)]
    images = wanted if args.qemu else []
    if args.qemu:
        wanted = [(version, cache.SMP, variant) if flavour == "debug" else (version, "normal", "patched")
                  for version, flavour, variant in images]
    if not (args.deb or any(cache.missing(*w, args.udc) for w in wanted)
            or any(cache.missing_qemu(*i) for i in images)):
        return 0
    os.makedirs(os.path.join(cache.root(), "debs"), exist_ok=True)
    try:
        for path in args.deb:
            take_deb(path)
        make_programs()
        make_program(cache.speed_file(), "speed.c")
        make_packages()
        if args.tree and not (args.patched or args.basic) and cache.missing(*wanted[0]):
            kernel.make_source(args.name)
            if not trees.series_fits(args.name):
                wanted = [w for w in wanted if w[2] == "stock"]
        for one in wanted:
            make(*one, args.udc)
        if images:
            import image
            for version, flavour, variant in images:
                if flavour == "debug":
                    image.make_smp()
                else:
                    image.make(version, variant)
    except Error as e:
        say(str(e))
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
