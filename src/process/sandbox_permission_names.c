/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "process/sandbox_permission_names.h"

#include "base/util.h"

const char *const sandbox_permission_names[] = { "network", "files", "programs", NULL };

json_t *sandbox_permissions_to_json(unsigned int permissions)
{
	json_t *list = json_array();

	for (unsigned int i = 0; sandbox_permission_names[i]; i++)
		if (permissions & 1U << i)
			json_array_append_new(list, json_string(sandbox_permission_names[i]));
	return list;
}

bool sandbox_permissions_from_json(const json_t *list, unsigned int *permissions)
{
	const json_t *word;
	size_t n;

	*permissions = 0;
	json_array_foreach(list, n, word) {
		if (!json_is_string(word))
			return false;
		for (unsigned int i = 0; sandbox_permission_names[i]; i++)
			if (streq(json_string_value(word), sandbox_permission_names[i]))
				*permissions |= 1U << i;
	}
	return json_is_array(list);
}
