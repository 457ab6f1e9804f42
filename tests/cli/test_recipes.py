#!/usr/bin/python3
# SPDX-License-Identifier: GPL-2.0-or-later
"""The recipes of packaging/ for Buildroot, OpenWrt and Alpine. Their own build systems are not here: small files that stand
for them run the steps that install, and what comes out is compared with the files of `make install`."""

import functools
import os
import pathlib
import re
import shutil
import subprocess
import tempfile

from paths import BUILD, SRC, VERSION
from tap import eq, main, ok, test

PACKAGING = pathlib.Path(SRC, "packaging")
tmp = tempfile.TemporaryDirectory()
TMP = pathlib.Path(tmp.name)


def run(*args, **kw):
    """Returns what a command prints, which must succeed."""
    env = {k: v for k, v in os.environ.items() if k not in ("MAKEFLAGS", "MFLAGS", "MAKELEVEL")}
    result = subprocess.run([str(a) for a in args], stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                            text=True, env={**env, **kw.pop("env", {})}, check=False, **kw)
    eq(result.returncode, 0, f"{args}: {result.stdout}\nexit status")
    return result.stdout


def files(directory):
    """Returns the paths of all files below a directory, as they will be on a system."""
    return {"/" + str(p.relative_to(directory)) for p in directory.rglob("*") if not p.is_dir() or p.is_symlink()}


@functools.cache
def make_install():
    """Installs this build as the recipes configure it: in /usr, without the Python module and units for systemd, whatever
    directories this build has (those of a Debian package have the architecture's name). Returns the directory."""
    directory = TMP / "installed"
    run("make", "-s", "-C", BUILD, "install", f"DESTDIR={directory}", "prefix=/usr", "exec_prefix=/usr", "sysconfdir=/etc",
        "libdir=/usr/lib", "libexecdir=/usr/libexec", "mandir=/usr/share/man", "pythondir=/usr/lib/python3",
        "systemdsystemunitdir=/usr/lib/systemd/system")
    for left_out in ("python3", "systemd"):
        shutil.rmtree(directory / "usr/lib" / left_out, ignore_errors=True)
    (directory / "usr/bin/ffsbench").touch()  # which a build without libusb does not have
    return directory


def installed():
    """Returns a copy of what `make install` installs, for a test to change."""
    return shutil.copytree(make_install(), pathlib.Path(tempfile.mkdtemp(dir=TMP)) / "root", symlinks=True)


def options_exist(text):
    """Each --with and --without option of a recipe is one of configure."""
    known = set(re.findall(r"AC_ARG_(?:WITH|ENABLE)\(\[([\w-]+)\]", pathlib.Path(SRC, "configure.ac").read_text(encoding="utf-8")))
    used = set(re.findall(r"--(?:with|without|enable|disable)-([\w-]+)", text))
    ok(used, "no option found")
    eq(used - known, set(), "options that configure does not have")


# --- OpenWrt ---

OPENWRT_RULES = """\
INCLUDE_DIR := $(TOPDIR)
PKG_BUILD_DIR := $(TMP)/build
PKG_INSTALL_DIR := $(INSTALLED)
INSTALL_DIR := install -d -m0755
INSTALL_BIN := install -m0755
INSTALL_DATA := install -m0644
INSTALL_CONF := install -m0600
CP := cp -fpR
define BuildPackage
all: $(1)
$(1):
	$$(call Package/$(1)/install,$(TMP)/$(1))
endef
"""
OPENWRT_GOALS = """\
all: dev source
dev:
	$(call Build/InstallDev,$(TMP)/dev)
source:
	$(Build/Prepare)
"""


@test("OpenWrt: each file of `make install` is in one package, or is left out knowingly")
def openwrt():
    work, root = TMP / "openwrt", installed()
    work.mkdir()
    (work / "rules.mk").write_text(OPENWRT_RULES)
    (work / "package.mk").write_text("")
    (work / "goals.mk").write_text(OPENWRT_GOALS)
    options_exist((PACKAGING / "openwrt/ffsctl/Makefile").read_text(encoding="utf-8"))
    run("make", "-s", "-C", PACKAGING / "openwrt/ffsctl", "-f", "Makefile", "-f", work / "goals.mk", f"TOPDIR={work}",
        f"TMP={work}", f"INSTALLED={root}", "all")
    packages = {name: files(work / name) for name in ("ffsctl", "ffsbench", "libffsctl-stream", "dev")}
    eq(packages["ffsctl"] & packages["libffsctl-stream"], set())
    eq(packages["ffsbench"], {"/usr/bin/ffsbench"})
    everything = set().union(*packages.values())
    # A router has no room for documents, and its shell no completion
    left_out = {f for f in files(root) if re.match(
        r"/usr/share/(doc|man|bash-completion|fish|zsh|ffsctl/schemas|ffsctl/init)/", f)}
    eq(files(root) - everything - left_out, set(), "files in no package")
    eq(everything - files(root), {"/etc/config/ffsctl", "/etc/init.d/ffsctl"}, "files of the recipe only")
    eq((work / "ffsctl/etc/init.d/ffsctl").read_bytes(), (root / "usr/share/ffsctl/init/procd/ffsctl").read_bytes())
    ok((work / "build/configure.ac").exists(), "it has no source")


# --- Buildroot ---

BUILDROOT_RULES = """
include $(BR2_EXTERNAL_FFSCTL_PATH)/external.mk
INSTALL := install
all:
	@echo site=$(FFSCTL_SITE)
	@echo options=$(FFSCTL_CONF_OPTS)
	@echo dependencies=$(FFSCTL_DEPENDENCIES)
sysv:
	$(FFSCTL_INSTALL_INIT_SYSV)
openrc:
	$(FFSCTL_INSTALL_INIT_OPENRC)
"""


@test("Buildroot: the source, the options, the dependencies and the scripts of each init system")
def buildroot():
    work, tree = TMP / "buildroot.mk", PACKAGING / "buildroot"
    work.write_text(BUILDROOT_RULES)
    options_exist((tree / "package/ffsctl/ffsctl.mk").read_text(encoding="utf-8"))
    ok((tree / "external.desc").read_text().startswith("name: FFSCTL\n"))
    ok('source "$BR2_EXTERNAL_FFSCTL_PATH/package/ffsctl/Config.in"' in (tree / "Config.in").read_text())

    def make(*args):
        return run("make", "-s", "-f", work, f"BR2_EXTERNAL_FFSCTL_PATH={tree}", *args)

    def shown(*args):
        return dict(line.split("=", 1) for line in make(*args).splitlines())

    plain, rich = shown(), shown("BR2_INIT_SYSTEMD=y", "BR2_PACKAGE_LIBUSB=y", "BR2_PACKAGE_LIBUSBGX=y")
    eq(plain["site"], os.path.realpath(SRC))
    eq(plain["options"].split(), ["--with-python-dir=no", "--with-systemdsystemunitdir=no", "--without-libusbgx"])
    eq(rich["options"].split(), ["--with-python-dir=no", "--with-systemdsystemunitdir=/usr/lib/systemd/system", "--with-libusbgx"])
    eq(set(rich["dependencies"].split()) - set(plain["dependencies"].split()), {"libusb", "libusbgx"})
    # What pkg-config and the linker look for is a dependency, and selected
    config = (tree / "package/ffsctl/Config.in").read_text()
    eq(set(plain["dependencies"].split()) - {"host-pkgconf"}, {s.lower() for s in re.findall(r"select BR2_PACKAGE_(\w+)", config)})
    root = installed()
    before = files(root)
    for name, script in (("sysv", "/etc/init.d/S60ffsctl"), ("openrc", "/etc/init.d/ffsctl")):
        make(name, f"TARGET_DIR={root}")
        eq(files(root) - before, {script})
        ok(os.access(f"{root}{script}", os.X_OK))
        before = files(root)


# --- Alpine ---

ALPINE = """
set -eu
cd "$WORK"
pkgdir=$WORK/pkg
. "$APKBUILD"
# `make install` has been run: its files are copied. dev, doc and others are what abuild does with a subpackage of
# this name
make() { mkdir -p "$pkgdir"; cp -a "$INSTALLED"/. "$pkgdir"; }
amove() { for f; do for found in "$pkgdir"/$f; do
	[ -e "$found" ] || exit 9
	to=$subpkgdir/${found#"$pkgdir"/}; mkdir -p "${to%/*}"; mv "$found" "$to"; done; done; }
dev() { amove usr/include usr/lib/pkgconfig usr/lib/lib*.so; }
doc() { amove usr/share/doc usr/share/man; }
openrc() { amove etc/init.d; }
bash_completion() { amove usr/share/bash-completion; }
fish_completion() { amove usr/share/fish; }
zsh_completion() { amove usr/share/zsh; }
package
for sub in $subpackages; do
	subpkgdir=$WORK/${sub%%:*}
	case $sub in
	*:*) ${sub#*:} ;;
	$pkgname-*-completion) sub=${sub#"$pkgname-"}; ${sub%-completion}_completion ;;
	*) ${sub#"$pkgname-"} ;;
	esac
done
echo "$pkgver $source"
"""


@test("Alpine: its version, and what each subpackage gets")
def alpine():
    work, root = TMP / "alpine", installed()
    work.mkdir()
    options_exist((PACKAGING / "alpine/APKBUILD").read_text(encoding="utf-8"))
    (work / "script").write_text(ALPINE)
    said = run("sh", work / "script", env={"WORK": str(work), "APKBUILD": str(PACKAGING / "alpine/APKBUILD"),
                                           "INSTALLED": str(root)})
    eq(said, f"{VERSION} ffsctl-{VERSION}.tar.xz\n")
    eq(files(work / "ffsbench"), {"/usr/bin/ffsbench"})
    eq(files(work / "libffsctl-stream"), {"/usr/lib/libffsctl-stream.so.1"})
    left = files(work / "pkg")
    eq({f for f in left if not re.match(r"/usr/(bin/ffsctl$|libexec/ffsctl/|lib/ffsctl/plugins/|share/ffsctl/)", f)}, set(),
       "files of the main package")
    ok({"/usr/bin/ffsctl", "/usr/libexec/ffsctl/ffsctl-worker", "/usr/lib/ffsctl/plugins/loopback.so"} <= left, left)
    eq(files(work / "ffsctl-openrc"), {"/etc/init.d/ffsctl"})


main()
