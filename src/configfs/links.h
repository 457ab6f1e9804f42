/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Links of functions that have to be younger than what the user has made for these. */
#pragma once

#include "configfs/configfs.h"

/*
 * Before a bind: links the functions of a configuration anew from the first one on whose type needs
 * that; those behind it, too, because the order of the links is that of the interfaces. After an
 * error some may be missing, until it is called again. `gadget_dir` is the gadget's in configfs.
 */
int configfs_relink(const struct gadget *g, const char *gadget_dir, struct error *err);
