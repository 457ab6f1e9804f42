/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Sound for which the endpoints of audio functions have no room. */
#pragma once

#include "gadgetfile/gadget.h"

/*
 * Returns a sentence without a final period about sound that the function loses at this speed, and
 * in *what_to_do a hint; the caller frees the sentence. NULL: it loses none, or is no audio
 * function. `side`: 'p' is sound to the host, 'c' from the host. GADGET_SPEED_NONE is high speed.
 */
char *sound_lost_at(const struct function *f, char side, enum gadget_speed speed,
		    const char **what_to_do);
