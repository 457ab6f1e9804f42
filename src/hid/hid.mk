# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/hid/boot_report.c src/hid/boot_report.h \
	src/hid/check_report.c src/hid/check_report.h \
	src/hid/items.c src/hid/items.h \
	src/hid/report_rules.c \
	src/hid/usages.c src/hid/usages.h
