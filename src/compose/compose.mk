# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/compose/bind_log.c src/compose/bind_log.h \
	src/compose/bind_why.c src/compose/bind_why.h \
	src/compose/compose.c src/compose/compose.h \
	src/compose/configfs.c src/compose/configfs.h \
	src/compose/entries.c src/compose/entries.h \
	src/compose/export.c src/compose/export.h src/compose/export_parts.h \
	src/compose/export_function.c src/compose/export_record.c src/compose/export_value.c \
	src/compose/found.c src/compose/found.h \
	src/compose/live.c src/compose/live.h \
	src/compose/node.c src/compose/node.h \
	src/compose/relink.c src/compose/relink.h \
	src/compose/rules.c src/compose/rules.h \
	src/compose/serial.c src/compose/serial.h \
	src/compose/udc.c src/compose/udc_known.c src/compose/udc.h \
	src/compose/udc_watch.c src/compose/udc_watch.h \
	src/compose/usbg.c src/compose/usbg.h
