# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/client/background.c \
	src/client/run_in_child.c \
	src/client/down.c src/client/client.h \
	src/client/explain_no_host.c \
	src/client/force_down.c \
	src/client/make_supervisor.c \
	src/client/inspect.c src/client/inspect.h \
	src/client/inspect_run_dir.c \
	src/client/inspect_common.c src/client/inspect_common.h \
	src/client/no_supervisor.c \
	src/client/log_reader.c src/client/log_reader.h \
	src/client/internal.h \
	src/client/reexec.c \
	src/client/reload.c \
	src/client/switch.c \
	src/client/take_over.c \
	src/client/up.c \
	src/client/wait.c \
	src/client/gadget_watch.c src/client/gadget_watch.h
