/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each branch of a parser does: it is counted, and the first that refuses is the verdict. */
#include "blob/validate_parts.h"

bool take_branch(struct validation *v, enum ffs_rule rule, bool taken)
{
	struct ffs_branch_count *count = v->validator->count;

	if (!count)
		return taken;
	if (taken)
		count[rule].taken++;
	else
		count[rule].passed++;
	return taken;
}

bool refuse_if_number(struct validation *v, enum ffs_rule rule, bool broken, size_t at,
		      uint32_t found, uint32_t wanted)
{
	if (take_branch(v, rule, broken))
		v->finding = (struct ffs_finding){ .rule = rule,
						   .error = ffs_rule_info(rule)->error,
						   .offset = at,
						   .found = found,
						   .wanted = wanted };
	return broken;
}

bool refuse_if(struct validation *v, enum ffs_rule rule, bool broken, size_t at)
{
	return refuse_if_number(v, rule, broken, at, 0, 0);
}
