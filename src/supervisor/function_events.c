/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/function_events.h"

#include "supervisor/bus.h"
#include "supervisor/failures.h"
#include "supervisor/host.h"
#include "supervisor/live_gadget.h"
#include "supervisor/switch.h"

static void on_changed(void *owner)
{
	const struct function_owner *o = owner;

	gadget_changed(o->live);
}

static void on_statistics(void *owner)
{
	const struct function_owner *o = owner;

	gadget_write_status(o->live);
}

static void on_log(void *owner, const char *label, int priority, const char *text)
{
	const struct function_owner *o = owner;

	gadget_log_line(o->live, label, priority, text);
}

static void on_worker_failed(void *owner, struct live_worker *worker)
{
	const struct function_owner *o = owner;

	failures_handle_worker(o->binding, worker);
}

static void on_keeper_died(void *owner, struct live_function *function)
{
	const struct function_owner *o = owner;

	failures_handle_keeper(o->live, function);
}

static void on_ep0_closed(void *owner)
{
	const struct function_owner *o = owner;

	bus_ep0_closed(o->binding);
}

static void on_switch_requested(void *owner, struct live_worker *worker, const char *body,
				size_t size)
{
	const struct function_owner *o = owner;

	switch_request(o->switcher, worker, body, size);
}

static bool is_bound(void *owner)
{
	const struct function_owner *o = owner;

	return bus_is_on(o->binding);
}

static bool is_configured(void *owner)
{
	const struct function_owner *o = owner;

	return host_has_configured(o->binding->host);
}

static bool is_reloading(void *owner)
{
	const struct function_owner *o = owner;

	return o->live->state == GADGET_RELOADING;
}

static enum trust program_trust(void *owner, const char *dir)
{
	const struct function_owner *o = owner;

	return gadget_program_trust(o->live, dir);
}

const struct function_events supervisor_function_events = {
	.changed = on_changed,
	.statistics = on_statistics,
	.log = on_log,
	.worker_failed = on_worker_failed,
	.keeper_died = on_keeper_died,
	.ep0_closed = on_ep0_closed,
	.switch_requested = on_switch_requested,
	.is_bound = is_bound,
	.is_configured = is_configured,
	.is_reloading = is_reloading,
	.program_trust = program_trust,
};
