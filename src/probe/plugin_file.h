/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths of the plugin host and of plugins: the installed ones, or those of the build tree if ffsctl
 * runs from it.
 */
#pragma once

#include "base/error.h"

/* Returns the path of ffsctl-worker. The caller frees it. */
char *plugin_host_file(void);
/* Returns the directory of the bundled plugins. The caller frees it. */
char *plugin_dir(void);
/* Returns the path of a plugin, given by name or by path. The caller frees it. */
char *plugin_file(const char *plugin);
/*
 * Gets the path of a plugin that must be readable; the caller frees *path. Fails with
 * EX_UNAVAILABLE if it is not readable.
 */
int plugin_file_find(const char *plugin, char **path, struct error *err);
