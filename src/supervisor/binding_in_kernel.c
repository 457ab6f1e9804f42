/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/binding_in_kernel.h"

#include <fcntl.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/steps.h"
#include "configfs/udc.h"
#include "supervisor/gadget_plan.h"
#include "supervisor/live_gadget.h"

char *binding_udc_attribute_path(const struct binding *b)
{
	_cleanup_free_ char *dir = configfs_gadget_path(b->live->paths, b->live->name);

	return strf("%s/UDC", dir);
}

char *binding_udc_in_configfs(const struct binding *b)
{
	_cleanup_free_ char *path = binding_udc_attribute_path(b), *udc = NULL;

	return file_read_first_line(AT_FDCWD, path, &udc) == 0 && *udc ? steal_ptr(udc) : NULL;
}

bool binding_configfs_has_our_udc(const struct binding *b)
{
	_cleanup_free_ char *now = binding_udc_in_configfs(b);

	return now && streq_null(now, b->udc);
}

int binding_undo_bind(struct binding *b, struct error *err)
{
	_cleanup_free_ char *path = binding_udc_attribute_path(b);
	const struct step *step = gadget_last_step_if_bind(&b->live->plan);

	return step && step->state == STEP_DONE ? plan_undo_last(&b->live->plan, err)
						: configfs_unbind(path, err);
}

bool binding_is_bound_in_kernel(const struct binding *b)
{
	_cleanup_free_ char *gadget =
		binding_configfs_has_our_udc(b) ? udc_read_attribute(b->udc, "function") : NULL;

	return gadget && streq(gadget, b->live->name);
}

static bool is_daemon(const struct live_function *function)
{
	return function->worker && worker_holds_ep0(function->worker->model);
}

/* Returns whether the function's keeper holds ep0, and the gadget goes on without this keeper. */
static bool has_optional_keeper(const struct live_function *function)
{
	return function->model->optional && function_keeper_holds_ep0(function->model);
}

/*
 * Returns whether the descriptors of a daemon, or of a keeper that may die, are not those with
 * which the gadget was bound.
 */
static bool files_were_closed(const struct live_function *function)
{
	bool is_bound = binding_outlives_descriptors(function) && !function->left_out;
	uint64_t id = is_bound ? function_read_descriptors_id(function) : 0;

	return is_bound &&
	       (function->keeper_is_lost || id == 0 || id != function->descriptors_id_at_bind);
}

/* Returns whether the keeper of a function that is not optional has closed ep0: it has died. */
static bool keeper_closed_ep0(const struct live_function *function)
{
	return function_keeper_holds_ep0(function->model) && !function->model->optional &&
	       function_read_descriptors_id(function) == 0;
}

static bool any_function(const struct binding *b, bool (*is)(const struct live_function *function))
{
	for (size_t n = 0; n < b->live->functions.n; n++)
		if (is(b->live->functions.list[n]))
			return true;
	return false;
}

static bool daemon_closed_files(const struct live_function *function)
{
	return is_daemon(function) && files_were_closed(function);
}

bool binding_daemon_closed_files(const struct binding *b)
{
	return any_function(b, daemon_closed_files);
}

void binding_store_descriptors(struct binding *b)
{
	for (size_t n = 0; n < b->live->functions.n; n++) {
		struct live_function *function = b->live->functions.list[n];
		uint64_t id = has_optional_keeper(function) ? function_read_descriptors_id(function)
							    : function->descriptors_id;

		if (id != 0)
			function->descriptors_id_at_bind = id;
	}
}

/*
 * Returns which event has removed the UDC from configfs. A write by another program comes first: a
 * daemon that FunctionFS tells of this unbind (FUNCTIONFS_UNBIND) may close its files and write new
 * descriptors before ffsctl looks, but this did not unbind the gadget.
 */
static enum binding_event event_of_unbind(struct binding *b)
{
	if (any_function(b, keeper_closed_ep0))
		return BINDING_EVENT_COUNT;
	if (!binding_was_written_by_others(b) && any_function(b, files_were_closed))
		return BINDING_EV_EP0_CLOSED;
	return binding_awaits_cause_of_unbind(b) ? BINDING_EVENT_COUNT : BINDING_EV_UNBOUND;
}

enum binding_event binding_event_from_kernel(struct binding *b)
{
	if (!udc_exists(b->udc))
		return BINDING_EV_UDC_REMOVED;
	/* Waits while the kernel unbinds the gadget: both hold gadget_info.lock. */
	if (!binding_configfs_has_our_udc(b))
		return event_of_unbind(b);
	if (binding_is_bound_in_kernel(b))
		return BINDING_EV_BOUND;
	/*
	 * Another program may be unbinding the gadget. The second read of configfs waits until the
	 * unbind is complete.
	 */
	if (!binding_configfs_has_our_udc(b))
		return event_of_unbind(b);
	/* The UDC is back. Its uevent follows, and with it the next check. */
	if (b->state == BINDING_UDC_REMOVED && !b->new_udc_uevent_arrived)
		return BINDING_EVENT_COUNT;
	if (b->new_udc_uevent_arrived)
		return BINDING_EV_REBIND_FAILED;
	return udc_unbound_through_sysfs(b->udc, b->live->name) ? BINDING_EV_UNBOUND
								: BINDING_EVENT_COUNT;
}
