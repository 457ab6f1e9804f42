/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor: one process and one event loop for each gadget. It applies the plan, watches
 * keepers and workers, handles commands, and undoes the plan. The same code undoes the plan of a
 * dead supervisor, read from its record.
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/paths.h"
#include "gadgetfile/gadget.h"
#include "rundir/output.h"
#include "rundir/record.h"
#include "rundir/rundir.h"

struct supervisor;
struct switching;

/* Child processes that are older than the supervisor: function/reap.h. */
struct supervisor_children {
	pid_t *v; /* owned */
	size_t n;
};

/* What a supervisor gets from the command that starts it. Pointers must be valid until its end. */
struct supervisor_setup {
	const struct paths *paths;
	const struct gadget *gadget;
	struct record record; /* gadget file and options; becomes the supervisor's */
	const char *udc;      /* --udc; NULL */
	bool no_bind;	      /* --no-bind */
	const char *const
		*dirs; /* directories in which names of gadget files are searched; ends with NULL */
	double linger; /* --hold: seconds that keepers wait after the death of the supervisor */
	gid_t group;   /* --group: its members may send commands; 0: only root may */
	bool foreground;	/* the log and the workers' output go to stderr */
	const json_t *switched; /* "switch" in workers' configurations; NULL: no switch */
	struct supervisor_children children; /* become the supervisor's */
};

/*
 * Makes the supervisor of a gadget whose lock is in `rundir`, which is stolen. On failure the
 * caller still owns everything, and *s is NULL.
 */
int supervisor_new(struct supervisor **s, const struct supervisor_setup *setup,
		   struct rundir *rundir, struct error *err);
/* `s` may be NULL. */
void supervisor_free(struct supervisor *s);
/* Sets what is called once, when the gadget is up, and the lock has this process as its owner. */
void supervisor_on_up(struct supervisor *s, void (*fn)(void *data), void *data);
/* Sets the descriptor that gets a newline when the gadget is up (--notify-fd); owned. */
void supervisor_notify_fd(struct supervisor *s, int fd);
/* Notes the children of this process, before there are others. */
void supervisor_note_children(struct supervisor *s);
/*
 * Watches a socket of the command that waits for the gadget: if the command ends before the gadget
 * is up, everything is undone.
 */
int supervisor_watch_caller(struct supervisor *s, int fd, struct error *err);

/*
 * Continues the gadget of a supervisor that died, in place of coming up. Returns 0: the gadget is
 * up with the same keepers and workers. Returns -ESTALE and changes nothing: there is nothing to
 * take over, or it does not match the gadget file; the caller undoes the leftovers and starts anew.
 */
int supervisor_take_over_if_unchanged(struct supervisor *s);
/*
 * Takes over without comparing with the gadget file, even if this version would make another plan
 * from it.
 */
int supervisor_take_over_as_it_is(struct supervisor *s);

/*
 * Brings the gadget up and runs until it is down. Returns 0 after `down` or a signal, a negative
 * errno if it cannot come up or fails. In both cases everything has been undone, except for what
 * err names. timeout: seconds to come up in; wait_udc: seconds to wait for a UDC, 0 not at all,
 * HUGE_VAL for ever.
 */
int supervisor_run(struct supervisor *s, double timeout, double wait_udc, struct error *err);

/*
 * Undoes the plan of the record of a dead supervisor, and removes the run directory. The caller has
 * the lock in `rundir`, which is stolen. No takeover is possible from then on.
 */
int supervisor_undo_record(const struct paths *paths, const char *name, struct rundir *rundir,
			   struct error *err);

/* Gives up capabilities that no worker needs, nor one of the gadgets in switch_to. */
void supervisor_give_up_privileges(struct supervisor *s);
/* Logs one line about the gadget; `priority` as in syslog(3). */
void supervisor_say(struct supervisor *s, int priority, const char *fmt, ...) _printf_(3, 4);

/* Returns the UDC; NULL: not bound. */
const char *supervisor_udc(const struct supervisor *s);
/* Returns the log of the workers' output. */
const struct output *supervisor_output(const struct supervisor *s);
/* Makes this process, as a supervisor, the owner of the lock. */
int supervisor_own_rundir(struct supervisor *s, struct error *err);
/* Returns the run directory with the lock; the supervisor has none afterwards. */
struct rundir supervisor_steal_rundir(struct supervisor *s);

/* Returns whether the gadget went down to become another one (switch_to). */
bool supervisor_switches(const struct supervisor *s);

/* What a supervisor leaves of a gadget that switched; all of it is owned. */
struct supervisor_left {
	struct switching *next; /* the other gadget */
	struct gadget *gadget;	/* the model, if a reload loaded it; else NULL */
	json_t *document;
	char *udc; /* NULL: not bound */
	bool no_bind;
	struct rundir rundir;
};
/* Returns that; only supervisor_free may follow. */
struct supervisor_left supervisor_leave(struct supervisor *s);
/* Returns the children; the supervisor has none afterwards. */
struct supervisor_children supervisor_steal_children(struct supervisor *s);
