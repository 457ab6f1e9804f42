/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The truth about every gadget on the machine: what supervisors have written down, held against
 * what configfs, the mounts, the UDCs and the process table say now.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>
#include <sys/types.h>

#include "base/error.h"
#include "base/paths.h"

/*
 * The array "gadgets" of `status --json`, sorted by name; `name` NULL: all, else that one or none. The
 * caller owns it.
 */
int inspect_gadgets(const struct paths *paths, const char *name, json_t **gadgets,
		    struct error *err);

/*
 * The supervisor of a gadget of ours as far as that can be told without its lock, which one may not
 * see, or which somebody has deleted; 0: none.
 */
pid_t inspect_supervisor(const struct paths *paths, const char *name);
/* Whether configfs, or a mount of its FunctionFS, has something of that name. */
bool inspect_has(const struct paths *paths, const char *name);
