// SPDX-License-Identifier: GPL-2.0-or-later
/* Searches for gadget files in the gadget directories. */
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "gadgetfile/gadgetfile.h"

const char *const gadgetfile_suffixes[] = { ".conf", ".scheme", NULL };

char *gadgetfile_find(const char *const *dirs, const char *name)
{
	for (; *dirs; dirs++) {
		for (const char *const *suffix = gadgetfile_suffixes; *suffix; suffix++) {
			char *path = strf("%s/%s%s", *dirs, name, *suffix);

			if (path_exists(path))
				return path;
			free(path);
		}
	}
	return NULL;
}

bool gadgetfile_is_dir_among(const char *const *dirs, const char *dir)
{
	struct stat a, b;

	if (stat(dir, &a) < 0)
		return false;
	for (; *dirs; dirs++)
		if (stat(*dirs, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			return true;
	return false;
}

char *gadgetfile_find_beside(const struct gadget *g, const char *const *dirs, const char *name)
{
	const char *const beside[] = { g->file_dir, NULL };
	char *path =
		gadgetfile_is_dir_among(dirs, g->file_dir) ? NULL : gadgetfile_find(beside, name);

	return path ? path : gadgetfile_find(dirs, name);
}

int gadgetfile_error_file_not_found(const struct gadget *g, const char *name, struct error *err)
{
	return error_set(
		err, EX_NOINPUT, ENOENT, NULL,
		"cannot find gadget file '%s' beside %s or in the directories that 'ffsctl "
		"up' searches",
		name, g->file);
}

int gadgetfile_load_with_dirs(const char *path, const char *name, const char *const *dirs,
			      const struct gadgetfile_plugin_lookup *plugins,
			      enum gadgetfile_trust trust, struct gadget **out, json_t **json,
			      struct diags *diags, struct error *err)
{
	_cleanup_free_ char *parent = path_parent(path);
	const char *dir = strchr(path, '/') ? *parent ? parent : "/" : ".";
	struct gadgetfile_options options = { .overriding_gadget_name = name,
					      .plugins = plugins,
					      .trust = trust };
	int r;

	if (gadgetfile_is_dir_among(dirs, dir)) {
		options.drop_in_dirs = dirs;
		if (trust == GADGETFILE_TRUST_UNWRITABLE)
			options.trust = GADGETFILE_TRUST_ROOT;
	}
	r = gadgetfile_load(path, &options, out, json, diags, err);
	if (r == 0)
		gadgetfile_resolve_mount_symlinks(*out);
	return r;
}
