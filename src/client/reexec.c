/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Continues a supervisor in the program that supervisor/reexec.c has executed. */
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <syslog.h>
#include <unistd.h>

#include "base/fd.h"
#include "base/json.h"
#include "client/internal.h"
#include "supervisor/control.h"

/*
 * Makes the supervisor from the gadget's record. Writes to the lock file that this process is the
 * supervisor.
 */
static int start_supervisor_after_exec(struct supervisor **s,
				       struct client_recorded_gadget *recorded,
				       const struct paths *paths, const char *name, int lock_fd,
				       bool foreground, struct error *err)
{
	_cleanup_rundir_ struct rundir rundir = RUNDIR_NONE;
	int r = rundir_reopen_locked(&rundir, paths, name, lock_fd, err);

	if (r == 0)
		r = client_recorded_gadget_read(recorded, paths, name, err);
	if (r == 0)
		r = client_make_supervisor(s, recorded->gadget, recorded->record.document,
					   &recorded->options, foreground, &rundir, err);
	if (r < 0)
		return r;
	if (supervisor_take_over_without_comparing_plans(*s) == 0)
		return supervisor_write_lock_owner(*s, err);
	supervisor_free(*s);
	error_set(err, EX_OSERR, ESTALE, NULL, "ffsctl " PACKAGE_VERSION " cannot continue '%s'",
		  name);
	return error_add_hint(err, "run 'ffsctl up' with the gadget file of '%s'", name);
}

int client_resume_after_exec(const struct paths *paths, const char *name, int lock_fd,
			     int client_fd, bool foreground, struct error *err)
{
	struct client_recorded_gadget recorded = { 0 };
	struct supervisor *s;
	int r;

	fd_close_others((int[]){ lock_fd, client_fd }, 2);
	fd_set_inherited(lock_fd, false);
	fd_set_inherited(client_fd, false);
	r = start_supervisor_after_exec(&s, &recorded, paths, name, lock_fd, foreground, err);
	control_answer_and_close_socket(client_fd, err);
	if (r == 0) {
		supervisor_log(s, LOG_INFO, "continues as ffsctl " PACKAGE_VERSION);
		supervisor_list_foreign_children(s);
		r = supervisor_run(s, 0, 0, err);
		r = client_run_requested_switches(&s, recorded.gadget, &recorded.options,
						  foreground, r, err);
		supervisor_free(s);
	}
	client_recorded_gadget_free(&recorded);
	return r;
}
