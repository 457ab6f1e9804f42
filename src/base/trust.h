/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Whose word a path is: which users could make something else of what it leads to. */
#pragma once

enum trust {
	TRUST_OWNER, /* root, and whose file it is */
	TRUST_ROOT,  /* root alone */
};

/*
 * Opens what a path leads to, with O_PATH, and looks at everything on the way: each directory, also
 * those that symbolic links lead through, and the file itself, whatever kind it is. All are looked
 * at by the descriptors that the way is gone by, so that what is judged is what was opened.
 *
 * -errno of the path; else 0 with *fd, which the caller owns, and in *why who else could change it,
 * as the end of a sentence ("others may write to it (mode 0666)"), which the caller frees; NULL:
 * nobody.
 *
 * As long as *why is NULL the path stays what it is until root, or the owner, changes it.
 */
int trust_open(const char *path, enum trust trust, int *fd, char **why);

/* The same of a path that is about to be used by its name. NULL also if there is no such file. */
char *trust_check(const char *path, enum trust trust);
