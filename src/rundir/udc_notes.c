/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "rundir/udc_notes.h"

#include <dirent.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/util.h"

void rundir_each_udc_note(const struct rundir *rundir, void (*fn)(void *data, const char *udc),
			  void *data)
{
	DIR *dir = rundir_open_dir_stream(rundir);
	struct dirent *entry;

	while (dir && (entry = readdir(dir))) {
		const char *udc = str_after(entry->d_name, RUNDIR_UDC_NOTE);

		if (udc)
			fn(data, udc);
	}
	if (dir)
		closedir(dir);
}

void rundir_remove_udc_note(const struct rundir *rundir, const char *udc)
{
	_cleanup_free_ char *name = strf(RUNDIR_UDC_NOTE "%s", udc);

	unlinkat(rundir->dir_fd, name, 0);
}

static void set_true(void *data, const char *udc _unused_)
{
	*(bool *)data = true;
}

static bool has_udc_note(const struct rundir *rundir)
{
	bool has = false;

	rundir_each_udc_note(rundir, set_true, &has);
	return has;
}

bool rundir_lock_with_ownerless_notes(struct rundir *rundir, const struct paths *paths,
				      const char *name)
{
	bool locked = rundir_open_existing(rundir, paths, name) && has_udc_note(rundir) &&
		      rundir_try_lock(rundir);

	if (!locked)
		rundir_close(rundir);
	return locked;
}
