# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/probe/board.c src/probe/board.h \
	src/probe/doctor.c src/probe/doctor.h \
	src/probe/doctor_checks.h \
	src/probe/doctor_kernel.c \
	src/probe/doctor_ports.c \
	src/probe/doctor_roles.c \
	src/probe/doctor_udcs.c \
	src/probe/finding.c src/probe/finding.h \
	src/probe/kernel_fixes.c src/probe/kernel_fixes.h \
	src/probe/activate_udc.c src/probe/activate_udc.h \
	src/probe/plugin_declaration.c src/probe/plugin_declaration.h \
	src/probe/features.c src/probe/features.h \
	src/probe/plugin_path.c src/probe/plugin_path.h \
	src/probe/scratch_gadget.c src/probe/scratch_gadget.h \
	src/probe/system.c src/probe/system.h \
	src/probe/usb_port.c src/probe/usb_port.h
