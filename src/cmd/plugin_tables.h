/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A cache of the declarations that plugins contain. */
#pragma once

#include "gadgetfile/gadgetfile.h"
#include "probe/describe.h"

struct plugin_tables {
	struct plugin_table **list;
	size_t n;
};

struct plugin_table {
	char *plugin; /* name or absolute path */
	struct description description;
	struct error err; /* reason why the plugin cannot be used; err.exit 0: none */
};

/* Returns the declaration of a plugin, which is read on first use. Never returns NULL. */
const struct plugin_table *plugin_tables_get(struct plugin_tables *tables, const char *plugin);
/* Returns a struct through which gadgetfile_load gets declarations from this cache. */
struct gadgetfile_plugins plugin_tables_for_gadgetfile(struct plugin_tables *tables);
void plugin_tables_free(struct plugin_tables *tables);
#define _cleanup_plugin_tables_ _cleanup_(plugin_tables_free)
