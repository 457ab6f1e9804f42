/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Gives up capabilities that a supervisor does not need. The supervisor keeps those that
 * it needs itself, and those that the workers of its gadget and of the gadgets in switch_to need.
 * Capabilities
 * that were given up cannot be regained.
 */
#pragma once

#include "gadgetfile/gadget.h"

struct live_gadget;

/*
 * Gives up the capabilities that are not needed. Reads the gadget files in switch_to; if a file
 * cannot be read, its workers are assumed to need no capabilities.
 */
void privileges_give_up(struct live_gadget *live);

/* Fails with EX_CANTCREAT if the function's worker needs capabilities that were given up. */
int privileges_check_suffice_for_worker(const struct live_gadget *live,
					const struct function *function, struct error *err);
