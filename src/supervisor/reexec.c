/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes another program in place of a running supervisor. That program finds everything in the
 * run directory, as after a crash. But it keeps the pid and the lock, and is still the parent of
 * keepers and workers, so it learns their exit status.
 */
#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "supervisor/supervisor.h"
#include "supervisor/take_over.h"

/*
 * Seconds that keepers wait for the new program, more than any program takes to start; it then
 * sends them the time of --hold.
 */
#define LINGER_SECONDS 60

int supervisor_reexec(struct supervisor *s, const char *program, int client_fd, struct error *err)
{
	_cleanup_free_ char *lock = strf("%d", s->rundir.lock_fd), *client = strf("%d", client_fd);
	const char *const argv[] = { program,
				     "--configfs",
				     s->paths->configfs,
				     "--run-dir",
				     s->paths->run_dir,
				     SUPERVISOR_RESUME,
				     s->name,
				     lock,
				     client,
				     s->live.foreground ? SUPERVISOR_RESUME_FOREGROUND : NULL,
				     NULL };

	if (!take_over_is_possible(s))
		return error_set(err, EX_CANTCREAT, EBUSY, NULL,
				 "'%s' has failed, or has become another gadget (switch_to)",
				 s->name);
	if (access(program, X_OK) < 0)
		return error_errno(err, EX_UNAVAILABLE, errno, program, "cannot execute %s",
				   program);
	control_refuse_all(&s->control, client_fd);
	supervisor_write_status(s);
	for (size_t n = 0; n < s->live.n; n++)
		function_set_linger(s->live.v[n], LINGER_SECONDS);
	fd_set_inherited(s->rundir.lock_fd, true);
	fd_set_inherited(client_fd, true);
	execv(program, (char *const *)argv);
	error_errno(err, EX_UNAVAILABLE, errno, program, "cannot execute %s", program);
	fd_set_inherited(s->rundir.lock_fd, false);
	fd_set_inherited(client_fd, false);
	take_over_allow(s);
	return -err->err;
}
