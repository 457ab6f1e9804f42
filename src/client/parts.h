/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What the files of client.h share. */
#pragma once

#include "base/paths.h"
#include "client/client.h"
#include "rundir/record.h"

struct supervisor;

/* Fails with EX_UNAVAILABLE: nobody looks after it. */
int client_no_supervisor(const char *name, struct error *err);

/* The supervisor gets its rundir (taken over), its record (taken over), and what was wished. */
void client_give(struct supervisor *s, const struct client_options *options, struct rundir *rundir,
		 struct record record);
/* Makes the supervisor and gives it all of that. When that fails, the rundir is the caller's as
 * before. */
int client_make(struct supervisor *s, const struct gadget *g, const json_t *form,
		const struct client_options *options, bool foreground, struct rundir *rundir,
		struct error *err);
/*
 * background.c: in the child that client_detach has made, supervises until the gadget goes
 * down; the command is told when it is up, or not at all (*reported).
 */
int client_supervise(struct supervisor *s, enum client_result result,
		     const struct client_options *options, int report_fd, bool *reported,
		     struct error *err);
/* Tells the command: all that there is to do is done. `udc` NULL: not bound. */
void client_report(int fd, enum client_result result, const char *name, const char *udc);

/* Returns whether the command got INT or TERM since client_detach. */
bool client_was_interrupted(void);

/* take_over.c: what a supervisor is, as its record has it, for who goes on in its place. */
struct client_past {
	struct record record;
	struct gadget *gadget;
	struct client_options options;
};
/* -ENOENT with err filled: there is no record. The caller frees it, also when this fails. */
int client_past_read(struct client_past *past, const struct paths *paths, const char *name,
		     struct error *err);
void client_past_free(struct client_past *past);

/* The last that workers have printed; the caller frees it. */
char *client_last_output(const struct supervisor *s);

/*
 * switch.c: after supervisor_run, which has returned `r`: as long as its gadget was left for
 * another one, goes on as the supervisor of that. `s` is then the last one's.
 */
int client_go_on(struct supervisor *s, const struct client_options *options, int r,
		 struct error *err);
/* Removes what a supervisor that was started for `name` has left of gadgets it had become. */
int client_clear_switched(const struct paths *paths, const char *name, struct error *err);

/*
 * Takes a gadget down by what configfs and the mounts show of it, whoever made it. EX_CANTCREAT:
 * somebody uses a mount of it, and nothing was changed.
 */
int client_force(const struct paths *paths, const char *name, struct error *err);

/* Removes what a dead supervisor has left; the lock is ours and goes with it. */
int client_clear_leftovers(const struct paths *paths, const char *name, struct rundir *rundir,
			   struct error *err);
