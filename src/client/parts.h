/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Shared by the files of this directory. */
#pragma once

#include "base/paths.h"
#include "client/client.h"
#include "rundir/record.h"
#include "supervisor/supervisor.h"

/* leftovers.c: fails with EX_UNAVAILABLE, because the gadget has no supervisor. */
int client_no_supervisor(const char *name, struct error *err);

/*
 * init_supervisor.c: returns how a supervisor runs with the options of a command. `origin`: see
 * record_make. If no supervisor is made of it, the caller frees its record.
 */
struct supervisor_setup client_setup(const struct gadget *g, const json_t *document,
				     const char *origin, const struct client_options *options);
/* Makes a supervisor; steals `rundir`. On failure the caller still owns the rundir. */
int client_new_supervisor(struct supervisor **s, const struct gadget *g, const json_t *document,
			  const struct client_options *options, bool foreground,
			  struct rundir *rundir, struct error *err);
/*
 * background.c: runs in the child of client_detach. Supervises the gadget until it goes down, and
 * reports to the command when it is up; *reported is false when that never happened. *s is the last
 * supervisor afterwards.
 */
int client_supervise(struct supervisor **s, const struct gadget *g, enum client_result result,
		     const struct client_options *options, int report_fd, bool *reported,
		     struct error *err);
/* background.c: sends the report to the command. `udc` NULL: not bound. */
void client_report(int fd, enum client_result result, const char *name, const char *udc);

/* background.c: returns whether the command got SIGINT or SIGTERM since client_detach. */
bool client_was_interrupted(void);

/* take_over.c: what a supervisor needs from the record to continue a gadget. */
struct client_recorded {
	struct record record;
	struct gadget *gadget;
	struct client_options options;
};
/*
 * Reads the record; -ENOENT with err set when there is none. The caller frees *recorded, also on
 * failure.
 */
int client_recorded_read(struct client_recorded *recorded, const struct paths *paths,
			 const char *name, struct error *err);
void client_recorded_free(struct client_recorded *recorded);

/* init_supervisor.c: returns the last lines of the log; the caller frees them. */
char *client_last_output(const struct supervisor *s);

/*
 * switch.c: called after supervisor_run of gadget `g`, which returned `r`. While a worker asked to
 * switch to another gadget, becomes the supervisor of that gadget. *s is the last supervisor
 * afterwards; NULL: it could not be made.
 */
int client_run_switches(struct supervisor **s, const struct gadget *g,
			const struct client_options *options, bool foreground, int r,
			struct error *err);
/* switch.c: undoes the gadgets of dead supervisors that were started for `name` and had switched.
 */
int client_clear_switched(const struct paths *paths, const char *name, struct error *err);

/*
 * force.c: takes a gadget down by what configfs and the mounts show. EX_CANTCREAT, with nothing
 * changed, when a process uses one of its mounts.
 */
int client_force_down(const struct paths *paths, const char *name, struct error *err);

/* leftovers.c: reports that client_clear_leftovers is next, for commands that were to do more. */
void client_say_clearing(const char *name);
/* leftovers.c: undoes the gadget of a dead supervisor and removes its run directory. The caller has
 * the lock in `rundir`, which is stolen. */
int client_clear_leftovers(const struct paths *paths, const char *name, struct rundir *rundir,
			   struct error *err);
