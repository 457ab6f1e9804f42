// SPDX-License-Identifier: GPL-2.0-or-later
/* The back end that uses the system calls mkdir(2), symlink(2) and write(2). */
#include <errno.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "configfs/backend.h"
#include "configfs/write_value.h"

static int make_directory(const char *path)
{
	return mkdir(path, 0755) < 0 ? -errno : 0;
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
		return configfs_write_value(path, value, strlen(value));
	}
	return -EINVAL;
}
