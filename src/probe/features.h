/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What this machine's FunctionFS can do, found out on a scratch gadget that is gone afterwards. */
#pragma once

#include "base/paths.h"
#include "functionfs/features.h"

/*
 * Needs root, and makes a gadget of its own for a moment, which loads FunctionFS' module if need
 * be. -errno with err filled.
 */
int features_probe(const struct paths *paths, struct ffs_features *features, struct error *err);

/* Takes away what commands that were killed while they tried have left. */
int features_clear(const struct paths *paths, struct error *err);

/*
 * Fails with EX_UNAVAILABLE, at the place in the gadget file, when the gadget asks for what the
 * kernel lacks. Tries nothing for one that asks for nothing.
 */
int features_require(const struct paths *paths, const struct gadget *gadget, struct error *err);
