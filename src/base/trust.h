/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks which users can change the file that a path leads to. */
#pragma once

#include "base/error.h"

enum trust {
	TRUST_OWNER, /* trusts root and the owner of the file */
	TRUST_ROOT,  /* trusts root only */
};

/*
 * Opens the file of a path with O_PATH and checks every component: the file, each directory, and
 * each directory behind a symbolic link. Each is opened once and checked by its descriptor, so that
 * the file that was checked is the file that was opened.
 *
 * -errno: the path cannot be opened. Else 0 with *fd, which the caller closes, and *why, which the
 * caller frees: NULL if only trusted users can change the file, else the reason, as the end of a
 * sentence ("others may write to it (mode 0666)").
 */
int trust_open(const char *path, enum trust trust, int *fd, char **why);

/*
 * Returns *why of trust_open, for a path that is about to be used by its name; NULL also if it
 * cannot be opened. The caller frees it.
 */
char *trust_check(const char *path, enum trust trust);

/* Sets the error of a path that root does not use; `why`: of trust_open. Returns -EPERM. */
int trust_refuse(const char *path, const char *why, struct error *err);
