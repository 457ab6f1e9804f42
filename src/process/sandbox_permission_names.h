/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of the permissions of a sandbox (enum sandbox_permission). They are used in the output
 * of `ffsctl-worker --describe`, for the permissions that a plugin needs, and in the key `allow` of
 * the gadget file, for the permissions that a plugin may have.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "ffsctl/plugin.h"
#include "process/sandbox.h"

/* The bits of enum ffsctl_need and of enum sandbox_permission are the same. */
_Static_assert((int)FFSCTL_NEED_NETWORK == (int)SANDBOX_NETWORK &&
		       (int)FFSCTL_NEED_FILES == (int)SANDBOX_FILES &&
		       (int)FFSCTL_NEED_PROGRAMS == (int)SANDBOX_PROGRAMS,
	       "enum ffsctl_need and enum sandbox_permission must have the same bits");

/* sandbox_permission_names[n] is the name of the permission with bit n; the array ends with
   NULL. */
extern const char *const sandbox_permission_names[];

/* Returns the names of the permissions in `permissions` as a JSON array, which the caller owns. */
json_t *sandbox_permissions_to_json(unsigned int permissions);
/*
 * Converts a JSON array of names to permissions. Ignores unknown names. Returns false if `list` is
 * not an array of strings.
 */
bool sandbox_permissions_from_json(const json_t *list, unsigned int *permissions);
