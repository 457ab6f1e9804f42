# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/process/capabilities.c src/process/capabilities.h \
	src/process/credentials.c src/process/credentials.h \
	src/process/worker_processes.c src/process/worker_processes.h \
	src/process/sandbox_permission_names.c src/process/sandbox_permission_names.h \
	src/process/worker_uid.c src/process/worker_uid.h \
	src/process/sandbox.c src/process/sandbox.h \
	src/process/process_limits.h \
	src/process/find_program.c \
	src/process/spawn.c src/process/spawn.h

nodist_libffsctl_a_SOURCES = src/process/sandbox_calls.c
EXTRA_DIST += src/process/sandbox.list src/process/sandbox.sh
CLEANFILES += src/process/sandbox_calls.c
src/process/sandbox_calls.c: $(srcdir)/src/process/sandbox.sh $(srcdir)/src/process/sandbox.list Makefile
	$(AM_V_GEN)$(MKDIR_P) src/process && \
		sh $(srcdir)/src/process/sandbox.sh $(srcdir)/src/process/sandbox.list >$@.new && mv $@.new $@
