# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/base/cleanup.h \
	src/base/detached_mount.c src/base/detached_mount.h \
	src/base/error.c src/base/error.h \
	src/base/fd.c src/base/fd.h \
	src/base/journal.c src/base/journal.h \
	src/base/json.h \
	src/base/kernel_series.c src/base/kernel_series.h \
	src/base/little_endian.h \
	src/base/log.c src/base/log.h \
	src/base/loop.c src/base/loop.h \
	src/base/control_message.c src/base/control_message.h \
	src/base/option_table.c src/base/option_table.h \
	src/base/plugin_option.c src/base/plugin_option.h \
	src/base/positioned_value.h \
	src/base/proc.c src/base/proc.h \
	src/base/request_names.c src/base/request_names.h \
	src/base/sha256.c src/base/sha256.h \
	src/base/text.c src/base/text.h \
	src/base/test_environment.c src/base/test_environment.h \
	src/base/trust.c src/base/trust.h \
	src/base/usb_words.h \
	src/base/util.c src/base/util.h \
	src/base/paths.h
