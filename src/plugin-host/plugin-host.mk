# SPDX-License-Identifier: GPL-2.0-or-later
if PLUGINS
pkglibexec_PROGRAMS += ffsctl-worker
manual_pages += man/ffsctl-plugin.3
else
check_PROGRAMS += ffsctl-worker
endif
ffsctl_worker_SOURCES = \
	src/plugin-host/plugin_calls.c \
	src/plugin-host/control_socket.c \
	src/plugin-host/describe.c \
	src/plugin-host/plugin_host.c src/plugin-host/plugin_host.h \
	src/plugin-host/main.c \
	src/plugin-host/options.c src/plugin-host/options.h \
	src/plugin-host/plugin.c \
	src/plugin-host/worker_config.c src/plugin-host/worker_config.h \
	src/plugin-host/plugin_host_state.h \
	src/plugin-host/watches.c
ffsctl_worker_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
ffsctl_worker_LDADD = libstream.a libffsctl.a $(WORKER_LIBS)
ffsctl_worker_LDFLAGS = $(LDFLAGS_FAST)

manual_pages += man/ffsctl-worker.7
dist_schema_DATA += schemas/worker-config.schema.json schemas/plugin.schema.json
