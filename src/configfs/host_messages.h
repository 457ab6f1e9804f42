/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds what the kernel logs when a host cannot configure a gadget. The kernel of the gadget only
 * logs that a function has no descriptors for the speed (composite.c, f_fs.c). If the host is this
 * system, too, because the UDC is one of dummy_hcd, the log also has the host's messages.
 */
#pragma once

#include <stdbool.h>

/* What the kernel has logged since the host last began to enumerate the gadget. */
struct host_messages {
	/* The messages, each in double quotes, separated by commas; NULL: none. Owned. */
	char *quoted;
	bool host_was_refused;	 /* the host's SET_CONFIGURATION failed */
	bool descriptors_lacked; /* a function has no descriptors for the speed */
};

void host_messages_clear(struct host_messages *messages);
/*
 * Handles one record of /dev/kmsg. `udc` is the UDC to which the gadget is bound. Returns whether
 * it has changed *messages.
 */
bool host_messages_add_kmsg(struct host_messages *messages, const char *record, const char *udc,
			    const char *gadget);
