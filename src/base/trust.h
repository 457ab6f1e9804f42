/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks whether only trusted users can change the file of a path. */
#pragma once

#include "base/error.h"

enum trusted_users {
	TRUST_OWNER, /* root and the owner of the file */
	TRUST_ROOT,  /* only root */
};

/*
 * Opens the file of a path with O_PATH and checks the file, each directory of the path, and each
 * directory in the target of a symbolic link. Opens each of them only once and checks the open
 * file, so that the file that was checked is the file that was opened.
 *
 * Returns a negative errno if the path cannot be opened. Otherwise returns 0, stores the open file
 * in *fd, which the caller closes, and stores the result of the check in *why_not_trusted, which
 * the caller frees: NULL if only trusted users can change the file; otherwise the reason why the
 * file is not trusted, for example "others may write to it (mode 0666)".
 */
int trust_open_and_check(const char *path, enum trusted_users trust, int *fd,
			 char **why_not_trusted);

/*
 * Makes the check of trust_open_and_check, but does not return the open file. Returns *why, which
 * the caller frees, or NULL if the path cannot be opened.
 */
char *trust_find_problem(const char *path, enum trusted_users trust);

/*
 * Sets the error for a file that is not trusted. `why` is the reason from trust_open_and_check.
 * Returns -EPERM.
 */
int trust_set_error(const char *path, const char *why, struct error *err);
