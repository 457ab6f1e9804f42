/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads the declaration of a plugin. ffsctl never loads a plugin itself: `ffsctl-worker --describe`
 * does so in an unprivileged process. The output and the exit status of that process are checked
 * here.
 */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

struct description {
	struct ffsctl_plugin table;    /* without callbacks; `document` owns its strings */
	json_t *document;	       /* "plugin" of schemas/plugin.schema.json */
	struct ffsctl_option *options; /* the last option has a NULL name */
	const char **choices;	       /* the `choices` of all options; each list ends with NULL */
};

/*
 * Loads a plugin, given by name or path, in a child process and reads its declaration. Waits at
 * most a few seconds. The caller frees *d. Fails with EX_UNAVAILABLE if there is no such plugin, or
 * if it cannot be used.
 */
int describe_plugin(const char *plugin, struct description *d, struct error *err);
void description_free(struct description *d);
