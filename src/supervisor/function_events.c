/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handles the events of live functions, and answers their questions, for the supervisor as their
 * owner.
 */
#include "supervisor/bus.h"
#include "supervisor/host.h"
#include "supervisor/reload.h"
#include "supervisor/supervisor.h"
#include "supervisor/switch.h"

static void on_changed(void *owner)
{
	supervisor_changed(owner);
}

static void on_statistics(void *owner)
{
	supervisor_write_status(owner);
}

static void on_worker_failed(void *owner, struct live_worker *worker)
{
	supervisor_worker_failed(owner, worker);
}

static void on_keeper_died(void *owner, struct live_function *function)
{
	supervisor_keeper_died(owner, function);
}

static void on_ep0_closed(void *owner)
{
	bus_ep0_closed(owner);
}

static void on_switch_asked(void *owner, struct live_worker *worker, const char *body, size_t size)
{
	switch_asked(owner, worker, body, size);
}

static void on_say(void *owner, const char *label, int priority, const char *text)
{
	supervisor_say_line(owner, label, priority, text);
}

static bool is_bound(void *owner)
{
	return bus_is_on(owner);
}

static bool is_configured(void *owner)
{
	return host_has_configured(owner);
}

static bool is_reloading(void *owner)
{
	return ((struct supervisor *)owner)->state == GADGET_RELOADING;
}

static enum trust program_trust(void *owner, const char *dir)
{
	return supervisor_program_trust(owner, dir);
}

const struct function_events supervisor_function_events = {
	.changed = on_changed,
	.statistics = on_statistics,
	.say = on_say,
	.worker_failed = on_worker_failed,
	.keeper_died = on_keeper_died,
	.ep0_closed = on_ep0_closed,
	.switch_asked = on_switch_asked,
	.is_bound = is_bound,
	.is_configured = is_configured,
	.is_reloading = is_reloading,
	.program_trust = program_trust,
};
