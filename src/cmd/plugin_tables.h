/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What plugins declare, each asked once. */
#pragma once

#include "gadgetfile/gadgetfile.h"
#include "probe/describe.h"

struct plugin_tables {
	struct plugin_table **v;
	size_t n;
};

struct plugin_table {
	char *plugin; /* a name, or an absolute path */
	struct description description;
	struct error err; /* why it cannot be used; exit 0: it can */
};

/* Never NULL. */
const struct plugin_table *plugin_tables_get(struct plugin_tables *tables, const char *plugin);
/* For gadgetfile_load. */
struct gadgetfile_plugins plugin_tables_for_gadgetfile(struct plugin_tables *tables);
void plugin_tables_free(struct plugin_tables *tables);
#define _cleanup_plugin_tables_ _cleanup_(plugin_tables_free)
