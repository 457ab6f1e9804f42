# SPDX-License-Identifier: GPL-2.0-or-later
bin_PROGRAMS += ffsctl
ffsctl_SOURCES = src/ffsctl.c
ffsctl_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
# All objects in the order of the archive, and not in the order in which they are found to be needed
ffsctl_LDFLAGS = $(LDFLAGS_FAST) -Wl,--whole-archive,libffsctl.a,--no-whole-archive
ffsctl_LDADD = $(FFSCTL_LIBS)

libffsctl_a_SOURCES += \
	src/cmd/check.c \
	src/cmd/check_medium.c \
	src/cmd/cmd.h \
	src/cmd/command_line.c \
	src/cmd/command_loop.c src/cmd/command_loop.h \
	src/cmd/commands.h \
	src/cmd/common.c \
	src/cmd/completion.c \
	src/cmd/descriptors.c \
	src/cmd/doctor.c \
	src/cmd/doctor_files.c src/cmd/doctor_files.h \
	src/cmd/down.c \
	src/cmd/embedded_files.h \
	src/cmd/export.c \
	src/cmd/features.c src/cmd/features.h \
	src/cmd/status_fields.c src/cmd/status_fields.h \
	src/cmd/gadget_file_description.c src/cmd/gadget_file_description.h \
	src/cmd/gadget_files.c \
	src/cmd/help.c \
	src/cmd/hosts.c src/cmd/hosts.h \
	src/cmd/gadget_name.c \
	src/cmd/check_system.c src/cmd/check_system.h \
	src/cmd/list.c \
	src/cmd/log.c \
	src/cmd/plugin_cache.c src/cmd/plugin_cache.h \
	src/cmd/plugins.c \
	src/cmd/reexec.c \
	src/cmd/reload.c \
	src/cmd/socket_requests.c src/cmd/socket_requests.h \
	src/cmd/schema.c \
	src/cmd/selftest.c src/cmd/selftest.h \
	src/cmd/selftest_host.c src/cmd/selftest_host.h \
	src/cmd/selftest_record.c src/cmd/selftest_record.h \
	src/cmd/selftest_report.c src/cmd/selftest_report.h \
	src/cmd/selftest_result.c \
	src/cmd/selftest_round.c \
	src/cmd/selftest_rounds.c \
	src/cmd/selftest_run.c \
	src/cmd/selftest_text.c src/cmd/selftest_text.h \
	src/cmd/status.c \
	src/cmd/status_print.c src/cmd/status_print.h \
	src/cmd/status_rates.c src/cmd/status_rates.h \
	src/cmd/status_watch.c src/cmd/status_watch.h \
	src/cmd/table.c src/cmd/table.h \
	src/cmd/trace.c \
	src/cmd/udc.c \
	src/cmd/up.c \
	src/cmd/up_all.c src/cmd/up_all.h \
	src/cmd/wait.c

dist_schema_DATA += schemas/descriptors.schema.json schemas/doctor.schema.json schemas/export.schema.json schemas/features.schema.json schemas/list.schema.json schemas/output.schema.json schemas/plugins.schema.json schemas/trace.schema.json schemas/udc.schema.json

# The files that `schema` and `completion` print (src/cmd/embedded_files.h)
nodist_libffsctl_a_SOURCES += src/cmd/embedded.c
EXTRA_DIST += src/cmd/embed.sh
CLEANFILES += src/cmd/embedded.c
src/cmd/embedded.c: $(srcdir)/src/cmd/embed.sh $(dist_schema_DATA) $(COMPLETIONS) Makefile
	$(AM_V_GEN)$(MKDIR_P) src/cmd && cd $(srcdir) && \
		sh src/cmd/embed.sh embedded_schema_files $(dist_schema_DATA) \
			-- embedded_completion_files $(COMPLETIONS) >$(abs_builddir)/$@.new && \
		mv $(abs_builddir)/$@.new $(abs_builddir)/$@
