/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of attributes whose value the kernel has changed after ffsctl wrote it. The status
 * contains a warning for each.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "configfs/configfs.h"

static void remove_changed_value_entry(struct configfs *c, size_t i)
{
	free(c->changed_values[i].attribute_path);
	free(c->changed_values[i].warning);
	c->n_changed_values--;
	memmove(&c->changed_values[i], &c->changed_values[i + 1],
		(c->n_changed_values - i) * sizeof(*c->changed_values));
}

void configfs_note_changed_value(struct configfs *c, const struct step *step, char *warning)
{
	for (size_t i = c->n_changed_values; i-- > 0;)
		if (streq(c->changed_values[i].attribute_path, step->path))
			remove_changed_value_entry(c, i);
	if (warning)
		*array_add(c->changed_values, c->n_changed_values) =
			(struct changed_value){ xstrdup(step->path), warning, step->at };
}

void configfs_limit_changed_values_to_plan(struct configfs *c, const struct plan *plan)
{
	for (size_t i = c->n_changed_values; i-- > 0;) {
		size_t k = 0;

		while (k < plan->n &&
		       !(plan->steps[k].context == c &&
			 streq(plan->steps[k].path, c->changed_values[i].attribute_path)))
			k++;
		if (k < plan->n)
			c->changed_values[i].at = plan->steps[k].at;
		else
			remove_changed_value_entry(c, i);
	}
}

void configfs_free_changed_values(struct configfs *c)
{
	while (c->n_changed_values > 0)
		remove_changed_value_entry(c, c->n_changed_values - 1);
	free(c->changed_values);
	c->changed_values = NULL;
}
