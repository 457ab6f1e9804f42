/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Undoes the gadget of a dead supervisor; the error for a missing supervisor. */
#include <errno.h>

#include "client/parts.h"
#include "supervisor/supervisor.h"

int client_clear_leftovers(const struct paths *paths, const char *name, struct rundir *rundir,
			   struct error *err)
{
	return supervisor_undo_record(paths, name, rundir, err);
}

int client_no_supervisor(const char *name, struct error *err)
{
	error_set(err, EX_UNAVAILABLE, ESRCH, NULL, "'%s' has no supervisor", name);
	return error_hint(err, "see 'ffsctl status'");
}
