/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The notes about UDCs: empty files RUN/.udc:NAME:UDC. The gadget NAME was bound to the UDC, or is
 * being bound, and may leave it deactivated (configfs/deactivation.h). The note is made before the
 * bind, and is removed when the UDC is surely activated. So a note of a gadget whose run directory
 * has no owner is of a supervisor that was killed, and another process must activate the UDC
 * (probe/activate_udc.h).
 *
 * The notes are not in the run directories, so that a process that looks for them looks at no
 * gadget that has none. Names of gadgets contain no colon.
 */
#pragma once

#include "rundir/rundir.h"

#define RUNDIR_UDC_NOTE ".udc:"

/* Returns the path of a gadget's notes without the UDC. The caller frees it. */
char *rundir_udc_note_prefix(const struct paths *paths, const char *name);

/* Calls `fn` for each note of the gadget with the run directory. `fn` may remove the note. */
void rundir_each_udc_note(const struct rundir *rundir, void (*fn)(void *data, const char *udc),
			  void *data);
void rundir_remove_udc_note(const struct rundir *rundir, const char *udc);
/* Removes the notes of the gadget with the run directory. */
void rundir_remove_udc_notes(const struct rundir *rundir);

/* Calls `fn` with the name of the gadget of each note. `fn` may remove notes. */
void rundir_each_gadget_with_udc_notes(const struct paths *paths,
				       void (*fn)(void *data, const char *name), void *data);
