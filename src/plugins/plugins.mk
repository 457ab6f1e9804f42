# SPDX-License-Identifier: GPL-2.0-or-later
# Shared objects without libtool: `cc -shared -fPIC` builds a plugin. The build tree has them in
# src/plugins/; they are installed in $(plugindir).
PLUGIN_COMPILE_FLAGS = $(AM_CFLAGS) -fPIC
PLUGIN_LINK_FLAGS = $(SANITIZE_CFLAGS) -shared -Wl,-O1,--hash-style=gnu,-z,noseparate-code

plugins = \
	src/plugins/accessory.so \
	src/plugins/bridge.so \
	src/plugins/loopback.so \
	src/plugins/selftest.so \
	src/plugins/sourcesink.so
if PLUGINS
plugin_PROGRAMS += $(plugins)
dist_gadget_DATA += \
	gadget.d/aoa.conf gadget.d/aoa-accessory.conf \
	gadget.d/bridge.conf \
	gadget.d/loopback.conf \
	gadget.d/sourcesink.conf
else
check_PROGRAMS += $(plugins)
endif

src_plugins_accessory_so_SOURCES = src/plugins/accessory.c
src_plugins_accessory_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS)
src_plugins_accessory_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)

src_plugins_bridge_so_SOURCES = \
	src/plugins/bridge/bridge.c src/plugins/bridge/bridge.h \
	src/plugins/bridge/address.c \
	src/plugins/bridge/command.c \
	src/plugins/bridge/in.c \
	src/plugins/bridge/out.c \
	src/plugins/bridge/peer.c \
	src/plugins/bridge/socket.c \
	src/plugins/bridge/tty_fifo.c
src_plugins_bridge_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS)
src_plugins_bridge_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)

src_plugins_loopback_so_SOURCES = src/plugins/loopback.c
src_plugins_loopback_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS)
src_plugins_loopback_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)

src_plugins_selftest_so_SOURCES = src/plugins/selftest.c
src_plugins_selftest_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS)
src_plugins_selftest_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)

src_plugins_sourcesink_so_SOURCES = src/plugins/sourcesink.c
src_plugins_sourcesink_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS)
src_plugins_sourcesink_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)

# For the tests: uses the calls that loopback does not use.
noinst_PROGRAMS += tests/lab/workers/probe.so
tests_lab_workers_probe_so_SOURCES = tests/lab/workers/probe.c
tests_lab_workers_probe_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS)
tests_lab_workers_probe_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)

# A plugin whose constructors try what the sandbox forbids; the second declares every need.
noinst_PROGRAMS += tests/lab/workers/captive.so tests/lab/workers/captive_open.so
tests_lab_workers_captive_so_SOURCES = tests/lab/workers/captive.c
tests_lab_workers_captive_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS)
tests_lab_workers_captive_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)
tests_lab_workers_captive_open_so_SOURCES = tests/lab/workers/captive.c
tests_lab_workers_captive_open_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS) -DNEEDS=7
tests_lab_workers_captive_open_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)

# Malicious plugin of test_enemies.py
noinst_PROGRAMS += tests/lab/workers/rogue.so
tests_lab_workers_rogue_so_SOURCES = tests/lab/workers/rogue.c tests/lab/workers/rogue.h tests/lab/workers/rogue_refused.c
tests_lab_workers_rogue_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS)
tests_lab_workers_rogue_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)

# Echo through buffers of both endpoints; the second has a fixed OUT length.
noinst_PROGRAMS += tests/lab/workers/copyback.so tests/lab/workers/copyback_fixed.so
tests_lab_workers_copyback_so_SOURCES = tests/lab/workers/copyback.c
tests_lab_workers_copyback_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS)
tests_lab_workers_copyback_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)
tests_lab_workers_copyback_fixed_so_SOURCES = tests/lab/workers/copyback.c
tests_lab_workers_copyback_fixed_so_CFLAGS = $(PLUGIN_COMPILE_FLAGS) -DOUT_LENGTH=12288
tests_lab_workers_copyback_fixed_so_LDFLAGS = $(PLUGIN_LINK_FLAGS)
