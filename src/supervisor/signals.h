/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handles signals: SIGTERM and SIGINT take the gadget down, SIGHUP requests a reload, and SIGCHLD
 * reports that a child process has ended.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"

struct functions;

/* Callbacks for signals; their argument `data` is signals.callback_data. */
struct signal_callbacks {
	void (*reload)(void *data); /* called for SIGHUP */
	void (*stop)(void *data);   /* called for SIGTERM and SIGINT */
};

struct signals {
	const struct signal_callbacks *callbacks;
	void *callback_data;
	struct functions *functions; /* functions whose keepers and workers are child processes of
					this process */
	struct fd_watch signalfd_watch; /* watch of a signalfd(2), which it owns */
};

/*
 * Lets a SIGHUP wait for signals_watch() instead of ending this process. To be called before the
 * lock of the gadget shows others that there will be a supervisor.
 */
void signals_hold_reload(void);
int signals_watch(struct signals *signals, struct loop *loop, struct error *err);
void signals_close(struct signals *signals);
/* Reaps the child processes that have ended, and reports each to its function. */
void signals_reap_children(struct functions *functions);
