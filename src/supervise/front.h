/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What a command asks of supervisors: start one, tell one, or do its work when it is gone. */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "base/error.h"
#include "base/world.h"
#include "plan/plan.h"
#include "spec/gadget.h"

struct front_options {
	const struct world *world;
	const char *udc;  /* --udc; NULL */
	bool no_bind;
	double timeout;   /* seconds to come up in */
	double wait_udc;  /* seconds; 0: do not wait, HUGE_VAL: for ever */
};

enum front_result {
	FRONT_DONE,    /* up: it came up; down: it was taken down */
	FRONT_NOTHING, /* up: it was up already, and the same; down: it was not up */
	FRONT_CLEARED, /* down: it was what a dead supervisor had left */
};

/* The plan that `up` would run, for --dry-run. Needs no root. */
int front_plan(const struct gadget *g, const struct front_options *options, struct plan *plan,
	       struct error *err);

/*
 * Brings the gadget up under a supervisor in the background, or does nothing when the same is up
 * already. `form` is the file's JSON form. What the workers printed before a failure goes to
 * *output (NULL: nothing), which the caller frees, as it does *udc.
 */
int front_up(const struct gadget *g, const json_t *form, const struct front_options *options,
	     enum front_result *result, char **udc, char **output, struct error *err);

/* The same in the foreground, until TERM or INT, or until it fails for good. */
int front_run(const struct gadget *g, const json_t *form, const struct front_options *options,
	      struct error *err);

/* Takes a gadget of ours down, with or without its supervisor. */
int front_down(const struct world *world, const char *name, enum front_result *result,
	       struct error *err);

/* function NULL: all of them. */
int front_restart(const struct world *world, const char *name, const char *function,
		  struct error *err);

/* Until the host has configured the gadget on that UDC. */
int front_wait_host(const char *udc, double seconds, struct error *err);
