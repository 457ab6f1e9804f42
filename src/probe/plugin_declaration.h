/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the declaration of a plugin. ffsctl never loads a plugin into its own process: an
 * unprivileged child process, `ffsctl-worker --describe`, loads the plugin and prints the
 * declaration as JSON.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

/* What a plugin declares about itself. */
struct plugin_declaration {
	struct ffsctl_plugin plugin;   /* has no callbacks; `declaration_json` owns its strings */
	json_t *declaration_json;      /* object "plugin" of schemas/plugin.schema.json */
	struct ffsctl_option *options; /* options of the plugin; the last has a NULL name */
	const char **option_choices;   /* the `choices` of all options; each list ends with NULL */
};

/*
 * Reads the declaration of `plugin`, which is a name or a path. Waits at most a few seconds. The
 * caller frees *d. Fails with EX_UNAVAILABLE if the plugin does not exist or cannot be used.
 */
int plugin_declaration_read(const char *plugin, struct plugin_declaration *d, struct error *err);
void plugin_declaration_free(struct plugin_declaration *d);
