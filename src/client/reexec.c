/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another program for a supervisor that runs: it executes that, which finds in the run directory
 * what there is, as after a crash; but it has the same pid, holds the lock all the time, and is
 * still the parent of keepers and workers, whose exit status it learns.
 */
#include "config.h"

#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/json.h"
#include "base/log.h"
#include "client/parts.h"
#include "function/reap.h"
#include "gadgetfile/gadgetfile.h"
#include "supervisor/supervisor.h"
#include "supervisor/take_over.h"

/* Longer than any program takes to start; it is told what it was to be after that. */
#define HOLD_SECONDS 60

/* --- the old program ---------------------------------------------------------------------------
 */

static void keep_open(int fd, bool keep)
{
	fcntl(fd, F_SETFD, keep ? 0 : FD_CLOEXEC);
}

int client_reexec_self(struct supervisor *s, const char *program, int client_fd, struct error *err)
{
	_cleanup_free_ char *lock = strf("%d", s->rundir.lock_fd), *client = strf("%d", client_fd);
	const char *const argv[] = { program,
				     "--configfs",
				     s->world->configfs,
				     "--run-dir",
				     s->world->run_dir,
				     CLIENT_RESUME,
				     s->name,
				     lock,
				     client,
				     s->foreground ? CLIENT_RESUME_FOREGROUND : NULL,
				     NULL };

	if (!take_over_is_possible(s))
		return error_set(err, EX_CANTCREAT, EBUSY, NULL,
				 "'%s' has failed, or has become another gadget (switch_to)",
				 s->name);
	if (access(program, X_OK) < 0)
		return error_errno(err, EX_UNAVAILABLE, errno, program, "cannot execute %s",
				   program);
	control_send_away(&s->control, client_fd);
	supervisor_write_status(s);
	for (size_t n = 0; n < s->n_functions; n++)
		function_hold(s->functions[n], HOLD_SECONDS);
	keep_open(s->rundir.lock_fd, true);
	keep_open(client_fd, true);
	execv(program, (char *const *)argv);
	error_errno(err, EX_UNAVAILABLE, errno, program, "cannot execute %s", program);
	keep_open(s->rundir.lock_fd, false);
	keep_open(client_fd, false);
	take_over_allow(s);
	return -err->err;
}

/* --- the new one -------------------------------------------------------------------------------
 */

/* Whoever holds the lock says at once who it is. */
static int begin(struct supervisor *s, struct client_past *l, const struct world *world,
		 const char *name, int lock_fd, bool foreground, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	int r = rundir_resume(&rundir, world, name, lock_fd, err);

	if (r == 0)
		r = client_past_read(l, world, name, err);
	if (r == 0)
		r = client_make(s, l->gadget, json_object_get(l->record, "form"), &l->options,
				foreground, &rundir, err);
	if (r < 0)
		return r;
	if (take_over_as_it_is(s) == 0)
		return rundir_sign(&s->rundir, WHO_UP, err);
	supervisor_free(s);
	error_set(err, EX_OSERR, ESTALE, NULL,
		  "ffsctl " PACKAGE_VERSION " cannot go on with what is there of '%s'", name);
	return error_hint(err, "'ffsctl up' of its gadget file takes it over or makes it anew");
}

int client_resume(const struct world *world, const char *name, int lock_fd, int client_fd,
		  bool foreground, struct error *err)
{
	struct client_past l = { 0 };
	struct supervisor s;
	int r;

	fd_close_others((int[]){ lock_fd, client_fd }, 2);
	keep_open(lock_fd, false);
	keep_open(client_fd, false);
	r = begin(&s, &l, world, name, lock_fd, foreground, err);
	control_answer_to(client_fd, err);
	if (r == 0) {
		supervisor_say(&s, "goes on as ffsctl " PACKAGE_VERSION);
		reap_note_inherited(&s);
		r = supervisor_run(&s, 0, 0, err);
		r = client_go_on(&s, &l.options, r, err);
		supervisor_free(&s);
	}
	client_past_free(&l);
	return r;
}

/* --- the command ---------------------------------------------------------------------------------
 */

int client_reexec(const struct world *world, const char *name, const char *program,
		  struct error *err)
{
	json_t *command = json_pack("{s:s, s:s}", "command", "reexec", "program", program);
	int r = control_command(world, name, command, err);

	json_decref(command);
	return r < 0 && !err->exit ? client_no_supervisor(name, err) : r;
}
