/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The result of a step of `selftest`. */
#include <stdio.h>

#include "cmd/selftest.h"

const char *const selftest_outcome_words[] = {
	[SELFTEST_PASSED] = "passed",
	[SELFTEST_FAILED] = "failed",
	[SELFTEST_NOT_POSSIBLE] = "not possible",
	[SELFTEST_NOT_SEEN] = "not seen",
};

void selftest_result_set(struct selftest_result *result, const char *step,
			 enum selftest_outcome outcome, double seconds, const char *text)
{
	*result = (struct selftest_result){ .outcome = outcome, .seconds = seconds };
	snprintf(result->step, sizeof(result->step), "%s", step);
	snprintf(result->text, sizeof(result->text), "%s", text);
}
