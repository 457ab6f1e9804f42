/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Writes the file RUN/NAME/status, which commands and the next supervisor read. */
#pragma once

struct binding;
struct usb_host_state;
struct live_gadget;
struct reloader;
struct takeover;

/* The components from which the status is made. */
struct status_sources {
	const struct live_gadget *live;
	const struct binding *binding;
	const struct usb_host_state *host;
	const struct reloader *reloader;
	const struct takeover *takeover;
};

/*
 * Writes the status file. Does nothing if this process only undoes the recorded steps of a dead
 * supervisor.
 */
void status_write(const struct status_sources *view);
