# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/ffs/blob.c src/ffs/blob.h \
	src/ffs/endpoint.c src/ffs/endpoint.h \
	src/ffs/features.c src/ffs/features.h \
	src/ffs/keeper.c src/ffs/keeper.h \
	src/ffs/message.c src/ffs/message.h \
	src/ffs/module.c src/ffs/module.h \
	src/ffs/mount.c src/ffs/mount.h \
	src/ffs/uapi.h
