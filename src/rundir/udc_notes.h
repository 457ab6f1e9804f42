/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notes of a gadget about UDCs: empty files RUN/NAME/udc-UDC. The gadget was bound to the UDC,
 * or is being bound, and may leave it deactivated (configfs/deactivation.h). The note is made
 * before the bind, and is removed when the UDC is surely activated. So a note whose run directory
 * has no owner is of a supervisor that was killed, and another process must activate the UDC
 * (probe/activate_udc.h).
 */
#pragma once

#include "rundir/rundir.h"

#define RUNDIR_UDC_NOTE "udc-"

/* Calls `fn` for each note in the run directory. `fn` may remove the note. */
void rundir_each_udc_note(const struct rundir *rundir, void (*fn)(void *data, const char *udc),
			  void *data);
void rundir_remove_udc_note(const struct rundir *rundir, const char *udc);

/*
 * Opens the run directory of a gadget that has notes and no owner, and takes its lock. Does not
 * write the lock file: the role of the last owner still says whether a takeover is possible.
 * Returns false if there are no notes, or if there is an owner.
 */
bool rundir_lock_with_ownerless_notes(struct rundir *rundir, const struct paths *paths,
				      const char *name);
