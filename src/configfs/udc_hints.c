/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Reasons why this system has no UDC, or why no host sees one, from role switches and drivers. */
#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/udc.h"
#include "configfs/udc_driver_table.h"

#define ROLE_CLASS_DIR "/sys/class/usb_role"
#define PLATFORM_DRIVERS_DIR "/sys/bus/platform/drivers"

/* Sentences that say why the system may have no UDC, each with a remedy. */
struct missing_udc_hints {
	char **hints;
	size_t n;
};

/* Returns the role of a role switch in /sys/class/usb_role; NULL: unknown. */
static char *role_of_switch(const char *role_switch)
{
	_cleanup_free_ char *path = strf(ROLE_CLASS_DIR "/%s/role", role_switch);
	char *role;

	return file_read_first_line(AT_FDCWD, path, &role) < 0 ? NULL : role;
}

static char *role_switch_hint(const char *role_switch, const char *role)
{
	return strf("the role switch %s is set to '%s': echo device > " ROLE_CLASS_DIR "/%s/role",
		    role_switch, role, role_switch);
}

/* Adds a hint if the role switch is not set to device mode. */
static void add_role_switch_hint(struct missing_udc_hints *h, const char *role_switch)
{
	_cleanup_free_ char *role = role_of_switch(role_switch);

	if (role && !streq(role, "device"))
		*array_add(h->hints, h->n) = role_switch_hint(role_switch, role);
}

/*
 * Adds a hint if the controller `device` of a dual-role driver is a host now and becomes a device
 * by debugfs, as dwc3 (dwc3_mode_write()). Returns whether it is so.
 */
static bool add_debugfs_hint(struct missing_udc_hints *h, const char *device, const char *dr_mode)
{
	_cleanup_free_ char *path = strf(USB_DEBUGFS_DIR "/%s/mode", device), *mode = NULL;

	if (streq_null(dr_mode, "host") || file_read_first_line(AT_FDCWD, path, &mode) < 0 ||
	    !streq(mode, "host"))
		return false;
	*array_add(h->hints, h->n) = strf("%s is set to 'host': echo device > %s", device, path);
	return true;
}

/*
 * Adds a hint for each controller of the dual-role driver `driver` that is not in device mode: such
 * a controller has no UDC.
 */
static void add_dual_role_hint(struct missing_udc_hints *h, const char *driver)
{
	_cleanup_free_ char *dir = strf(PLATFORM_DRIVERS_DIR "/%s", driver);
	DIR *d = opendir(dir);
	struct dirent *entry;

	while (d && (entry = readdir(d))) {
		_cleanup_free_ char *path = strf("%s/%s/udc", dir, entry->d_name),
				    *mode_path = NULL, *mode = NULL;

		/* The links in a driver's directory lead to its devices, except "module". */
		if (entry->d_type != DT_LNK || streq(entry->d_name, "module") || path_exists(path))
			continue;
		mode_path = strf("%s/%s/of_node/dr_mode", dir, entry->d_name);
		if (file_read_first_line(AT_FDCWD, mode_path, &mode) < 0)
			mode = NULL;
		if (add_debugfs_hint(h, entry->d_name, mode))
			continue;
		*array_add(h->hints, h->n) =
			strf("%s (%s) is not in device mode%s%s%s: in the device tree dr_mode "
			     "must be \"peripheral\" or \"otg\", and the kernel must support it",
			     entry->d_name, driver, mode ? " (dr_mode is \"" : "", mode ? mode : "",
			     mode ? "\")" : "");
	}
	if (d)
		closedir(d);
}

size_t udc_absence_hints(char ***hints)
{
	struct missing_udc_hints h = { 0 };
	DIR *d = opendir(ROLE_CLASS_DIR);
	struct dirent *entry;

	while (d && (entry = readdir(d)))
		if (entry->d_name[0] != '.')
			add_role_switch_hint(&h, entry->d_name);
	if (d)
		closedir(d);
	for (const struct udc_traits *t = udc_traits_table; t->driver; t++)
		if (t->dual_role)
			add_dual_role_hint(&h, t->driver);
	if (h.n == 0)
		*array_add(h.hints, h.n) = xstrdup("load the controller's driver, and put the port "
						   "in device mode: see 'ffsctl doctor'");
	*hints = h.hints;
	return h.n;
}

/* Returns whether the UDC at `udc_path` in sysfs is of the controller that has the role switch. */
static bool switches_udc(const char *role_switch, const char *udc_path)
{
	_cleanup_free_ char *link = strf(ROLE_CLASS_DIR "/%s/device", role_switch),
			    *device = realpath(link, NULL),
			    *prefix = device ? strf("%s/", device) : NULL;

	return prefix && str_has_prefix(udc_path, prefix);
}

/*
 * Returns a hint if the role switch makes a host of the port of this UDC. The role "none" may be
 * that of a device, too (role-switch-default-mode).
 */
static char *host_role_hint(const char *role_switch, const char *udc_path)
{
	_cleanup_free_ char *role = role_of_switch(role_switch);

	return streq_null(role, "host") && switches_udc(role_switch, udc_path)
		       ? role_switch_hint(role_switch, role)
		       : NULL;
}

char *udc_role_switch_hint(const char *udc)
{
	_cleanup_free_ char *link = strf(UDC_CLASS_DIR "/%s", udc), *path = realpath(link, NULL);
	DIR *d = path ? opendir(ROLE_CLASS_DIR) : NULL;
	struct dirent *entry;
	char *hint = NULL;

	while (d && !hint && (entry = readdir(d)))
		hint = host_role_hint(entry->d_name, path);
	if (d)
		closedir(d);
	return hint;
}
