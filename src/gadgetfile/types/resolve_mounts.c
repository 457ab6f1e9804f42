/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resolves symbolic links such as /var/run in mount points, because ffsctl later looks for the
 * recorded mount point in /proc/self/mountinfo.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "gadgetfile/gadgetfile.h"

/*
 * Returns the path without symbolic links; the caller frees it. The last components of the path
 * need not exist.
 */
static char *resolve_symlinks(const char *path)
{
	_cleanup_free_ char *head = xstrdup(path);

	for (;;) {
		_cleanup_free_ char *real = realpath(*head ? head : "/", NULL);
		char *slash = strrchr(head, '/');

		if (real)
			return strf("%s%s", streq(real, "/") ? "" : real, path + strlen(head));
		if (errno != ENOENT || !slash)
			return xstrdup(path);
		*slash = '\0';
	}
}

void gadgetfile_resolve_mount_symlinks(struct gadget *g)
{
	for (size_t i = 0; i < g->n_functions; i++) {
		struct ffs *ffs = g->functions[i].ffs;
		char *resolved = ffs && ffs->mount.path ? resolve_symlinks(ffs->mount.path) : NULL;

		if (!resolved)
			continue;
		free(ffs->mount.path);
		ffs->mount.path = resolved;
	}
}
