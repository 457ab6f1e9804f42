/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Another program for a supervisor that runs: the command, and how the new program goes on where
 * the old one (supervisor/reexec.c) was.
 */
#include "config.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "client/parts.h"
#include "function/reap.h"
#include "supervisor/supervisor.h"
#include "supervisor/take_over.h"

/* --- the new program --------------------------------------------------------------------------
 */

/* Whoever holds the lock says at once who it is. */
static int begin(struct supervisor *s, struct client_past *l, const struct paths *paths,
		 const char *name, int lock_fd, bool foreground, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	int r = rundir_resume(&rundir, paths, name, lock_fd, err);

	if (r == 0)
		r = client_past_read(l, paths, name, err);
	if (r == 0)
		r = client_make(s, l->gadget, l->record.document, &l->options, foreground, &rundir,
				err);
	if (r < 0)
		return r;
	if (take_over_as_it_is(s) == 0)
		return rundir_set_owner(&s->rundir, OWNER_SUPERVISOR, err);
	supervisor_free(s);
	error_set(err, EX_OSERR, ESTALE, NULL,
		  "ffsctl " PACKAGE_VERSION " cannot go on with what is there of '%s'", name);
	return error_hint(err, "'ffsctl up' of its gadget file takes it over or makes it anew");
}

int client_resume(const struct paths *paths, const char *name, int lock_fd, int client_fd,
		  bool foreground, struct error *err)
{
	struct client_past l = { 0 };
	struct supervisor s;
	int r;

	fd_close_others((int[]){ lock_fd, client_fd }, 2);
	fd_set_inherited(lock_fd, false);
	fd_set_inherited(client_fd, false);
	r = begin(&s, &l, paths, name, lock_fd, foreground, err);
	control_answer_to(client_fd, err);
	if (r == 0) {
		supervisor_say(&s, "goes on as ffsctl " PACKAGE_VERSION);
		reap_note_inherited(&s.live);
		r = supervisor_run(&s, 0, 0, err);
		r = client_go_on(&s, &l.options, r, err);
		supervisor_free(&s);
	}
	client_past_free(&l);
	return r;
}

/* --- the command ---------------------------------------------------------------------------------
 */

int client_reexec(const struct paths *paths, const char *name, const char *program,
		  struct error *err)
{
	json_t *command = json_pack("{s:s, s:s}", "command", "reexec", "program", program);
	int r = control_command(paths, name, command, err);

	json_decref(command);
	return r < 0 && !err->exit ? client_no_supervisor(name, err) : r;
}
