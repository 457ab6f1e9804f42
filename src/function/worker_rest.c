/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * From a worker's end to the end of all that it has left: the processes that it has started, then
 * the words that its keeper has still heard. The next worker comes after that, since it could not
 * open the endpoints before.
 */
#include <syslog.h>

#include "base/cleanup.h"
#include "base/proc.h"
#include "process/reap.h"
#include "supervisor/supervisor.h"

void unit_rest_begin(struct unit *unit)
{
	unit_close(unit, &unit->end);
	unit->rest = REST_PROCESSES;
	unit->rest_since = 0;
	supervisor_changed(unit->instance->supervisor);
	unit_rest_look(unit);
}

/* Whoever hangs in the kernel may keep an endpoint: then the next worker says so. */
static void say_left(const struct unit *unit, pid_t pid)
{
	_cleanup_free_ char *name = process_name(pid);

	supervisor_say_of(unit->instance->supervisor, unit->instance->function->label, LOG_ERR,
			  "a process that the worker has started does not end: %s (pid %d)", name,
			  (int)pid);
}

static bool have_ended(struct unit *unit)
{
	bool first = unit->rest_since == 0;
	pid_t left = reap_rest(unit, first);

	if (first)
		unit->rest_since = now_monotonic();
	if (left && now_monotonic() - unit->rest_since < REAP_SECONDS)
		return false;
	if (left)
		say_left(unit, left);
	return true;
}

void unit_rest_look(struct unit *unit)
{
	if (unit->rest == REST_PROCESSES && have_ended(unit)) {
		unit->rest = REST_WORDS;
		instance_drop_worker(unit->instance);
	}
	if (unit->rest != REST_WORDS || instance_is_dropping(unit->instance))
		return;
	unit->rest = REST_NONE;
	unit_gone(unit);
}
