/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores remarks about values that the kernel changed. */
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "configfs/configfs.h"

static void drop_remark(struct configfs *c, size_t i)
{
	free(c->remarks[i].path);
	free(c->remarks[i].text);
	c->n_remarks--;
	memmove(&c->remarks[i], &c->remarks[i + 1], (c->n_remarks - i) * sizeof(*c->remarks));
}

void configfs_remark(struct configfs *c, const struct step *step, char *text)
{
	for (size_t i = c->n_remarks; i-- > 0;)
		if (streq(c->remarks[i].path, step->path))
			drop_remark(c, i);
	if (text)
		*array_add(c->remarks, c->n_remarks) =
			(struct remark){ xstrdup(step->path), text, step->at };
}

void configfs_update_remarks(struct configfs *c, const struct plan *plan)
{
	for (size_t i = c->n_remarks; i-- > 0;) {
		size_t k = 0;

		while (k < plan->n && !(plan->steps[k].context == c &&
					streq(plan->steps[k].path, c->remarks[i].path)))
			k++;
		if (k < plan->n)
			c->remarks[i].at = plan->steps[k].at;
		else
			drop_remark(c, i);
	}
}

void configfs_forget_remarks(struct configfs *c)
{
	while (c->n_remarks > 0)
		drop_remark(c, c->n_remarks - 1);
	free(c->remarks);
	c->remarks = NULL;
}
