/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/bind_kernel_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

/*
 * Size of the buffer for a record of /dev/kmsg, in bytes: the kernel's CONSOLE_EXT_LOG_MAX. read(2)
 * fails with EINVAL if a record does not fit into the buffer.
 */
#define KMSG_MAX 8192
/*
 * Maximum number of kernel messages to read. Without a maximum, ffsctl would read forever if the
 * kernel logs faster than ffsctl reads.
 */
#define N_KMSG_MAX 4096

void bind_kernel_log_open(struct bind_kernel_log *log)
{
	*log = (struct bind_kernel_log){ .kmsg_fd = open("/dev/kmsg",
							 O_RDONLY | O_NONBLOCK | O_CLOEXEC) };
	if (log->kmsg_fd >= 0)
		lseek(log->kmsg_fd, 0, SEEK_END);
}

void bind_kernel_log_close(struct bind_kernel_log *log)
{
	cleanup_close(&log->kmsg_fd);
	free(steal_ptr(log->function_message));
}

/*
 * Returns the part TEXT of a record like "6,339,5140900,-;TEXT\n SUBSYSTEM=udc\n ...". The caller
 * frees it.
 */
static char *kmsg_text(const char *record)
{
	const char *text = strchr(record, ';');

	return text ? xstrndup(text + 1, strcspn(text + 1, "\n")) : NULL;
}

/*
 * Returns the errno in the last message of the UDC core about a failed bind (udc/core.c): "udc UDC:
 * failed to start GADGET: -19". Returns 0 for other messages.
 */
static int failed_bind_errno(const char *text, const char *udc, const char *gadget)
{
	_cleanup_free_ char *prefix = strf("udc %s: failed to start %s: -", udc, gadget);
	const char *number = str_after(text, prefix);

	return number ? atoi(number) : 0;
}

/*
 * Returns what a function logged, for example "no endpoint" in "configfs-gadget.GADGET gadget.0: no
 * endpoint". Returns NULL for messages that are not from a function.
 */
static const char *find_function_driver_message(const char *text, const char *gadget)
{
	_cleanup_free_ char *prefix = strf("configfs-gadget.%s gadget", gadget);
	const char *device = str_after(text, prefix),
		   *message = device ? strstr(device, ": ") : NULL;

	return message ? message + 2 : NULL;
}

bool bind_kernel_log_add_kmsg(struct bind_kernel_log *log, const char *record, const char *udc,
			      const char *gadget)
{
	_cleanup_free_ char *text = kmsg_text(record);
	const char *message = text ? find_function_driver_message(text, gadget) : NULL;

	if (message) {
		free(log->function_message);
		log->function_message = xstrdup(message);
	}
	log->bind_errno = text ? failed_bind_errno(text, udc, gadget) : 0;
	return log->bind_errno != 0;
}

void bind_kernel_log_read(struct bind_kernel_log *log, const char *udc, const char *gadget)
{
	char record[KMSG_MAX + 1];

	for (int i = 0; log->kmsg_fd >= 0 && i < N_KMSG_MAX; i++) {
		ssize_t n = read(log->kmsg_fd, record, KMSG_MAX);

		if (n < 0 && errno == EPIPE) /* the kernel has overwritten the next record */
			continue;
		if (n <= 0)
			return;
		record[n] = '\0';
		if (bind_kernel_log_add_kmsg(log, record, udc, gadget))
			return;
	}
}
