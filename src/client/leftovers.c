/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Undoes the gadget of a dead supervisor; the error for a missing supervisor. */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "client/parts.h"
#include "supervisor/supervisor.h"

int client_clear_leftovers(const struct paths *paths, const char *name, struct rundir *rundir,
			   struct error *err)
{
	struct supervisor s;
	int r = supervisor_init(&s, paths, NULL, name, err);

	/* From here on a takeover is not possible. */
	if (r == 0)
		r = rundir_set_owner(rundir, OWNER_CLEARING, err);
	if (r == 0) {
		free(s.rundir.path);
		s.rundir = rundir_steal(rundir);
		r = supervisor_undo_record(&s, err);
	}
	supervisor_free(&s);
	return r;
}

int client_no_supervisor(const char *name, struct error *err)
{
	error_set(err, EX_UNAVAILABLE, ESRCH, NULL, "'%s' has no supervisor", name);
	return error_hint(err, "see 'ffsctl status'");
}
