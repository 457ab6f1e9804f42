# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/configfs/attribute.c src/configfs/attribute.h \
	src/configfs/bind_log.c src/configfs/bind_log.h \
	src/configfs/bind_why.c src/configfs/bind_why.h \
	src/configfs/configfs.c src/configfs/configfs.h \
	src/configfs/entries.c src/configfs/entries.h \
	src/configfs/found.c src/configfs/found.h \
	src/configfs/kernel_device.c src/configfs/kernel_device.h \
	src/configfs/links.c src/configfs/links.h \
	src/configfs/remarks.c \
	src/configfs/rules.c src/configfs/rules.h \
	src/configfs/serial.c src/configfs/serial.h \
	src/configfs/steps.c src/configfs/steps.h \
	src/configfs/tree.c src/configfs/tree.h \
	src/configfs/udc.c src/configfs/udc.h \
	src/configfs/udc_known.c \
	src/configfs/udc_watch.c src/configfs/udc_watch.h \
	src/configfs/usbg.c src/configfs/usbg.h
