/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whether keepers and workers outlive us, for the next supervisor. */
#include "supervisor/bus.h"
#include "supervisor/supervisor.h"
#include "supervisor/take_over.h"

/* A gadget in transition cannot be taken over; one that waits for its UDC is in none. */
bool take_over_is_possible(const struct supervisor *s)
{
	return s->state == GADGET_UP && s->bus != BUS_FAILED &&
	       (s->bus != BUS_REBIND_DUE || bus_awaits_udc(s)) && !s->live.switched;
}

void take_over_allow(struct supervisor *s)
{
	double hold = take_over_is_possible(s) ? s->hold : 0;

	/* First the status, so that whoever finds what we leave knows what to expect of it. */
	if (hold != s->held) {
		s->held = hold;
		supervisor_write_status(s);
	}
	for (size_t n = 0; n < s->live.n; n++)
		function_set_linger(s->live.v[n], hold);
}
