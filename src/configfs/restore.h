/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Stores the value that an attribute had before a step wrote it, for a reload that is reverted. */
#pragma once

#include "plan/plan.h"

/*
 * Reads the old value if step->keep_previous is set and no old value was read yet; called before a
 * value is written.
 */
void configfs_store_previous(struct step *step);
/* The `restore` function of every step that writes a value. */
int configfs_restore(struct step *step, struct error *err);
