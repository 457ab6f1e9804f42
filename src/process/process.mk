# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/process/credentials.c src/process/credentials.h \
	src/process/family.c src/process/family.h \
	src/process/own_user.c src/process/own_user.h
