/* SPDX-License-Identifier: GPL-2.0-or-later */
/* How often loops go round. */
#pragma once

#include <stdlib.h>

#include "base/util.h"

/* `few` in lab/test, as many as the mutants need; `many` with --all, and in a `make check` by hand.
 */
static inline int rounds(int few, int many)
{
	const char *tier = getenv("LAB_TIER");

	return tier && streq(tier, "1") ? few : many;
}
