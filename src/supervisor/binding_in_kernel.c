/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/binding_in_kernel.h"

#include <fcntl.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "configfs/udc.h"
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

bool binding_is_bound_in_kernel(const struct binding *b)
{
	_cleanup_free_ char *gadget =
		binding_configfs_has_our_udc(b) ? udc_read_attribute(b->udc, "function") : NULL;

	return gadget && streq(gadget, b->live->name);
}

/* Does the same as binding_has_unreaped_ep0_process for one function. */
static bool has_unreaped_ep0_process(const struct live_function *function)
{
	return (function->keeper.pid > 0 && !process_alive(function->keeper.pid)) ||
	       (function->worker && function->worker->model->opens_ep0 &&
		(function->worker->cleanup_stage ||
		 (function->worker->pid > 0 && !process_alive(function->worker->pid))));
}

bool binding_has_unreaped_ep0_process(const struct binding *b)
{
	for (size_t n = 0; n < b->live->functions.n; n++)
		if (has_unreaped_ep0_process(b->live->functions.list[n]))
			return true;
	return false;
}

enum binding_event binding_event_from_kernel(const struct binding *b)
{
	if (!udc_exists(b->udc))
		return BINDING_EV_UDC_REMOVED;
	if (!binding_configfs_has_our_udc(b))
		return BINDING_EV_UNBOUND;
	if (binding_is_bound_in_kernel(b))
		return BINDING_EV_BOUND;
	/*
	 * Another program may be unbinding the gadget. The second read of configfs waits until the
	 * unbind is complete.
	 */
	if (!binding_configfs_has_our_udc(b))
		return BINDING_EV_UNBOUND;
	if (b->new_udc_uevent_arrived)
		return BINDING_EV_REBIND_FAILED;
	return udc_unbound_through_sysfs(b->udc, b->live->name) ? BINDING_EV_UNBOUND
								: BINDING_EVENT_COUNT;
}
