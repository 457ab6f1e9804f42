# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/configfs/attributes.c src/configfs/attributes.h \
	src/configfs/backend.c src/configfs/backend.h \
	src/configfs/bind_log.c src/configfs/bind_log.h \
	src/configfs/bind_failure.c src/configfs/bind_failure.h \
	src/configfs/changed_values.c \
	src/configfs/configfs.c src/configfs/configfs.h \
	src/configfs/direct.c \
	src/configfs/found_gadget.c src/configfs/found_gadget.h \
	src/configfs/items.c src/configfs/items.h \
	src/configfs/kernel_device.c src/configfs/kernel_device.h \
	src/configfs/links.c src/configfs/links.h \
	src/configfs/restore.c src/configfs/restore.h \
	src/configfs/rules.c src/configfs/rules.h \
	src/configfs/serial.c src/configfs/serial.h \
	src/configfs/steps.c src/configfs/steps.h \
	src/configfs/tree.c src/configfs/tree.h \
	src/configfs/udc.c src/configfs/udc.h \
	src/configfs/udc_known.c \
	src/configfs/udc_watch.c src/configfs/udc_watch.h
if HAVE_LIBUSBGX
libffsctl_a_SOURCES += src/configfs/usbg.c
endif
