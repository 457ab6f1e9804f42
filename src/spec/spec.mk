# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/spec/advice.c \
	src/spec/arena.c \
	src/spec/associations.c \
	src/spec/attrs.c src/spec/attrs.h \
	src/spec/config.c \
	src/spec/diag.c src/spec/diag.h \
	src/spec/diag_add.c \
	src/spec/drop_in.c \
	src/spec/endpoint.c \
	src/spec/extra.c \
	src/spec/ffs.c \
	src/spec/find.c \
	src/spec/function.c \
	src/spec/gadget.c src/spec/gadget.h \
	src/spec/group.c \
	src/spec/hid.c \
	src/spec/judge.c \
	src/spec/key.h \
	src/spec/keys.c src/spec/keys_ffs.c src/spec/keys_worker.c \
	src/spec/keys_attrs.h src/spec/keys_function.c src/spec/keys_media.c \
	src/spec/lang.c src/spec/lang.h \
	src/spec/lex.c src/spec/lex.h \
	src/spec/load.c src/spec/load.h \
	src/spec/mass_storage.c \
	src/spec/midi2.c src/spec/mounts.c \
	src/spec/names.c \
	src/spec/numbering.c \
	src/spec/os_descs.c \
	src/spec/parse.c \
	src/spec/plugin.c \
	src/spec/raw.c \
	src/spec/scan.c \
	src/spec/set.c \
	src/spec/source.c \
	src/spec/spec.h \
	src/spec/tree.c src/spec/tree.h \
	src/spec/uac.c \
	src/spec/uvc.c \
	src/spec/value.c src/spec/value.h \
	src/spec/winusb.c \
	src/spec/worker.c \
	src/spec/write.c src/spec/write.h

dist_example_DATA += \
	examples/dfu.conf \
	examples/exec-worker.conf \
	examples/interrupt.conf \
	examples/keyboard-mouse.conf \
	examples/languages.conf \
	examples/loopback.conf \
	examples/mount-options.conf \
	examples/python-worker.conf \
	examples/two-functions.conf \
	examples/webcam.conf \
	examples/webusb.conf \
	examples/winusb.conf
accessorydir = $(exampledir)/accessory
dist_accessory_DATA = examples/accessory/accessory.conf examples/accessory/app.conf \
	examples/accessory/phone.conf examples/accessory/README.md
dist_accessory_SCRIPTS = examples/accessory/app.py
usbipdir = $(exampledir)/usbip
dist_usbip_DATA = examples/usbip/README.md examples/usbip/farm.conf examples/usbip/farm@.service \
	examples/usbip/usbip-attach@.service examples/usbip/usbipd-device.service
dist_gadget_DATA += \
	gadget.d/aoa.conf gadget.d/aoa-accessory.conf \
	gadget.d/bridge.conf \
	gadget.d/composite.conf \
	gadget.d/iio.conf \
	gadget.d/login.conf \
	gadget.d/loopback.conf \
	gadget.d/midi.conf \
	gadget.d/mtp.conf \
	gadget.d/network.conf \
	gadget.d/network-dhcp.conf \
	gadget.d/network-windows.conf \
	gadget.d/printer.conf \
	gadget.d/serial.conf \
	gadget.d/sound.conf \
	gadget.d/sound-uac1.conf \
	gadget.d/sourcesink.conf \
	gadget.d/storage.conf

# What is made from the table of keys; make check compares (tests/cli/test_reference.py).
noinst_PROGRAMS += spec-reference
spec_reference_SOURCES = src/spec/reference.c
spec_reference_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
spec_reference_LDADD = $(FFSCTL_LIBS)

dist_schema_DATA += schemas/gadget.schema.json schemas/check.schema.json
dist_man_MANS += man/ffsctl-gadget.5

.PHONY: update-reference
update-reference: spec-reference
	$(PYTHON3) $(top_srcdir)/tests/cli/test_reference.py --update
