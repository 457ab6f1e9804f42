/* SPDX-License-Identifier: GPL-2.0-or-later */
/* RUN/NAME/status, which commands and the next supervisor read. */
#pragma once

struct binding;
struct host_state;
struct live_gadget;
struct reloader;
struct takeover;

/* The components that the status is about. */
struct status_view {
	const struct live_gadget *live;
	const struct binding *binding;
	const struct host_state *host;
	const struct reloader *reloader;
	const struct takeover *takeover;
};

/* Writes the file. */
void status_write(const struct status_view *of);
