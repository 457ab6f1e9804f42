/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Activates a UDC that a failed bind has left deactivated (configfs/deactivation.h). */
#pragma once

#include "base/error.h"
#include "base/paths.h"
#include "rundir/rundir.h"

/*
 * Binds a scratch gadget to the UDC and unbinds it. No host sees that: the UDC is deactivated. The
 * scratch gadget needs no endpoint, so that it can be bound to every UDC. Returns 0 or a negative
 * errno.
 */
int activate_udc(const struct paths *paths, const char *udc, struct error *err);

/*
 * Activates the UDCs of which the run directory has notes (rundir/udc_notes.h), and removes the
 * notes. The caller has the lock of the run directory. A UDC that has a holder is not touched, and
 * its note stays. Returns 0 or a negative errno; then the note stays, too.
 */
int activate_noted_udcs(const struct paths *paths, const struct rundir *rundir, struct error *err);

/* Does the same for all run directories whose supervisor was killed. */
int activate_udcs_of_killed_supervisors(const struct paths *paths, struct error *err);
