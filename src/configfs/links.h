/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Makes the links to functions again whose target the user makes after the function. */
#pragma once

#include "configfs/configfs.h"

/*
 * Called before a bind. In each configuration, removes the links from the first function of such a
 * type (tcm) on, and makes them again. The links after that function are included because the order
 * of the links is the order of the interfaces. After an error some links may be missing; the next
 * call makes them. `gadget_dir` is the gadget's directory in configfs.
 */
int configfs_renew_links(const struct gadget *g, const char *gadget_dir, struct error *err);
