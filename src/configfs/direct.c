// SPDX-License-Identifier: GPL-2.0-or-later
/* The back end that uses the system calls mkdir(2), symlink(2) and write(2). */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "configfs/backend.h"

static int make_directory(const char *path)
{
	return mkdir(path, 0755) < 0 ? -errno : 0;
}

static int write_attribute_directly(const char *path, const char *value)
{
	/* For an empty value writes a newline: configfs refuses a write of 0 bytes (EFAULT). */
	const char *text = *value ? value : "\n";

	return file_write(AT_FDCWD, path, text, strlen(text));
}

static int make_function_symlink(const char *path, const char *function)
{
	_cleanup_free_ char *config = path_parent(path), *configs = path_parent(config),
			    *gadget = path_parent(configs),
			    *target = strf("%s/functions/%s", gadget, function);

	return symlink(target, path) < 0 ? -errno : 0;
}

int direct_make_item(enum backend_item item, const char *path, const char *value)
{
	switch (item) {
	case ITEM_FUNCTION:
	case ITEM_CONFIG:
		return make_directory(path);
	case ITEM_SYMLINK:
		return make_function_symlink(path, value);
	case ITEM_ATTRIBUTE:
	case ITEM_STRING:
	case ITEM_CONFIG_ATTRIBUTE:
	case ITEM_CONFIG_STRING:
		return write_attribute_directly(path, value);
	}
	return -EINVAL;
}
