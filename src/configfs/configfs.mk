# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/configfs/attribute_steps.c src/configfs/attribute_steps.h \
	src/configfs/backend.c src/configfs/backend.h \
	src/configfs/bind_kernel_log.c src/configfs/bind_kernel_log.h \
	src/configfs/bind_failure.c src/configfs/bind_failure.h \
	src/configfs/board_id.c src/configfs/board_id.h \
	src/configfs/configfs.c src/configfs/configfs.h \
	src/configfs/deactivation.c src/configfs/deactivation.h \
	src/configfs/direct.c \
	src/configfs/found_gadget.c src/configfs/found_gadget.h \
	src/configfs/host_messages.c src/configfs/host_messages.h \
	src/configfs/items.c src/configfs/items.h \
	src/configfs/kernel_log.c src/configfs/kernel_log.h \
	src/configfs/kernel_device.c src/configfs/kernel_device.h \
	src/configfs/mac_address.c src/configfs/mac_address.h \
	src/configfs/renew_symlinks.c src/configfs/renew_symlinks.h \
	src/configfs/restore_value.c src/configfs/restore_value.h \
	src/configfs/serial_number.c src/configfs/serial_number.h \
	src/configfs/step_dependencies.c src/configfs/step_dependencies.h \
	src/configfs/steps.c src/configfs/steps.h \
	src/configfs/tree.c src/configfs/tree.h \
	src/configfs/udc.c src/configfs/udc.h \
	src/configfs/udc_driver_table.c src/configfs/udc_driver_table.h \
	src/configfs/udc_facts.c src/configfs/udc_facts.h src/configfs/udc_hints.c \
	src/configfs/udc_watch.c src/configfs/udc_watch.h \
	src/configfs/values_changed_by_kernel.c \
	src/configfs/write_value.c src/configfs/write_value.h

# The table of UDC drivers in doc/boards.md; make check compares it (tests/cli/test_reference.py).
noinst_PROGRAMS += udc-table
udc_table_SOURCES = src/configfs/generate_udc_table.c
udc_table_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
udc_table_LDADD = $(FFSCTL_LIBS)
update-reference: udc-table

if HAVE_LIBUSBGX
libffsctl_a_SOURCES += src/configfs/usbg.c
endif
