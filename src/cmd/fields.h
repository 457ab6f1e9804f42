/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status -o`: prints single values of a gadget's status, for shell scripts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "rundir/status.h"

struct fields {
	struct field {
		char *function; /* label; "*": each function; NULL: a field of the gadget */
		bool worker;	/* a field of the function's worker */
		const struct member *member; /* of gadget_fields, function_fields, worker_fields */
	} * list;
	size_t n;
	bool has_each; /* there is a field with "*" */
};

/*
 * Adds the fields of a list like "udc,state,echo.device,*.worker.pid". False: *bad is the error
 * message, which the caller frees.
 */
bool fields_parse(struct fields *fields, const char *text, char **bad);
void fields_free(struct fields *fields);
#define _cleanup_fields_ _cleanup_(fields_free)

/*
 * Prints a line of values separated by tabs, with `has_each` one for each function; "-": no value.
 */
void fields_print(const struct fields *fields, const struct gadget_status *gadget);
