/* SPDX-License-Identifier: GPL-2.0-or-later */
/* A short description of a gadget file, for `list`. */
#pragma once

#include "gadgetfile/gadget.h"

/*
 * Returns the description of the gadget file at `path`: the first sentence of the comment at its
 * start, without a license, or else the product string of the gadget; NULL: it has neither. `g` may
 * be NULL. The caller frees the description, which has no control characters.
 */
char *describe_gadget_file(const char *path, const struct gadget *g);
