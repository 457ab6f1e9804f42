/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of values that the kernel has changed. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/util.h"
#include "configfs/configfs.h"

Test(values_changed_by_kernel, an_attribute_has_one_at_most)
{
	struct configfs c = { 0 };
	struct step step = { .path = (char *)"/a", .at = { .line = 1 }, .context = &c };

	configfs_note_value_changed_by_kernel(&c, &step, xstrdup("first"));
	configfs_note_value_changed_by_kernel(&c, &step, xstrdup("second"));
	cr_assert_eq(c.n_values_changed_by_kernel, 1U);
	cr_expect_str_eq(c.values_changed_by_kernel[0].warning, "second");
	configfs_note_value_changed_by_kernel(&c, &step, NULL);
	cr_expect_eq(c.n_values_changed_by_kernel, 0U);
	configfs_free(&c);
}

Test(values_changed_by_kernel, a_reload_leaves_those_of_what_is_in_the_plan_with_its_places)
{
	struct configfs c = { 0 };
	struct step before[] = { { .path = (char *)"/a", .at = { .line = 1 }, .context = &c },
				 { .path = (char *)"/b", .at = { .line = 2 }, .context = &c },
				 { .path = (char *)"/c", .at = { .line = 3 }, .context = &c } };
	struct step after[] = { { .path = (char *)"/c", .at = { .line = 7 }, .context = &c },
				{ .path = (char *)"/a", .at = { .line = 8 } }, /* another's */
				{ .path = (char *)"/b", .at = { .line = 9 }, .context = &c } };
	const struct plan plan = { .steps = after, .n = ARRAY_SIZE(after) };

	for (size_t i = 0; i < ARRAY_SIZE(before); i++)
		configfs_note_value_changed_by_kernel(&c, &before[i], xstrdup(before[i].path));
	configfs_prune_values_changed_by_kernel(&c, &plan);
	cr_assert_eq(c.n_values_changed_by_kernel, 2U);
	cr_expect_str_eq(c.values_changed_by_kernel[0].attribute_path, "/b");
	cr_expect_eq(c.values_changed_by_kernel[0].at.line, 9U);
	cr_expect_str_eq(c.values_changed_by_kernel[1].attribute_path, "/c");
	cr_expect_eq(c.values_changed_by_kernel[1].at.line, 7U);
	configfs_free(&c);
}
