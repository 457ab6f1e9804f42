/* SPDX-License-Identifier: GPL-2.0-or-later */
/* What `doctor` shares with `features`. */
#pragma once

#include <jansson.h>

#include "functionfs/features.h"

/* Fails if the FunctionFS module is not loaded: a command that only reads must not load it. */
int cmd_check_functionfs_loaded(const char *kernel_release, struct error *err);
/* Returns the array "features" of a document; the caller owns it. */
json_t *cmd_features_to_json(const struct ffs_features *features);
