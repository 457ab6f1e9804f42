// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/write_value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

/*
 * Returns the one byte that is written for an empty value, because configfs refuses a write of 0
 * bytes (EFAULT): a newline, or a NUL for the name of a camera, which would keep the newline
 * (uvc_configfs.c, function_name).
 */
static const char *empty_value(const char *path)
{
	const bool keeps_newline =
		strstr(path, "/functions/uvc.") && str_has_suffix(path, "/function_name");

	return keeps_newline ? "" : "\n";
}

/*
 * Ignores the count that write(2) returns: some functions return the number of bytes that they
 * stored (uac1), others the number that they expect (the GUIDs of uvc).
 */
int configfs_write_value(const char *path, const char *value, size_t n)
{
	_cleanup_close_ int fd = open(path, O_WRONLY | O_CLOEXEC);

	if (fd >= 0 && write(fd, n ? value : empty_value(path), n ? n : 1) >= 0)
		return 0;
	return -errno;
}
