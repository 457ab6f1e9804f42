/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All live functions of one gadget, and what they share. Their owner is the supervisor, or a unit
 * test. The functions of struct function_events report events to the owner and ask it for its
 * state.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <stddef.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/loop.h"
#include "base/paths.h"
#include "base/trust.h"
#include "rundir/output.h"
#include "rundir/rundir.h"

struct live_function;
struct live_worker;

/* The phase of a gadget's life. */
enum phase {
	PHASE_WAITING_UDC, /* no step is applied yet */
	PHASE_COMING_UP,
	PHASE_UP,
	PHASE_GOING_DOWN,
	PHASE_GONE,
};

/*
 * `owner` is functions.owner. The event loop calls these functions; none of them may free a live
 * function.
 */
struct function_events {
	/* Something has changed on which the plan or the status may depend. */
	void (*changed)(void *owner);
	/* The statistics of a worker changed. */
	void (*statistics)(void *owner);
	/* Adds a line about a function to the log; `priority` as in syslog(3). */
	void (*log)(void *owner, const char *label, int priority, const char *text);
	/* A worker failed for good. */
	void (*worker_failed)(void *owner, struct live_worker *worker);
	/* The keeper that held ep0 died. */
	void (*keeper_died)(void *owner, struct live_function *function);
	/* The last open file of an ep0 may have been closed: the kernel then unbinds the gadget. */
	void (*ep0_closed)(void *owner);
	/* A worker requests another gadget in place of this one: SWITCH of ffsctl/control.h. */
	void (*switch_requested)(void *owner, struct live_worker *worker, const char *body,
				 size_t size);
	/* Returns whether the kernel has bound the gadget. */
	bool (*is_bound)(void *owner);
	/* Returns whether a host has configured the gadget. */
	bool (*is_configured)(void *owner);
	/* Returns whether a reload is applied, which waits for the workers that it starts. */
	bool (*is_reloading)(void *owner);
	/* Returns which owners are trusted for programs of a gadget whose file is in `dir`. */
	enum trust (*program_trust)(void *owner, const char *dir);
};

struct functions {
	const struct function_events *events;
	void *owner;

	const char *gadget; /* name of the gadget */
	const struct paths *paths;
	struct loop *loop;
	struct rundir *rundir;
	struct output *output; /* the log of the workers' output */

	/* The owner updates the following members. */
	enum phase phase;
	bool foreground;	/* the workers' output goes to stderr, too */
	const json_t *switched; /* value of "switch" in the configuration of each worker; NULL: the
				   gadget was not started by a switch */
	char *host_udc;		/* the UDC that the gadget is or was bound to; NULL: none; owned */

	struct live_function **list; /* one live function for each function with a `ffs` group or a
					worker; owned */
	size_t n;
	pid_t *inherited; /* child processes that existed before the supervisor (reap.h); owned */
	size_t n_inherited;
};

/* Reports a change to the owner. */
void functions_changed(const struct functions *all);
/* Logs one line about a function (NULL: the gadget); `priority` as in syslog(3). */
void functions_log(const struct functions *all, const char *label, int priority, const char *fmt,
		   ...) _printf_(4, 5);
