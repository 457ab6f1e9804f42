/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The values of a plugin's options: of the gadget file's `options` group, or defaults of the
   plugin's table. */
#pragma once

#include <jansson.h>

#include "base/option.h"

struct option_values {
	struct option_value *values;
	size_t n;
};

/* Stores the value of every option of the table. `given`: the `options` group as a JSON object.
   Stops at the first error and returns it. */
int options_resolve(const struct ffsctl_option *table, const json_t *given,
		    struct option_values *values, struct error *err);
void options_free(struct option_values *values);
/* Returns the value of an option; NULL if the table has no option with this name. */
const struct option_value *options_find(const struct option_values *values, const char *name);
