/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads and changes the capabilities(7) of the calling process. Bit n of a set is the capability
 * with the number n. The functions make only system calls and allocate no memory, so that a vfork
 * child may call them. They return false with errno set on failure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Removes all capabilities that are not in `keep` from the bounding set: programs that are executed
 * later cannot get them, even as root. The caller keeps its own capabilities.
 */
bool capabilities_reduce_bounding_set(uint64_t keep);
/*
 * Makes the permitted capabilities inheritable. A program that is executed as root then has them,
 * even if the bounding set is empty. Must be called before capabilities_reduce_bounding_set.
 */
bool capabilities_make_inheritable(void);
/* Makes those capabilities of `set` effective that are permitted. */
bool capabilities_make_effective(uint64_t set);
/* Gets the permitted set and the bounding set. */
bool capabilities_get(uint64_t *permitted, uint64_t *bounding);
/* Drops all capabilities of the caller that are not in `keep`. */
bool capabilities_reduce(uint64_t keep);
/*
 * Sets the capabilities of the caller to `set`. Programs that are executed later as any user get
 * the same capabilities (ambient set). Also sets no_new_privs, so that these programs cannot get
 * other capabilities.
 */
bool capabilities_change_to(uint64_t set);
