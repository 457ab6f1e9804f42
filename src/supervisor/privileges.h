/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Capabilities that a supervisor keeps: those that it needs, and those of workers of its gadget and
 * of the gadgets it may switch to (switch_to). Given up capabilities cannot be regained.
 */
#pragma once

#include "gadgetfile/gadget.h"

struct supervisor;

/*
 * Gives up all other capabilities, by the current gadget files. A file that cannot be read needs
 * none.
 */
void privileges_give_up(struct supervisor *s);

/* Fails with EX_CANTCREAT if the function's worker needs capabilities that were given up. */
int privileges_check(const struct supervisor *s, const struct function *function,
		     struct error *err);
