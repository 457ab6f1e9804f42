/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links to functions that are only complete when the user has made more for them. */
#pragma once

#include "configfs/configfs.h"

/*
 * Before a bind: removes and makes the links of each configuration again, from the first function
 * on whose type needs that. Those after it, too: the order of the links is that of the interfaces.
 * After an error some links may be missing; the next call makes them. `gadget_dir` is the gadget's
 * directory in configfs.
 */
int configfs_renew_links(const struct gadget *g, const char *gadget_dir, struct error *err);
