/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * One option of a plugin: what a gadget file gives it, against what the plugin's table declares.
 * The plugin host and `ffsctl check` judge by the same words.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "ffsctl/plugin.h"

struct option_value {
	const struct ffsctl_option *option;
	char *text;	/* of STRING; NULL: none; owned */
	int64_t number; /* of BOOL, INT, SIZE */
	double real;	/* of FLOAT */
};

/* "string" and so on; NULL: there is no such type. */
const char *option_type_name(enum ffsctl_option_type type);
bool option_type_find(const char *name, enum ffsctl_option_type *type);

/* v->option is set. The default, as it would stand in the gadget file: -EINVAL, without a word. */
int option_from_text(struct option_value *v, const char *text);
/* What stands in the gadget file. EX_DATAERR. v->text may be set also then. */
int option_from_json(struct option_value *v, const json_t *j, struct error *err);
