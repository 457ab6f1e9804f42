/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads what the kernel logs during one bind. If a function fails to bind, the write to the
 * attribute UDC always fails with EBUSY: the driver core discards the errno of the function, and
 * only the log contains it (udc/core.c).
 */
#pragma once

#include <stdbool.h>

struct bind_kernel_log {
	int kmsg_fd;		/* file descriptor of /dev/kmsg, which returns what was logged after
				   bind_kernel_log_open; -1: it cannot be read */
	int bind_errno;		/* the errno with which the bind failed; 0: unknown */
	char *function_message; /* the last message that a function logged; NULL: none */
};

void bind_kernel_log_open(struct bind_kernel_log *log);
/*
 * Reads what was logged after bind_kernel_log_open. Sets log->bind_errno and log->function_message.
 */
void bind_kernel_log_read(struct bind_kernel_log *log, const char *udc, const char *gadget);
void bind_kernel_log_close(struct bind_kernel_log *log);
#define _cleanup_bind_kernel_log_ __attribute__((cleanup(bind_kernel_log_close)))

/* Handles one record of /dev/kmsg. Returns true if it is the last record about the bind. */
bool bind_kernel_log_add_kmsg(struct bind_kernel_log *log, const char *record, const char *udc,
			      const char *gadget);
