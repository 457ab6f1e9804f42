/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Steps that write an attribute, of whatever kind: what it was before, and whether a host minds. */
#pragma once

#include "plan/plan.h"

/* Before a value is written: keeps what is there, if the step says so and has nothing yet. */
void configfs_keep(struct step *step);
/* The `restore` of every step that writes a value. */
int configfs_restore(struct step *step, struct error *err);

/* Whether the host may look on while the step is undone, applied or replaced. */
bool configfs_is_live(const struct step *step);
/* Why the kernel may refuse that: EBUSY. */
#define CONFIGFS_LIVE_BUSY                                                                         \
	"the host has locked the medium: unmount or eject it there, or write 1 to forced_eject "   \
	"beside it"
