# SPDX-License-Identifier: GPL-2.0-or-later
# Workers without the plugin host, and programs for functions of the kernel. The tests run them.
noinst_PROGRAMS += examples/blocking-echo examples/camera-frames examples/webcam
examples_blocking_echo_SOURCES = examples/blocking-echo.c
examples_camera_frames_SOURCES = examples/camera-frames.c
examples_webcam_SOURCES = examples/webcam.c

# A program with libffsctl-stream.
if STREAM_LIBRARY
noinst_PROGRAMS += examples/stream-echo
else
check_PROGRAMS += examples/stream-echo
endif
examples_stream_echo_SOURCES = examples/stream-echo.c
examples_stream_echo_LDADD = libffsctl-stream.so.1
examples_stream_echo_LDFLAGS = $(AM_LDFLAGS) -Wl,-rpath,'$$ORIGIN/..'

if DOCS
exampledir = $(docdir)/examples
dist_example_DATA = \
	examples/blocking-echo.c \
	examples/camera-frames.c examples/camera-frames.conf \
	examples/dfu.conf \
	examples/exec-worker.conf \
	examples/interrupt.conf \
	examples/keyboard-mouse.conf \
	examples/languages.conf \
	examples/loopback.conf \
	examples/mount-options.conf \
	examples/python-echo.conf examples/python-worker.conf \
	examples/stream-echo.c examples/stream-echo.conf \
	examples/two-functions.conf \
	examples/webcam.c examples/webcam.conf \
	examples/webusb.conf \
	examples/winusb.conf
dist_example_SCRIPTS = \
	examples/bridge-host.py \
	examples/dfu-worker.py \
	examples/echo-worker.py \
	examples/keyboard-mouse.py \
	examples/kvm.py \
	examples/one-host.sh \
	examples/python-echo.py \
	examples/read-frames.py \
	examples/read-keys.py

accessorydir = $(exampledir)/accessory
dist_accessory_DATA = examples/accessory/accessory.conf examples/accessory/app.conf \
	examples/accessory/phone.conf examples/accessory/README.md
dist_accessory_SCRIPTS = examples/accessory/app.py
templatedir = $(exampledir)/plugin-template
dist_template_DATA = examples/plugin-template/mine.c examples/plugin-template/mine.conf \
	examples/plugin-template/README.md
usbipdir = $(exampledir)/usbip
dist_usbip_DATA = examples/usbip/README.md examples/usbip/farm.conf examples/usbip/farm@.service \
	examples/usbip/usbip-attach@.service examples/usbip/usbipd-device.service
endif
