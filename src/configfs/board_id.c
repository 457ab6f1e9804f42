// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/board_id.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"

#define MACHINE_ID "/etc/machine-id"
#define DEVICE_TREE_DIR "/proc/device-tree"
#define DEVICE_TREE DEVICE_TREE_DIR "/serial-number"
#define MAX_FILE 4096

const char *board_id_path(const char *from)
{
	return streq(from, "machine-id")    ? MACHINE_ID
	       : streq(from, "device-tree") ? DEVICE_TREE
					    : from;
}

int board_id_parse_machine_id(const char *line, uint8_t id[MACHINE_ID_SIZE], struct error *err)
{
	if (strlen(line) != 2 * MACHINE_ID_SIZE ||
	    strspn(line, "0123456789abcdef") != 2 * MACHINE_ID_SIZE ||
	    strspn(line, "0") == 2 * MACHINE_ID_SIZE) {
		error_set(err, EX_UNAVAILABLE, EINVAL, MACHINE_ID,
			  "%s does not contain a machine id", MACHINE_ID);
		return error_add_hint(err, "'systemd-machine-id-setup' makes one");
	}
	for (int i = 0; i < MACHINE_ID_SIZE; i++)
		sscanf(line + 2 * i, "%2hhx", &id[i]);
	return 0;
}

int board_id_read(const char *from, const char *purpose, char **line, struct error *err)
{
	const char *path = board_id_path(from);
	_cleanup_free_ char *text = NULL;
	struct stat st;
	int r = stat(path, &st) < 0 ? -errno : 0;

	/* Opening a FIFO would block. */
	if (r == 0 && !S_ISREG(st.st_mode))
		return error_set(err, EX_UNAVAILABLE, EINVAL, path,
				 "cannot read %s from %s: not a regular file", purpose, path);
	if (r == 0)
		r = file_read(AT_FDCWD, path, MAX_FILE, &text, NULL);
	if (r < 0) {
		error_errno(err, EX_UNAVAILABLE, -r, path, "cannot read %s from %s", purpose, path);
		if (r == -ENOENT && streq(from, "device-tree"))
			error_add_detail(err,
					 path_exists(DEVICE_TREE_DIR)
						 ? "this machine's device tree has no serial number"
						 : "this machine has no device tree");
		if (r == -ENOENT && streq(from, "machine-id"))
			error_add_hint(err, "'systemd-machine-id-setup' makes one, without systemd "
					    "'dbus-uuidgen --ensure=" MACHINE_ID "'");
		return r;
	}
	/*
	 * Keeps only the first line. A string of the device tree ends with a NUL, not with a
	 * newline.
	 */
	text[strcspn(text, "\r\n")] = '\0';
	*line = steal_ptr(text);
	return 0;
}
