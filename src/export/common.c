/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "export/common.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "gadgetfile/write.h"

static void add_comment(json_t *group, const char *text)
{
	_cleanup_free_ char *clean = text_make_valid_utf8(text);
	_cleanup_free_ char *key = gadgetfile_comment_member_name(json_object_size(group));

	json_object_set_new(group, key, json_string(clean));
}

void export_add_comment(json_t *group, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	add_comment(group, text);
}

void export_truncate_omissions(struct export *e, size_t n)
{
	while (e->n_omissions > n)
		free(e->omissions[--e->n_omissions]);
}

void export_report_omission(struct export *e, json_t *group, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL, *marked = NULL;
	va_list ap;

	va_start(ap, fmt);
	text = text_vformat(fmt, ap);
	va_end(ap);
	marked = strf("LOST: %s", text);
	add_comment(group, marked);
	*array_add(e->omissions, e->n_omissions) = text_replace_unprintable(text, strlen(text));
}

void export_set_unless_empty(json_t *group, const char *key, json_t *value)
{
	if (json_object_size(value) > 0 || json_array_size(value) > 0)
		json_object_set(group, key, value);
	json_decref(value);
}
