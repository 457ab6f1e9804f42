/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/plugin_cache.h"

#include <stdlib.h>

#include "base/cleanup.h"

const struct cached_plugin *plugin_cache_get(struct plugin_cache *cache, const char *name_or_path)
{
	struct cached_plugin *cached;

	for (size_t i = 0; i < cache->n_plugins; i++)
		if (streq(cache->plugins[i]->name_or_path, name_or_path))
			return cache->plugins[i];
	cached = *array_add(cache->plugins, cache->n_plugins) = xcalloc(1, sizeof(*cached));
	cached->name_or_path = xstrdup(name_or_path);
	plugin_declaration_read(name_or_path, &cached->declaration, &cached->load_error);
	return cached;
}

static const struct ffsctl_plugin *find_declaration(void *data, const char *name_or_path)
{
	const struct cached_plugin *cached = plugin_cache_get(data, name_or_path);

	return cached->load_error.exit ? NULL : &cached->declaration.plugin;
}

struct gadgetfile_plugin_lookup plugin_cache_for_gadgetfile(struct plugin_cache *cache)
{
	return (struct gadgetfile_plugin_lookup){ find_declaration, cache };
}

void plugin_cache_free(struct plugin_cache *cache)
{
	for (size_t i = 0; i < cache->n_plugins; i++) {
		free(cache->plugins[i]->name_or_path);
		plugin_declaration_free(&cache->plugins[i]->declaration);
		error_clear(&cache->plugins[i]->load_error);
		free(cache->plugins[i]);
	}
	free(cache->plugins);
	*cache = (struct plugin_cache){ 0 };
}
