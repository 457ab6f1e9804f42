# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += ffsctl
ffsctl_SOURCES = src/ffsctl.c
ffsctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
ffsctl_LDFLAGS = $(LDFLAGS_FAST)
ffsctl_LDADD = $(FFSCTL_LIBS)

libffsctl_a_SOURCES += \
	src/cmd/check.c \
	src/cmd/cmd.h \
	src/cmd/common.c \
	src/cmd/down.c \
	src/cmd/features.c \
	src/cmd/here.c src/cmd/here.h \
	src/cmd/restart.c \
	src/cmd/status.c \
	src/cmd/up.c

dist_schema_DATA += schemas/features.schema.json schemas/output.schema.json
