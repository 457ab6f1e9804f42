/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions for JSON values of the library jansson. */
#pragma once

#include <jansson.h>

/* Returns `s` as a JSON string, or JSON null if `s` is NULL or not UTF-8. */
static inline json_t *json_string_or_null(const char *s)
{
	json_t *string = s ? json_string(s) : NULL;

	return string ? string : json_null();
}

/* Returns the value of the string member `key`, or `fallback` if the object has no such member. */
static inline const char *json_text(const json_t *object, const char *key, const char *fallback)
{
	const char *text = json_string_value(json_object_get(object, key));

	return text ? text : fallback;
}
