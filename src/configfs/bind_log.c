/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/bind_log.h"

#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

#define RECORD_MAX                                                                                 \
	8192 /* the kernel's CONSOLE_EXT_LOG_MAX; read(2) of a longer record fails with EINVAL */
#define RECORDS_MAX 4096 /* limits reading, because the kernel may log faster than this reads */

void bind_log_open(struct bind_log *log)
{
	*log = (struct bind_log){ .fd = open("/dev/kmsg", O_RDONLY | O_NONBLOCK | O_CLOEXEC) };
	if (log->fd >= 0)
		lseek(log->fd, 0, SEEK_END);
}

void bind_log_close(struct bind_log *log)
{
	cleanup_close(&log->fd);
	free(steal_ptr(log->function_message));
}

/*
 * Returns the part TEXT of a record like "6,339,5140900,-;TEXT\n SUBSYSTEM=udc\n ...". The caller
 * frees it.
 */
static char *record_text(const char *record)
{
	const char *text = strchr(record, ';');

	return text ? xstrndup(text + 1, strcspn(text + 1, "\n")) : NULL;
}

/*
 * Returns the errno in the record that the UDC core logs last when a bind fails (udc/core.c): "udc
 * UDC: failed to start GADGET: -19". Returns 0 for other records.
 */
static int failed_bind_errno(const char *text, const char *udc, const char *gadget)
{
	_cleanup_free_ char *prefix = strf("udc %s: failed to start %s: -", udc, gadget);
	const char *number = str_after(text, prefix);

	return number ? atoi(number) : 0;
}

/*
 * Returns the message in a record that a function logged, for example "no endpoint" in
 * "configfs-gadget.GADGET gadget.0: no endpoint". Returns NULL for other records.
 */
static const char *message_of_function(const char *text, const char *gadget)
{
	_cleanup_free_ char *prefix = strf("configfs-gadget.%s gadget", gadget);
	const char *device = str_after(text, prefix), *words = device ? strstr(device, ": ") : NULL;

	return words ? words + 2 : NULL;
}

bool bind_log_record(struct bind_log *log, const char *record, const char *udc, const char *gadget)
{
	_cleanup_free_ char *text = record_text(record);
	const char *words = text ? message_of_function(text, gadget) : NULL;

	if (words) {
		free(log->function_message);
		log->function_message = xstrdup(words);
	}
	log->error = text ? failed_bind_errno(text, udc, gadget) : 0;
	return log->error != 0;
}

void bind_log_read(struct bind_log *log, const char *udc, const char *gadget)
{
	char record[RECORD_MAX + 1];

	for (int i = 0; log->fd >= 0 && i < RECORDS_MAX; i++) {
		ssize_t n = read(log->fd, record, RECORD_MAX);

		if (n < 0 && errno == EPIPE) /* the next record was overwritten */
			continue;
		if (n <= 0)
			return;
		record[n] = '\0';
		if (bind_log_record(log, record, udc, gadget))
			return;
	}
}
