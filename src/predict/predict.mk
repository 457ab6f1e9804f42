# SPDX-License-Identifier: GPL-2.0-or-later
libffsctl_a_SOURCES += \
	src/predict/audio.c \
	src/predict/endpoint_needs.c src/predict/endpoint_needs.h \
	src/predict/host_driver_table.c \
	src/predict/host_hint.c src/predict/host_hint.h \
	src/predict/hosts.c src/predict/hosts.h \
	src/predict/predict.c src/predict/predict.h \
	src/predict/print_descriptor.c \
	src/predict/print_hid_report.c \
	src/predict/functions.c \
	src/predict/midi.c \
	src/predict/os_descriptors.c \
	src/predict/template.c src/predict/template.h \
	src/predict/udc_mismatch.c src/predict/udc_mismatch.h \
	src/predict/video.c
