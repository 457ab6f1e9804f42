/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the tests of the loader share: one gadget at a time, from a text. */
#pragma once

#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "gadgetfile/gadgetfile.h"

static struct gadget *g;
static struct diags d;

/* A text that must be right. */
static inline void load(const char *text)
{
	gadgetfile_load_text("/nonexistent/demo.conf", text, strlen(text), &g, NULL, &d);
	cr_assert_not_null(g, "%s", d.n ? d.list[0].text : "no reason");
}

static inline void unload(void)
{
	gadget_free(g);
	diags_free(&d);
	g = NULL;
}

/* How many errors a text has, which is freed. */
static inline size_t count_errors(char *text, size_t size)
{
	size_t n;

	gadgetfile_load_text("/nonexistent/demo.conf", text, size, &g, NULL, &d);
	free(text);
	n = d.n_errors;
	unload();
	return n;
}

static inline bool said(enum diag_severity severity, const char *part)
{
	for (size_t i = 0; i < d.n; i++)
		if (d.list[i].severity == severity && strstr(d.list[i].text, part))
			return true;
	return false;
}

#define FFS(inside) "functions : { echo : { ffs : { " inside " }; }; };"
