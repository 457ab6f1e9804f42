/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status -o`: prints single values of a gadget's JSON object, for shell scripts. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct fields {
	struct field {
		char *function;	    /* label; "*": each function; NULL: a field of the gadget */
		bool worker;	    /* a field of the function's worker */
		const char *member; /* name in the JSON object */
	} * v;
	size_t n;
	bool each; /* there is a field with "*" */
};

/* Names of the fields; each list ends with NULL. */
extern const char *const fields_of_gadget[], *const fields_of_function[], *const fields_of_worker[];

/*
 * Adds the fields of a list like "udc,state,echo.device,*.worker.pid". False: *bad is the error
 * message, which the caller frees.
 */
bool fields_parse(struct fields *fields, const char *text, char **bad);
void fields_free(struct fields *fields);
#define _cleanup_fields_ _cleanup_(fields_free)

/* Prints a line of values separated by tabs, with `each` one for each function; "-": no value. */
void fields_print(const struct fields *fields, const json_t *gadget);
