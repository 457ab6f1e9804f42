/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The rounds of `selftest`, in their order. */
#include "cmd/selftest.h"
#include "gadgetfile/keys/function_types.h"
#include "stream/engines.h"

#define ENGINE_NAME(NAME, name, needs, description) #name,
static const char *const engines[] = { STREAM_ENGINES(ENGINE_NAME) };
#undef ENGINE_NAME
#define N_ENGINES ARRAY_SIZE(engines)

bool selftest_round_by_index(size_t index, struct selftest_round *round)
{
	/* This round finds out whether there is a host. */
	if (index == 0) {
		*round = (struct selftest_round){ SELFTEST_BASICS, "basics" };
		return true;
	}
	/*
	 * The last of these rounds is that of the engine which works everywhere: ffsbench on the
	 * host ends after the last one, and must not wait for a round that is not possible here.
	 */
	if (index <= N_ENGINES) {
		*round = (struct selftest_round){ SELFTEST_ENGINE, engines[N_ENGINES - index] };
		return true;
	}
	index -= 1 + N_ENGINES;
	for (const struct function_type *type = function_table; type->name; type++) {
		if (streq(type->name, "ffs"))
			continue;
		if (index-- == 0) {
			*round = (struct selftest_round){ SELFTEST_FUNCTION, type->name };
			return true;
		}
	}
	return false;
}
