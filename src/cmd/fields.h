/* SPDX-License-Identifier: GPL-2.0-or-later */
/* status -o: bare values out of a gadget of cli.md's "gadgets", for shells. */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>

#include "base/cleanup.h"

struct fields {
	struct field {
		char *function;	    /* its label; "*": each one; NULL: of the gadget */
		bool worker;	    /* of the function's worker */
		const char *member; /* in the document */
	} * v;
	size_t n;
	bool each; /* one of them is of each function */
};

/* What there is: of a gadget, a function, a function's worker. Each ends with NULL. */
extern const char *const fields_of_gadget[], *const fields_of_function[], *const fields_of_worker[];

/*
 * "udc,state,echo.device,*.worker.pid": adds to what is there. False: *bad, which the caller frees,
 * says what is wrong.
 */
bool fields_parse(struct fields *fields, const char *text, char **bad);
void fields_free(struct fields *fields);
#define _cleanup_fields_ _cleanup_(fields_free)

/* A line, or with `each` one for each function: values with tabs between; what is not there is "-".
 */
void fields_print(const struct fields *fields, const json_t *gadget);
