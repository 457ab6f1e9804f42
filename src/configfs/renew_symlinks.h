/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Makes the links to tcm functions again before a bind. When such a link is made, the kernel
 * connects the function with its SCSI target. But the user makes the target after `up` has made the
 * link.
 */
#pragma once

#include "configfs/configfs.h"

/*
 * Called before a bind. In each configuration, removes the link to the first tcm function and all
 * links after it, and makes them again: the order of the links is the order of the interfaces.
 * After an error some links may be missing; the next call makes them. `gadget_dir` is the gadget's
 * directory in configfs.
 */
int configfs_renew_symlinks(const struct gadget *g, const char *gadget_dir, struct error *err);
