# SPDX-License-Identifier: GPL-2.0-or-later
if HAVE_LIBUSB
bin_PROGRAMS += ffsbench
ffsbench_SOURCES = \
	src/host/args.c src/host/args.h \
	src/host/device.c src/host/device.h \
	src/host/ffsbench.c \
	src/host/loop.c src/host/loop.h \
	src/host/pattern.c src/host/pattern.h \
	src/host/report.c src/host/report.h
ffsbench_CFLAGS = $(AM_CFLAGS) $(LIBUSB_CFLAGS) $(JANSSON_CFLAGS)
ffsbench_LDADD = libffsctl.a $(LIBUSB_LIBS) $(JANSSON_LIBS)
dist_man_MANS += man/ffsbench.1
endif
dist_schema_DATA += schemas/ffsbench.schema.json
