/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Determines whether another supervisor could take the gadget over, and how long its keepers would
 * wait for it.
 */
#include "supervisor/bus.h"
#include "supervisor/supervisor.h"
#include "supervisor/take_over.h"

/* Returns false for a gadget in transition; one that waits for its UDC is not in transition. */
bool take_over_is_possible(const struct supervisor *s)
{
	return s->state == GADGET_UP && s->bus != BUS_FAILED &&
	       (s->bus != BUS_REBIND_DUE || bus_awaits_udc(s)) && !s->live.switched;
}

void take_over_allow(struct supervisor *s)
{
	double seconds = take_over_is_possible(s) ? s->linger : 0;

	/*
	 * Writes the status first: a program that finds the keepers without a supervisor knows that
	 * they wait.
	 */
	if (seconds != s->linger_sent) {
		s->linger_sent = seconds;
		supervisor_write_status(s);
	}
	for (size_t n = 0; n < s->live.n; n++)
		function_set_linger(s->live.v[n], seconds);
}
