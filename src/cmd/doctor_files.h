/* SPDX-License-Identifier: GPL-2.0-or-later */
/* `doctor`: the checks of gadget files in the directories of gadget files. */
#pragma once

#include "cmd/cmd.h"
#include "probe/doctor.h"

/*
 * Adds findings about gadget files that have errors, or that need what the system lacks, also fixes
 * of the kernel. `functionfs_is_patched`: whether FunctionFS is known to have ffsctl's patches.
 */
void doctor_check_gadget_files(const struct globals *globals, const struct doctor *doctor,
			       bool functionfs_is_patched, struct findings *findings);
