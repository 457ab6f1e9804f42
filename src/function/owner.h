/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * All live functions of one gadget: what they share, and their owner, which is sent what happens to
 * them and asked what only it knows. The supervisor is the owner; a unit test fills in its own.
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

/* How far a gadget is between nothing and all, and back. */
enum phase {
	PHASE_WAITING_UDC, /* nothing has been made yet */
	PHASE_COMING_UP,
	PHASE_UP,
	PHASE_GOING_DOWN,
	PHASE_GONE,
};

/* `owner` is functions.owner. All of them are called from the loop, none may free a function. */
struct function_events {
	/* Something has changed that the plan or the status may depend on. */
	void (*changed)(void *owner);
	/* The statistics of a worker have. */
	void (*statistics)(void *owner);
	/* A line for people about a function; `priority`: one of syslog.h's. */
	void (*say)(void *owner, const char *label, int priority, const char *text);
	/* A worker has failed for good. */
	void (*worker_failed)(void *owner, struct live_worker *worker);
	/* A keeper has died without which there is no ep0. */
	void (*keeper_died)(void *owner, struct live_function *function);
	/* The last open file of an ep0 may be closed: the kernel then unbinds the gadget. */
	void (*ep0_closed)(void *owner);
	/* A worker asks for another gadget in place of this one: SWITCH of ffsctl/control.h. */
	void (*switch_asked)(void *owner, struct live_worker *worker, const char *body,
			     size_t size);
	/* Whether the gadget is on the bus now, as the kernel says. */
	bool (*is_bound)(void *owner);
	/* Whether a host has configured it. */
	bool (*is_configured)(void *owner);
	/* Whether a reload is under way, which waits for the workers that it starts. */
	bool (*is_reloading)(void *owner);
	/* Who may have written what root starts for a gadget whose file is in `dir`. */
	enum trust (*program_trust)(void *owner, const char *dir);
};

struct functions {
	const struct function_events *events;
	void *owner;

	const char *gadget; /* its name */
	const struct paths *paths;
	struct loop *loop;
	struct rundir *rundir;
	struct output *output; /* the log, for what workers print */

	/* The owner keeps these up to date. */
	enum phase phase;
	bool foreground;	/* what workers print goes to stderr, too */
	const json_t *switched; /* "switch" of workers' configurations; NULL: not switched to */
	char *host_udc;		/* where a host may meet the gadget, or has; NULL; owned */

	struct live_function **v; /* one for each function with a `ffs` group or a worker; owned */
	size_t n;
	pid_t *inherited; /* children that a script had before it became us: reap.h; owned */
	size_t n_inherited;
};

void functions_changed(const struct functions *all);
/* One line about a function (NULL: the gadget), how bad it is being one of syslog.h's words. */
void functions_say(const struct functions *all, const char *label, int priority, const char *fmt,
		   ...) _printf_(4, 5);
