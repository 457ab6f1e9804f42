/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Executes another program in place of a running supervisor. The new program reads everything from
 * the run directory, as after a crash. But the process keeps its pid and the lock. It is still the
 * parent of keepers and workers, so it gets their exit status.
 */
#pragma once

#include "base/error.h"

struct takeover;

#define SUPERVISOR_RESUME "resume-supervisor"
#define SUPERVISOR_RESUME_FOREGROUND "foreground"

/*
 * Executes `program` (an absolute path of an ffsctl) as
 *     PROGRAM --configfs … --run-dir … SUPERVISOR_RESUME NAME LOCK CLIENT
 * [SUPERVISOR_RESUME_FOREGROUND]. LOCK and CLIENT are the descriptors of the lock and of the
 * client's socket. Returns only on failure, with a negative errno.
 */
int supervisor_reexec(struct takeover *takeover, const char *program, int client_fd,
		      struct error *err);
