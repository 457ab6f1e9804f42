#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# lab all: kernel=6.12,6.1 timeout=900 build=plain
"""kernel/dkms with Debian's dkms: what is built, installed and removed, and what stays as it was.

The kernel that dkms builds for has the lab's kernel instead of Debian's headers, and a name of its own. The modules do
not get loaded: lab/run --qemu does that.
"""

import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

SRC = pathlib.Path(os.environ.get("FFSCTL_SRC", pathlib.Path(__file__).parents[3])).resolve()
sys.path.insert(0, str(SRC / "lab" / "lib"))

import cache
import harness
import tap
from tap import contains, eq, ok, test

VERSION = os.environ["LAB_KERNEL"]
RELEASE = {"6.12": "6.12.117+deb12-amd64", "6.1": "6.1.0-54-amd64"}[VERSION]
PACKAGE = {"6.12": "6.12.117-1~deb12u1", "6.1": "6.1.192-2"}[VERSION]
NAMES = ("usb_f_fs", "g_ffs", "dummy_hcd")
TREE = pathlib.Path("/var/lib/dkms/ffsctl-modules")
GADGET = "drivers/usb/gadget"


def dkms(*arguments):
    return subprocess.run(["dkms", *arguments], stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def modules(release):
    return pathlib.Path("/lib/modules") / release


def make_headers(release, package=PACKAGE):
    """Makes a kernel of Debian out of the lab's kernel: its directory in /lib/modules, the headers and stock modules."""
    headers = pathlib.Path("/usr/src/linux-headers-" + release)
    (headers / "include/generated").mkdir(parents=True)
    (headers / "include/generated/package.h").write_text(f'#define LINUX_PACKAGE_ID " Debian {package}"\n')
    kernel = cache.kernel_dir(VERSION, "normal", "patched")
    # The lab's kernel does not export what udc-core and libcomposite do
    (headers / "Makefile").write_text(f"modules:\n\t$(MAKE) -C {kernel} ARCH=um SUBARCH=x86_64 M=$(M) KBUILD_MODPOST_WARN=1 modules\n")
    stock = modules(release) / "kernel" / GADGET
    stock.mkdir(parents=True)
    # Any module that is not ours
    other = pathlib.Path(cache.modules_dir(VERSION, "normal", "patched")) / "libcomposite.ko"
    for name in ("function/usb_f_fs.ko", "legacy/g_ffs.ko"):
        (stock / name).parent.mkdir()
        shutil.copy(other, stock / name)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        (modules(release) / name).write_text("")
    (modules(release) / "build").symlink_to(headers)
    subprocess.run(["depmod", release], check=True)


def install_source(contents=VERSION):
    """Installs the package linux-source. `contents`: the version of Linux in it."""
    source, package = cache.source_dir(contents), "linux-source-" + VERSION
    with tarfile.open(f"/usr/src/{package}.tar.xz", "w:xz", preset=0) as tar:
        for name in (GADGET, "include/uapi/linux/usb", "Documentation/usb", "tools/testing/selftests/Makefile"):
            tar.add(os.path.join(source, name), os.path.join(package, name))
    status = pathlib.Path("/var/lib/dpkg/status")
    text = re.sub(rf"Package: {re.escape(package)}\n.*?\n\n", "", status.read_text(), flags=re.S)
    status.write_text(text + f"Package: {package}\nStatus: install ok installed\nMaintainer: a\nArchitecture: all\n"
                      f"Version: {PACKAGE}\nDescription: a\n\n")


def make_package():
    """Installs the package of kernel/dkms; returns its version."""
    subprocess.run(["make", "-s", "-C", SRC / "kernel", "dkms"], check=True, stdout=subprocess.DEVNULL)
    path, = pathlib.Path("/usr/src").glob("ffsctl-modules-*")
    return path.name.removeprefix("ffsctl-modules-")


def file_of(name, release=RELEASE):
    return subprocess.run(["modinfo", "-k", release, "-n", name], stdout=subprocess.PIPE, text=True, check=False).stdout.strip()


def is_patched(path):
    return b"ffs_io" in subprocess.run(["xz", "-dcf", path], stdout=subprocess.PIPE, check=True).stdout


def stock_is_used(release=RELEASE):
    eq([p.name for p in (modules(release) / "updates").rglob("*.ko*")] if (modules(release) / "updates").exists() else [], [])
    eq(file_of("usb_f_fs", release), str(modules(release) / "kernel" / GADGET / "function/usb_f_fs.ko"))


def ours_are_used(release=RELEASE):
    for name in NAMES:
        path = pathlib.Path(file_of(name, release))
        eq(path.parent, modules(release) / "updates/dkms", name)
    ok(is_patched(file_of("usb_f_fs", release)), "the module is not patched")


harness.unpack("dkms")
make_headers(RELEASE)
version = make_package()
NAME = f"ffsctl-modules/{version}"


@test("patches that do not apply: dkms builds, signs and installs nothing, and its log names the patch")
def patches_do_not_apply():
    install_source({"6.12": "6.1", "6.1": "6.12"}[VERSION])
    result = dkms("install", NAME, "-k", RELEASE)
    eq(result.returncode, 10, result.stdout)
    log = (TREE / version / "build/make.log").read_text()
    contains(log, f"does not apply to linux-source-{VERSION} {PACKAGE}")
    contains(result.stdout, "does not apply")
    ok("Signing module" not in result.stdout, result.stdout)
    eq(list((TREE / version).rglob("*.ko*")), [], "modules")
    stock_is_used()


@test("the modules are built and installed, and removed again")
def installed_and_removed():
    install_source()
    result = dkms("install", NAME, "-k", RELEASE)
    eq(result.returncode, 0, result.stdout)
    print(result.stdout, file=sys.stderr); ours_are_used()
    result = dkms("remove", NAME, "--all")
    eq(result.returncode, 0, result.stdout)
    stock_is_used()
    ok(not (TREE / version).exists(), "dkms still knows of it")


tap.main()
