/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Matches a gadget file's `options` group with the plugin's table. */
#pragma once

#include <jansson.h>

#include "base/option.h"

struct option_values {
	struct option_value *values;
	size_t n;
};

/* Stores the value of every option of the table. `given`: a JSON object. Reports the first
   error. */
int options_resolve(const struct ffsctl_option *table, const json_t *given,
		    struct option_values *values, struct error *err);
void options_free(struct option_values *values);
/* Returns an option's value; NULL if the table has no such name. */
const struct option_value *options_find(const struct option_values *values, const char *name);
