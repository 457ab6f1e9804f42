# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/gadgetfile/warnings.c \
	src/gadgetfile/warnings_device_class.c \
	src/gadgetfile/warnings_languages.c \
	src/gadgetfile/diag_add.c \
	src/gadgetfile/find_file.c \
	src/gadgetfile/gadget.c src/gadgetfile/gadget.h \
	src/gadgetfile/gadgetfile.h \
	src/gadgetfile/hosts.h \
	src/gadgetfile/kernel_limits.c \
	src/gadgetfile/load.c src/gadgetfile/load.h \
	src/gadgetfile/sound.h \
	src/gadgetfile/worker_restart_policies.h \
	src/gadgetfile/write.c src/gadgetfile/write.h \
	src/gadgetfile/keys/attrs.h \
	src/gadgetfile/keys/errors.c \
	src/gadgetfile/keys/ffs.c \
	src/gadgetfile/keys/function_types.c src/gadgetfile/keys/function_types.h \
	src/gadgetfile/keys/gadget.c \
	src/gadgetfile/keys/group.c \
	src/gadgetfile/keys/key.h \
	src/gadgetfile/keys/media.c \
	src/gadgetfile/keys/normalize.c \
	src/gadgetfile/keys/setters.c \
	src/gadgetfile/keys/tree.c \
	src/gadgetfile/keys/worker.c \
	src/gadgetfile/syntax/arena.c \
	src/gadgetfile/syntax/cursor.c \
	src/gadgetfile/syntax/diag.c src/gadgetfile/syntax/diag.h \
	src/gadgetfile/syntax/drop_in.c \
	src/gadgetfile/syntax/lex.c src/gadgetfile/syntax/lex.h \
	src/gadgetfile/syntax/compare_with_libconfig.c \
	src/gadgetfile/syntax/names.c \
	src/gadgetfile/syntax/other_language.c \
	src/gadgetfile/syntax/parse.c \
	src/gadgetfile/syntax/scan_to_tree.c \
	src/gadgetfile/syntax/source.c \
	src/gadgetfile/syntax/tree.c src/gadgetfile/syntax/tree.h \
	src/gadgetfile/syntax/literal_value.c src/gadgetfile/syntax/literal_value.h \
	src/gadgetfile/types/address.c \
	src/gadgetfile/types/associations.c \
	src/gadgetfile/types/attrs.c src/gadgetfile/types/attrs.h \
	src/gadgetfile/types/blob.c \
	src/gadgetfile/types/class_and_string.c \
	src/gadgetfile/types/config.c \
	src/gadgetfile/types/configfs_entries.c \
	src/gadgetfile/types/endpoint.c \
	src/gadgetfile/types/endpoint_addresses.c \
	src/gadgetfile/types/ethernet_addresses.c \
	src/gadgetfile/types/extra_descriptors.c \
	src/gadgetfile/types/ffs.c \
	src/gadgetfile/types/function.c \
	src/gadgetfile/types/hid.c \
	src/gadgetfile/types/language_id.c src/gadgetfile/types/language_id.h \
	src/gadgetfile/types/mass_storage.c \
	src/gadgetfile/types/midi2.c \
	src/gadgetfile/types/resolve_mounts.c \
	src/gadgetfile/types/os_descs.c \
	src/gadgetfile/types/printer.c \
	src/gadgetfile/types/check_plugin.c \
	src/gadgetfile/types/uac.c \
	src/gadgetfile/types/unknown_attribute.c \
	src/gadgetfile/types/uvc.c \
	src/gadgetfile/types/virtual_addresses.c \
	src/gadgetfile/types/env_and_variables.c \
	src/gadgetfile/types/winusb.c \
	src/gadgetfile/types/login_program.c \
	src/gadgetfile/types/worker.c

dist_gadget_DATA += \
	gadget.d/composite.conf \
	gadget.d/iio.conf \
	gadget.d/keyboard.conf \
	gadget.d/kvm.conf \
	gadget.d/login.conf \
	gadget.d/midi.conf \
	gadget.d/mtp.conf \
	gadget.d/network.conf \
	gadget.d/network-dhcp.conf \
	gadget.d/network-windows.conf \
	gadget.d/printer.conf \
	gadget.d/serial.conf \
	gadget.d/sound.conf \
	gadget.d/sound-uac1.conf \
	gadget.d/storage.conf

# Files that are generated from the table of keys; make check compares them (tests/cli/test_reference.py).
noinst_PROGRAMS += gadgetfile-reference
gadgetfile_reference_SOURCES = src/gadgetfile/keys/generate_reference.c \
	src/gadgetfile/keys/generate_schema.c src/gadgetfile/keys/generate_schema.h
gadgetfile_reference_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
gadgetfile_reference_LDADD = $(FFSCTL_LIBS)

dist_schema_DATA += schemas/gadget.schema.json schemas/check.schema.json
manual_pages += man/ffsctl-functions.5 man/ffsctl-gadget.5

.PHONY: update-reference
update-reference: gadgetfile-reference
	$(PYTHON3) $(top_srcdir)/tests/cli/test_reference.py --update
