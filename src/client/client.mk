# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/client/background.c \
	src/client/child.c \
	src/client/client.c src/client/client.h \
	src/client/force.c \
	src/client/init_supervisor.c \
	src/client/inspect.c src/client/inspect.h \
	src/client/inspect_ours.c \
	src/client/inspect_parts.c src/client/inspect_parts.h \
	src/client/leftovers.c \
	src/client/parts.h \
	src/client/reexec.c \
	src/client/reload.c \
	src/client/switch.c \
	src/client/take_over.c \
	src/client/up.c \
	src/client/watch.c src/client/watch.h
