/* SPDX-License-Identifier: GPL-2.0-or-later */
/* The value that an attribute had before a step wrote it, for a reload that takes it back. */
#pragma once

#include "plan/plan.h"

/* Called before a value is written: reads the old one, if step->keeps and none was read yet. */
void configfs_keep(struct step *step);
/* The `restore` of every step that writes a value. */
int configfs_restore(struct step *step, struct error *err);
