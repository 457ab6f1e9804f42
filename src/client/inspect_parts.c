/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "client/inspect_parts.h"

#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/proc.h"
#include "configfs/configfs.h"
#include "configfs/kernel_device.h"
#include "configfs/udc.h"

void inspect_set_string(json_t *object, const char *key, const char *value)
{
	json_object_set_new(object, key, json_string_or_null(value && *value ? value : NULL));
}

void inspect_add_problem(json_t *gadget, const char *severity, const char *fmt, ...)
{
	_cleanup_free_ char *text = NULL;
	va_list ap;

	va_start(ap, fmt);
	if (vasprintf(&text, fmt, ap) < 0)
		text = NULL;
	va_end(ap);
	json_array_append_new(
		json_object_get(gadget, "problems"),
		json_pack("{s:s, s:s}", "severity", severity, "text", text ? text : "?"));
}

json_t *inspect_new_gadget(const char *name, const char *state)
{
	return json_pack("{s:s, s:n, s:s, s:n, s:n, s:n, s:n, s:n, s:[], s:[]}", "name", name,
			 "file", "state", state, "udc", "udc_state", "speed", "since", "supervisor",
			 "functions", "problems");
}

void inspect_kernel_state_read(const struct paths *paths, const char *name,
			       struct inspect_kernel_state *kernel)
{
	_cleanup_free_ char *dir = configfs_gadget_path(paths, name);
	_cleanup_free_ char *path = strf("%s/UDC", dir);

	kernel->exists = file_read_line(AT_FDCWD, path, &kernel->udc) == 0;
	if (kernel->exists && *kernel->udc && udc_lacks(kernel->udc, name))
		*kernel->udc = '\0';
	kernel->state = kernel->exists && *kernel->udc ? udc_attribute(kernel->udc, "state") : NULL;
	if (kernel->exists)
		return;
	kernel->exists = path_exists(dir);
	kernel->udc = xstrdup("");
}

/*
 * Sets the speed only with a connection: without one, `current_speed` is the previous one or the
 * maximum of the UDC.
 */
void inspect_set_udc(json_t *gadget, const struct inspect_kernel_state *kernel)
{
	bool attached = kernel->state && !streq(kernel->state, "not attached");
	_cleanup_free_ char *speed = attached ? udc_attribute(kernel->udc, "current_speed") : NULL;

	inspect_set_string(gadget, "udc", kernel->udc);
	inspect_set_string(gadget, "udc_state", kernel->state);
	inspect_set_string(gadget, "speed", speed && !streq(speed, "UNKNOWN") ? speed : NULL);
}

void inspect_kernel_state_free(struct inspect_kernel_state *kernel)
{
	free(kernel->udc);
	free(kernel->state);
	*kernel = (struct inspect_kernel_state){ 0 };
}

void inspect_add_kernel_devices(const struct paths *paths, const char *name, json_t *gadget)
{
	json_t *function;
	size_t i;

	json_array_foreach(json_object_get(gadget, "functions"), i, function) {
		const char *type = json_text(function, "type", NULL),
			   *instance = json_text(function, "instance", NULL);
		_cleanup_free_ char *dir = NULL, *device = NULL, *ifname = NULL;

		if (!type || !instance)
			continue;
		dir = configfs_function_path(paths, name, type, instance);
		device = kernel_device_path(dir);
		ifname = kernel_device_ifname(dir);
		if (device)
			inspect_set_string(function, "device", device);
		if (ifname)
			inspect_set_string(function, "ifname", ifname);
	}
}

char *inspect_mounted_name(const char *path)
{
	const char *name = str_has_prefix(path, FFS_TOP) ? path + strlen(FFS_TOP) : "";
	const char *slash = strchr(name, '/');

	return slash && slash > name && !strchr(slash + 1, '/')
		       ? xstrndup(name, (size_t)(slash - name))
		       : NULL;
}

char *inspect_mounts(const struct paths *paths)
{
	_cleanup_free_ char *all = strf("%s/usb_gadget", paths->configfs);

	return path_exists(all) ? mounts_read() : NULL;
}
