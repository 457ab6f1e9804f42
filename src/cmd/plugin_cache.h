/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cache of the declarations of plugins. Reading a declaration starts a process. */
#pragma once

#include "gadgetfile/gadgetfile.h"
#include "probe/plugin_declaration.h"

struct plugin_cache {
	struct cached_plugin **plugins;
	size_t n_plugins;
};

struct cached_plugin {
	char *name_or_path; /* name or absolute path of the plugin */
	struct plugin_declaration declaration;
	struct error load_error; /* reason why the plugin cannot be used; load_error.exit 0: none */
};

/* Returns a plugin's declaration, which the first call for the plugin reads. Never returns NULL. */
const struct cached_plugin *plugin_cache_get(struct plugin_cache *cache, const char *name_or_path);
/* Returns the struct with which gadgetfile_load gets declarations from this cache. */
struct gadgetfile_plugin_lookup plugin_cache_for_gadgetfile(struct plugin_cache *cache);
void plugin_cache_free(struct plugin_cache *cache);
#define _cleanup_plugin_cache_ _cleanup_(plugin_cache_free)
