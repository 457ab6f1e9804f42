/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Where the plugin host and the plugins are: where ffsctl was installed, or in the build tree that
 * it runs from.
 */
#pragma once

#include "base/error.h"

/* The path of ffsctl-worker. The caller frees it. */
char *plugin_host_file(void);
/* The directory of the bundled plugins. The caller frees it. */
char *plugin_dir(void);
/* The path of a plugin, which is a name, or a path already. The caller frees it. */
char *plugin_file(const char *plugin);
/* The same of one that can be read; the caller frees *path. EX_UNAVAILABLE. */
int plugin_file_find(const char *plugin, char **path, struct error *err);
