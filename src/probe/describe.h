/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a plugin declares. No plugin is ever loaded into ffsctl: ffsctl-worker --describe does it in
 * a process without privileges, and whatever that does or says is judged here.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

struct description {
	/* Without its callbacks. Its strings are the document's; options ends with a NULL name. */
	struct ffsctl_plugin table;
	json_t *document; /* "plugin" of schemas/plugin.schema.json */
	struct ffsctl_option *options;
	const char **choices; /* of all options, each list ends with NULL */
};

/*
 * `plugin`: a name, or a path. Waits for the child, a few seconds at most. EX_UNAVAILABLE: it is
 * not there, or is no plugin that can be used. The caller frees *d.
 */
int describe_plugin(const char *plugin, struct description *d, struct error *err);
void description_free(struct description *d);
