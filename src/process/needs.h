/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The names of the permissions of a sandbox. They are used for the needs of a plugin in the output
 * of `ffsctl-worker --describe`, and in the key `allow` of the gadget file.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "ffsctl/plugin.h"
#include "process/sandbox.h"

/* Both enums use the same bits. */
_Static_assert((int)FFSCTL_NEED_NETWORK == (int)SANDBOX_NETWORK &&
		       (int)FFSCTL_NEED_FILES == (int)SANDBOX_FILES &&
		       (int)FFSCTL_NEED_PROGRAMS == (int)SANDBOX_PROGRAMS,
	       "enum ffsctl_need is not enum sandbox_permission");

/* needs_words[n] is the name of bit n; the list ends with NULL. */
extern const char *const needs_words[];

/* Returns the needs as a list of names, which the caller owns. */
json_t *needs_to_json(unsigned int needs);
/*
 * Reads a list of names and ignores unknown ones. Returns false if `list` is not a list of strings.
 */
bool needs_from_json(const json_t *list, unsigned int *needs);
