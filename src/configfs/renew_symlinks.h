/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Removes and makes again the links to tcm functions: the user makes the target of such a function
 * after the function.
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
