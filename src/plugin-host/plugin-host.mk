# SPDX-License-Identifier: GPL-2.0-or-later
pkglibexec_PROGRAMS += ffsctl-worker
ffsctl_worker_SOURCES = \
	src/plugin-host/plugin_calls.c \
	src/plugin-host/control_socket.c \
	src/plugin-host/describe.c \
	src/plugin-host/plugin_host.c src/plugin-host/plugin_host.h \
	src/plugin-host/main.c \
	src/plugin-host/options.c src/plugin-host/options.h \
	src/plugin-host/plugin.c \
	src/plugin-host/worker_config.c src/plugin-host/worker_config.h \
	src/plugin-host/plugin_host_state.h \
	src/plugin-host/watches.c
ffsctl_worker_CFLAGS = $(AM_CFLAGS) $(JANSSON_CFLAGS)
ffsctl_worker_LDADD = libstream.a libffsctl.a $(WORKER_LIBS)
ffsctl_worker_LDFLAGS = $(LDFLAGS_FAST)

dist_man_MANS += man/ffsctl-worker.7 man/ffsctl-plugin.3
dist_schema_DATA += schemas/worker-config.schema.json schemas/plugin.schema.json

# Examples of workers without the plugin host, and of programs for functions of the kernel. The tests
# run them.
noinst_PROGRAMS += examples/blocking-echo examples/camera-frames examples/webcam
examples_blocking_echo_SOURCES = examples/blocking-echo.c
examples_camera_frames_SOURCES = examples/camera-frames.c
examples_webcam_SOURCES = examples/webcam.c
dist_example_DATA += examples/blocking-echo.c examples/camera-frames.c examples/webcam.c
templatedir = $(exampledir)/plugin-template
dist_template_DATA = examples/plugin-template/mine.c examples/plugin-template/mine.conf \
	examples/plugin-template/README.md
dist_example_SCRIPTS = examples/bridge-host.py examples/dfu-worker.py examples/echo-worker.py \
	examples/keyboard-mouse.py examples/one-host.sh examples/python-echo.py \
	examples/read-frames.py examples/read-keys.py
