/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes links again to functions that are only complete after the user has made their target. */
#pragma once

#include "configfs/configfs.h"

/*
 * Removes the links of each configuration from the first function on whose type needs this, and
 * makes them again; called before a bind. Links after that function are included, because the order
 * of the links is the order of the interfaces. After an error some links may be missing; the next
 * call makes them. `gadget_dir` is the gadget's directory in configfs.
 */
int configfs_renew_links(const struct gadget *g, const char *gadget_dir, struct error *err);
