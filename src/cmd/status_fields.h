/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `status -o`: prints single values of a gadget's status, for shell scripts. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"
#include "rundir/status.h"

struct status_fields {
	struct status_field {
		char *function_label; /* "*": each function; NULL: a field of the gadget */
		bool is_of_worker;    /* the field belongs to the function's worker */
		/* The field's element of gadget_fields, function_fields or worker_fields. */
		const struct json_member *status_member;
	} * fields;
	size_t n_fields;
	bool prints_each_function; /* a field has "*" instead of a function's label */
};

/*
 * Parses a list of fields like "udc,state,echo.device,*.worker.pid" and adds the fields to *fields.
 * If the list is invalid, returns false and stores an error message in *message; the caller frees
 * it.
 */
bool status_fields_parse(struct status_fields *fields, const char *text, char **message);
void status_fields_free(struct status_fields *fields);
#define _cleanup_status_fields_ _cleanup_(status_fields_free)

/*
 * Prints the values of the fields on one line, separated by tabs. With `prints_each_function`,
 * prints such a line for each function. Prints "-" for a field without a value.
 */
void status_fields_print(const struct status_fields *fields, const struct gadget_status *gadget);
