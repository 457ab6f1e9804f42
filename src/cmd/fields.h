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
		/* Row of the table gadget_fields, function_fields or worker_fields. */
		const struct member *member;
	} * list;
	size_t n;
	bool has_each; /* one of the fields has "*" in place of the label */
};

/*
 * Parses a list like "udc,state,echo.device,*.worker.pid" and adds its fields. If the list is
 * invalid, returns false and stores an error message in *bad, which the caller frees.
 */
bool fields_parse(struct fields *fields, const char *text, char **bad);
void fields_free(struct fields *fields);
#define _cleanup_fields_ _cleanup_(fields_free)

/*
 * Prints the values of the fields on one line, separated by tabs; with `has_each`, one line for
 * each function. Prints "-" for a field without a value.
 */
void fields_print(const struct fields *fields, const struct gadget_status *gadget);
