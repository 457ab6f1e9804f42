/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another gadget file for a gadget that is up: the difference of two plans is made, and if that
 * fails it is undone. Functions that stay keep mount, keeper and worker. Only in PHASE_UP.
 *
 * The supervisor's plan is the merged one meanwhile, on disk before the first change: `down`, and
 * whoever finds the record of a dead supervisor, undo what is there of both.
 */
#pragma once

#include <jansson.h>

#include "function/function.h"
#include "gadgetfile/gadgetfile.h"
#include "plan/difference.h"
#include "rundir/record.h"

struct supervisor;

struct reload {
	struct gadget *gadget; /* the new one; owned */
	json_t *form;	       /* its JSON form; owned */
	/* Of the new plan, in the file's order; those in place of one that stays are its
	 * replacements. */
	struct live_function **fresh;
	size_t n_fresh;
	struct live_function **old; /* the supervisor's own list; meanwhile it has both */
	size_t n_old;
	struct difference difference;
	char *udc;	/* where it will be; NULL: not bound */
	char *was_on;	/* NULL: the gadget stays where it is */
	double timeout; /* seconds, for each way */
	bool late;
	bool left;    /* it has left the bus, of which the host's state was forgotten */
	bool unbound; /* all is done but the bind: the UDC is not there */
	struct error why, back;
};

/* reload_rules.c */
extern const struct plan_rules reload_rules;
/* Whether the gadget must leave the bus for it. */
bool reload_rebinds(const struct difference *d);

/*
 * reload_plan.c: reads a gadget file (NULL: the one it came up from) for the gadget that the record
 * is of. `renamed`: whatever name the file gives it, as after `up --name`. The others:
 * see supervisor_read_file.
 */
int reload_read(struct reload *r, const struct record *record, const char *path, bool renamed,
		const char *const *dirs, enum gadgetfile_trust trust,
		void (*say)(void *data, const char *line), void *data, struct error *err);

/* What is reloaded: a supervisor's, or what a record says of it. */
struct reload_base {
	const struct paths *paths;
	struct functions *live;
	struct configfs *configfs;
	struct plan *plan;
	const char *udc; /* NULL: not bound */
	const struct record *record;
};
/* The functions of the new plan, and its UDC. */
int reload_prepare(struct reload *r, const struct reload_base *base, struct error *err);
/* After that: makes base->plan the merged one, and the difference. */
void reload_compare(struct reload *r, const struct reload_base *base);
/* Frees it, and its functions that are not in `live`. */
void reload_drop(struct reload *r, const struct functions *live);

/*
 * Begins to reload from a file (NULL: the gadget's own). When it is over s->reload is NULL, or
 * broken, and s->reloaded tells how it was; that may be at once.
 */
int reload_begin(struct supervisor *s, const char *path, bool renamed, double timeout,
		 struct error *err);
/* HUP: as soon as possible. Errors go to the log. */
void reload_wanted(struct supervisor *s);
/* Begins the one that HUP asked for, if that is possible now. */
void reload_begin_wanted(struct supervisor *s);
/* After each event: goes on, in either direction. */
void reload_go_on(struct supervisor *s);
void reload_revert(struct supervisor *s);
/* The time is over. */
void reload_too_late(struct supervisor *s);
/* Ends one, if it is under way, because a keeper died. */
void reload_failed(struct supervisor *s);
void reload_free(struct supervisor *s);
