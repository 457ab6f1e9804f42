/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "supervisor/reexec.h"

#include <errno.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "base/util.h"
#include "supervisor/binding.h"
#include "supervisor/control.h"
#include "supervisor/live_gadget.h"
#include "supervisor/take_over.h"

/*
 * How long keepers wait for the new program, in seconds: longer than a program takes to start. The
 * new program then sends the keepers the number of seconds of --hold instead.
 */
#define TAKEOVER_WAIT_SECONDS 60

int supervisor_reexec(struct takeover *t, const char *program, int client_fd, struct error *err)
{
	struct live_gadget *live = t->live;
	_cleanup_free_ char *lock = strf("%d", live->rundir.lock_fd),
			    *client = strf("%d", client_fd);
	const char *const argv[] = { program,
				     "--configfs",
				     live->paths->configfs_mount_point,
				     "--run-dir",
				     live->paths->run_dir,
				     SUPERVISOR_RESUME,
				     live->name,
				     lock,
				     client,
				     live->functions.foreground ? SUPERVISOR_RESUME_FOREGROUND
								: NULL,
				     NULL };

	if (live->functions.switch_json_for_workers)
		return error_set(err, EX_CANTCREAT, EBUSY, NULL,
				 "'%s' has become another gadget (switch_to)", live->name);
	if (!take_over_is_possible(t))
		return error_set(err, EX_CANTCREAT, EBUSY, NULL,
				 t->binding->state == BINDING_FAILED
					 ? "'%s' has failed, so its supervisor cannot be replaced"
					 : "'%s' is changing, so its "
					   "supervisor cannot be replaced",
				 live->name);
	if (access(program, X_OK) < 0)
		return error_errno(err, EX_UNAVAILABLE, errno, program, "cannot execute %s",
				   program);
	control_refuse_all(t->control, client_fd);
	gadget_write_status(live);
	for (size_t n = 0; n < live->functions.n; n++)
		function_set_keeper_takeover_wait(live->functions.list[n], TAKEOVER_WAIT_SECONDS);
	fd_set_inherited(live->rundir.lock_fd, true);
	fd_set_inherited(client_fd, true);
	execv(program, (char *const *)argv);
	error_errno(err, EX_UNAVAILABLE, errno, program, "cannot execute %s", program);
	fd_set_inherited(live->rundir.lock_fd, false);
	fd_set_inherited(client_fd, false);
	take_over_send_wait_seconds_to_keepers(t);
	return -err->errno_value;
}
