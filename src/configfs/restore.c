// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/restore.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "gadgetfile/gadget.h"

/* Ignores an attribute that cannot be read, because the write that follows reports the error. */
void configfs_store_previous(struct step *step)
{
	if (step->keep_previous && !step->previous_value)
		file_read(AT_FDCWD, step->path, ATTRIBUTE_VALUE_MAX + 1, &step->previous_value,
			  NULL);
}

int configfs_restore(struct step *step, struct error *err)
{
	const char *was = step->previous_value && *step->previous_value
				  ? step->previous_value
				  : "\n"; /* a write of 0 bytes fails with EFAULT */
	int r;

	if (!step->previous_value) { /* unknown, for example after an older build was replaced */
		error_set(err, EX_CANTCREAT, ENODATA, step->path,
			  "it is not known what was in %s before", step->path);
		return error_hint(err, "take the gadget down, then up");
	}
	r = file_write(AT_FDCWD, step->path, was, strlen(was));
	if (r == 0)
		return 0;
	return error_errno(err, EX_OSERR, -r, step->path,
			   "cannot write what was there before to %s", step->path);
}
