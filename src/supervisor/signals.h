/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Handles signals: SIGTERM and SIGINT take the gadget down, SIGHUP reloads, SIGCHLD reports the end
 * of a child.
 */
#pragma once

#include "base/error.h"
#include "base/loop.h"

struct functions;

/* `owner` is signals.owner. */
struct signal_events {
	void (*reload)(void *owner); /* SIGHUP */
	void (*stop)(void *owner);   /* SIGTERM or SIGINT */
};

struct signals {
	const struct signal_events *events;
	void *owner;
	struct functions *functions; /* their keepers and workers are children */
	struct fd_watch watch;	     /* owns its descriptor */
};

int signals_watch(struct signals *signals, struct loop *loop, struct error *err);
void signals_close(struct signals *signals);
/* Reaps child processes, and reports their end to the functions and their owner. */
void signals_reap(struct functions *functions);
