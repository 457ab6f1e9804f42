/* SPDX-License-Identifier: GPL-2.0-or-later */
#include <criterion/criterion.h>
#include <stdio.h>

#include "base/cleanup.h"
#include "base/kernel_series.h"
#include "base/text.h"

Test(kernel_series, newest_that_is_not_newer_than_a_release)
{
	enum kernel_series k;

	cr_assert(kernel_series_of_release("6.12.48+deb13-amd64", &k) && k == KERNEL_6_12);
	cr_assert(kernel_series_of_release("6.1.0-35-amd64", &k) && k == KERNEL_6_1);
	cr_assert(kernel_series_of_release("6.17", &k) && k == KERNEL_6_12);
	cr_assert(kernel_series_of_release("6.18.26", &k) && k == KERNEL_6_18);
	cr_assert(kernel_series_of_release("7.3", &k) && k == KERNEL_6_18);
	cr_assert(kernel_series_of_release("5.10", &k) && k == KERNEL_6_1);
	cr_assert_not(kernel_series_of_release("new", &k));
}

Test(kernel_series, releases_of_a_series)
{
	enum kernel_series k;

	cr_assert(kernel_series_find(6, 12, &k) && k == KERNEL_6_12);
	cr_assert_not(kernel_series_find(6, 13, &k));
	cr_assert(kernel_series_has_release(KERNEL_6_1, "6.1.0-35-amd64"));
	cr_assert_not(kernel_series_has_release(KERNEL_6_1, "6.12.48"));
	cr_assert_not(kernel_series_has_release(KERNEL_6_18, "7.0"));
}

Test(kernel_series, the_list_in_words)
{
	_cleanup_free_ char *with_and = NULL, *with_or = NULL;

	for (int k = 0; k < KERNEL_SERIES_COUNT; k++) {
		bool is_last = k == KERNEL_SERIES_COUNT - 1;

		text_append_to_list(&with_and, is_last ? " and " : ", ", kernel_series_words[k]);
		text_append_to_list(&with_or, is_last ? " or " : ", ", kernel_series_words[k]);
	}
	cr_assert_str_eq(with_and, KERNEL_SERIES_AND);
	cr_assert_str_eq(with_or, KERNEL_SERIES_OR);
}
