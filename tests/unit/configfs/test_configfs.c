/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What is remembered of values that the kernel has changed. */
#include <criterion/criterion.h>
#include <stdlib.h>

#include "base/util.h"
#include "configfs/configfs.h"

Test(remarks, an_attribute_has_one_at_most)
{
	struct configfs c = { 0 };
	struct step step = { .path = (char *)"/a", .at = { .line = 1 }, .context = &c };

	configfs_remark(&c, &step, xstrdup("first"));
	configfs_remark(&c, &step, xstrdup("second"));
	cr_assert_eq(c.n_remarks, 1U);
	cr_expect_str_eq(c.remarks[0].text, "second");
	configfs_remark(&c, &step, NULL);
	cr_expect_eq(c.n_remarks, 0U);
	configfs_free(&c);
}

Test(remarks, a_reload_leaves_those_of_what_is_in_the_plan_with_its_places)
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
		configfs_remark(&c, &before[i], xstrdup(before[i].path));
	configfs_update_remarks(&c, &plan);
	cr_assert_eq(c.n_remarks, 2U);
	cr_expect_str_eq(c.remarks[0].path, "/b");
	cr_expect_eq(c.remarks[0].at.line, 9U);
	cr_expect_str_eq(c.remarks[1].path, "/c");
	cr_expect_eq(c.remarks[1].at.line, 7U);
	configfs_free(&c);
}
