/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Validates and converts one option of a plugin: the value in the gadget file must match what the
 * plugin's table declares. The plugin host and `ffsctl check` use these functions.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

struct option_value {
	const struct ffsctl_option *option;
	char *text;	/* value of a STRING; NULL: none; owned */
	int64_t number; /* value of a BOOL, INT or SIZE */
	double real;	/* value of a FLOAT */
};

/* Returns the name of a type, "string" for example; NULL: unknown type. */
const char *option_type_name(enum ffsctl_option_type type);
bool option_type_find(const char *name, enum ffsctl_option_type *type);

/*
 * Converts a default value, which is written as in a gadget file. The caller sets v->option before.
 * Returns 0, or -EINVAL if the text is not a value of the option's type.
 */
int option_from_text(struct option_value *v, const char *text);
/*
 * Converts a value of the gadget file. The caller sets v->option before and frees v->text
 * afterwards, also after an error. Fails with EX_DATAERR if the value does not match the
 * declaration.
 */
int option_from_json(struct option_value *v, const json_t *j, struct error *err);
