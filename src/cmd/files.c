/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds and lists gadget files. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"

const char *const *cmd_dirs(const struct globals *globals)
{
	return globals->dirs + !globals->dirs[0];
}

char *cmd_directories(const struct globals *globals)
{
	const char *const *dirs = globals->dirs;

	return strf("%s%s%s, %s or %s", dirs[0] ? dirs[0] : "", dirs[0] ? ", " : "", dirs[1],
		    dirs[2], dirs[3]);
}

bool cmd_is_path(const char *argument)
{
	return strchr(argument, '/') || str_has_suffix(argument, ".conf") ||
	       str_has_suffix(argument, ".scheme");
}

int cmd_find_file(const struct globals *globals, const char *argument, char **path,
		  struct error *err)
{
	_cleanup_free_ char *words = NULL;

	if (cmd_is_path(argument)) {
		*path = xstrdup(argument);
		return 0;
	}
	*path = gadgetfile_find(cmd_dirs(globals), argument);
	if (*path)
		return 0;
	words = cmd_directories(globals);
	error_set(err, EX_NOINPUT, ENOENT, NULL, "cannot find gadget file '%s' in %s", argument,
		  words);
	return error_hint(err, "give the path of a file elsewhere, with a '/' or its suffix "
			       "'.conf' or '.scheme'");
}

int cmd_load_path(const struct globals *globals, const char *path, const char *name,
		  const struct gadgetfile_plugins *plugins, enum gadgetfile_trust trust,
		  struct gadget **gadget, json_t **form, struct diags *diags, struct error *err)
{
	return gadgetfile_load_with_dirs(path, name, cmd_dirs(globals), plugins, trust, gadget,
					 form, diags, err);
}

static void add_file(struct cmd_files *files, const char *dir, const char *entry,
		     const char *suffix)
{
	_cleanup_free_ char *name = xstrndup(entry, strlen(entry) - strlen(suffix));
	struct cmd_file *file;

	/* If several files have the same name, only the first is listed. */
	for (size_t i = 0; i < files->n; i++)
		if (streq(files->list[i].name, name))
			return;
	file = array_add(files->list, files->n);
	file->name = steal_ptr(name);
	file->path = strf("%s/%s", dir, entry);
}

static int add_directory(struct cmd_files *files, const char *dir, const char *suffix,
			 struct error *err)
{
	DIR *d = opendir(dir);
	struct dirent *entry;

	if (!d && errno == ENOENT)
		return 0;
	if (!d)
		return error_errno(err, errno == EACCES ? EX_NOPERM : EX_OSERR, errno, dir,
				   "cannot list %s", dir);
	while ((entry = readdir(d)))
		if (entry->d_name[0] != '.' && str_has_suffix(entry->d_name, suffix) &&
		    strlen(entry->d_name) > strlen(suffix))
			add_file(files, dir, entry->d_name, suffix);
	closedir(d);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct cmd_file *)a)->name, ((const struct cmd_file *)b)->name);
}

int cmd_list_files(const struct globals *globals, struct cmd_files *files, struct error *err)
{
	int r = 0;

	*files = (struct cmd_files){ 0 };
	for (const char *const *dir = cmd_dirs(globals); r == 0 && *dir; dir++)
		for (const char *const *suffix = gadgetfile_suffixes; r == 0 && *suffix; suffix++)
			r = add_directory(files, *dir, *suffix, err);
	if (files->n > 0)
		qsort(files->list, files->n, sizeof(*files->list), compare);
	return r;
}

void cmd_files_free(struct cmd_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->list[i].name);
		free(files->list[i].path);
	}
	free(files->list);
	*files = (struct cmd_files){ 0 };
}
