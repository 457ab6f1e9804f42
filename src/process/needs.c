/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/needs.h"

#include "base/util.h"

const char *const needs_names[] = { "network", "files", "programs", NULL };

json_t *needs_to_json(unsigned int needs)
{
	json_t *list = json_array();

	for (unsigned int i = 0; needs_names[i]; i++)
		if (needs & 1U << i)
			json_array_append_new(list, json_string(needs_names[i]));
	return list;
}

bool needs_from_json(const json_t *list, unsigned int *needs)
{
	const json_t *word;
	size_t n;

	*needs = 0;
	json_array_foreach(list, n, word) {
		if (!json_is_string(word))
			return false;
		for (unsigned int i = 0; needs_names[i]; i++)
			if (streq(json_string_value(word), needs_names[i]))
				*needs |= 1U << i;
	}
	return json_is_array(list);
}
