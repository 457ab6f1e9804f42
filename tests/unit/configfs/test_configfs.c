/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of values that the kernel has changed. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/util.h"
#include "configfs/configfs.h"

Test(changed_values, an_attribute_has_one_at_most)
{
	struct configfs c = { 0 };
	struct step step = { .path = (char *)"/a", .at = { .line = 1 }, .context = &c };

	configfs_note_changed_value(&c, &step, xstrdup("first"));
	configfs_note_changed_value(&c, &step, xstrdup("second"));
	cr_assert_eq(c.n_changed_values, 1U);
	cr_expect_str_eq(c.changed_values[0].warning, "second");
	configfs_note_changed_value(&c, &step, NULL);
	cr_expect_eq(c.n_changed_values, 0U);
	configfs_free(&c);
}

Test(changed_values, a_reload_leaves_those_of_what_is_in_the_plan_with_its_places)
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
		configfs_note_changed_value(&c, &before[i], xstrdup(before[i].path));
	configfs_limit_changed_values_to_plan(&c, &plan);
	cr_assert_eq(c.n_changed_values, 2U);
	cr_expect_str_eq(c.changed_values[0].attribute_path, "/b");
	cr_expect_eq(c.changed_values[0].at.line, 9U);
	cr_expect_str_eq(c.changed_values[1].attribute_path, "/c");
	cr_expect_eq(c.changed_values[1].at.line, 7U);
	configfs_free(&c);
}
