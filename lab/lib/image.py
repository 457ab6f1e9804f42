# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes what lab/run --qemu needs: Debian's kernel image and modules, the modules of kernel/dkms, and an
initramfs."""

import glob
import os
import re
import shutil
import subprocess

import cache
import qemu
from build import DOWNLOAD, deb_version
from steps import Error, apt_install, building, locked, need, product, run, step

# For each version, the Debian package that depends on the newest kernel image
META = {"6.12": "linux-image-6.12-amd64", "6.1": "linux-image-amd64"}


def newest_release(version):
    """Returns the release of the newest kernel image in the archive."""
    text = run(["apt-cache", "depends", META[version]]).decode()
    return re.search(r"Depends: linux-image-(\S+)", text)[1]


def release_of(version):
    """Returns (kernel release, package version) of the kernel image in the archive that was built from the lab's source, which
    is not always the newest one."""
    _, want = deb_version(cache.source_deb(version))
    found = run(["apt-cache", "search", "--names-only", r"^linux-image-%s\.[0-9].*-amd64$" % re.escape(version)]).decode()
    names = [name for name in re.findall(r"^linux-image-\S+", found, re.M) if not re.search(r"-(rt|cloud)-", name)]
    images = re.findall(r"^ *linux-image-(\S+) \| +(\S+) \|", run(["apt-cache", "madison", *names]).decode(), re.M)
    for release, have in images:
        if have == want:
            return release, have
    raise Error("the archive has no kernel image %s, from which the lab's source is; it has %s"
                % (want, ", ".join(sorted({have for _, have in images}))))


def unpack(work, *names, download=DOWNLOAD):
    """Downloads Debian packages and unpacks them to a directory in `work`, which it returns. `download`: the command."""
    directory = os.path.join(work, "image")
    run([*download, *names], cwd=work)
    for deb in glob.glob(os.path.join(work, "*.deb")):
        run(["dpkg-deb", "-x", deb, directory])
        os.unlink(deb)
    return directory


def depmod(image, release):
    run([shutil.which("depmod", path=os.environ["PATH"] + ":/usr/sbin"), "-b", image, release])


def build_dkms(version, release, package, work):
    """Builds the modules with dkms, as on users' machines; returns their paths."""
    if not os.path.exists("/usr/src/linux-headers-" + release):
        apt_install("linux-headers-" + release)
    status = subprocess.run(["dpkg-query", "-W", "-f", "${Version}", "linux-source-" + version], text=True,
                            stdout=subprocess.PIPE, stderr=subprocess.DEVNULL).stdout
    if status != package:
        apt_install("linux-source-%s=%s" % (version, package))
    tree, destination = os.path.join(work, "dkms"), os.path.join(work, "sources")
    os.mkdir(tree)
    run(["make", "-s", "-C", os.path.join(cache.TREE, "kernel"), "dkms", "DESTDIR=" + destination,
         "GROUP=" + " ".join(cache.chosen_groups())])
    sources = os.path.join(destination, "usr/src")
    name, _, number = os.listdir(sources)[0].rpartition("-")
    run(["dkms", "build", "-m", name, "-v", number, "-k", release, "--dkmstree", tree, "--sourcetree", sources])
    return glob.glob(os.path.join(tree, name, number, release, "*/module/*.ko*"))


QEMU, CPIO, DKMS = ("qemu-system-x86_64", "qemu-system-x86"), ("cpio", "cpio"), ("dkms", "dkms")


def make_initramfs(modules, target, work):
    """Makes an initramfs with process 1 and the modules that it needs for the root file system."""
    root = os.path.join(work, "initramfs")
    os.mkdir(root)
    shutil.copy(cache.init_file(), os.path.join(root, "init"))
    os.chmod(os.path.join(root, "init"), 0o755)
    with open(os.path.join(root, "modules"), "w") as f:
        for path in modules:
            shutil.copy(path, root)
            f.write("/%s\n" % os.path.basename(path))
    run(["sh", "-c", 'find . | cpio --quiet -o -H newc > "$0"', target], cwd=root)


def make_smp():
    """Makes the initramfs for the lab's own kernel in QEMU."""
    final = cache.initramfs()
    with locked(os.path.basename(final)):
        if os.path.exists(final):
            return
        need(QEMU, CPIO)
        work = os.path.join(cache.root(), "partial-" + os.path.basename(final))
        shutil.rmtree(work, ignore_errors=True)
        os.mkdir(work)
        made = os.path.join(work, "made")
        make_initramfs([], made, work)
        os.rename(made, final)
        shutil.rmtree(work)


def make(version, variant):
    def build(final):
        need(QEMU, DKMS, CPIO)
        release, package = release_of(version)
        with step("QEMU image of Debian's %s, %s" % (release, variant)), building(final) as work:
            fill(work, version, variant, release, package)

    product(cache.qemu_dir(version, variant), build)


def fill(work, version, variant, release, package):
    parts = os.path.join(work, "parts")
    os.mkdir(parts)
    image = unpack(parts, "linux-image-" + release)
    modules = os.path.join(image, "lib/modules", release)
    if variant == "patched":
        updates = os.path.join(modules, "updates/dkms")
        os.makedirs(updates)
        for path in build_dkms(version, release, package, parts):
            kept = shutil.copy(path, updates)
            # modprobe can read this file, but the kernel cannot: it does not support CRC64 of xz
            if kept.endswith(".xz"):
                run(["xz", "-d", kept])
    depmod(image, release)
    os.rename(modules, os.path.join(work, "modules"))
    os.rename(os.path.join(image, "boot/vmlinuz-" + release), os.path.join(work, "vmlinuz"))
    make_initramfs(qemu.Modules(os.path.join(work, "modules")).load(qemu.STAGE0),
                   os.path.join(work, "initramfs"), parts)
    shutil.rmtree(parts)
