/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes another program in place of a running supervisor. That program finds everything in the
 * run directory, as after a crash. But it keeps the pid and the lock, and is still the parent of
 * keepers and workers, so it learns their exit status.
 */
#pragma once

#include "base/error.h"

struct takeover;

#define SUPERVISOR_RESUME "resume-supervisor"
#define SUPERVISOR_RESUME_FOREGROUND "foreground"

/*
 * Executes `program` (an absolute path of an ffsctl) as
 *     PROGRAM --configfs … --run-dir … SUPERVISOR_RESUME NAME LOCK CLIENT
 * [SUPERVISOR_RESUME_FOREGROUND] with the descriptors of the lock and of the command's socket.
 * Returns when that fails.
 */
int supervisor_reexec(struct takeover *takeover, const char *program, int client_fd,
		      struct error *err);
