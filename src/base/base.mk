# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/base/capabilities.c src/base/capabilities.h \
	src/base/cleanup.h \
	src/base/error.c src/base/error.h \
	src/base/fd.c src/base/fd.h \
	src/base/journal.c src/base/journal.h \
	src/base/json.h \
	src/base/log.c src/base/log.h \
	src/base/loop.c src/base/loop.h \
	src/base/needs.c src/base/needs.h \
	src/base/option.c src/base/option.h \
	src/base/proc.c src/base/proc.h \
	src/base/sandbox.c src/base/sandbox.h \
	src/base/sha256.c src/base/sha256.h \
	src/base/text.c src/base/text.h \
	src/base/trace.c src/base/trace.h \
	src/base/trust.c src/base/trust.h \
	src/base/util.c src/base/util.h \
	src/base/world.h

nodist_libffsctl_a_SOURCES = src/base/sandbox_calls.c
EXTRA_DIST += src/base/sandbox.list src/base/sandbox.sh
CLEANFILES += src/base/sandbox_calls.c
src/base/sandbox_calls.c: $(srcdir)/src/base/sandbox.sh $(srcdir)/src/base/sandbox.list Makefile
	$(AM_V_GEN)$(MKDIR_P) src/base && \
		sh $(srcdir)/src/base/sandbox.sh $(srcdir)/src/base/sandbox.list >$@.new && mv $@.new $@
