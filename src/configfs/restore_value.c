// SPDX-License-Identifier: GPL-2.0-or-later
#include "configfs/restore_value.h"

#include <errno.h>
#include <fcntl.h>
#include <string.h>

#include "base/fd.h"
#include "configfs/write_value.h"
#include "gadgetfile/gadget.h"

/* Ignores an attribute that cannot be read, because the write that follows reports the error. */
void configfs_remember_previous_value(struct step *step)
{
	if (step->save_previous_value && !step->previous_value)
		file_read(AT_FDCWD, step->path, ATTRIBUTE_VALUE_MAX + 1, &step->previous_value,
			  NULL);
}

int configfs_restore_value(struct step *step, struct error *err)
{
	const char *was = step->previous_value;
	int r;

	if (!was) {
		error_set(err, EX_CANTCREAT, ENODATA, step->path,
			  "the previous value of %s is unknown", step->path);
		return error_add_hint(err, "take the gadget down, then up");
	}
	r = configfs_write_value(step->path, was, strlen(was));
	if (r == 0)
		return 0;
	return error_errno(err, EX_OSERR, -r, step->path, "cannot restore the previous value of %s",
			   step->path);
}
