# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/probe/plugin_declaration.c src/probe/plugin_declaration.h \
	src/probe/features.c src/probe/features.h \
	src/probe/plugin_file.c src/probe/plugin_file.h
