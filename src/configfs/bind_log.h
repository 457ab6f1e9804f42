/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The kernel's log of one bind. Every failure of a function's bind is EBUSY to who writes the UDC
 * attribute, because the driver core drops the probe's error (udc/core.c); it is only logged.
 */
#pragma once

#include <stdbool.h>

struct bind_log {
	int fd;	     /* at what was logged after the opening; -1: the log cannot be read */
	int error;   /* what the bind failed with, an errno; 0: nothing is known */
	char *words; /* what a function has said about it last; NULL */
};

void bind_log_open(struct bind_log *log);
/* Reads what has come since: `error` and `words`. */
void bind_log_read(struct bind_log *log, const char *udc, const char *gadget);
void bind_log_close(struct bind_log *log);
#define _cleanup_bind_log_ __attribute__((cleanup(bind_log_close)))

/* One record of /dev/kmsg; true: it is the last one of the bind. */
bool bind_log_record(struct bind_log *log, const char *record, const char *udc, const char *gadget);
