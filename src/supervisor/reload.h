/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Applies another gadget file to a gadget that is up: applies the difference of the two plans, and
 * undoes it on failure. Functions that stay keep mount, keeper and worker. Used only in PHASE_UP.
 *
 * Meanwhile the supervisor's plan is the merged plan, written to disk before the first change:
 * `down`, and programs that find the record of a dead supervisor, undo both.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct binding;
struct gadget;
struct live_gadget;
struct reload;

struct reloader {
	struct live_gadget *live;
	struct binding *binding;
	struct reload *current; /* not NULL during a reload and in GADGET_BROKEN */
	bool requested;		/* SIGHUP arrived, and the reload has not begun */
	struct reload_result {
		struct error error; /* reason why the last reload failed */
		bool changed, rebound;
		bool awaits_udc; /* the gadget is bound later, when its UDC appears */
	} result;
	struct gadget *own_gadget; /* the model, if a reload loaded it; else NULL */
};

void reload_init(struct reloader *reloader, struct live_gadget *live, struct binding *binding);
/* Called before the functions are freed. */
void reload_cancel(struct reloader *reloader);
void reload_free(struct reloader *reloader);
/*
 * Begins to reload from a file (NULL: the current one). At the end, perhaps at once,
 * reloader->current is NULL (or kept in GADGET_BROKEN) and reloader->result is set.
 */
int reload_begin(struct reloader *reloader, const char *path, bool renamed, double timeout,
		 struct error *err);
/* Requests a reload for SIGHUP: it begins as soon as possible. Errors go to the log. */
void reload_request(struct reloader *reloader);
/* Begins the reload that SIGHUP requested, if possible now. */
void reload_begin_requested(struct reloader *reloader);
/* Called after each event: continues to apply the changes. */
void reload_continue(struct reloader *reloader);
/* Called after each event: continues to undo the changes. */
void reload_revert(struct reloader *reloader);
/* Handles the timeout. */
void reload_too_late(struct reloader *reloader);
/* Ends a reload because a keeper died. */
void reload_failed(struct reloader *reloader);
