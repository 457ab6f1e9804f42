/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/bus_kernel.h"

#include <fcntl.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "configfs/udc.h"
#include "supervisor/live_gadget.h"

char *bus_udc_path(const struct binding *b)
{
	_cleanup_free_ char *dir = configfs_gadget_path(b->live->paths, b->live->name);

	return strf("%s/UDC", dir);
}

char *bus_udc_in_configfs(const struct binding *b)
{
	_cleanup_free_ char *path = bus_udc_path(b), *udc = NULL;

	return file_read_line(AT_FDCWD, path, &udc) == 0 && *udc ? steal_ptr(udc) : NULL;
}

bool bus_configfs_has_udc(const struct binding *b)
{
	_cleanup_free_ char *now = bus_udc_in_configfs(b);

	return now && streq_null(now, b->udc);
}

bool bus_is_bound(const struct binding *b)
{
	_cleanup_free_ char *gadget =
		bus_configfs_has_udc(b) ? udc_read_attribute(b->udc, "function") : NULL;

	return gadget && streq(gadget, b->live->name);
}

/* Returns whether a process whose end unbinds the gadget has died and is not reaped yet. */
static bool has_unreaped_process(const struct live_function *function)
{
	return (function->keeper.pid > 0 && !process_alive(function->keeper.pid)) ||
	       (function->worker && function->worker->model->opens_ep0 &&
		(function->worker->leftovers ||
		 (function->worker->pid > 0 && !process_alive(function->worker->pid))));
}

bool bus_has_unreaped_process(const struct binding *b)
{
	for (size_t n = 0; n < b->live->functions.n; n++)
		if (has_unreaped_process(b->live->functions.list[n]))
			return true;
	return false;
}

enum bus_event bus_event_from_kernel(const struct binding *b)
{
	if (!udc_exists(b->udc))
		return BUS_EV_UDC_REMOVED;
	if (!bus_configfs_has_udc(b))
		return BUS_EV_UNBOUND;
	if (bus_is_bound(b))
		return BUS_EV_BOUND;
	/*
	 * Another program may be unbinding the gadget. The second read of configfs waits until the
	 * unbind is complete.
	 */
	if (!bus_configfs_has_udc(b))
		return BUS_EV_UNBOUND;
	if (b->new_udc_announced)
		return BUS_EV_REBIND_FAILED;
	return udc_unbound_through_sysfs(b->udc, b->live->name) ? BUS_EV_UNBOUND : BUS_EVENT_COUNT;
}
