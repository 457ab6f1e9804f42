# SPDX-License-Identifier: GPL-2.0-or-later
if HAVE_LIBUSB
bin_PROGRAMS += ffsbench
ffsbench_SOURCES = \
	src/host/args.c src/host/args.h \
	src/host/bench.c src/host/bench.h \
	src/host/chart.c \
	src/host/device.c src/host/device.h \
	src/host/ffsbench.c \
	src/host/latency.c \
	src/host/loop.c \
	src/host/memory.c src/host/memory.h \
	src/host/options.c src/host/options.h \
	src/host/pattern.c src/host/pattern.h \
	src/host/plot.c src/host/plot.h \
	src/host/progress.c src/host/progress.h \
	src/host/report.c src/host/report.h \
	src/host/row.c src/host/row.h \
	src/host/stats.c src/host/stats.h \
	src/host/stream.c \
	src/host/tick.c src/host/tick.h \
	src/host/transfer.c src/host/transfer.h
ffsbench_CFLAGS = $(AM_CFLAGS) $(LIBUSB_CFLAGS) $(JANSSON_CFLAGS)
ffsbench_LDADD = libffsctl.a $(LIBUSB_LIBS) $(JANSSON_LIBS) -lm
dist_man_MANS += man/ffsbench.1
endif
dist_schema_DATA += schemas/ffsbench.schema.json
