/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A gadget file's `options` group against the plugin's table. */
#pragma once

#include <jansson.h>

#include "base/option.h"

struct option_values {
	struct option_value *v;
	size_t n;
};

/* `given`: a JSON object. The first thing that is wrong is the error. */
int options_resolve(const struct ffsctl_option *table, const json_t *given,
		    struct option_values *values, struct error *err);
void options_free(struct option_values *values);
/* NULL: no such name. */
const struct option_value *options_find(const struct option_values *values, const char *name);
