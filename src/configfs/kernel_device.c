/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/kernel_device.h"

#include <dirent.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "configfs/udc.h"
#include "gadgetfile/keys/function_types.h"

/* Returns the attribute `name` in the directory `dir`; NULL: it cannot be read, or is empty. */
static char *read_attribute(const char *dir, const char *name)
{
	_cleanup_free_ char *path = strf("%s/%s", dir, name), *text = NULL;

	return file_read_first_line(AT_FDCWD, path, &text) == 0 && *text ? steal_ptr(text) : NULL;
}

static char *serial_port_path(const char *dir)
{
	_cleanup_free_ char *number = read_attribute(dir, "port_num");

	return number ? strf("/dev/ttyGS%s", number) : NULL;
}

/*
 * Returns the path of the character device whose number is the function's attribute `dev`. Returns
 * NULL if the device does not exist (yet): before Linux 6.1 the kernel makes the device later than
 * the function.
 */
static char *character_device_path(const char *dir)
{
	_cleanup_free_ char *number = read_attribute(dir, "dev"), *path = NULL, *text = NULL;
	char *name;

	if (!number)
		return NULL;
	path = strf("/sys/dev/char/%s/uevent", number);
	if (file_read(AT_FDCWD, path, 4096, &text, NULL) < 0)
		return NULL;
	name = strstr(text, "DEVNAME=");
	if (!name)
		return NULL;
	name += strlen("DEVNAME=");
	name[strcspn(name, "\n")] = '\0';
	return strf("/dev/%s", name);
}

/* Returns whether the two paths lead to the same directory. */
static bool same_directory(const char *a, const char *b)
{
	struct stat st_a, st_b;

	return stat(a, &st_a) == 0 && stat(b, &st_b) == 0 && st_a.st_ino == st_b.st_ino &&
	       st_a.st_dev == st_b.st_dev;
}

/*
 * Returns the path of the video device whose attribute function_name is the name of this function
 * (f_uvc.c). Also checks that in sysfs the device is below the UDC of this gadget, because another
 * gadget may have a function of the same name.
 */
static char *video_device_path(const char *dir)
{
	static const char class[] = "/sys/class/video4linux";
	_cleanup_free_ char *functions = path_parent(dir), *gadget = path_parent(functions),
			    *udc = read_attribute(gadget, "UDC"),
			    *controller = udc ? strf(UDC_CLASS_DIR "/%s/device", udc) : NULL;
	DIR *devices = controller ? opendir(class) : NULL;
	const struct dirent *entry;
	char *found = NULL;

	while (devices && !found && (entry = readdir(devices))) {
		_cleanup_free_ char *device = strf("%s/%s", class, entry->d_name),
				    *above = strf("%s/device/..", device),
				    *function = read_attribute(device, "function_name");

		if (function && streq(function, path_last_component(dir)) &&
		    same_directory(above, controller))
			found = strf("/dev/%s", entry->d_name);
	}
	if (devices)
		closedir(devices);
	return found;
}

static char *network_interface_name(const char *dir)
{
	_cleanup_free_ char *name = read_attribute(dir, "ifname");

	/* Before the bind, ifname contains a pattern or "(unnamed net_device)". */
	return name && !strpbrk(name, "%(") ? steal_ptr(name) : NULL;
}

/* Returns what kind of device the function has. The last component of `dir` is TYPE.INSTANCE. */
static enum function_device device_kind(const char *dir)
{
	const char *name = path_last_component(dir);
	_cleanup_free_ char *type = xstrndup(name, strcspn(name, "."));

	return function_type_device(type);
}

bool kernel_reports_device_of_function_type(const char *type)
{
	return function_type_device(type) != FUNCTION_DEVICE_NONE;
}

char *kernel_device_file_path(const char *dir)
{
	switch (device_kind(dir)) {
	case FUNCTION_DEVICE_TTY:
		return serial_port_path(dir);
	case FUNCTION_DEVICE_CHARACTER:
		return character_device_path(dir);
	case FUNCTION_DEVICE_VIDEO:
		return video_device_path(dir);
	case FUNCTION_DEVICE_NETWORK:
	case FUNCTION_DEVICE_NONE:
		break;
	}
	return NULL;
}

char *kernel_device_ifname(const char *dir)
{
	return device_kind(dir) == FUNCTION_DEVICE_NETWORK ? network_interface_name(dir) : NULL;
}
