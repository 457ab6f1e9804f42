/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds and lists gadget files. */
#include <dirent.h>
#include <errno.h>
#include <stdlib.h>

#include "base/cleanup.h"
#include "cmd/cmd.h"

const char *const *cmd_gadget_dirs(const struct globals *globals)
{
	return globals->gadget_dirs + !globals->gadget_dirs[0];
}

char *cmd_gadget_dirs_text(const struct globals *globals)
{
	const char *const *dirs = globals->gadget_dirs;

	return strf("%s%s%s, %s or %s", dirs[0] ? dirs[0] : "", dirs[0] ? ", " : "", dirs[1],
		    dirs[2], dirs[3]);
}

bool cmd_argument_is_path(const char *argument)
{
	return strchr(argument, '/') || str_has_suffix(argument, ".conf") ||
	       str_has_suffix(argument, ".scheme");
}

int cmd_find_gadget_file(const struct globals *globals, const char *argument, char **path,
			 struct error *err)
{
	_cleanup_free_ char *words = NULL, *beside = NULL;

	if (cmd_argument_is_path(argument)) {
		*path = xstrdup(argument);
		return 0;
	}
	*path = gadgetfile_find(cmd_gadget_dirs(globals), argument);
	if (*path)
		return 0;
	words = cmd_gadget_dirs_text(globals);
	error_set(err, EX_NOINPUT, ENOENT, NULL, "cannot find gadget file '%s' in %s", argument,
		  words);
	beside = gadgetfile_find((const char *const[]){ ".", NULL }, argument);
	if (beside)
		return error_add_hint(err, "a file in the current directory needs its path: '%s'",
				      beside);
	return error_add_hint(
		err, "give the path of a file in another directory, with a '/' or the suffix "
		     "'.conf' or '.scheme'");
}

int cmd_load_gadget_file_at(const struct globals *globals, const char *path, const char *name,
			    const struct gadgetfile_plugin_lookup *plugins,
			    enum gadgetfile_trust trust, struct gadget **gadget, json_t **document,
			    struct diags *diags, struct error *err)
{
	return gadgetfile_load_with_dirs(path, name, cmd_gadget_dirs(globals), plugins, trust,
					 gadget, document, diags, err);
}

/* `skip_known_names`: ignores a file with the same name as one in `files`. */
static void add_gadget_file(struct cmd_listed_gadget_files *files, const char *dir,
			    const char *entry, const char *suffix, bool skip_known_names)
{
	_cleanup_free_ char *name = xstrndup(entry, strlen(entry) - strlen(suffix));
	struct cmd_listed_gadget_file *file;

	for (size_t i = 0; i < files->n_files && skip_known_names; i++)
		if (streq(files->files[i].name_without_suffix, name))
			return;
	file = array_add(files->files, files->n_files);
	file->name_without_suffix = steal_ptr(name);
	file->path = strf("%s/%s", dir, entry);
}

static int add_files_of_directory(struct cmd_listed_gadget_files *files, const char *dir,
				  const char *suffix, bool skip_known_names, struct error *err)
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
			add_gadget_file(files, dir, entry->d_name, suffix, skip_known_names);
	closedir(d);
	return 0;
}

static int compare_names_without_suffix(const void *a, const void *b)
{
	const struct cmd_listed_gadget_file *first = a, *second = b;
	int difference = strcmp(first->name_without_suffix, second->name_without_suffix);

	return difference ? difference : strcmp(first->path, second->path);
}

static void sort_files(struct cmd_listed_gadget_files *files)
{
	if (files->n_files > 0)
		qsort(files->files, files->n_files, sizeof(*files->files),
		      compare_names_without_suffix);
}

int cmd_list_gadget_files(const struct globals *globals, struct cmd_listed_gadget_files *files,
			  struct error *err)
{
	int r = 0;

	*files = (struct cmd_listed_gadget_files){ 0 };
	for (const char *const *dir = cmd_gadget_dirs(globals); r == 0 && *dir; dir++)
		for (const char *const *suffix = gadgetfile_suffixes; r == 0 && *suffix; suffix++)
			r = add_files_of_directory(files, *dir, *suffix, true, err);
	sort_files(files);
	return r;
}

int cmd_list_files_of_directory(const char *dir, struct cmd_listed_gadget_files *files,
				struct error *err)
{
	int r = 0;

	*files = (struct cmd_listed_gadget_files){ 0 };
	for (const char *const *suffix = gadgetfile_suffixes; r == 0 && *suffix; suffix++)
		r = add_files_of_directory(files, dir, *suffix, false, err);
	sort_files(files);
	return r;
}

void cmd_listed_gadget_files_free(struct cmd_listed_gadget_files *files)
{
	for (size_t i = 0; i < files->n_files; i++) {
		free(files->files[i].name_without_suffix);
		free(files->files[i].path);
	}
	free(files->files);
	*files = (struct cmd_listed_gadget_files){ 0 };
}
