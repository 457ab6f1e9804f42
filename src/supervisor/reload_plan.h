/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a reload would change: the difference between the plan of a gadget, of a supervisor or as
 * its record describes it, and that of a new gadget file. Changes nothing on the machine.
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
	/*
	 * Functions of the new plan, in the order of the file, including replacements of functions
	 * that stay.
	 */
	struct live_function **new_functions;
	size_t n_new;
	/* Functions before the reload; the live functions are both meanwhile. */
	struct live_function **old_functions;
	size_t n_old;
	struct difference difference;
	char *udc;	    /* UDC after the reload; NULL: not bound */
	bool rebinds;	    /* it unbinds the gadget, and binds it again */
	double timeout;	    /* seconds to apply the changes, and again to undo them */
	bool timed_out;	    /* the timeout has expired */
	bool was_unbound;   /* the gadget was unbound, and the link states were cleared */
	bool bind_failed;   /* everything is done except the bind, because the UDC does not exist */
	struct error error; /* reason of the failure */
	struct error revert_error; /* reason why the changes could not be undone */
};

/* reload_rules.c */
extern const struct plan_rules reload_rules;
/* Returns whether the reload unbinds the gadget. */
bool reload_rebinds(const struct difference *d);

/*
 * Reads a gadget file (NULL: the one of the record). `renamed`: ignores the name in
 * the file, as after `up --name`. Other parameters: see supervisor_read_file.
 */
int reload_read(struct reload *r, const struct record *record, const char *path, bool renamed,
		const char *const *dirs, enum gadgetfile_trust trust,
		void (*say)(void *data, const char *line), void *data, struct error *err);

/* The gadget that is reloaded: of a supervisor, or as a record describes it. */
struct reload_base {
	const struct paths *paths;
	struct functions *live;
	struct configfs *configfs;
	struct plan *plan;
	const char *udc; /* NULL: not bound */
	const struct record *record;
};
/* Creates the functions of the new plan, and chooses the UDC. */
int reload_prepare(struct reload *r, const struct reload_base *base, struct error *err);
/* Makes the difference, and base->plan the merged plan. Called after reload_prepare. */
void reload_compare(struct reload *r, const struct reload_base *base);
/* Frees the reload, and its functions that are not in `live`. */
void reload_drop(struct reload *r, const struct functions *live);
