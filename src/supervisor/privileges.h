/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What a supervisor keeps of root's capabilities: those that it needs itself, and those that
 * workers are to have, of its gadget and of the gadgets that this one may become (switch_to). What
 * it has given up it cannot have again.
 */
#pragma once

#include "gadgetfile/gadget.h"

struct supervisor;

/* Gives up all others, as the gadget files are now. One that cannot be read needs no more. */
void privileges_give_up(struct supervisor *s);

/* Whether the function's worker can still have what its file says. EX_CANTCREAT. */
int privileges_check(const struct supervisor *s, const struct function *function,
		     struct error *err);
