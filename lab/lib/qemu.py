# SPDX-License-Identifier: GPL-2.0-or-later
"""lab/run --qemu: runs a command in a virtual machine of QEMU instead of User-Mode Linux.

The machine is slow, because QEMU emulates its processors in software. It boots Debian's kernel with the modules that
dkms makes for this kernel, as users install them. With --flavour debug it boots a debug kernel of the lab. The machine
can have several processors, which User-Mode Linux does not support.
"""

import os
import socket

import cache

# Modules that init.c needs for the root file system and the consoles, unless they are built in
STAGE0 = ("virtio_pci", "virtio_console", "9p", "9pnet_virtio", "overlay", "configfs")
# QEMU before 8.1 may go on executing an instruction that another processor has just replaced: the kernel then dies of an
# int3 that is no longer there. So enabling a trace event must not replace instructions of the scheduler, which it does to
# record the names of processes.
ARGUMENTS = ("rdinit=/init console=ttyS0 loglevel=5 printk.time=1 panic=-1 panic_on_oops=1 "
             "random.trust_cpu=on net.ifnames=0 trace_options=norecord-cmd")


def base(name):
    """Returns a module's name, from its file name."""
    return os.path.basename(name).split(".ko")[0].replace("-", "_")


class Modules:
    """A directory like /lib/modules/RELEASE."""

    def __init__(self, directory):
        self.directory, self.files, self.needs = directory, {}, {}
        for line in cache.read(os.path.join(directory, "modules.dep")).decode().splitlines():
            name, _, needs = line.partition(":")
            self.files[base(name)] = name
            self.needs[base(name)] = [base(n) for n in needs.split()]

    def load(self, names):
        """Returns the paths of these modules and of their dependencies, in the order in which they must be loaded."""
        out = []

        def add(name):
            path = os.path.join(self.directory, self.files[name])
            if path in out:
                return
            for need in reversed(self.needs[name]):
                add(need)
            if path not in out:
                out.append(path)

        for name in names:
            if name in self.files:
                add(name)
        return out


def module_records(opt, parameters):
    """Returns the module directory and [(file, parameters)] in the order of loading. `parameters`: {module:
    text}."""
    modules = Modules(os.path.join(cache.qemu_dir(opt.kernel, opt.variant), "modules"))
    missing = [name for name in parameters if name not in modules.files]
    if missing:
        raise OSError(0, "the kernel has no module " + missing[0])
    there = modules.load(STAGE0)
    return modules.directory, [(path, parameters.get(base(path), "")) for path in modules.load(parameters)
                               if path not in there]


def command(opt, tty, out):
    """Returns the emulator's command line, and its consoles: {name: (socket of lab/run, socket of QEMU)}."""
    if opt.flavour == "debug":
        kernel = os.path.join(cache.kernel_dir(opt.kernel, cache.SMP, opt.variant), "arch/x86/boot/bzImage")
        initrd, arguments = cache.initramfs(), ["slub_debug=F"]
    else:
        image = cache.qemu_dir(opt.kernel, opt.variant)
        kernel, initrd, arguments = os.path.join(image, "vmlinuz"), os.path.join(image, "initramfs"), []
    pairs = {name: socket.socketpair() for name in ("stdio", "err", "control", "log")}
    argv = ["setpriv", "--pdeathsig", "KILL", "qemu-system-x86_64", "-accel", "tcg,thread=multi", "-cpu", "max",
            "-machine", "pc", "-smp", str(opt.cpus), "-m", opt.mem, "-nodefaults", "-no-user-config", "-nographic",
            "-no-reboot", "-kernel", kernel, "-initrd", initrd,
            "-append", " ".join([ARGUMENTS] + arguments + opt.append)]
    for name, (_, theirs) in pairs.items():
        argv += ["-chardev", "socket,id=%s,fd=%d" % (name, theirs.fileno())]
    # This must be the first device, so that its ports are vport0p1 to vport0p3
    argv += ["-device", "virtio-serial-pci,addr=3"]
    argv += ["-device", "virtconsole,nr=0,chardev=stdio"] if tty else ["-device", "virtserialport,nr=1,chardev=stdio"]
    argv += ["-device", "virtserialport,nr=2,chardev=err", "-device", "virtserialport,nr=3,chardev=control",
             "-serial", "chardev:log",
             "-fsdev", "local,id=root,path=/,security_model=none,readonly=on,multidevs=remap",
             "-device", "virtio-9p-pci,addr=4,fsdev=root,mount_tag=root"]
    if out:
        argv += ["-fsdev", "local,id=out,path=%s,security_model=none" % out.replace(",", ",,"),
                 "-device", "virtio-9p-pci,addr=5,fsdev=out,mount_tag=lab-out"]
    return argv, pairs
