/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * What the sandbox is to leave open, in words: those of a plugin's table, as `ffsctl-worker
 * --describe` writes it, and of the gadget file's `allow`.
 */
#pragma once

#include <jansson.h>
#include <stdbool.h>

#include "ffsctl/plugin.h"
#include "process/sandbox.h"

/* A plugin's needs are the bits that the sandbox leaves open. */
_Static_assert((int)FFSCTL_NEED_NETWORK == (int)SANDBOX_NETWORK &&
		       (int)FFSCTL_NEED_FILES == (int)SANDBOX_FILES &&
		       (int)FFSCTL_NEED_PROGRAMS == (int)SANDBOX_PROGRAMS,
	       "enum ffsctl_need is not enum sandbox_open");

/* The word of bit n; ends with NULL. */
extern const char *const needs_words[];

/* A list of words; the caller's. */
json_t *needs_to_json(unsigned int needs);
/* False: not a list of strings. Words that are not known are passed over. */
bool needs_from_json(const json_t *list, unsigned int *needs);
