/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Resolves symbolic links such as /var/run in mount points, because ffsctl later looks for the
 * recorded mount point in /proc/self/mountinfo.
 */
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "gadgetfile/gadgetfile.h"

/* Removes the last component of a path. */
static void remove_last_component(char *path)
{
	char *slash = strrchr(path, '/');

	if (slash)
		*slash = '\0';
}

/*
 * Returns the path of `rest` below the directory `real`, without empty components, "." and "..";
 * the caller frees it. Nothing of `rest` exists, so it contains no symbolic links.
 */
static char *append_components(const char *real, const char *rest)
{
	char *path = xstrdup(streq(real, "/") ? "" : real);

	while (*(rest += strspn(rest, "/"))) {
		size_t n = strcspn(rest, "/");
		_cleanup_free_ char *component = xstrndup(rest, n), *before = NULL;

		rest += n;
		if (streq(component, ".."))
			remove_last_component(path);
		if (streq(component, ".") || streq(component, ".."))
			continue;
		before = path;
		path = strf("%s/%s", before, component);
	}
	if (*path)
		return path;
	free(path);
	return xstrdup("/");
}

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
			return append_components(real, path + strlen(head));
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
