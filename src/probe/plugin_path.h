/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Paths of the plugin host and of plugins: the installed ones, or those of the build tree if ffsctl
 * runs from it.
 */
#pragma once

#include "base/error.h"

/* Returns the path of ffsctl-worker, the plugin host. The caller frees the path. */
char *plugin_host_path(void);
/* Returns the directory of the bundled plugins. The caller frees the path. */
char *plugin_dir(void);
/* Returns the path of `plugin`, which is a name or a path, whether the file exists or not. The
   caller frees the path. */
char *plugin_path_expand(const char *plugin);
/*
 * Stores the path of `plugin`, which is a name or a path, in *path; the caller frees it. Fails with
 * EX_UNAVAILABLE if that file cannot be read, or if there is no plugin host to load it.
 */
int plugin_path_find(const char *plugin, char **path, struct error *err);
