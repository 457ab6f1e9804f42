/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Logs what the host does with the gadget: configures it, disconnects, suspends and resumes it.
 * Other files log the binds and unbinds by ffsctl and by other programs.
 */
#pragma once

#include <stdbool.h>

#include "base/loop.h"

struct binding;
struct usb_host_state;

/* The part of struct usb_host_state for the log. */
struct host_log {
	bool configured, suspended; /* the state after the last change that was logged or counted */
	double lines_began_at;	    /* monotonic time from which n_lines counts */
	unsigned int n_lines;	    /* changes that were logged since then */
	double count_seconds;	    /* 0: changes are logged; else they are counted, and the
				       number is logged after this time */
	unsigned int n_counted;
	struct fd_watch count_timer; /* opened when it is needed first; owned */
};

/* Called after each event: logs how the state differs from the state before. */
void host_log_changes(struct usb_host_state *host, const struct binding *binding);
/* Sets the state without a line, after a takeover: what the dead supervisor has logged. */
void host_log_set_state(struct usb_host_state *host, bool configured, bool suspended);
void host_log_close(struct usb_host_state *host);
