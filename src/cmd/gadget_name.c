/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds the gadget that an argument of a command names by its name or by the path of its file. */
#include <errno.h>
#include <stdlib.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"

static int error_invalid_name(const char *name, struct error *err)
{
	return error_set(err, EX_USAGE, EINVAL, NULL, "invalid gadget name '%s'", name);
}

/* Checks a gadget's name. Rejects a name like '..', because the name becomes part of paths. */
static int check_gadget_name(const char *name, struct error *err)
{
	return gadgetfile_is_gadget_name(name) ? 0 : error_invalid_name(name, err);
}

/*
 * Returns `path` in the form that records contain: absolute, and with symbolic links resolved
 * except in the last component. The file and its directory need not exist. The caller frees the
 * path.
 */
static char *path_as_in_record(const char *path)
{
	const char *slash = strrchr(path, '/');
	_cleanup_free_ char *parent = slash == path ? xstrdup("/") : path_parent(path);
	_cleanup_free_ char *dir = realpath(*parent ? parent : ".", NULL);

	if (!dir && *path == '/')
		return xstrdup(path);
	if (!dir) {
		dir = getcwd(NULL, 0);
		return dir ? strf("%s/%s", dir, path) : xstrdup(path);
	}
	return strf("%s/%s", streq(dir, "/") ? "" : dir, slash ? slash + 1 : path);
}

int cmd_find_gadget_by_file(const struct globals *globals, const char *path, char **name,
			    struct error *err)
{
	_cleanup_free_ char *file = path_as_in_record(path);

	return client_find_gadget_by_file(&globals->paths, file, name, err);
}

/* Loads the gadget file `path`, and stores the gadget's name in *name. */
static int read_name_in_file(const struct globals *globals, const char *path, char **name,
			     struct error *err)
{
	_cleanup_gadget_ struct gadget *gadget = NULL;
	struct diags diags = { 0 };
	int exit = cmd_load_gadget_file(globals, path, NULL, GADGETFILE_TRUST_ALL, &gadget, NULL,
					&diags, err);

	diags_free(&diags);
	if (exit == 0) {
		*name = xstrdup(gadget->name);
		return check_gadget_name(*name, err);
	}
	if (err->exit)
		return error_add_hint(err, "'ffsctl status' lists the gadgets that are up");
	error_set(err, exit, EINVAL, path,
		  "cannot read the gadget's name in %s: the file has errors", path);
	return error_add_hint(err, "'ffsctl check %s' prints them", path);
}

/*
 * Searches the records first, so that `down` works with a gadget file that was changed, damaged or
 * deleted.
 */
int cmd_find_gadget_name(const struct globals *globals, const char *argument, char **name,
			 struct error *err)
{
	int r;

	*name = NULL;
	if (!cmd_argument_is_path(argument)) {
		*name = xstrdup(argument);
		return check_gadget_name(*name, err);
	}
	r = cmd_find_gadget_by_file(globals, argument, name, err);
	return r < 0 || *name ? r : read_name_in_file(globals, argument, name, err);
}

int cmd_find_own_or_foreign_gadget_name(const struct globals *globals, const char *argument,
					char **name, struct error *err)
{
	if (cmd_argument_is_path(argument))
		return cmd_find_gadget_name(globals, argument, name, err);
	if (!*argument || streq(argument, ".") || streq(argument, ".."))
		return error_invalid_name(argument, err);
	*name = xstrdup(argument);
	return 0;
}
