/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Finds out which features the FunctionFS of the running kernel has. Probes them with a scratch
 * gadget (scratch_gadget.h).
 */
#pragma once

#include "base/paths.h"
#include "functionfs/features.h"

/*
 * Makes a scratch gadget, probes the features of FunctionFS, and removes the gadget. May load the
 * FunctionFS module. Needs root. Returns 0 or a negative errno.
 */
int features_probe(const struct paths *paths, struct ffs_features *features, struct error *err);

/*
 * Fails with EX_UNAVAILABLE if the kernel lacks a feature of FunctionFS that the gadget uses. The
 * error has the position in the gadget file. Does not probe if the gadget uses no such feature.
 */
int features_require_for_gadget(const struct paths *paths, const struct gadget *gadget,
				struct error *err);
