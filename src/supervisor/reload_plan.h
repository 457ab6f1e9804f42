/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the difference between the plan of a gadget that is up and the plan of a new gadget file.
 * The old plan is that of the supervisor; `reload --dry-run` reads it from the gadget's record.
 * Changes nothing on the machine.
 */
#pragma once

#include <jansson.h>

#include "function/function.h"
#include "gadgetfile/gadgetfile.h"
#include "plan/difference.h"
#include "rundir/record.h"

/* A reload that is planned, in progress, or could not be reverted. */
struct reload {
	struct gadget *new_gadget; /* model of the new gadget file; owned */
	json_t *new_document;	   /* document of the new gadget file; owned */
	/* All functions of the new plan, in the order of the file. */
	struct live_function **new_functions;
	size_t n_new_functions;
	/*
	 * All functions of the old plan. During the reload, the gadget has the functions of both
	 * plans.
	 */
	struct live_function **old_functions;
	size_t n_old_functions;
	struct difference difference;
	char *new_udc; /* UDC that the gadget is bound to after the reload; NULL: none */
	bool rebinds;  /* the reload unbinds the gadget and binds it again */
	/* maximum time for applying all changes, and again for reverting them */
	double timeout_seconds;
	bool timed_out;		 /* the timeout has expired */
	bool has_unbound_gadget; /* the reload has unbound the gadget and cleared the link states */
	bool bind_awaits_udc;	 /* all changes are done except the bind, because the UDC does not
				    exist */
	bool bind_is_due;	 /* the same, or because an optional function does not work */
	struct error failed_change_error; /* reason why a change failed */
	struct error revert_error;	  /* reason why the changes could not be undone */
};

/* reload_rules.c */
extern const struct plan_rules reload_rules;
/* Returns whether the reload unbinds the gadget. */
bool reload_rebinds(const struct difference *d);

/*
 * Reads the gadget file at `path`; NULL: the file in the record. `keep_name`: the name in the file
 * is ignored, as after `up --name`. For the other parameters see supervisor_read_gadget_file.
 */
int reload_read_file(struct reload *r, const struct record *record, const char *path,
		     bool keep_name, const char *const *dirs, enum gadgetfile_trust trust,
		     void (*log_line)(void *data, const char *line), void *data, struct error *err);

/*
 * The gadget that is up, as it is before the reload. The data come from a supervisor, or from a
 * record.
 */
struct gadget_to_reload {
	const struct paths *paths;
	struct functions *functions;
	/* data that the steps of the gadget share, also those of the new plan */
	struct configfs *configfs;
	struct plan *plan;
	const char *udc; /* UDC that the gadget is bound to; NULL: none */
	const struct record *record;
};
/* Creates the functions of the new plan, and chooses the UDC. */
int reload_make_functions_and_choose_udc(struct reload *r, const struct gadget_to_reload *base,
					 struct error *err);
/*
 * Makes the new plan and the difference; base->plan becomes the merged plan. Must be called after
 * reload_make_functions_and_choose_udc.
 */
void reload_make_difference(struct reload *r, const struct gadget_to_reload *base);
/* Frees the reload, and its functions except those in the list of `live`. */
void reload_discard(struct reload *r, const struct functions *live);
