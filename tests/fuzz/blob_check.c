/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "blob_check.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"

static _Noreturn void wrong(const struct ffs_kernel_rules *kernel, const struct ffs_finding *v,
			    const char *how)
{
	_cleanup_free_ char *text = ffs_finding_text(v);

	fprintf(stderr, "%s: %s: %s (%s, error %d)\n", kernel->name, how, text,
		ffs_rule_info(v->rule)->name, v->kernel_error);
	abort();
}

/* Compares the members, not the padding. */
static bool same(const struct ffs_finding *a, const struct ffs_finding *b)
{
	return a->rule == b->rule && a->kernel_error == b->kernel_error && a->offset == b->offset &&
	       a->found == b->found && a->expected == b->expected;
}

/*
 * Checks that the sentence has no placeholder left. Making it takes longer than validating, and
 * both validations and each kernel return the same finding: it is checked only if it differs from
 * the last one of its rule. No placeholder stands for the offset.
 */
static void check_text(const struct ffs_kernel_rules *kernel, const struct ffs_finding *v)
{
	static struct {
		bool known;
		uint32_t found, wanted;
	} last[FFS_RULE_COUNT];
	_cleanup_free_ char *text = NULL;

	if (last[v->rule].known && last[v->rule].found == v->found &&
	    last[v->rule].wanted == v->expected)
		return;
	text = ffs_finding_text(v);
	if (strchr(text, '{'))
		wrong(kernel, v, "a placeholder in its sentence");
	last[v->rule].known = true;
	last[v->rule].found = v->found;
	last[v->rule].wanted = v->expected;
}

static void check_one(const struct ffs_kernel_rules *kernel, const struct ffs_finding *v,
		      size_t size)
{
	const struct ffs_rule_info *rule = ffs_rule_info(v->rule);

	if (v->offset > size)
		wrong(kernel, v, "offset beyond the end");
	if (v->kernel_error != rule->kernel_error)
		wrong(kernel, v, "not the error of its rule");
	if (rule->why_unreachable)
		wrong(kernel, v, "a rule that cannot be reached");
	if (!ffs_rule_exists(kernel, v->rule))
		wrong(kernel, v, "a rule that this kernel does not have");
	if (v->rule != FFS_ACCEPTED && rule->kind == FFS_BRANCH)
		wrong(kernel, v, "refused by a branch that does not refuse");
	check_text(kernel, v);
}

struct ffs_finding blob_check(struct blob_session *s, const uint8_t *data, size_t size)
{
	const struct ffs_kernel_rules *kernel = s->options.kernel;
	const struct ffs_validation_options uncounted = { .kernel = kernel,
							  .fd_kind = s->options.fd_kind };
	enum ffs_instance_state state = s->kernel.state;
	struct ffs_finding k = ffs_validate_as_kernel(&s->options, &s->kernel, data, size);
	struct ffs_finding u = ffs_validate_usb(&uncounted, &s->usb, data, size);

	check_one(kernel, &k, size);
	check_one(kernel, &u, size);
	if (ffs_rule_info(k.rule)->kind == FFS_STANDARD)
		wrong(kernel, &k, "a rule of a standard from the kernel");
	if (u.rule == FFS_ACCEPTED && k.rule != FFS_ACCEPTED)
		wrong(kernel, &k, "refused by the kernel, but not by the standards");
	if (k.rule != FFS_ACCEPTED && !same(&k, &u))
		wrong(kernel, &u, "not the kernel's refusal");
	if (memcmp(&s->kernel, &s->usb, sizeof(s->kernel)))
		wrong(kernel, &u, "the instance differs");
	if (s->kernel.state != state + (k.kernel_error == 0 ? 1U : 0U))
		wrong(kernel, &k, "the state does not match the finding");
	s->usb_accepts = u.rule == FFS_ACCEPTED;
	return k;
}
