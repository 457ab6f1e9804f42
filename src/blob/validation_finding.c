/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Records the finding of the rule that refuses a blob, and makes the texts of a finding. */
#include "base/cleanup.h"
#include "base/text.h"
#include "base/util.h"
#include "blob/validate_parts.h"

/* --- recording --- */

bool count_rule_outcome(struct validation *v, enum ffs_rule rule, bool condition)
{
	struct ffs_rule_coverage *count = v->options->rule_coverage;

	if (!count)
		return condition;
	if (condition)
		count[rule].n_true++;
	else
		count[rule].n_false++;
	return condition;
}

bool refuse_with_numbers_if(struct validation *v, enum ffs_rule rule, bool broken, size_t at,
			    uint32_t found, uint32_t wanted)
{
	if (count_rule_outcome(v, rule, broken))
		v->finding =
			(struct ffs_finding){ .rule = rule,
					      .kernel_error = ffs_rule_info(rule)->kernel_error,
					      .offset = at,
					      .found = found,
					      .expected = wanted };
	return broken;
}

bool refuse_if(struct validation *v, enum ffs_rule rule, bool broken, size_t at)
{
	return refuse_with_numbers_if(v, rule, broken, at, 0, 0);
}

/* --- texts --- */

static char *fill_placeholders(const char *pattern, const struct ffs_finding *f)
{
	return text_with_numbers(pattern, f->found, f->expected);
}

char *ffs_finding_what_is_wrong(const struct ffs_finding *f)
{
	const struct ffs_rule_info *rule = ffs_rule_info(f->rule);
	_cleanup_free_ char *text = NULL;

	if (f->rule == FFS_ACCEPTED)
		return xstrdup("accepted");
	text = fill_placeholders(rule->what_is_wrong, f);
	return rule->kind == FFS_STANDARD ? strf("%s (%s)", text, rule->reference)
					  : steal_ptr(text);
}

char *ffs_finding_hint(const struct ffs_finding *f)
{
	return fill_placeholders(ffs_rule_info(f->rule)->what_to_do, f);
}

char *ffs_finding_text(const struct ffs_finding *f)
{
	_cleanup_free_ char *reason = ffs_finding_what_is_wrong(f), *todo = NULL;

	if (f->rule == FFS_ACCEPTED)
		return steal_ptr(reason);
	todo = ffs_finding_hint(f);
	return strf("byte %zu: %s; %s", f->offset, reason, todo);
}
