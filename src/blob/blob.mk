# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/blob/check_function.c src/blob/check_function.h \
	src/blob/decode.c src/blob/decode.h \
	src/blob/encode.c src/blob/encode.h \
	src/blob/ffs.c src/blob/ffs.h \
	src/blob/validation_finding.c \
	src/blob/flags.c src/blob/flags.h \
	src/blob/rules.c \
	src/blob/uapi.h \
	src/blob/validate_blob.c src/blob/validate_blob.h \
	src/blob/validate_descs.c \
	src/blob/validate_os.c \
	src/blob/validate_parts.h \
	src/blob/validate_strings.c \
	src/blob/validate_usb.c \
	src/blob/validate_usb_eps.c \
	src/blob/validate_usb_os.c \
	src/blob/validate_usb_strings.c
