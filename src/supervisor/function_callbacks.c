/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/function_callbacks.h"

#include "supervisor/binding.h"
#include "supervisor/function_failures.h"
#include "supervisor/live_gadget.h"
#include "supervisor/switch.h"
#include "supervisor/up_down.h"
#include "supervisor/usb_host.h"

static void on_function_state_changed(void *data)
{
	const struct function_callback_data *d = data;

	live_gadget_request_plan_and_status_update(d->live);
}

static void on_statistics_changed(void *data)
{
	const struct function_callback_data *d = data;

	gadget_write_status(d->live);
}

static void on_log_about_function(void *data, const char *label, int priority, const char *text)
{
	const struct function_callback_data *d = data;

	gadget_log_line(d->live, label, priority, text);
}

static void on_worker_failed(void *data, struct live_worker *worker)
{
	const struct function_callback_data *d = data;

	failures_handle_failed_worker(d->binding, worker);
}

static void on_keeper_died(void *data, struct live_function *function)
{
	const struct function_callback_data *d = data;

	failures_handle_dead_keeper(d->live, function);
}

static void on_descriptors_may_have_changed(void *data)
{
	const struct function_callback_data *d = data;

	binding_request_check(d->binding);
}

static void on_launch_fingerprint_changed(void *data, const char *old, const char *new)
{
	const struct function_callback_data *d = data;

	gadget_change_worker_steps(d->live, old, new);
}

static bool reconnect_host(void *data, const struct live_function *function)
{
	const struct function_callback_data *d = data;

	return failures_reconnect_host(d->binding, function);
}

static void on_switch_requested(void *data, struct live_worker *worker, const char *body,
				size_t size)
{
	const struct function_callback_data *d = data;

	switch_handle_request(d->switcher, worker, body, size);
}

static void on_wakeup_requested(void *data, struct live_worker *worker)
{
	const struct function_callback_data *d = data;

	/* After an unbind, `srp` would ask a host for a session (On-The-Go) */
	if (binding_is_bound_in_kernel(d->binding))
		host_wake_up(d->binding->host, worker->function->model->label);
}

static bool is_bound(void *data)
{
	const struct function_callback_data *d = data;

	return binding_is_bound_in_kernel(d->binding);
}

static bool is_configured(void *data)
{
	const struct function_callback_data *d = data;

	return host_has_configured(d->binding->host);
}

static bool is_reloading(void *data)
{
	const struct function_callback_data *d = data;

	return d->live->state == GADGET_RELOADING;
}

static enum trusted_users trusted_program_owners(void *data, const char *gadget_file_dir)
{
	const struct function_callback_data *d = data;

	return live_gadget_trusted_owners_of_programs(d->live, gadget_file_dir);
}

const struct function_callbacks supervisor_function_callbacks = {
	.function_state_changed = on_function_state_changed,
	.statistics_changed = on_statistics_changed,
	.log_about_function = on_log_about_function,
	.worker_failed = on_worker_failed,
	.keeper_died = on_keeper_died,
	.descriptors_may_have_changed = on_descriptors_may_have_changed,
	.launch_fingerprint_changed = on_launch_fingerprint_changed,
	.reconnect_host = reconnect_host,
	.switch_requested = on_switch_requested,
	.wakeup_requested = on_wakeup_requested,
	.is_bound = is_bound,
	.is_configured = is_configured,
	.is_reloading = is_reloading,
	.trusted_program_owners = trusted_program_owners,
};
