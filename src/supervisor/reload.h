/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Applies another gadget file to a gadget that is up: applies the difference between the old and
 * the new plan, and reverts it on failure. A function that is in both plans keeps its mount, keeper
 * and worker. A reload is possible only in PHASE_UP.
 *
 * During a reload the supervisor's plan is the merged plan, which contains the steps of both. It is
 * written to the record before the first change, so that `down`, and a process that finds the
 * record after the supervisor died, can undo all steps.
 */
#pragma once

#include <stdbool.h>

#include "base/error.h"

struct binding;
struct gadget;
struct live_gadget;
struct reload;

/* The component that reloads the gadget file. */
struct reloader {
	struct live_gadget *live;
	struct binding *binding;
	struct reload *current_reload; /* the reload that is in progress, or that could not be
					  reverted (GADGET_BROKEN); NULL: none */
	bool reload_requested;	       /* SIGHUP requested a reload that has not begun yet */
	struct reload_result {
		struct error reload_error; /* reason why the last reload failed */
		bool was_applied;	   /* the reload applied the new gadget file */
		bool gadget_rebound;	   /* the reload unbound the gadget, and bound it again */
		bool awaits_udc;   /* the gadget is not bound, but will be when its UDC appears */
		bool bind_was_due; /* the gadget was not bound when the reload ended, but will be
				      when its workers are ready, and may be now */
	} last_result;
	struct gadget *model_from_reload; /* the gadget's model if a reload loaded it, otherwise
					     NULL; owned */
};

void reload_init(struct reloader *reloader, struct live_gadget *live, struct binding *binding);
/* Frees the current reload. Must be called before the functions of the gadget are freed. */
void reload_cancel(struct reloader *reloader);
void reload_free(struct reloader *reloader);
/*
 * Begins to apply the gadget file at `path`; NULL: the file in the record. When the reload has
 * ended, which may be before this function returns, reloader->last_result is set. Then
 * reloader->current_reload is NULL, except in GADGET_BROKEN. `keep_name`: see reload_read_file.
 * `force_eject`: ejects media that the host has locked.
 */
int reload_begin(struct reloader *reloader, const char *path, bool keep_name, bool force_eject,
		 double timeout, struct error *err);
/* Handles SIGHUP: requests a reload, which begins as soon as possible. Errors are logged. */
void reload_request(struct reloader *reloader);
/* Begins the reload that SIGHUP requested, unless another command must end first. */
void reload_begin_if_requested(struct reloader *reloader);
/* Called after each event: continues to apply the changes. */
void reload_continue(struct reloader *reloader);
/* Called after each event: continues to undo the changes. */
void reload_revert(struct reloader *reloader);
/* Called when the reload takes longer than its timeout. */
void reload_on_timeout(struct reloader *reloader);
/* Ends a reload because a keeper died. */
void reloader_handle_keeper_death(struct reloader *reloader);
