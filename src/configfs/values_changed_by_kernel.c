/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The list of attributes whose value the kernel has changed after ffsctl wrote it. The status
 * contains a warning for each.
 */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "configfs/configfs.h"

static void remove_entry(struct configfs *c, size_t i)
{
	free(c->values_changed_by_kernel[i].attribute_path);
	free(c->values_changed_by_kernel[i].warning);
	c->n_values_changed_by_kernel--;
	memmove(&c->values_changed_by_kernel[i], &c->values_changed_by_kernel[i + 1],
		(c->n_values_changed_by_kernel - i) * sizeof(*c->values_changed_by_kernel));
}

void configfs_note_value_changed_by_kernel(struct configfs *c, const struct step *step,
					   char *warning)
{
	for (size_t i = c->n_values_changed_by_kernel; i-- > 0;)
		if (streq(c->values_changed_by_kernel[i].attribute_path, step->path))
			remove_entry(c, i);
	if (warning)
		*array_add(c->values_changed_by_kernel, c->n_values_changed_by_kernel) =
			(struct value_changed_by_kernel){ xstrdup(step->path), warning, step->at };
}

void configfs_prune_values_changed_by_kernel(struct configfs *c, const struct plan *plan)
{
	for (size_t i = c->n_values_changed_by_kernel; i-- > 0;) {
		size_t k = 0;

		while (k < plan->n &&
		       !(plan->steps[k].context == c &&
			 streq(plan->steps[k].path, c->values_changed_by_kernel[i].attribute_path)))
			k++;
		if (k < plan->n)
			c->values_changed_by_kernel[i].at = plan->steps[k].at;
		else
			remove_entry(c, i);
	}
}

void configfs_free_values_changed_by_kernel(struct configfs *c)
{
	while (c->n_values_changed_by_kernel > 0)
		remove_entry(c, c->n_values_changed_by_kernel - 1);
	free(c->values_changed_by_kernel);
	c->values_changed_by_kernel = NULL;
}
