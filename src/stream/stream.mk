# SPDX-License-Identifier: LGPL-2.1-or-later
STREAM_SOURCES = \
	src/stream/aio.c src/stream/aio.h \
	src/stream/engine_copy.c \
	src/stream/engine_dmabuf.c \
	src/stream/engines.c src/stream/engines.h \
	src/stream/engine_mmap.c \
	src/stream/sessions.c \
	src/stream/transfers.c src/stream/transfers.h \
	src/stream/stream.c src/stream/stream.h \
	src/stream/uapi.h

# For the plugin host.
noinst_LIBRARIES += libstream.a
libstream_a_SOURCES = $(STREAM_SOURCES)

# For programs that are not plugins. A shared object without libtool, like plugins; the file has the
# name that the dynamic linker searches.
STREAM_MAP = src/stream/libffsctl-stream.map
EXTRA_DIST += $(STREAM_MAP)
if STREAM_LIBRARY
sharedlibdir = $(libdir)
sharedlib_PROGRAMS = libffsctl-stream.so.1
pkgconfig_DATA += src/stream/libffsctl-stream.pc
ffsctlinclude_HEADERS += include/ffsctl/stream.h
manual_pages += man/ffsctl-stream.3
install_hooks += install-library-link
else
check_PROGRAMS += libffsctl-stream.so.1
endif
libffsctl_stream_so_1_SOURCES = $(STREAM_SOURCES) src/stream/libffsctl_stream.c
libffsctl_stream_so_1_CFLAGS = $(AM_CFLAGS) -fPIC
libffsctl_stream_so_1_LDFLAGS = $(PLUGIN_LINK_FLAGS) -Wl,-soname,libffsctl-stream.so.1 \
	-Wl,--version-script=$(srcdir)/$(STREAM_MAP)
libffsctl_stream_so_1_LDADD = $(AIO_LIBS)
libffsctl_stream_so_1_DEPENDENCIES = $(STREAM_MAP)

# The name that the linker searches when a program is built.
install-library-link:
	cd "$(DESTDIR)$(libdir)" && ln -sf libffsctl-stream.so.1 libffsctl-stream.so
if STREAM_LIBRARY
uninstall-hook:
	rm -f "$(DESTDIR)$(libdir)/libffsctl-stream.so"
endif
