/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rundir/udc_notes.h"

#include <dirent.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

char *rundir_udc_note_prefix(const struct paths *paths, const char *name)
{
	return strf("%s/" RUNDIR_UDC_NOTE "%s:", paths->run_dir, name);
}

/* Calls `fn` for each note in the directory of all gadgets. */
static void each_note(const char *dir_path, void (*fn)(void *data, const char *name_and_udc),
		      void *data)
{
	DIR *dir = opendir(dir_path);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *name_and_udc = str_after(entry->d_name, RUNDIR_UDC_NOTE);

		if (name_and_udc)
			fn(data, name_and_udc);
	}
	if (dir)
		closedir(dir);
}

struct notes_of_gadget {
	const char *name;
	void (*fn)(void *data, const char *udc);
	void *data;
};

static void call_fn_for_note_of_gadget(void *data, const char *name_and_udc)
{
	const struct notes_of_gadget *notes = data;
	const char *rest = str_after(name_and_udc, notes->name);

	if (rest && *rest == ':')
		notes->fn(notes->data, rest + 1);
}

void rundir_each_udc_note(const struct rundir *rundir, void (*fn)(void *data, const char *udc),
			  void *data)
{
	_cleanup_free_ char *parent = path_parent(rundir->path);
	struct notes_of_gadget notes = { path_last_component(rundir->path), fn, data };

	each_note(parent, call_fn_for_note_of_gadget, &notes);
}

void rundir_remove_udc_note(const struct rundir *rundir, const char *udc)
{
	_cleanup_free_ char *parent = path_parent(rundir->path);
	_cleanup_free_ char *path =
		strf("%s/" RUNDIR_UDC_NOTE "%s:%s", parent, path_last_component(rundir->path), udc);

	unlink(path);
}

static void remove_note(void *data, const char *udc)
{
	const struct rundir *const *rundir = data;

	rundir_remove_udc_note(*rundir, udc);
}

void rundir_remove_udc_notes(const struct rundir *rundir)
{
	rundir_each_udc_note(rundir, remove_note, &rundir);
}

struct gadgets_with_notes {
	void (*fn)(void *data, const char *name);
	void *data;
};

static void call_fn_for_gadget(void *data, const char *name_and_udc)
{
	const struct gadgets_with_notes *gadgets = data;
	_cleanup_free_ char *name = xstrndup(name_and_udc, strcspn(name_and_udc, ":"));

	gadgets->fn(gadgets->data, name);
}

void rundir_each_gadget_with_udc_notes(const struct paths *paths,
				       void (*fn)(void *data, const char *name), void *data)
{
	struct gadgets_with_notes gadgets = { fn, data };

	each_note(paths->run_dir, call_fn_for_gadget, &gadgets);
}
