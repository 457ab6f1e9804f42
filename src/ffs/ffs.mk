# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/ffs/blob.c src/ffs/blob.h \
	src/ffs/bus_state.c src/ffs/bus_state.h \
	src/ffs/endpoint.c src/ffs/endpoint.h \
	src/ffs/features.c src/ffs/features.h \
	src/ffs/keeper.c src/ffs/keeper.h \
	src/ffs/keeper_lock.c src/ffs/keeper_lock.h \
	src/ffs/keeper_main.c src/ffs/keeper_main.h \
	src/ffs/message.c src/ffs/message.h \
	src/ffs/module.c src/ffs/module.h \
	src/ffs/mount.c src/ffs/mount.h \
	src/ffs/uapi.h \
	src/ffs/verdict.c src/ffs/verdict.h src/ffs/verdict_parts.h \
	src/ffs/verdict_descs.c \
	src/ffs/verdict_os.c \
	src/ffs/verdict_rules.c \
	src/ffs/verdict_strings.c \
	src/ffs/verdict_text.c \
	src/ffs/verdict_usb.c \
	src/ffs/verdict_usb_eps.c \
	src/ffs/verdict_usb_text.c
