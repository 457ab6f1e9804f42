/* SPDX-License-Identifier: GPL-2.0-or-later */
/* Finds out which features the running kernel's FunctionFS has, on a temporary scratch gadget. */
#pragma once

#include "base/paths.h"
#include "functionfs/features.h"

/*
 * Makes a scratch gadget, which may load the FunctionFS module, probes its features and removes it.
 * Needs root. Returns 0 or a negative errno.
 */
int features_probe(const struct paths *paths, struct ffs_features *features, struct error *err);

/* Removes the scratch gadgets of commands that were killed while probing. */
int features_remove_scratch_gadgets(const struct paths *paths, struct error *err);

/*
 * Fails with EX_UNAVAILABLE and the position in the gadget file if the kernel lacks a feature that
 * the gadget uses. Does not probe for a gadget that uses none.
 */
int features_require(const struct paths *paths, const struct gadget *gadget, struct error *err);
