/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Functions that are only used in this directory. */
#pragma once

#include <signal.h>

#include "base/paths.h"
#include "client/client.h"
#include "rundir/record.h"
#include "supervisor/supervisor.h"

/* no_supervisor.c: sets the error for a gadget without a supervisor, with EX_UNAVAILABLE. */
int client_error_no_supervisor(const struct paths *paths, const char *name, struct error *err);

/*
 * make_supervisor.c: converts the options of a command to the parameters of supervisor_new.
 * `first_gadget_name` is the parameter of record_make. supervisor_new takes ownership of the record
 * in the returned struct; if supervisor_new is not called or fails, the caller frees the record.
 */
struct supervisor_options client_make_supervisor_options(const struct gadget *g,
							 const json_t *document,
							 const char *first_gadget_name,
							 const struct client_options *options);
/*
 * make_supervisor.c: makes a supervisor, which takes ownership of `rundir`. On failure, the caller
 * still owns `rundir`.
 */
int client_make_supervisor(struct supervisor **s, const struct gadget *g, const json_t *document,
			   const struct client_options *options, bool foreground,
			   struct rundir *rundir, struct error *err);
/*
 * background.c: runs in the child of client_fork_supervisor. Supervises the gadget until it goes
 * down. When the gadget is up, sends the report to the command, and sets *reported to true. If the
 * process has switched to other gadgets, *s becomes the supervisor of the last gadget.
 */
int client_supervise_in_background(struct supervisor **s, const struct gadget *g,
				   enum client_result result, const struct client_options *options,
				   int report_fd, bool *reported, struct error *err);
/* background.c: sends a report to the command. `name` and `udc` (NULL: none) are copied into it. */
void client_send_report(int fd, struct client_up_report report, const char *name, const char *udc);

/*
 * explain_no_host.c: adds to the error why no host has configured the gadget, as far as the kernel
 * shows it, and what to change in its gadget file.
 */
void client_explain_no_host(const struct paths *paths, const char *name, struct error *err);

/* background.c: blocks SIGINT and SIGTERM, and stores the signal mask before in *before. */
void client_block_termination_signals(sigset_t *before);

/* take_over.c: a gadget's record, and the gadget and the options that are read from it. */
struct client_recorded_gadget {
	struct record record;
	struct gadget *gadget;
	struct client_options options;
};
/*
 * take_over.c: reads the gadget's record. Fails with -ENOENT and err set if the gadget has no
 * record. The caller frees *recorded, also on failure.
 */
int client_recorded_gadget_read(struct client_recorded_gadget *recorded, const struct paths *paths,
				const char *name, struct error *err);
void client_recorded_gadget_free(struct client_recorded_gadget *recorded);

/* make_supervisor.c: returns the last lines of the gadget's log; the caller frees them. */
char *client_last_log_lines(const struct supervisor *s);

/*
 * switch.c: called after supervisor_run has returned `supervisor_result` for the gadget `g`. If the
 * gadget went down because a worker requested a switch, supervises the other gadget, and so on
 * until a gadget goes down without a switch. Afterwards *s is the supervisor of the last gadget, or
 * NULL if it could not be made. Returns what supervisor_run returned for the last gadget.
 */
int client_run_requested_switches(struct supervisor **s, const struct gadget *g,
				  const struct client_options *options, bool foreground,
				  int supervisor_result, struct error *err);
/*
 * switch.c: undoes the gadgets of dead supervisors that were started for the gadget `name` and then
 * switched to another gadget.
 */
int client_undo_dead_switch_targets(const struct paths *paths, const char *name, struct error *err);

/*
 * force_down.c: takes down a gadget that has no record: removes its directory in configfs and its
 * mounts. Fails with EX_CANTCREAT, and changes nothing, if a process uses one of the mounts.
 */
int client_force_down(const struct paths *paths, const char *name, struct error *err);

/* no_supervisor.c: logs that the command first undoes the gadget of a dead supervisor. */
void client_log_clearing_leftovers(const char *name);
