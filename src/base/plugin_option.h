/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Validates and converts the value of one option of a plugin. The value must match the declaration
 * of the option in the table of the plugin. The plugin host and `ffsctl check` use these functions.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

struct option_value {
	const struct ffsctl_option *declaration; /* in the table of the plugin */
	char *text;	/* value of a STRING, which the user of the struct frees; NULL: none */
	int64_t number; /* value of a BOOL, INT or SIZE */
	double real;	/* value of a FLOAT */
};

/* Returns the name of a type, for example "string"; NULL: unknown type. */
const char *option_type_name(enum ffsctl_option_type type);
bool option_type_find(const char *name, enum ffsctl_option_type *type);

/*
 * Converts the text of a default value, which is written as in a gadget file. The caller sets
 * v->declaration before the call. Returns 0, or -EINVAL if the text does not have the type of the
 * option.
 */
int option_from_text(struct option_value *v, const char *text);
/*
 * Converts a value of the gadget file. The caller sets v->declaration before the call and frees
 * v->text after the call, also after an error. Fails with EX_DATAERR if the value does not match
 * the declaration.
 */
int option_from_json(struct option_value *v, const json_t *j, struct error *err);
