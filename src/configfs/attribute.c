/* SPDX-License-Identifier: GPL-2.0-or-later */
#include "configfs/attribute.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "base/util.h"
#include "gadgetfile/gadget.h"

/*
 * Attributes that the kernel takes at any time, and of which the host is told (a medium has
 * changed), or need not be. Others that it takes a host would not look at again.
 */
static const struct {
	const char *type, *dir; /* functions/TYPE.INSTANCE/DIRn/NAME */
	const char *name;
} live[] = {
	{ "mass_storage.", "lun.", "file" },
	{ "mass_storage.", "lun.", "ro" },
	{ "mass_storage.", "lun.", "nofua" },
};

static const char *component(const char **path)
{
	const char *start = *path + (**path == '/');

	*path = start + strcspn(start, "/");
	return start;
}

bool configfs_is_live(const struct step *step)
{
	const char *path = strstr(step->path, "/functions/"), *type, *dir, *name;

	if (!path || !streq(step->op->name, "write-text"))
		return false;
	path += strlen("/functions");
	type = component(&path);
	dir = component(&path);
	name = component(&path);
	for (size_t i = 0; i < ARRAY_SIZE(live) && *path == '\0'; i++)
		if (str_has_prefix(type, live[i].type) && str_has_prefix(dir, live[i].dir) &&
		    streq(name, live[i].name))
			return true;
	return false;
}

/* What cannot be read is not kept: then the step that follows will tell why. */
void configfs_keep(struct step *step)
{
	if (step->keeps && !step->was)
		file_read(AT_FDCWD, step->path, ENTRY_VALUE_MAX + 1, &step->was, NULL);
}

int configfs_restore(struct step *step, struct error *err)
{
	const char *was = step->was && *step->was ? step->was : "\n"; /* nothing at all is EFAULT */
	int r;

	if (!step->was) { /* by whom an older version was taken over, for example */
		error_set(err, EX_CANTCREAT, ENODATA, step->path,
			  "it is not known what was in %s before", step->path);
		return error_hint(err, "take the gadget down, then up");
	}
	r = file_write(AT_FDCWD, step->path, was, strlen(was));
	if (r == 0)
		return 0;
	error_errno(err, EX_OSERR, -r, step->path, "cannot write what was there before to %s",
		    step->path);
	return r == -EBUSY && configfs_is_live(step) ? error_hint(err, CONFIGFS_LIVE_BUSY) : r;
}
