/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of the options of a plugin. They come from the group `options` of the gadget file or
   are the defaults in the table of the plugin. */
#pragma once

#include <jansson.h>

#include "base/plugin_option.h"

struct option_values {
	struct option_value *values; /* array */
	size_t n_values;
};

/* Stores the value of each option of the table in `values`. `given`: the group `options` of the
   gadget file as a JSON object. Returns at the first error. */
int options_resolve(const struct ffsctl_option *table, const json_t *given,
		    struct option_values *values, struct error *err);
void options_free(struct option_values *values);
/* Returns the value of the option with this name; NULL if there is no such option. */
const struct option_value *options_find(const struct option_values *values, const char *name);
