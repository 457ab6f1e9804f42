# SPDX-License-Identifier: LGPL-2.1-or-later
noinst_LIBRARIES += libstream.a
libstream_a_SOURCES = \
	src/stream/aio.c src/stream/aio.h \
	src/stream/dmabuf.c \
	src/stream/flow.c src/stream/flow.h \
	src/stream/stream.c src/stream/stream.h
