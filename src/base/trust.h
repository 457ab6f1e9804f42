/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Checks which users can change the file that a path leads to. */
#pragma once

#include "base/error.h"

enum trust {
	TRUST_OWNER, /* trusts root and the owner of the file */
	TRUST_ROOT,  /* trusts root only */
};

/*
 * Opens the file of a path with O_PATH and checks every component of the path: the file, each
 * directory, and each directory in the target of a symbolic link. Each component is opened once and
 * checked by its descriptor, so that the file that was checked is the file that was opened.
 *
 * Returns a negative errno if the path cannot be opened. Else returns 0, the open file in *fd,
 * which the caller closes, and a text in *why, which the caller frees. *why is NULL if only trusted
 * users can change the file. Else it is the reason why the file is not trusted, as the end of a
 * sentence: "others may write to it (mode 0666)".
 */
int trust_open(const char *path, enum trust trust, int *fd, char **why);

/*
 * Returns *why of trust_open for a path that is about to be used by its name. Returns NULL also if
 * the path cannot be opened. The caller frees the text.
 */
char *trust_check(const char *path, enum trust trust);

/*
 * Sets the error for a path that root must not use. `why` is the reason from trust_open. Returns
 * -EPERM.
 */
int trust_refuse(const char *path, const char *why, struct error *err);
