/* SPDX-License-Identifier: GPL-2.0-or-later */
/*
 * The caller's capabilities(7), as sets: bit n for number n. Only system calls, no memory: all of
 * it may be called in a vfork child. False: errno says why.
 */
#pragma once

#include <stdbool.h>
#include <stdint.h>

/*
 * Leaves no more than these in the bounding set: whatever is executed has no others, even as root,
 * and cannot get them back. The caller's own stay.
 */
bool capabilities_bound(uint64_t stay);
/*
 * Before that: what the caller itself executes later (not a worker, from which all is taken) has
 * its capabilities all the same.
 */
bool capabilities_inherit(void);
/* Makes these effective, of those it is permitted to have. */
bool capabilities_raise(uint64_t set);
/* Those that it has (is permitted to), and its bounding set. */
bool capabilities_get(uint64_t *own, uint64_t *bounding);
/* Gives up all but these, of those it has. */
bool capabilities_reduce(uint64_t stay);
/*
 * It has these, and so has what it executes, of whatever user; and no way to more
 * (no_new_privs).
 */
bool capabilities_set(uint64_t set);
