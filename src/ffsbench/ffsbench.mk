# SPDX-License-Identifier: GPL-2.0-or-later
if HAVE_LIBUSB
bin_PROGRAMS += ffsbench
ffsbench_SOURCES = \
	src/ffsbench/args.c src/ffsbench/args.h \
	src/ffsbench/bench.c src/ffsbench/bench.h \
	src/ffsbench/buffers.c src/ffsbench/buffers.h \
	src/ffsbench/chart.c \
	src/ffsbench/device.c src/ffsbench/device.h \
	src/ffsbench/echo.c \
	src/ffsbench/ffsbench.c \
	src/ffsbench/latency.c \
	src/ffsbench/options.c src/ffsbench/options.h \
	src/ffsbench/pattern.c src/ffsbench/pattern.h \
	src/ffsbench/plot.c src/ffsbench/plot.h \
	src/ffsbench/progress.c src/ffsbench/progress.h \
	src/ffsbench/report.c src/ffsbench/report.h \
	src/ffsbench/result_row.c src/ffsbench/result_row.h \
	src/ffsbench/selftest.c src/ffsbench/selftest.h \
	src/ffsbench/stats.c src/ffsbench/stats.h \
	src/ffsbench/stream.c \
	src/ffsbench/timing.c src/ffsbench/timing.h \
	src/ffsbench/transfer.c src/ffsbench/transfer.h
ffsbench_CFLAGS = $(AM_CFLAGS) $(LIBUSB_CFLAGS) $(JANSSON_CFLAGS)
ffsbench_LDADD = libffsctl.a $(LIBUSB_LIBS) $(JANSSON_LIBS) -lm
manual_pages += man/ffsbench.1
endif
dist_schema_DATA += schemas/ffsbench.schema.json
