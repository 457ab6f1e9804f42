/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A gadget file's `options` group against the plugin's table. */
#pragma once

#include <jansson.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

struct option_value {
	const struct ffsctl_option *option;
	char *text;	/* of STRING; NULL: none */
	int64_t number; /* of BOOL, INT, SIZE */
	double real;	/* of FLOAT */
};

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

const char *option_type_name(enum ffsctl_option_type type);
