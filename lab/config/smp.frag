# SPDX-License-Identifier: GPL-2.0-or-later
#
# Merged over um.frag and debug.frag for lab/run --qemu --flavour debug: an x86-64 kernel for
# QEMU's pc, with several processors. What is User-Mode Linux's there is unknown here.
CONFIG_SMP=y
CONFIG_NR_CPUS=8
CONFIG_ACPI=y
CONFIG_PCI=y
CONFIG_PCI_MSI=y
CONFIG_VGA_ARB=n
CONFIG_PCIEASPM=n
CONFIG_PCI_QUIRKS=n
CONFIG_VIRTIO_MENU=y
CONFIG_HPET_TIMER=y
CONFIG_BLK_DEV_INITRD=y
CONFIG_KERNEL_GZIP=y
# The kernel log, and the consoles of process 1
CONFIG_SERIAL_8250=y
CONFIG_SERIAL_8250_CONSOLE=y
CONFIG_VIRTIO_PCI=y
CONFIG_VIRTIO_CONSOLE=y
# The machine's own files
CONFIG_NETWORK_FILESYSTEMS=y
CONFIG_NET_9P=y
CONFIG_NET_9P_VIRTIO=y
CONFIG_9P_FS=y
# Not objtool, which would have to be kept for the modules
CONFIG_UNWINDER_FRAME_POINTER=y
CONFIG_CPU_MITIGATIONS=n
CONFIG_SPECULATION_MITIGATIONS=n
CONFIG_X86_KERNEL_IBT=n
