/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What commands say of a gadget that has no supervisor. */
#include <errno.h>
#include <syslog.h>

#include "base/log.h"
#include "client/internal.h"

int client_error_no_supervisor(const struct paths *paths, const char *name, struct error *err)
{
	if (rundir_has_file(paths, name, RUNDIR_RECORD))
		error_set(err, EX_UNAVAILABLE, ESRCH, NULL, "'%s' has no supervisor", name);
	else
		error_set(err, EX_UNAVAILABLE, ESRCH, NULL, "'%s' is not up", name);
	return error_add_hint(err, "see 'ffsctl status'");
}

void client_log_clearing_leftovers(const char *name)
{
	log_about(name, NULL, LOG_INFO, "%s: clearing what a dead supervisor has left", name);
}
