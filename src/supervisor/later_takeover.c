/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Determines whether a new supervisor could take the gadget over if this one died now, and how long
 * the keepers would then wait for the new one.
 */
#include "supervisor/take_over.h"

#include "supervisor/binding.h"
#include "supervisor/live_gadget.h"

/*
 * Returns false while the gadget changes from one state to another. A gadget that is not bound
 * because it waits for its UDC, for a worker or for the descriptors of a daemon does not change:
 * the next supervisor waits, too.
 */
bool take_over_is_possible(const struct takeover *t)
{
	return t->live->state == GADGET_UP && t->binding->state != BINDING_FAILED &&
	       !t->live->functions.switch_json_for_workers;
}

void take_over_send_wait_seconds_to_keepers(struct takeover *t)
{
	double seconds = take_over_is_possible(t) ? t->keeper_takeover_wait_seconds : 0;

	/*
	 * Writes the status before the keepers wait: a command that finds keepers without a
	 * supervisor reads there whether they wait for a takeover.
	 */
	if (seconds != t->keeper_takeover_wait_seconds_sent) {
		t->keeper_takeover_wait_seconds_sent = seconds;
		gadget_write_status(t->live);
	}
	for (size_t n = 0; n < t->live->functions.n; n++)
		function_set_keeper_takeover_wait(t->live->functions.list[n], seconds);
}
