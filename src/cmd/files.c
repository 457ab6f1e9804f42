/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Gadget files: where they are looked for, and which there are. */
#include "config.h"

#include <dirent.h>
#include <errno.h>
#include <stdlib.h>
#include <sys/stat.h>

#include "base/cleanup.h"
#include "base/fd.h"
#include "cmd/cmd.h"

/* In the order in which they are tried. */
static const char *const suffixes[] = { ".conf", ".scheme" };

enum { N_DIRS = 4 };

/* The first may be NULL. */
static void directories(const struct globals *globals, const char *dirs[N_DIRS])
{
	dirs[0] = globals->dir;
	dirs[1] = FFSCTL_SYSCONFDIR "/ffsctl/gadget.d";
	dirs[2] = "/run/ffsctl/gadget.d";
	dirs[3] = FFSCTL_DATADIR "/gadget.d";
}

char *cmd_directories(const struct globals *globals)
{
	const char *dirs[N_DIRS];

	directories(globals, dirs);
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
	const char *dirs[N_DIRS];

	if (cmd_is_path(argument)) {
		*path = xstrdup(argument);
		return 0;
	}
	directories(globals, dirs);
	for (size_t d = 0; d < N_DIRS; d++) {
		for (size_t s = 0; dirs[d] && s < ARRAY_SIZE(suffixes); s++) {
			char *candidate = strf("%s/%s%s", dirs[d], argument, suffixes[s]);

			if (path_exists(candidate)) {
				*path = candidate;
				return 0;
			}
			free(candidate);
		}
	}
	words = cmd_directories(globals);
	error_set(err, EX_NOINPUT, ENOENT, NULL, "there is no gadget file '%s' in %s", argument,
		  words);
	return error_hint(
		err, "for a file elsewhere give its path, with a '/' or its '.conf' or '.scheme'");
}

/* Of what has a place among the others drop-ins may be in any of them. */
static bool is_among(const char *dir, const char *const *dirs)
{
	struct stat a, b;

	if (stat(dir, &a) < 0)
		return false;
	for (; *dirs; dirs++)
		if (stat(*dirs, &b) == 0 && a.st_dev == b.st_dev && a.st_ino == b.st_ino)
			return true;
	return false;
}

int cmd_load_path(const struct globals *globals, const char *path, const char *name,
		  struct gadget **gadget, json_t **form, struct diags *diags, struct error *err)
{
	_cleanup_free_ char *parent = path_parent(path);
	const char *dir = strchr(path, '/') ? *parent ? parent : "/" : ".";
	const char *dirs[N_DIRS + 1] = { NULL }, **first = dirs;
	struct spec_options options = { .name = name };

	directories(globals, dirs);
	if (!*first)
		first++;
	if (is_among(dir, first))
		options.drop_in_dirs = first;
	return spec_load(path, &options, gadget, form, diags, err);
}

static void add(struct cmd_files *files, const char *dir, const char *entry, const char *suffix)
{
	_cleanup_free_ char *name = xstrndup(entry, strlen(entry) - strlen(suffix));
	struct cmd_file *file;

	/* The first that has the name is the one that the name means. */
	for (size_t i = 0; i < files->n; i++)
		if (streq(files->v[i].name, name))
			return;
	file = array_add(files->v, files->n);
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
			add(files, dir, entry->d_name, suffix);
	closedir(d);
	return 0;
}

static int compare(const void *a, const void *b)
{
	return strcmp(((const struct cmd_file *)a)->name, ((const struct cmd_file *)b)->name);
}

int cmd_list_files(const struct globals *globals, struct cmd_files *files, struct error *err)
{
	const char *dirs[N_DIRS];
	int r = 0;

	*files = (struct cmd_files){ 0 };
	directories(globals, dirs);
	for (size_t d = 0; r == 0 && d < N_DIRS; d++)
		for (size_t s = 0; r == 0 && dirs[d] && s < ARRAY_SIZE(suffixes); s++)
			r = add_directory(files, dirs[d], suffixes[s], err);
	if (files->n > 0)
		qsort(files->v, files->n, sizeof(*files->v), compare);
	return r;
}

void cmd_files_free(struct cmd_files *files)
{
	for (size_t i = 0; i < files->n; i++) {
		free(files->v[i].name);
		free(files->v[i].path);
	}
	free(files->v);
	*files = (struct cmd_files){ 0 };
}
