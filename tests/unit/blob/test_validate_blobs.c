/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Validates what the generator makes, and checks that it reaches every rule. */
#include <criterion/criterion.h>
#include <stdlib.h>
#include <string.h>

#include "../../fuzz/blob_check.h"
#include "../../fuzz/blobs.h"
#include "../rounds.h"

#define SESSIONS rounds(500, 10000)
#define FOR_EVERY_RULE 40000

struct tally {
	struct ffs_rule_coverage count[FFS_RULE_COUNT];
	int accepted, by_standard;
};

static void validate_session(const struct ffs_kernel_rules *kernel, const struct blobs *b,
			     struct tally *t)
{
	struct blob_session s = {
		.options = { .kernel = kernel,
			     .fd_kind = blobs_fd_kind,
			     .rule_coverage = t->count },
	};
	bool standard = true;

	for (size_t i = 0; i < b->n && s.kernel.state != FFS_ACTIVE; i++) {
		struct ffs_finding v = blob_check(&s, b->write[i].data, b->write[i].size);

		standard = standard && s.usb_accepts;
		if (v.rule != FFS_ACCEPTED && !b->retry)
			return;
	}
	t->accepted += s.kernel.state == FFS_ACTIVE;
	t->by_standard += s.kernel.state == FFS_ACTIVE && standard;
}

Test(validate_blobs, the_standards_are_never_less_strict_than_a_kernel)
{
	struct blobs b = { 0 };

	for (const struct ffs_kernel_rules *k = ffs_known_kernels; k->name; k++) {
		struct tally t = { 0 };

		for (int i = 0; i < SESSIONS; i++) {
			blobs_make(&b, 0x4711, (uint64_t)i);
			validate_session(k, &b, &t);
		}
		/* Proves something only if much is accepted and much refused */
		cr_expect_gt(t.accepted, SESSIONS / 3, "%s takes %d", k->name, t.accepted);
		cr_expect_lt(t.accepted, SESSIONS * 2 / 3, "%s takes %d", k->name, t.accepted);
		cr_expect_gt(t.by_standard, SESSIONS / 5, "%s: %d", k->name, t.by_standard);
	}
	blobs_free(&b);
}

Test(validate_blobs, the_generator_breaks_every_rule_and_keeps_it)
{
	static struct ffs_rule_coverage count[FFS_RULE_COUNT];
	const struct ffs_validation_options all = { .kernel = ffs_kernel_rules_find("6.12-patched"),
						    .fd_kind = blobs_fd_kind,
						    .rule_coverage = count };
	struct blobs b = { 0 };

	for (int i = 0; i < FOR_EVERY_RULE; i++) {
		struct ffs_instance in = { 0 };
		bool good = true;

		blobs_make(&b, 0x4712, (uint64_t)i);
		for (size_t w = 0; w < b.n && in.state != FFS_ACTIVE && (good || b.retry); w++)
			good = ffs_validate_usb(&all, &in, b.write[w].data, b.write[w].size)
				       .kernel_error == 0;
	}
	for (enum ffs_rule r = FFS_ACCEPTED + 1; r < FFS_RULE_COUNT; r++) {
		const struct ffs_rule_info *info = ffs_rule_info(r);

		cr_expect_gt(count[r].n_false, 0, "%s is always broken", info->name);
		cr_expect_eq(count[r].n_true == 0, info->why_unreachable != NULL,
			     "%s is broken %llu times", info->name,
			     (unsigned long long)count[r].n_true);
	}
	blobs_free(&b);
}

Test(validate_blobs, the_generator_makes_the_same_for_a_seed)
{
	struct blobs a = { 0 }, b = { 0 };

	for (uint64_t i = 0; i < 500; i++) {
		blobs_make(&a, 7, i);
		blobs_make(&b, 8, i);
		blobs_make(&b, 7, i);
		cr_assert_eq(a.n, b.n);
		for (size_t w = 0; w < a.n; w++) {
			cr_assert_eq(a.write[w].size, b.write[w].size);
			cr_assert_eq(memcmp(a.write[w].data, b.write[w].data, a.write[w].size), 0);
		}
	}
	blobs_free(&a);
	blobs_free(&b);
}
