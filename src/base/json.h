/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What every room that writes JSON needs beside jansson. */
#pragma once

#include <jansson.h>

/* null for NULL, and for what is not UTF-8: a document with a hole is better than none. */
static inline json_t *json_string_or_null(const char *s)
{
	json_t *string = s ? json_string(s) : NULL;

	return string ? string : json_null();
}

/* The string of that name; `fallback` where there is none. */
static inline const char *json_text(const json_t *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : fallback;
}
