/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/util.h"

/* The number before the first comma is 8 * facility + level; the kernel's facility is 0. */
#define FIRST_PREFIX_OF_PROGRAMS 8

int kernel_log_open(void)
{
	int fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC);

	kernel_log_skip(fd);
	return fd;
}

void kernel_log_skip(int fd)
{
	if (fd >= 0)
		lseek(fd, 0, SEEK_END);
}

bool kernel_log_read_record(int fd, char record[static KERNEL_LOG_RECORD_MAX + 1])
{
	ssize_t n = fd < 0 ? 0 : read(fd, record, KERNEL_LOG_RECORD_MAX);

	if (n < 0 && errno == EPIPE) /* the kernel has overwritten the next record */
		n = 0;
	else if (n <= 0)
		return false;
	record[n] = '\0';
	return true;
}

char *kernel_log_text(const char *record)
{
	const char *text = strchr(record, ';');

	return text && strtoul(record, NULL, 10) < FIRST_PREFIX_OF_PROGRAMS
		       ? xstrndup(text + 1, strcspn(text + 1, "\n"))
		       : NULL;
}
