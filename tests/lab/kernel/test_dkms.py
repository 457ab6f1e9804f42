#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
# It compiles the modules again and again, which takes minutes; tests/cli/test_dkms.py has what dkms calls without dkms.
# lab: none
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
# Not Debian's own names: the machine may have their headers
RELEASE = {"6.12": "6.12.117+test-amd64", "6.1": "6.1.0-54-test-amd64"}[VERSION]
PACKAGE = {"6.12": "6.12.117-1~deb12u1", "6.1": "6.1.192-2"}[VERSION]
NAMES = ("usb_f_fs", "g_ffs", "dummy_hcd", "libcomposite")
TREE = pathlib.Path("/var/lib/dkms/ffsctl-modules")
GADGET = "drivers/usb/gadget"


def run(*command):
    return subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)


def dkms(*arguments):
    return run("dkms", *arguments)


def modules(release):
    return pathlib.Path("/lib/modules") / release


def make_headers(release, package=PACKAGE):
    """Makes a kernel of Debian out of the lab's kernel: its headers, and its modules in /lib/modules."""
    headers = pathlib.Path("/usr/src/linux-headers-" + release)
    (headers / "include/generated").mkdir(parents=True)
    (headers / "include/generated/package.h").write_text(f'#define LINUX_PACKAGE_ID " Debian {package}"\n')
    kernel = cache.kernel_dir(VERSION, "normal", "patched")
    # The lab's kernel does not export what udc-core and libcomposite do
    (headers / "Makefile").write_text(
        f"modules:\n\t$(MAKE) -C {kernel} ARCH=um SUBARCH=x86_64 M=$(M) KBUILD_MODPOST_WARN=1 modules\n")
    stock = modules(release) / "kernel" / GADGET
    stock.mkdir(parents=True)
    # Any module that is not ours. As Debian's, the lab's modules have neither version nor srcversion
    other = pathlib.Path(cache.modules_dir(VERSION, "normal", "patched")) / "libcomposite.ko"
    for name in ("function/usb_f_fs.ko", "legacy/g_ffs.ko"):
        (stock / name).parent.mkdir()
        shutil.copy(other, stock / name)
    for name in ("modules.order", "modules.builtin", "modules.builtin.modinfo"):
        (modules(release) / name).write_text("")
    (modules(release) / "build").symlink_to(headers)
    subprocess.run(["depmod", release], check=True)


def install_source(fits=True):
    """Installs the package linux-source. If it does not fit, one of the last patches does not apply; all of it compiles."""
    source, package = cache.source_dir(VERSION), "linux-source-" + VERSION
    changed = pathlib.Path("/tmp/dummy_hcd.c")
    line = "dum->gadget.max_speed = USB_SPEED_FULL;"
    text = (pathlib.Path(source) / GADGET / "udc/dummy_hcd.c").read_text()
    contains(text, line)
    changed.write_text(text if fits else text.replace(line, line + " /* changed */"))
    with tarfile.open(f"/usr/src/{package}.tar.xz", "w:xz", preset=0) as tar:
        for name in (GADGET, *(file for file in cache.files_to_patch(VERSION) if not file.startswith(GADGET + "/"))):
            tar.add(os.path.join(source, name), os.path.join(package, name),
                    filter=lambda member: None if member.name.endswith("/dummy_hcd.c") else member)
        tar.add(changed, os.path.join(package, GADGET, "udc/dummy_hcd.c"))
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
    return run("modinfo", "-k", release, "-n", name).stdout.strip()


def field_of(name, field, release=RELEASE):
    return run("modinfo", "-F", field, file_of(name, release)).stdout.strip()


def is_patched(path):
    return b"ffs_io" in subprocess.run(["xz", "-dcf", path], stdout=subprocess.PIPE, check=True).stdout


def stock_is_used(release=RELEASE):
    eq([p.name for p in modules(release).glob("updates/**/*.ko*")], [])
    eq(file_of("usb_f_fs", release), str(modules(release) / "kernel" / GADGET / "function/usb_f_fs.ko"))


def ours_are_used(release=RELEASE):
    for name in NAMES:
        path = pathlib.Path(file_of(name, release))
        eq(path.parent, modules(release) / "updates/dkms", name)
    ok(is_patched(file_of("usb_f_fs", release)), "the module is not patched")


def hook(release):
    """Does what Debian's packages do when the headers of a kernel have been installed."""
    return run("run-parts", "--arg=" + release, "/etc/kernel/header_postinst.d")


def make_key():
    """Makes a key as a machine's owner would; returns the name in its certificate."""
    directory = pathlib.Path("/var/lib/ffsctl-test-key")
    directory.mkdir()
    subprocess.run(["openssl", "req", "-new", "-x509", "-nodes", "-days", "1", "-newkey", "rsa:2048",
                    "-subj", "/CN=a test's own key", "-keyout", directory / "key", "-outform", "DER",
                    "-out", directory / "certificate"], check=True, stderr=subprocess.DEVNULL)
    sign = directory / "sign-file"
    subprocess.run(["gcc", "-o", sign, os.path.join(cache.source_dir(VERSION), "scripts/sign-file.c"), "-lcrypto"],
                   check=True, stderr=subprocess.DEVNULL)
    pathlib.Path("/etc/dkms/framework.conf").write_text(
        f"sign_file={sign}\nmok_signing_key={directory}/key\nmok_certificate={directory}/certificate\n")
    return "a test's own key"


# Most builds compile the same files
os.environ["PATH"] = "/usr/lib/ccache:" + os.environ["PATH"]
os.environ["CCACHE_DIR"] = "/tmp/ccache"
harness.unpack("dkms")
# The hooks of the machine's own packages are not of this test
for name in ("postinst.d", "header_postinst.d"):
    shutil.rmtree(pathlib.Path("/etc/kernel") / name, ignore_errors=True)
make_headers(RELEASE)
version = make_package()
NAME = f"ffsctl-modules/{version}"
KEY = make_key()
NEWER = RELEASE.replace("117+", "118+").replace("-54-", "-55-")


@test("patches that do not apply: dkms builds, signs and installs nothing, and its log names the patch")
def patches_do_not_apply():
    install_source(fits=False)
    result = dkms("install", NAME, "-k", RELEASE)
    eq(result.returncode, 10, result.stdout)
    log = (TREE / version / "build/make.log").read_text()
    contains(log, f"does not apply to linux-source-{VERSION} {PACKAGE}")
    contains(result.stdout, "does not apply")
    ok("Signing module" not in result.stdout, result.stdout)
    eq(list((TREE / version).rglob("*.ko*")), [], "modules")
    stock_is_used()


@test("a kernel that gets installed has no modules if they are installed for no other kernel")
def hook_without_modules():
    dkms("remove", NAME, "--all")
    result = hook(RELEASE)
    eq((result.returncode, result.stdout), (0, ""))
    stock_is_used()


@test("the modules are built, signed with the owner's key, and installed")
def installed():
    install_source()
    result = dkms("install", NAME, "-k", RELEASE)
    eq(result.returncode, 0, result.stdout)
    ours_are_used()
    for name in NAMES:
        eq((field_of(name, "signer"), field_of(name, "version")), (KEY, version), name)


@test("a package with the same version, but other patches: the modules are built again; the old ones stay if that fails")
def same_version():
    def install_package(result):
        done = run("/etc/kernel/postinst.d/ffsctl-modules", RELEASE, "--force")
        eq(done.returncode, 0)
        contains(done.stdout, result)
        ours_are_used()
        return field_of("usb_f_fs", "version")

    source = pathlib.Path(f"/usr/src/ffsctl-modules-{version}/version.h")
    text = source.read_text()
    source.write_text(text.replace(version, "changed"))
    eq(install_package(""), "changed")
    source.write_text("no C\n")
    eq(install_package(f"the modules of Linux {RELEASE} stay as they were: "), "changed")
    source.write_text(text)
    eq(install_package(""), version)


@test("an update of the kernel keeps the features if the patches apply, and goes on without them if not")
def kernel_update():
    make_headers(NEWER)
    install_source(fits=False)
    result = hook(NEWER)
    eq(result.returncode, 0, result.stdout)
    contains(result.stdout, f"the usb_f_fs of Linux {NEWER} stays in use, without ffsctl's patches: ")
    ok(re.search(r"patches: \w+/\d{4}-\S+ does not apply", result.stdout), result.stdout)
    log = re.search(r"^log: (.*)$", result.stdout, re.M)
    contains(pathlib.Path(log[1]).read_text(), "does not apply")
    stock_is_used(NEWER)
    ours_are_used()
    install_source()
    result = hook(NEWER)
    eq(result.returncode, 0, result.stdout)
    ours_are_used(NEWER)
    ours_are_used()


@test("a newer version replaces the old one, which goes when no kernel has it any more")
def upgrade():
    old, new = (pathlib.Path(f"/usr/src/ffsctl-modules-{v}") for v in (version, "99.1"))
    shutil.copytree(old, new)
    for name in ("dkms.conf", "version.h"):
        text = (new / name).read_text()
        contains(text, version)
        (new / name).write_text(text.replace(version, "99.1"))
    result = dkms("install", "ffsctl-modules/99.1", "-k", RELEASE)
    eq(result.returncode, 0, result.stdout)
    ours_are_used()
    eq(field_of("usb_f_fs", "version"), "99.1")
    eq([p.name for p in TREE.glob(f"{version}/6*")], [NEWER], "kernels of the old version")
    ok(old.exists(), "the source of the old version is gone, which a kernel has still")
    ours_are_used(NEWER)
    result = hook(NEWER)
    eq(result.returncode, 0, result.stdout)
    eq(sorted(p.name for p in TREE.glob("[0-9]*")), ["99.1"])
    ok(not old.exists(), "the source of the old version is left")
    ours_are_used()
    ours_are_used(NEWER)


@test("remove-dkms leaves the kernels' own modules, and nothing of ours")
def removed():
    subprocess.run(["make", "-s", "-C", SRC / "kernel", "remove-dkms"], check=True, stdout=subprocess.DEVNULL)
    stock_is_used()
    stock_is_used(NEWER)
    ok(not TREE.exists(), "dkms still knows of it")
    eq([*pathlib.Path("/usr/src").glob("ffsctl-modules*"), *pathlib.Path("/etc/kernel").glob("*/ffsctl-modules")], [])


tap.main()
