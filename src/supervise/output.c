/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervise/output.h"

#include <errno.h>
#include <fcntl.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"

void output_init(struct output *output, int dir_fd)
{
	*output = (struct output){ .dir_fd = dir_fd, .fd = -1 };
}

void output_close(struct output *output)
{
	if (output->fd >= 0)
		close(output->fd);
	output->fd = -1;
}

static int open_log(struct output *output)
{
	if (output->fd < 0)
		output->fd = openat(output->dir_fd, RUNDIR_LOG,
				    O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NOFOLLOW, 0640);
	return output->fd;
}

/* Keeps the second half. The file is replaced, so that who reads the old one goes on reading it. */
static void halve(struct output *output)
{
	_cleanup_free_ char *last = xcalloc(1, OUTPUT_KEPT);
	ssize_t n = pread(output->fd, last, OUTPUT_KEPT, (off_t)(output->size - OUTPUT_KEPT));

	output_close(output);
	output->size = n > 0 ? (size_t)n : 0;
	file_replace(output->dir_fd, RUNDIR_LOG, last, output->size, 0640);
}

/* Words that cannot be kept (a full file system) are lost; nothing else depends on them. */
void output_write(struct output *output, const void *data, size_t size)
{
	if (output->size + size > 2 * OUTPUT_KEPT)
		halve(output);
	if (open_log(output) >= 0 && fd_write_all(output->fd, data, size) == 0)
		output->size += size;
}
