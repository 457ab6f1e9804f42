/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/bind_kernel_log.h"

#include <stdlib.h>
#include <string.h>

#include "base/cleanup.h"
#include "base/util.h"
#include "configfs/kernel_log.h"

void bind_kernel_log_open(struct bind_kernel_log *log)
{
	*log = (struct bind_kernel_log){ .kmsg_fd = kernel_log_open() };
}

void bind_kernel_log_close(struct bind_kernel_log *log)
{
	cleanup_close(&log->kmsg_fd);
	free(steal_ptr(log->function_message));
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
	_cleanup_free_ char *text = kernel_log_text(record);
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
	char record[KERNEL_LOG_RECORD_MAX + 1];

	for (int i = 0; i < KERNEL_LOG_RECORDS_MAX; i++)
		if (!kernel_log_read_record(log->kmsg_fd, record) ||
		    bind_kernel_log_add_kmsg(log, record, udc, gadget))
			return;
}
