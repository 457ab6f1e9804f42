/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Stores the value that an attribute had before a step wrote it, and restores that value when a
 * reload is reverted.
 */
#pragma once

#include "plan/plan.h"

/*
 * Called before a step writes a value: stores the present value in step->previous_value, if
 * step->save_previous_value is set and step->previous_value is still empty.
 */
void configfs_remember_previous_value(struct step *step);
/* The function step_op.restore_previous_value of every step that writes a value. */
int configfs_restore_value(struct step *step, struct error *err);
