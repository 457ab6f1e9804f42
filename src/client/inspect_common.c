/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/inspect_common.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/proc.h"
#include "base/text.h"
#include "configfs/configfs.h"
#include "configfs/kernel_device.h"
#include "configfs/udc.h"
#include "functionfs/mount.h"

void inspect_replace_text(char **text, const char *value)
{
	free(*text);
	*text = value && *value ? xstrdup(value) : NULL;
}

void inspect_add_problem(struct gadget_status *gadget, enum problem_severity severity,
			 const char *fmt, ...)
{
	va_list ap;

	va_start(ap, fmt);
	status_add_problem(gadget, severity, text_vformat(fmt, ap));
	va_end(ap);
}

void inspect_kernel_state_read(const struct paths *paths, const char *name,
			       struct inspect_kernel_state *kernel)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, name);
	_cleanup_free_ char *path = strf("%s/UDC", dir);

	kernel->has_configfs_directory =
		file_read_first_line(AT_FDCWD, path, &kernel->bound_udc) == 0;
	if (kernel->has_configfs_directory && *kernel->bound_udc &&
	    udc_unbound_through_sysfs(kernel->bound_udc, name))
		*kernel->bound_udc = '\0';
	kernel->udc_state = kernel->has_configfs_directory && *kernel->bound_udc
				    ? udc_read_attribute(kernel->bound_udc, "state")
				    : NULL;
	if (kernel->has_configfs_directory)
		return;
	kernel->has_configfs_directory = path_exists(dir);
	kernel->bound_udc = xstrdup("");
}

/*
 * Sets the speed only if the gadget is connected to a host. Otherwise the attribute `current_speed`
 * is the speed of the previous connection, or the maximum speed of the UDC.
 */
void inspect_set_udc_state(struct gadget_status *gadget, const struct inspect_kernel_state *kernel)
{
	bool attached = kernel->udc_state && !streq(kernel->udc_state, "not attached");
	_cleanup_free_ char *speed =
		attached ? udc_read_attribute(kernel->bound_udc, "current_speed") : NULL;

	inspect_replace_text(&gadget->udc, kernel->bound_udc);
	inspect_replace_text(&gadget->udc_state, kernel->udc_state);
	inspect_replace_text(&gadget->speed, speed && !streq(speed, "UNKNOWN") ? speed : NULL);
}

void inspect_kernel_state_free(struct inspect_kernel_state *kernel)
{
	free(kernel->bound_udc);
	free(kernel->udc_state);
	*kernel = (struct inspect_kernel_state){ 0 };
}

/*
 * Reports a worker that waits because the device file was removed: ffsctl does not notice when the
 * file is back.
 */
static void report_missing_device_file(struct gadget_status *gadget,
				       const struct function_status *function, const char *device)
{
	if (!function->has_worker || function->worker.state != STATUS_WORKER_PENDING ||
	    path_exists(device))
		return;
	if (gadget->state == STATUS_READY)
		gadget->state = STATUS_DEGRADED;
	inspect_add_problem(gadget, PROBLEM_ERROR,
			    "%s: its worker waits for %s, which does not exist; when it is back, "
			    "'ffsctl restart %s %s' starts the worker",
			    function->label, device, gadget->name, function->label);
}

void inspect_add_kernel_devices(const struct paths *paths, const char *name,
				struct gadget_status *gadget)
{
	for (size_t i = 0; i < gadget->n_functions; i++) {
		struct function_status *function = &gadget->functions[i];
		_cleanup_free_ char *dir = configfs_function_path(paths, name, function->type,
								  function->instance),
				    *device = kernel_device_file_path(dir),
				    *ifname = kernel_device_ifname(dir);

		if (device) {
			inspect_replace_text(&function->device, device);
			report_missing_device_file(gadget, function, device);
		}
		if (ifname)
			inspect_replace_text(&function->ifname, ifname);
	}
}

char *inspect_gadget_name_of_mount_path(const char *path)
{
	const char *name = str_has_prefix(path, FFS_MOUNT_TOP) ? path + strlen(FFS_MOUNT_TOP) : "";
	const char *slash = strchr(name, '/');

	return slash && slash > name && !strchr(slash + 1, '/')
		       ? xstrndup(name, (size_t)(slash - name))
		       : NULL;
}

bool inspect_mount_is_of_gadget(const char *path, const char *gadget_name)
{
	_cleanup_free_ char *name = inspect_gadget_name_of_mount_path(path);

	return streq_null(name, gadget_name) &&
	       mount_state_at(path, FFS_FILE_SYSTEM, NULL) == MOUNT_MATCH;
}

char *inspect_read_mounts(const struct paths *paths)
{
	_cleanup_free_ char *all = strf("%s/usb_gadget", paths->configfs_mount_point);

	return path_exists(all) ? mounts_read() : NULL;
}
