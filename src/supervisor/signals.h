/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handles signals: SIGTERM and SIGINT take the gadget down, SIGHUP requests a reload, and SIGCHLD
 * reports that a child process has ended.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"

struct functions;

/* Callbacks of the signals' owner; the argument `owner` is signals.owner. */
struct signal_events {
	void (*reload)(void *owner); /* SIGHUP */
	void (*stop)(void *owner);   /* SIGTERM or SIGINT */
};

struct signals {
	const struct signal_events *events;
	void *owner;
	struct functions *functions; /* whose keepers and workers are the child processes */
	struct fd_watch watch;	     /* of a signalfd(2), which it owns */
};

int signals_watch(struct signals *signals, struct loop *loop, struct error *err);
void signals_close(struct signals *signals);
/* Reaps the child processes that have ended, and reports each to its function. */
void signals_reap(struct functions *functions);
