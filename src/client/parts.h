/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that several files of this directory use, but no other directory. */
#pragma once

#include "base/paths.h"
#include "client/client.h"
#include "rundir/record.h"
#include "supervisor/supervisor.h"

/* leftovers.c: sets the error EX_UNAVAILABLE: the gadget has no supervisor. */
int client_error_no_supervisor(const char *name, struct error *err);

/*
 * init_supervisor.c: converts the options of a command to the parameters of supervisor_new.
 * `first_gadget`: see record_make. supervisor_new takes ownership of the record in the returned
 * struct; if it is not called or fails, the caller frees the record.
 */
struct supervisor_options client_setup(const struct gadget *g, const json_t *document,
				       const char *first_gadget,
				       const struct client_options *options);
/*
 * init_supervisor.c: makes a supervisor, which takes ownership of `rundir`. On failure the caller
 * still owns `rundir`.
 */
int client_new_supervisor(struct supervisor **s, const struct gadget *g, const json_t *document,
			  const struct client_options *options, bool foreground,
			  struct rundir *rundir, struct error *err);
/*
 * background.c: runs in the child of client_detach. Supervises the gadget until it goes down. When
 * the gadget is up, sends the report to the command; *reported: the report was sent. After switches
 * to other gadgets, *s is the supervisor of the last one.
 */
int client_supervise(struct supervisor **s, const struct gadget *g, enum client_result result,
		     const struct client_options *options, int report_fd, bool *reported,
		     struct error *err);
/* background.c: sends the report to the command. `udc` NULL: the gadget is not bound. */
void client_report(int fd, enum client_result result, const char *name, const char *udc);

/* background.c: returns whether this process got SIGINT or SIGTERM after client_detach. */
bool client_was_interrupted(void);

/* take_over.c: the contents of a record, from which a new supervisor takes a gadget over. */
struct client_recorded {
	struct record record;
	struct gadget *gadget;
	struct client_options options;
};
/*
 * take_over.c: reads the record. Fails with -ENOENT and err set if there is none. The caller frees
 * *recorded, also on failure.
 */
int client_recorded_read(struct client_recorded *recorded, const struct paths *paths,
			 const char *name, struct error *err);
void client_recorded_free(struct client_recorded *recorded);

/* init_supervisor.c: returns the last lines of the log; the caller frees them. */
char *client_last_output(const struct supervisor *s);

/*
 * switch.c: called after supervisor_run for gadget `g` has returned `r`. If the gadget went down
 * because a worker requested a switch, becomes the supervisor of the other gadget, and so on until
 * a gadget goes down without a switch. Afterwards *s is the last supervisor, or NULL if that could
 * not be made. Returns what supervisor_run returned for the last gadget.
 */
int client_run_switches(struct supervisor **s, const struct gadget *g,
			const struct client_options *options, bool foreground, int r,
			struct error *err);
/*
 * switch.c: undoes gadgets whose supervisors have died. Only those whose supervisor was started for
 * the gadget `name` and had then switched to another gadget.
 */
int client_clear_switched(const struct paths *paths, const char *name, struct error *err);

/*
 * force.c: takes down a gadget without a record: removes what configfs and the mounts show. Fails
 * with EX_CANTCREAT, and changes nothing, if a process uses a mount of the gadget.
 */
int client_force_down(const struct paths *paths, const char *name, struct error *err);

/* leftovers.c: logs that the gadget of a dead supervisor is undone before the command continues. */
void client_log_clearing(const char *name);
/*
 * leftovers.c: undoes the gadget of a dead supervisor and removes its run directory. `rundir` has
 * the lock; this function takes ownership of it.
 */
int client_clear_leftovers(const struct paths *paths, const char *name, struct rundir *rundir,
			   struct error *err);
