/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The supervisor: one process and one event loop for each gadget. It applies the plan, watches
 * keepers and workers, handles commands, and undoes the plan. The same code undoes the plan of a
 * dead supervisor, which it reads from the gadget's record.
 */
#pragma once

#include <jansson.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/paths.h"
#include "gadgetfile/gadget.h"
#include "rundir/log_file.h"
#include "rundir/record.h"
#include "rundir/rundir.h"

struct supervisor;
struct requested_switch;

/* The child processes that neither ffsctl nor a worker has started (function/kill_processes.h). */
struct foreign_children {
	pid_t *pids; /* owned */
	size_t n_pids;
};

/*
 * What a supervisor gets from the command that starts it. The pointers must be valid until the
 * supervisor is freed.
 */
struct supervisor_options {
	const struct paths *paths;
	const struct gadget *gadget;
	struct record first_record; /* gadget file and options; supervisor_new takes ownership */
	const char *udc;	    /* --udc; NULL: not given */
	/* `udc` is the UDC of the gadget before a switch: if it was removed since, the gadget comes
	   up and waits for it, as the one before would */
	bool udc_may_be_missing;
	bool no_bind;			     /* --no-bind */
	const char *const *gadget_file_dirs; /* directories in which gadget files are searched by
						name; ends with NULL */
	/* --hold: seconds that keepers wait for a takeover after the supervisor died */
	double keeper_takeover_wait_seconds;
	gid_t gid_allowed_to_control; /* --group, whose members may send commands; 0: only root */
	bool foreground;	      /* the log and the workers' output go to stderr */
	const json_t *switch_json_for_workers;	  /* the object "switch" in the workers'
						   configurations; NULL: none */
	struct foreign_children foreign_children; /* supervisor_new takes ownership of the list */
};

/*
 * Makes the supervisor of a gadget. `rundir` has the gadget's lock; the supervisor takes ownership
 * of it. On failure the caller still owns everything, and *s is NULL.
 */
int supervisor_new(struct supervisor **s, const struct supervisor_options *options,
		   struct rundir *rundir, struct error *err);
/* `s` may be NULL. */
void supervisor_free(struct supervisor *s);
/*
 * Sets functions that are called once, when the gadget is up and this process is recorded as the
 * owner of the lock: one before the log says so, one when it has. Each may be NULL.
 */
void supervisor_set_on_up(struct supervisor *s, void (*before_log)(void *data),
			  void (*after_log)(void *data), void *data);
/*
 * Sets the file descriptor to which a newline is written when the gadget is up (--notify-fd). The
 * supervisor takes ownership of it.
 */
void supervisor_set_ready_notification_fd(struct supervisor *s, int fd);
/*
 * Lists in memory the child processes that this process already has. Must be called before the
 * supervisor starts keepers and workers.
 */
void supervisor_list_foreign_children(struct supervisor *s);
/*
 * Watches the socket `fd` of the command that waits until the gadget is up. If the command ends
 * before the gadget is up, the supervisor takes the gadget down.
 */
int supervisor_watch_up_command(struct supervisor *s, int fd, struct error *err);

/*
 * Takes over the gadget of a dead supervisor. Returns 0 if the gadget is up with the same keepers
 * and workers. Returns -ESTALE, and changes nothing, if there is no record to take over or if the
 * recorded plan does not match the gadget file. Then the caller undoes what the dead supervisor
 * left, and brings the gadget up.
 */
int supervisor_take_over_if_plan_matches_record(struct supervisor *s);
/*
 * Takes over the gadget of a dead supervisor without comparing the record with the gadget file,
 * even if this version of ffsctl would make another plan from that file. Returns 0 or -ESTALE as
 * supervisor_take_over_if_plan_matches_record does.
 */
int supervisor_take_over_without_comparing_plans(struct supervisor *s);

/*
 * Brings the gadget up and returns when it is down. Returns 0 after `down` or a signal: all steps
 * are undone. Returns a negative errno if the gadget cannot come up, or has failed, or if not all
 * steps could be undone; the remaining steps are in the record. `timeout` is the maximum time for
 * coming up, in seconds. `wait_udc` is the maximum time to wait for a UDC, in seconds; 0: does not
 * wait; HUGE_VAL: no limit.
 */
int supervisor_run(struct supervisor *s, double timeout, double wait_udc, struct error *err);

/*
 * Undoes the plan that a dead supervisor has recorded, and removes the run directory. `rundir` has
 * the lock; this function takes ownership of it. Writes OWNER_CLEARING to the lock file: after
 * that, no takeover is possible.
 */
int supervisor_undo_recorded_plan(const struct paths *paths, const char *name,
				  struct rundir *rundir, struct error *err);

/*
 * Gives up all capabilities except those that the supervisor, the workers of this gadget, and the
 * workers of the gadgets in switch_to need.
 */
void supervisor_give_up_privileges(struct supervisor *s);
/* Logs one line about the gadget. `priority` is one of syslog(3). */
void supervisor_log(struct supervisor *s, int priority, const char *fmt, ...) _printf_(3, 4);

/* Returns the UDC of the gadget; NULL: it is not bound, and waits for none. */
const char *supervisor_udc(const struct supervisor *s);
/* Returns whether the gadget is bound to its UDC in the kernel. */
bool supervisor_is_bound(const struct supervisor *s);
/* Returns whether the gadget is not bound because its UDC was removed. */
bool supervisor_awaits_udc(const struct supervisor *s);
/* Returns the log of the workers' output. */
const struct log_file *supervisor_log_file(const struct supervisor *s);
/* Records this process in the lock file as the gadget's supervisor. */
int supervisor_write_lock_owner(struct supervisor *s, struct error *err);
/*
 * Returns the run directory with the lock. The caller becomes its owner; the supervisor has no
 * run directory afterwards.
 */
struct rundir supervisor_hand_over_rundir(struct supervisor *s);

/* Returns whether the gadget went down because of a switch to another gadget (switch_to). */
bool supervisor_ended_for_switch(const struct supervisor *s);

/*
 * What the supervisor of a gadget hands over to the supervisor of the next gadget, when a worker
 * has asked for that gadget (`switch_to`). The receiver owns all members.
 */
struct switch_handover {
	struct requested_switch
		*requested_switch; /* the next gadget, and what was prepared for it */
	struct gadget *previous_model_from_reload; /* model of the previous gadget if a reload
						 loaded it; else NULL */
	json_t *previous_document;		   /* document of the previous gadget's file */
	char *previous_udc;    /* UDC that the previous gadget was bound to; NULL: none */
	bool previous_no_bind; /* --no-bind or `unbind`: the gadgets stay unbound */
	struct rundir previous_rundir;
};
/* Returns everything that is handed over. Afterwards the supervisor can only be freed. */
struct switch_handover supervisor_hand_over_for_switch(struct supervisor *s);
/* Returns the list that supervisor_list_foreign_children has made. The caller becomes its owner. */
struct foreign_children supervisor_hand_over_foreign_children(struct supervisor *s);
