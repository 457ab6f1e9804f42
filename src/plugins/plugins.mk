# SPDX-License-Identifier: GPL-2.0-or-later
# Shared objects without libtool: a plugin is one `cc -shared -fPIC` away from its source. In the
# build tree they are in src/plugins/, installed in $(plugindir).
PLUGIN_CFLAGS = $(AM_CFLAGS) -fPIC
PLUGIN_LDFLAGS = $(AM_LDFLAGS) -shared -Wl,-O1,--hash-style=gnu,-z,noseparate-code

plugin_PROGRAMS += src/plugins/loopback.so
src_plugins_loopback_so_SOURCES = src/plugins/loopback.c
src_plugins_loopback_so_CFLAGS = $(PLUGIN_CFLAGS)
src_plugins_loopback_so_LDFLAGS = $(PLUGIN_LDFLAGS)
