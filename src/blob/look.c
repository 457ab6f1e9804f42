/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What each branch of a parser does: it is counted, and the first that refuses is the verdict. */
#include "blob/validate_parts.h"

bool look_branch(struct look *l, enum ffs_rule rule, bool taken)
{
	struct ffs_branch_count *count = l->judge->count;

	if (!count)
		return taken;
	if (taken)
		count[rule].taken++;
	else
		count[rule].passed++;
	return taken;
}

bool look_refuse_number(struct look *l, enum ffs_rule rule, bool broken, size_t at, uint32_t found,
			uint32_t wanted)
{
	if (look_branch(l, rule, broken))
		l->v = (struct ffs_verdict){ .rule = rule,
					     .error = ffs_rule_info(rule)->error,
					     .offset = at,
					     .found = found,
					     .wanted = wanted };
	return broken;
}

bool look_refuse(struct look *l, enum ffs_rule rule, bool broken, size_t at)
{
	return look_refuse_number(l, rule, broken, at, 0, 0);
}
