/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the difference between the plan of a gadget that is up and the plan of a new gadget file.
 * The first plan comes from the supervisor, or from the record for `reload --dry-run`. Changes
 * nothing on the machine.
 */
#pragma once

#include <jansson.h>

#include "function/function.h"
#include "gadgetfile/gadgetfile.h"
#include "plan/difference.h"
#include "rundir/record.h"

struct reload {
	struct gadget *gadget; /* model of the new gadget file; owned */
	json_t *document;      /* its document; owned */
	/* All functions of the new plan, in the order of the file. */
	struct live_function **new_functions;
	size_t n_new;
	/*
	 * All functions of the old plan. During the reload, the gadget has the functions of both.
	 */
	struct live_function **old_functions;
	size_t n_old;
	struct difference difference;
	char *udc;		   /* UDC after the reload; NULL: not bound */
	bool rebinds;		   /* the reload unbinds the gadget and binds it again */
	double timeout;		   /* seconds for applying all changes; also for reverting them */
	bool timed_out;		   /* the timeout has expired */
	bool was_unbound;	   /* the gadget was unbound, and the link states were cleared */
	bool bind_failed;	   /* all is done except the bind, because the UDC does not exist */
	struct error error;	   /* reason why a change failed */
	struct error revert_error; /* reason why the changes could not be undone */
};

/* reload_rules.c */
extern const struct plan_rules reload_rules;
/* Returns whether the reload unbinds the gadget. */
bool reload_rebinds(const struct difference *d);

/*
 * Reads the gadget file at `path`; NULL: the file in the record. `renamed`: the name in the file is
 * ignored, as after `up --name`. For the other parameters see supervisor_read_file.
 */
int reload_read(struct reload *r, const struct record *record, const char *path, bool renamed,
		const char *const *dirs, enum gadgetfile_trust trust,
		void (*log_line)(void *data, const char *line), void *data, struct error *err);

/* The gadget that is up, before the reload. Its data come from a supervisor, or from a record. */
struct reload_base {
	const struct paths *paths;
	struct functions *functions;
	struct configfs *configfs;
	struct plan *plan;
	const char *udc; /* NULL: not bound */
	const struct record *record;
};
/* Creates the functions of the new plan, and chooses the UDC. */
int reload_prepare(struct reload *r, const struct reload_base *base, struct error *err);
/*
 * Makes the new plan and the difference; base->plan becomes the merged plan. Must be called after
 * reload_prepare.
 */
void reload_compare(struct reload *r, const struct reload_base *base);
/* Frees the reload, and its functions except those in the list of `live`. */
void reload_drop(struct reload *r, const struct functions *live);
