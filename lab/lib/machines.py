# SPDX-License-Identifier: GPL-2.0-or-later
"""Makes the disks, kernels and initramfs of the machines that lab/host emulates (tests/lab/lib/machine.py): a product, and
Debian packages on this machine.

  grub.img   a disk: GRUB for a PC's BIOS, with its own drivers of USB
  efi.img    a disk: the same for UEFI
  vmlinuz    Debian's kernel
  initrd     Debian's busybox and drivers of USB; process 1 is lab/machines/init
  boot.iso   a medium for gadgets, a CD-ROM as well as a disk, from which BIOS and UEFI boot GRUB, and GRUB boots Linux

Those of arm64, another product, are only vmlinuz and initrd.
"""

import glob
import os
import re
import shutil

import cache
import image
import qemu
from steps import apt_install, building, product, run, step

# Drivers of the classes of gadgets, and, at the end, of USB host controllers: these find the gadget when its drivers are there
DRIVERS = ("usb_storage", "uas", "sd_mod", "sr_mod", "isofs", "vfat", "nls_cp437", "nls_ascii", "nls_utf8", "usbhid", "hid_generic",
           "evdev", "input_leds", "cdc_acm", "cdc_ncm", "cdc_ether", "cdc_eem", "cdc_subset", "rndis_host", "usblp", "snd_usb_audio", "snd_seq",
           "snd_seq_midi", "uvcvideo", "usbtmc", "xhci_pci", "ehci_pci", "uhci_hcd", "ohci_pci")
NATIVE = ("serial", "terminal", "usb", "usb_keyboard", "usbms", "ehci", "uhci", "ohci", "normal", "echo", "halt", "ls", "sleep",
          "fat", "part_msdos", "iso9660", "cat", "configfile", "hexdump", "memdisk", "tar")


def source(name):
    return os.path.join(cache.LAB, "machines", name)


def install_packages(architecture):
    names = cache.packages("machines/packages-" + architecture)
    found = [os.path.exists("/var/lib/dpkg/info/%s.list" % name) or glob.glob("/var/lib/dpkg/info/%s:*.list" % name)
             for name in names]
    if not all(found):
        apt_install(*names)


def unpack_amd64(parts):
    """Unpacks Debian's kernel and busybox; returns their directory, and the kernel's release."""
    release = image.newest_release("6.1")
    return image.unpack(parts, "linux-image-" + release, "busybox-static"), release


def unpack_arm64(parts):
    apt = [os.path.join(cache.TREE, "packaging/foreign-apt"), os.path.join(parts, "apt"), "deb", "arm64", "download"]
    run([*apt, "linux-image-arm64"], cwd=parts)
    newest, = glob.glob(os.path.join(parts, "*.deb"))
    release = re.search(r"linux-image-(\S+)", run(["dpkg-deb", "--field", newest, "Depends"]).decode())[1]
    return image.unpack(parts, "linux-image-" + release, "busybox-static", download=apt), release


def make_linux(work, parts, files, release):
    """Makes vmlinuz and initrd."""
    image.depmod(files, release)
    shutil.copy(os.path.join(files, "boot/vmlinuz-" + release), os.path.join(work, "vmlinuz"))
    root = os.path.join(parts, "root")
    for name in ("bin", "dev", "etc", "mnt", "modules", "proc", "root", "run", "sys", "tmp"):
        os.makedirs(os.path.join(root, name))
    shutil.copy(os.path.join(files, "bin/busybox"), os.path.join(root, "bin"))
    shutil.copy(source("init"), os.path.join(root, "init"))
    os.chmod(os.path.join(root, "init"), 0o755)
    with open(os.path.join(root, "etc/passwd"), "w") as f:
        f.write("root::0:0:root:/root:/bin/sh\n")
    with open(os.path.join(root, "etc/modules"), "w") as f:
        for path in qemu.Modules(os.path.join(files, "lib/modules", release)).load(DRIVERS):
            shutil.copy(path, os.path.join(root, "modules"))
            f.write(os.path.basename(path) + "\n")
    run(["sh", "-c", 'find . | LC_ALL=C sort | cpio --quiet -o -H newc | gzip -1 > "$0"', os.path.join(work, "initrd")], cwd=root)


def make_native_grub(work, parts):
    """Makes grub.img and efi.img."""
    memory = os.path.join(parts, "memory")
    os.makedirs(os.path.join(memory, "boot/grub"))
    shutil.copy(source("grub-native.cfg"), os.path.join(memory, "boot/grub/grub.cfg"))
    archive = os.path.join(parts, "memory.tar")
    run(["tar", "-C", memory, "-cf", archive, "boot"])
    core, efi = os.path.join(parts, "core.img"), os.path.join(parts, "BOOTX64.EFI")
    for name, modules, target in (("i386-pc", ["biosdisk"], core), ("x86_64-efi", ["part_gpt"], efi)):
        run(["grub-mkimage", "-O", name, "-p", "(memdisk)/boot/grub", "-m", archive, "-o", target, *NATIVE, *modules])
    disk = os.path.join(work, "grub.img")
    with open(disk, "wb") as f:
        f.write(cache.read("/usr/lib/grub/i386-pc/boot.img") + cache.read(core))
        f.truncate(2 << 20)
    disk = os.path.join(work, "efi.img")
    run(["mformat", "-i", disk, "-C", "-T", "16384", "::"])
    run(["mmd", "-i", disk, "::EFI", "::EFI/BOOT"])
    run(["mcopy", "-i", disk, efi, "::EFI/BOOT"])


def make_medium(work, parts):
    """Makes boot.iso."""
    root = os.path.join(parts, "medium")
    os.makedirs(os.path.join(root, "boot/grub"))
    shutil.copy(source("grub-medium.cfg"), os.path.join(root, "boot/grub/grub.cfg"))
    for name in ("vmlinuz", "initrd"):
        shutil.copy(os.path.join(work, name), root)
    run(["grub-mkrescue", "-o", os.path.join(work, "boot.iso"), "--fonts=", "--locales=", "--themes=", root])


def make_amd64(work, parts):
    make_linux(work, parts, *unpack_amd64(parts))
    make_native_grub(work, parts)
    make_medium(work, parts)


def make_arm64(work, parts):
    make_linux(work, parts, *unpack_arm64(parts))


MAKERS = {"amd64": make_amd64, "arm64": make_arm64}


def make(architecture="amd64"):
    """Makes those of Debian's architecture; returns their directory."""

    def build(final):
        with step("machines of lab/host, " + architecture), building(final) as work:
            parts = os.path.join(work, "parts")
            os.mkdir(parts)
            MAKERS[architecture](work, parts)
            shutil.rmtree(parts)

    install_packages(architecture)
    product(cache.machines_dir(architecture), build)
    return cache.machines_dir(architecture)
