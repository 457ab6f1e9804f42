/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel device of a kernel function: its device node or its network interface. Most kernel
 * devices exist from bind to unbind, also if another program binds the gadget. So the workers that
 * use them start and end with the device.
 */
#include <errno.h>
#include <fcntl.h>
#include <net/if.h>
#include <stdlib.h>
#include <sys/epoll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/configfs.h"
#include "configfs/kernel_device.h"
#include "function/function.h"

static bool start_condition_is_met(const struct live_function *function)
{
	switch (function->model->worker->start_when) {
	case START_CREATED:
		return true;
	case START_BOUND:
		return function->functions->callbacks->is_bound(function->functions->callback_data);
	case START_CONFIGURED:
		return function->functions->callbacks->is_bound(
			       function->functions->callback_data) &&
		       function->functions->callbacks->is_configured(
			       function->functions->callback_data);
	}
	return false;
}

/*
 * Returns an id of the device. Each bind creates a new device, which may have the same name, but
 * has another id.
 */
static uint64_t kernel_device_inode_or_ifindex(const struct kernel_device *device)
{
	struct stat st;

	if (device->ifname)
		return if_nametoindex(device->ifname);
	return device->device_node && stat(device->device_node, &st) == 0 ? st.st_ino : 0;
}

bool function_can_start_worker(struct live_function *function)
{
	_cleanup_free_ char *dir = NULL;
	struct kernel_device *device = &function->kernel_device;
	const char *type = function->model->type;

	if (function->model->ffs)
		return true;
	dir = function_mount_or_configfs_path(function);
	free(device->device_node);
	free(device->ifname);
	device->device_node = kernel_device_file_path(dir);
	device->ifname = kernel_device_ifname(dir);
	device->inode_or_ifindex = kernel_device_inode_or_ifindex(device);
	/* Without devtmpfs the device node may appear after the bind. */
	return start_condition_is_met(function) &&
	       (device->inode_or_ifindex != 0 || !kernel_reports_device_of_function_type(type));
}

static bool uses_kernel_device(const struct live_function *function)
{
	return function->worker && !function->model->ffs;
}

void functions_update_kernel_devices(struct functions *all)
{
	for (size_t k = 0; k < all->n; k++) {
		struct live_function *function = all->list[k];
		bool available;

		if (!uses_kernel_device(function))
			continue;
		available = function_can_start_worker(function);
		if (!available || function->kernel_device.inode_or_ifindex !=
					  function->kernel_device.inode_or_ifindex_at_start)
			function->worker->handle_event(function->worker, WORKER_EV_REMOVED);
		if (available)
			function->worker->handle_event(function->worker, WORKER_EV_APPEARED);
	}
}

bool functions_need_all_uevents(const struct functions *all)
{
	for (size_t k = 0; k < all->n; k++)
		if (uses_kernel_device(all->list[k]) &&
		    all->list[k]->model->worker->start_when != START_CREATED)
			return true;
	return false;
}

const char *function_event_before_start(const struct live_function *function)
{
	if (!uses_kernel_device(function) || function->worker->state != WORKER_PENDING ||
	    start_condition_is_met(function))
		return NULL;
	return function->model->worker->start_when == START_CONFIGURED
		       ? "a host has configured the gadget"
		       : "the gadget is bound";
}

int function_check_device_file(const struct live_function *function, struct error *err)
{
	const char *label = function->model->label;
	const char *file = function->kernel_device.device_node;

	if (!uses_kernel_device(function) || function->worker->state != WORKER_PENDING ||
	    !start_condition_is_met(function) || !file ||
	    function->kernel_device.inode_or_ifindex != 0)
		return 0;
	error_set(err, EX_UNAVAILABLE, ENOENT, file,
		  "cannot start the worker of '%s': its device file %s does not exist", label,
		  file);
	return error_add_hint(err, "when it is back, 'ffsctl restart %s %s' starts the worker",
			      function->functions->gadget_name, label);
}

char *function_mount_or_configfs_path(const struct live_function *function)
{
	const struct function *f = function->model;

	return f->ffs ? xstrdup(f->ffs->mount.path)
		      : configfs_function_path(function->functions->paths,
					       function->functions->gadget_name, f->type,
					       f->instance);
}

bool function_blocks_bind(const struct live_function *function)
{
	return function->model->ffs;
}
