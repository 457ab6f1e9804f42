# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/export/export.c src/export/export.h \
	src/export/function.c \
	src/export/common.c src/export/common.h \
	src/export/other_entries.c \
	src/export/record.c \
	src/export/source.c \
	src/export/value.c
