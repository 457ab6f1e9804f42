/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "cmd/plugin_tables.h"

#include <stdlib.h>

#include "base/cleanup.h"

const struct plugin_table *plugin_tables_get(struct plugin_tables *tables, const char *plugin)
{
	struct plugin_table *table;

	for (size_t i = 0; i < tables->n; i++)
		if (streq(tables->list[i]->plugin, plugin))
			return tables->list[i];
	table = *array_add(tables->list, tables->n) = xcalloc(1, sizeof(*table));
	table->plugin = xstrdup(plugin);
	describe_plugin(plugin, &table->description, &table->err);
	return table;
}

static const struct ffsctl_plugin *find(void *data, const char *plugin)
{
	const struct plugin_table *table = plugin_tables_get(data, plugin);

	return table->err.exit ? NULL : &table->description.table;
}

struct gadgetfile_plugins plugin_tables_for_gadgetfile(struct plugin_tables *tables)
{
	return (struct gadgetfile_plugins){ find, tables };
}

void plugin_tables_free(struct plugin_tables *tables)
{
	for (size_t i = 0; i < tables->n; i++) {
		free(tables->list[i]->plugin);
		description_free(&tables->list[i]->description);
		error_clear(&tables->list[i]->err);
		free(tables->list[i]);
	}
	free(tables->list);
	*tables = (struct plugin_tables){ 0 };
}
