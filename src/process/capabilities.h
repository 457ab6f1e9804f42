/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * Reads and changes the caller's capabilities(7). A set has bit n for capability number n. The
 * functions only make system calls and allocate nothing, so that a vfork child may call them. They
 * return false with errno set on failure.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Reduces the bounding set to `keep`: programs executed later get no other capabilities, even as
 * root. The caller keeps its own capabilities.
 */
bool capabilities_reduce_bounding_set(uint64_t keep);
/*
 * Makes the permitted capabilities inheritable, so that a program executed as root has them despite
 * an empty bounding set. Must be called before capabilities_reduce_bounding_set.
 */
bool capabilities_inherit(void);
/* Makes the capabilities of `set` effective, as far as they are permitted. */
bool capabilities_raise(uint64_t set);
/* Gets the permitted set and the bounding set. */
bool capabilities_get(uint64_t *permitted, uint64_t *bounding);
/* Drops all capabilities that are not in `keep`. */
bool capabilities_reduce(uint64_t keep);
/*
 * Sets the capabilities to `set`, also for programs executed later as any user (ambient set), and
 * sets no_new_privs, so that those programs can get no other capabilities.
 */
bool capabilities_set(uint64_t set);
