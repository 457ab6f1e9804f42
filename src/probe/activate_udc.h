/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Activates a UDC that a failed bind has left deactivated (configfs/deactivation.h). */
#pragma once

#include "base/error.h"
#include "base/paths.h"

/*
 * Binds a scratch gadget to the UDC and unbinds it. No host sees that: the UDC is deactivated. The
 * scratch gadget needs no endpoint, so that it can be bound to every UDC. Returns 0 or a negative
 * errno.
 */
int activate_udc(const struct paths *paths, const char *udc, struct error *err);
