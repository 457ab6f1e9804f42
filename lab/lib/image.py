# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes what lab/run --qemu boots: Debian's kernel image and modules, dkms's modules, an initramfs."""

import glob
import os
import re
import shutil
import subprocess
import time

import build
import cache
import qemu

# The package that depends on the newest image
META = {"6.12": "linux-image-6.12-amd64", "6.1": "linux-image-amd64"}


def apt(*args):
    """Installs packages, as root."""
    command = ["apt-get", "-qq", "-y", "--no-install-recommends", "install", *args]
    if os.geteuid() != 0:
        command.insert(0, "sudo")
    build.say("installing " + " ".join(args))
    build.run(command, env={**os.environ, "DEBIAN_FRONTEND": "noninteractive"})


def release_of(version):
    """(kernel release, package version) of the archive's image."""
    text = build.run(["apt-cache", "depends", META[version]]).decode()
    release = re.search(r"Depends: linux-image-(\S+)", text)[1]
    text = build.run(["apt-cache", "show", "--no-all-versions", "linux-image-" + release]).decode()
    have = re.search(r"^Version: (\S+)", text, re.M)[1]
    _, want = build.deb_version(cache.source_deb(version))
    if have != want:
        raise build.Error("the archive's Linux %s is %s, the lab's source %s" % (version, have, want))
    return release, have


def fetch_image(release, work):
    build.run(build.DOWNLOAD + ["linux-image-" + release], cwd=work)
    deb, = glob.glob(os.path.join(work, "*.deb"))
    build.run(["dpkg-deb", "-x", deb, os.path.join(work, "image")])
    os.unlink(deb)
    return os.path.join(work, "image")


def build_dkms(version, release, package, work):
    """The modules that users get, made in the way they are."""
    if not os.path.exists("/usr/src/linux-headers-" + release):
        apt("linux-headers-" + release)
    status = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "linux-source-" + version], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    if status != package:
        apt("linux-source-%s=%s" % (version, package))
    tree, destination = os.path.join(work, "dkms"), os.path.join(work, "sources")
    os.mkdir(tree)
    build.run(["make", "-s", "-C", os.path.join(cache.TREE, "kernel"), "dkms", "DESTDIR=" + destination])
    sources = os.path.join(destination, "usr/src")
    name, _, number = os.listdir(sources)[0].rpartition("-")
    build.run(["dkms", "build", "-m", name, "-v", number, "-k", release, "--dkmstree", tree, "--sourcetree", sources])
    return glob.glob(os.path.join(tree, name, number, release, "*/module/*.ko*"))


def need(*tools):
    """Installs what is not there: (program, package)."""
    for tool, package in tools:
        if not shutil.which(tool, path=os.environ["PATH"] + ":/usr/sbin"):
            apt(package)


QEMU, CPIO, DKMS = ("qemu-system-x86_64", "qemu-system-x86"), ("cpio", "cpio"), ("dkms", "dkms")


def make_initramfs(modules, target, work):
    """Process 1, and the modules that it has to load to go on."""
    root = os.path.join(work, "initramfs")
    os.mkdir(root)
    shutil.copy(cache.init_file(), os.path.join(root, "init"))
    os.chmod(os.path.join(root, "init"), 0o755)
    with open(os.path.join(root, "modules"), "w") as f:
        for path in modules:
            shutil.copy(path, root)
            f.write("/%s\n" % os.path.basename(path))
    build.run(["sh", "-c", 'find . | cpio --quiet -o -H newc > "$0"', target], cwd=root)


def make_smp():
    """What our own kernel needs besides itself."""
    if os.path.exists(cache.initramfs()):
        return
    need(QEMU, CPIO)
    work = os.path.join(cache.root(), "partial-smp")
    os.mkdir(work)
    made = os.path.join(work, "made")
    make_initramfs([], made, work)
    os.rename(made, cache.initramfs())
    shutil.rmtree(work)


def make(version, variant):
    final = cache.qemu_dir(version, variant)
    if cache.complete(final):
        return
    need(QEMU, DKMS, CPIO)
    start = time.monotonic()
    release, package = release_of(version)
    build.say("making the QEMU image of Debian's %s, %s" % (release, variant))
    with build.building(final) as work:
        parts = os.path.join(work, "parts")
        os.mkdir(parts)
        image = fetch_image(release, parts)
        modules = os.path.join(image, "lib/modules", release)
        if variant == "patched":
            updates = os.path.join(modules, "updates/dkms")
            os.makedirs(updates)
            for path in build_dkms(version, release, package, parts):
                kept = shutil.copy(path, updates)
                # For modprobe it is packed well, but not for the kernel (xz's CRC64)
                if kept.endswith(".xz"):
                    build.run(["xz", "-d", kept])
        build.run([shutil.which("depmod", path=os.environ["PATH"] + ":/usr/sbin"), "-b", image, release])
        os.rename(modules, os.path.join(work, "modules"))
        os.rename(os.path.join(image, "boot/vmlinuz-" + release), os.path.join(work, "vmlinuz"))
        make_initramfs(qemu.Modules(os.path.join(work, "modules")).load(qemu.STAGE0),
                       os.path.join(work, "initramfs"), parts)
        shutil.rmtree(parts)
    build.say("made in %.0f s" % (time.monotonic() - start))
